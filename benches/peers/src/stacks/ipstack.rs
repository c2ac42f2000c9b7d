//! ipstack, which takes the interface itself.
//!
//! It knows no window scaling, so that no buffer larger than 64 KiB is of use. It may send a segment
//! beyond the window, which the kernel drops, and sends nothing again while nothing arrives: so less
//! than a window may be under way. It copies what it is given to write before it takes a segment of
//! it, and is given no more than that. Its shutdown does not notice when the last byte is acknowledged.

use std::io;
use std::time::Duration;

use ipstack::{IpStack, IpStackConfig, IpStackStream, TcpConfig, TcpOptions};

use crate::options::Serve;
use crate::service::{Held, Manners};
use crate::{ready, tun};

/// Bytes under way out of the stack.
const UNACKED: usize = 32 << 10;

/// Serves until the interface is gone.
pub(crate) async fn serve(serve: &Serve) -> io::Result<()> {
    let mss = serve.mtu - if serve.v6.is_some() { 60 } else { 40 };
    let mut tcp = TcpConfig::default();
    tcp.max_unacked_bytes = serve.buffer.min(UNACKED) as u32;
    tcp.read_buffer_size = serve.buffer.min(usize::from(u16::MAX));
    tcp.options = Some(vec![TcpOptions::MaximumSegmentSize(mss)]);
    // Idle connections are held, and none stays in TIME-WAIT.
    tcp.timeout = Duration::from_secs(3600);
    tcp.two_msl = Duration::from_millis(1);
    let mut config = IpStackConfig::default();
    config.mtu_unchecked(serve.mtu).with_tcp_config(tcp);
    let mut stack = IpStack::new(config, tun::plain(serve)?);
    ready();
    let mut held = Held::new();
    let manners = Manners {
        block: mss.into(),
        asks_shutdown: true,
    };
    loop {
        if let IpStackStream::Tcp(stream) = stack.accept().await.map_err(io::Error::other)? {
            let port = stream.peer_addr().port();
            held.take(stream, port, manners);
        }
    }
}
