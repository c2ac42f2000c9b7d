//! A Linux TUN interface.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tun::Tun;

use super::{Caps, Device, Packet, Received};

mod builder;
mod netlink;
mod watch;

pub use builder::TunBuilder;
use watch::Watch;

/// A TUN interface: the kernel routes packets to it, and they arrive here.
///
/// Making one needs `CAP_NET_ADMIN`. The interface exists as long as this device; if somebody deletes
/// it (`ip link del`), the device fails, and with it the stack. While it is merely down, packets are
/// dropped and counted.
///
/// ```no_run
/// use estab::Stack;
/// use estab::device::TunDevice;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// // The kernel gets 10.0.0.1, the stack 10.0.0.2.
/// let tun = TunDevice::builder().name("estab0").addr("10.0.0.1/24").build().await?;
/// let stack = Stack::builder().addr("10.0.0.2/24").build(tun)?;
/// let listener = stack.listen("10.0.0.2:80").await?;
/// let (stream, peer) = listener.accept().await?;
/// # Ok(())
/// # }
/// ```
pub struct TunDevice {
    tun: Tun,
    watch: Watch,
    mtu: u32,
    dropped: u64,
}

impl TunDevice {
    /// Describes an interface to be made.
    pub fn builder() -> TunBuilder {
        TunBuilder::default()
    }

    /// Takes an interface made with `tokio-tun`, which must be a TUN (not a TAP) without packet
    /// information.
    ///
    /// # Errors
    ///
    /// Those of asking for its MTU.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn new(tun: Tun) -> io::Result<Self> {
        let mtu = tun.mtu().map_err(into_io)?;
        let mtu = u32::try_from(mtu).map_err(io::Error::other)?;
        Ok(Self {
            watch: Watch::new(&tun),
            tun,
            mtu,
            dropped: 0,
        })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        self.tun.name()
    }

    /// The interface's index.
    ///
    /// # Errors
    ///
    /// If the interface is gone.
    pub fn index(&self) -> io::Result<u32> {
        self.tun.index().map_err(into_io)
    }
}

fn into_io(error: tokio_tun::Error) -> io::Error {
    match error {
        tokio_tun::Error::NixError(error) => error.into(),
        tokio_tun::Error::IoError(error) => error,
    }
}

/// What the kernel answers on the descriptor of an interface that was deleted.
const EBADFD: i32 = 77;

impl Device for TunDevice {
    fn caps(&self) -> Caps {
        Caps::new(self.mtu)
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        loop {
            let mut read = ReadBuf::new(buf);
            match Pin::new(&mut self.tun).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(Received::new(read.filled().len()))),
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Ready(Err(ready!(self.watch.poll_gone(cx)))),
            }
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        loop {
            let sent = Pin::new(&mut self.tun).poll_write_vectored(cx, packet.slices());
            match ready!(sent) {
                Ok(len) if len == packet.len() => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.raw_os_error() == Some(EBADFD) => {
                    return Poll::Ready(Err(error));
                }
                // The interface is down (EIO), out of memory or refuses the packet: like a loss.
                Ok(_) | Err(_) => self.dropped += 1,
            }
            return Poll::Ready(Ok(()));
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl fmt::Debug for TunDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TunDevice")
            .field("name", &self.name())
            .field("mtu", &self.mtu)
            .finish_non_exhaustive()
    }
}
