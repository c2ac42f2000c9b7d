//! netstack-smoltcp, fed by one task that carries packets both ways in bursts.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::{Sink, Stream, StreamExt};
use netstack_smoltcp::{Stack, StackBuilder};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_tun::Tun;

use crate::options::Serve;
use crate::service::{Held, Manners};
use crate::{ready, tun};

/// Packets that wait on their way in or out.
const QUEUE: usize = 4096;

/// Serves until the interface is gone.
pub(crate) async fn serve(serve: &Serve) -> io::Result<()> {
    let (stack, runner, _, listener) = StackBuilder::default()
        .enable_tcp(true)
        .stack_buffer_size(QUEUE)
        .tcp_buffer_size(QUEUE)
        .tcp_recv_buffer_size(serve.buffer as u32)
        .tcp_send_buffer_size(serve.buffer as u32)
        .mtu(serve.mtu.into())
        .build()?;
    let (Some(runner), Some(mut listener)) = (runner, listener) else {
        return Err(io::Error::other("netstack-smoltcp made no TCP"));
    };
    let mut pump = Pump {
        tun: tun::plain(serve)?,
        stack,
        packet: vec![0; usize::from(serve.mtu)],
    };
    tokio::spawn(runner);
    tokio::spawn(async move { poll_fn(|cx| pump.poll(cx)).await });
    ready();
    let mut held = Held::new();
    let manners = Manners {
        block: 64 << 10,
        asks_shutdown: false,
    };
    while let Some((stream, _, to)) = listener.next().await {
        held.take(stream, to.port(), manners);
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// The way between interface and stack.
struct Pump {
    tun: Tun,
    stack: Stack,
    packet: Vec<u8>,
}

impl Pump {
    /// Carries what there is, both ways.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Poll::Ready(Some(packet)) = Pin::new(&mut self.stack).poll_next(cx) {
            // The kernel takes what it is given; if not, that is like a loss.
            let _ = self.tun.try_send(&packet?);
        }
        loop {
            let mut stack = Pin::new(&mut self.stack);
            ready!(stack.as_mut().poll_ready(cx))?;
            let mut packet = ReadBuf::new(&mut self.packet);
            ready!(Pin::new(&mut self.tun).poll_read(cx, &mut packet))?;
            stack.as_mut().start_send(packet.filled().to_vec())?;
            // It hands the packet on; if there is no room, it says so when asked whether it is ready.
            let _ = stack.poll_flush(cx)?;
        }
    }
}
