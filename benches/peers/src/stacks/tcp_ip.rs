//! tcp_ip, fed by two tasks: one for each way, as its examples do.

use std::io;
use std::sync::Arc;

use tcp_ip::tcp::{TcpConfig, TcpListener};
use tcp_ip::{IpStackConfig, IpStackRecv, IpStackSend, ip_stack};
use tokio_tun::Tun;

use crate::options::Serve;
use crate::service::{Held, Manners};
use crate::{ready, tun};

/// Packets that wait on their way in or out.
const QUEUE: usize = 4096;

/// Packets taken from the stack at once.
const BURST: usize = 128;

/// The shift of the windows it tells.
const SHIFT: u8 = 8;

/// Serves until the interface is gone.
pub(crate) async fn serve(serve: &Serve) -> io::Result<()> {
    let tcp = TcpConfig {
        rcv_wnd: (serve.buffer >> SHIFT).min(usize::from(u16::MAX)) as u16,
        window_shift_cnt: SHIFT,
        ..TcpConfig::default()
    };
    let config = IpStackConfig::builder()
        .mtu(serve.mtu)
        .tcp_config(tcp)
        .tcp_max_half_open(QUEUE)
        .channel_size(QUEUE)
        .tcp_syn_channel_size(QUEUE)
        .tcp_channel_size(QUEUE)
        .build();
    let (stack, send, recv) = ip_stack(config)?;
    let tun = Arc::new(tun::plain(serve)?);
    let mut listener = TcpListener::bind_all(stack).await?;
    tokio::spawn(inward(tun.clone(), send, serve.mtu.into()));
    tokio::spawn(outward(tun, recv, serve.mtu.into()));
    ready();
    let mut held = Held::new();
    let manners = Manners {
        block: 64 << 10,
        asks_shutdown: false,
    };
    loop {
        let (stream, _) = listener.accept().await?;
        let port = stream.local_addr()?.port();
        held.take(stream, port, manners);
    }
}

async fn inward(tun: Arc<Tun>, stack: IpStackSend, mtu: usize) -> io::Result<()> {
    let mut packet = vec![0; mtu];
    loop {
        let mut len = tun.recv(&mut packet).await?;
        loop {
            // It refuses what is no packet of its own.
            let _ = stack.send_ip_packet(&packet[..len]).await;
            match tun.try_recv(&mut packet) {
                Ok(received) => len = received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
}

async fn outward(tun: Arc<Tun>, mut stack: IpStackRecv, mtu: usize) -> io::Result<()> {
    let mut packets = vec![vec![0; mtu]; BURST];
    let mut lens = [0; BURST];
    loop {
        let count = stack.recv_ip_packet(&mut packets, &mut lens).await?;
        for (packet, &len) in packets.iter().zip(&lens[..count]) {
            // The kernel takes what it is given; if not, that is like a loss.
            let _ = tun.try_send(&packet[..len]);
        }
    }
}
