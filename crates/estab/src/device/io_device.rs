//! A device over tokio's byte traits.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Caps, Device, Packet, Received};

/// A device over any `AsyncRead + AsyncWrite` that carries exactly one packet per read and per
/// write: `tokio_tun::Tun`, a `SOCK_SEQPACKET` socket, the TUN file handle a mobile system hands to
/// a VPN app.
///
/// A byte stream, such as a pipe or `tokio::io::DuplexStream`, joins and splits packets and cannot
/// be used; give [`PacketStream`](super::PacketStream) a codec for it instead.
///
/// A read of zero bytes is the end of the device. A write that takes less than the packet counts as
/// a drop.
///
/// ```
/// use estab::Stack;
/// use estab::device::PacketIo;
/// # fn open_tunnel() -> tokio::io::Join<tokio::io::Empty, tokio::io::Sink> {
/// #     tokio::io::join(tokio::io::empty(), tokio::io::sink())
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let device = PacketIo::new(open_tunnel(), 1280);
/// let stack = Stack::builder().addr("10.0.0.2/32").build(device)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PacketIo<T> {
    io: T,
    mtu: u32,
    packet: Vec<u8>,
    dropped: u64,
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> PacketIo<T> {
    /// A device over `io`, for packets of up to `mtu` bytes.
    pub fn new(io: T, mtu: u32) -> Self {
        Self {
            io,
            mtu,
            packet: Vec::new(),
            dropped: 0,
        }
    }

    /// The inner transport.
    pub fn into_inner(self) -> T {
        self.io
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Device for PacketIo<T> {
    fn caps(&self) -> Caps {
        Caps::new(self.mtu)
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let mut buf = ReadBuf::new(buf);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
        match buf.filled().len() {
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            len => Poll::Ready(Ok(Received::new(len))),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        let io = Pin::new(&mut self.io);
        let sent = match packet.slices() {
            [whole] => ready!(io.poll_write(cx, whole)),
            slices if io.is_write_vectored() => ready!(io.poll_write_vectored(cx, slices)),
            _ => {
                // A plain write must see the packet in one piece, or each piece becomes a packet.
                self.packet.resize(packet.len(), 0);
                packet.copy_to_slice(&mut self.packet);
                ready!(io.poll_write(cx, &self.packet))
            }
        }?;
        if sent < packet.len() {
            self.dropped += 1;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests;
