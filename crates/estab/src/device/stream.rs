//! A device over futures' item traits.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::{Sink, Stream};

use super::{Caps, Device, Packet, Received};

/// A device over any `Stream + Sink` of whole packets: a `tokio_util` codec on a byte stream, a
/// WireGuard tunnel in user space, a pair of channels.
///
/// The end of the stream is the end of the device. A packet larger than 65,535 bytes is dropped.
///
/// ```
/// use bytes::Bytes;
/// use estab::Stack;
/// use estab::device::PacketStream;
/// use futures::channel::mpsc;
/// use futures::stream::StreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (to_stack, incoming) = mpsc::channel::<Bytes>(128);
/// let (outgoing, mut from_stack) = mpsc::channel::<Bytes>(128);
/// let device = PacketStream::new(incoming.map(Ok), outgoing, 1420);
/// let stack = Stack::builder().addr("10.0.0.2/24").build(device)?;
///
/// tokio::spawn(async move { stack.connect("10.0.0.1:80").await });
/// let syn = from_stack.next().await.expect("a connection attempt sends a SYN");
/// assert_eq!(syn[0] >> 4, 4);
/// # drop(to_stack);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PacketStream<R, W> {
    incoming: R,
    outgoing: W,
    mtu: u32,
}

impl<R, W> PacketStream<R, W>
where
    R: Stream<Item = io::Result<Bytes>> + Unpin + Send,
    W: Sink<Bytes> + Unpin + Send,
    W::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// A device that receives from `incoming` and sends into `outgoing` packets of up to `mtu` bytes.
    pub fn new(incoming: R, outgoing: W, mtu: u32) -> Self {
        Self {
            incoming,
            outgoing,
            mtu,
        }
    }
}

impl<R, W> Device for PacketStream<R, W>
where
    R: Stream<Item = io::Result<Bytes>> + Unpin + Send,
    W: Sink<Bytes> + Unpin + Send,
    W::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn caps(&self) -> Caps {
        Caps::new(self.mtu)
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        loop {
            let Some(packet) = ready!(Pin::new(&mut self.incoming).poll_next(cx)) else {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            };
            let packet = packet?;
            if let Some(room) = buf.get_mut(..packet.len()) {
                room.copy_from_slice(&packet);
                return Poll::Ready(Ok(Received::new(packet.len())));
            }
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.outgoing).poll_ready(cx)).map_err(io::Error::other)?;
        Pin::new(&mut self.outgoing)
            .start_send(packet.to_bytes())
            .map_err(io::Error::other)?;
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.outgoing)
            .poll_flush(cx)
            .map_err(io::Error::other)
    }
}
