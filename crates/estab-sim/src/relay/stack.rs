//! A stack at one end of a relay.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram as StdSocket;
use std::task::{Context, Poll, ready};

use estab::device::{Caps, Device, Packet, Received};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tokio::io::{Interest, ReadBuf};
use tokio::net::UnixDatagram;

/// A device for a stack, and the descriptor for the [`Relay`](super::Relay) at the other end of it:
/// a Unix socket pair that keeps boundaries. `mtu` is in bytes.
///
/// ```
/// use std::time::Duration;
/// use estab::Stack;
/// use estab_sim::Path;
/// use estab_sim::relay::{Relay, stack_port};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (left, first) = stack_port(1500)?;
/// let (right, second) = stack_port(1500)?;
/// let path = Path::builder().rtt(Duration::from_millis(4)).loss(0.01);
/// let relay = Relay::start(first, second, path.build())?;
///
/// let left = Stack::builder().addr("10.0.0.1/24").build(left)?;
/// let right = Stack::builder().addr("10.0.0.2/24").build(right)?;
/// let listener = right.listen("10.0.0.2:80").await?;
/// let (stream, _) = tokio::try_join!(left.connect("10.0.0.2:80"), listener.accept())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the system has no more descriptors.
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
pub fn stack_port(mtu: u32) -> io::Result<(StackPort, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (ours, relays) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    // To tokio a socket is a socket; but this kind, unlike datagrams, tells that its peer is gone.
    let socket = UnixDatagram::from_std(StdSocket::from(ours))?;
    let dropped = 0;
    Ok((
        StackPort {
            socket,
            mtu,
            dropped,
        },
        relays,
    ))
}

/// The device of [`stack_port`]. It fails with [`BrokenPipe`](io::ErrorKind::BrokenPipe) when the
/// relay ends.
#[derive(Debug)]
pub struct StackPort {
    socket: UnixDatagram,
    mtu: u32,
    dropped: u64,
}

impl Device for StackPort {
    fn caps(&self) -> Caps {
        Caps::new(self.mtu)
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let mut read = ReadBuf::new(buf);
        let received = ready!(self.socket.poll_recv(cx, &mut read));
        let len = read.filled().len();
        Poll::Ready(match received {
            Ok(()) if len > 0 => Ok(Received::new(len)),
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
            _ => Err(gone()),
        })
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        let write = || Ok(rustix::io::writev(&self.socket, packet.slices())?);
        loop {
            ready!(self.socket.poll_send_ready(cx))?;
            let Err(error) = self.socket.try_io(Interest::WRITABLE, write) else {
                return Poll::Ready(Ok(()));
            };
            match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                io::ErrorKind::BrokenPipe => return Poll::Ready(Err(gone())),
                _ => {
                    self.dropped += 1;
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the relay is gone")
}
