//! A Linux TUN interface.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::io::{read, write, writev};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tun::Tun;

use super::{Caps, Device, Packet, Received, offload};

mod builder;
mod netlink;
pub(super) mod watch;

pub use builder::TunBuilder;
use watch::Watch;

/// A TUN interface: the kernel routes packets to it, and they arrive here.
///
/// Making one needs `CAP_NET_ADMIN`. The interface exists as long as this device.
///
/// | what somebody does to it | what comes of it |
/// |---|---|
/// | deletes it (`ip link del`) | the device fails with [`NotConnected`](io::ErrorKind::NotConnected) and ends the stack: whatever waits, and every later call, fails with [`NetworkDown`](io::ErrorKind::NetworkDown); inside is [`ConnectionError::DeviceLost`](crate::ConnectionError::DeviceLost) or [`StackGone`](crate::StackGone), which tells the device's own error |
/// | takes it down | a network that loses packets: those sent are dropped and [counted](Device::dropped), and connections go on when it is up again |
/// | gives it other addresses | nothing: connections are between the stack's addresses and those of peers |
/// | changes its MTU | connections go on with segments of the MTU it was made with, which the kernel takes all the same |
///
/// Where the kernel can, it takes and gives *super-segments*: TCP segments of up to 64 KiB, which
/// are cut to the size of the path where they leave the machine, if they do, and whose checksums are
/// completed there. That is several times faster than a packet at a time; [`Caps::segmentation`]
/// tells whether it is so, and [`TunBuilder::offload`] turns it off. To addresses in a network of the
/// stack's own, which are the kernel's, since nobody else is on the link, they go in up to 256 KiB
/// (Linux 6.3 and later), unless [`TunBuilder::long_packets`] says otherwise. Where the
/// kernel grants none, packets pass one by one. What it says of a super-segment is checked against the
/// packet: what cannot be true is dropped and [counted](Device::malformed).
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
    name: String,
    mtu: u32,
    /// Whether packets may be longer than an IP header can say.
    takes_long: bool,
    io: Io,
}

/// Bytes of a packet that is gathered by the kernel: to copy fewer into one piece takes less time than
/// a write of several does more.
const LARGE: usize = 4096;

/// How packets pass.
enum Io {
    /// One by one, complete.
    Plain(Box<Plain>),
    /// With a header that says what is left undone.
    Offloaded(offload::Queue),
}

/// An interface held by `tokio-tun`.
struct Plain {
    tun: Tun,
    /// A second descriptor of it, for what need not wait: asking the runtime about readiness for each
    /// packet costs as much as summing one. There is none where the kernel does not give it.
    direct: Option<OwnedFd>,
    /// A packet was read or sent since there was none. The next may be there, and whoever answers on
    /// this machine may have done so within the write.
    is_lively: bool,
    watch: Watch,
    /// What is sent, in one piece.
    packet: Vec<u8>,
    dropped: u64,
}

impl TunDevice {
    /// Describes an interface to be made.
    pub fn builder() -> TunBuilder {
        TunBuilder::default()
    }

    /// Takes an interface made with `tokio-tun`, which must be a TUN (not a TAP) without packet
    /// information. It has no offloads.
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
        Ok(Self {
            name: tun.name().to_owned(),
            mtu: u32::try_from(mtu).map_err(io::Error::other)?,
            takes_long: false,
            io: Io::Plain(Box::new(Plain::new(tun))),
        })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interface's index.
    ///
    /// # Errors
    ///
    /// If the interface is gone.
    pub fn index(&self) -> io::Result<u32> {
        index(&self.name)
    }
}

/// The index of the interface `name`.
fn index(name: &str) -> io::Result<u32> {
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    Ok(rustix::net::netdevice::name_to_index(socket, name)?)
}

fn into_io(error: tokio_tun::Error) -> io::Error {
    match error {
        tokio_tun::Error::NixError(error) => error.into(),
        tokio_tun::Error::IoError(error) => error,
    }
}

/// How the end of the interface is reported, whoever notices it.
pub(super) fn deleted() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the interface was deleted")
}

/// What the kernel answers on the descriptor of an interface that was deleted.
fn is_deleted(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::BADFD.raw_os_error())
}

impl Plain {
    fn new(tun: Tun) -> Self {
        let watched = watch::duplicate(&tun);
        Self {
            direct: watched.as_ref().ok().and_then(|fd| fd.try_clone().ok()),
            is_lively: false,
            watch: Watch::new(watched),
            tun,
            packet: Vec::new(),
            dropped: 0,
        }
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        loop {
            let direct = self.direct.as_ref().filter(|_| self.is_lively);
            let result = match direct {
                Some(fd) => read(fd, &mut *buf).map_err(io::Error::from),
                None => {
                    let mut read = ReadBuf::new(buf);
                    match Pin::new(&mut self.tun).poll_read(cx, &mut read) {
                        Poll::Ready(result) => result.map(|()| read.filled().len()),
                        Poll::Pending => {
                            return Poll::Ready(Err(ready!(self.watch.poll_gone(cx))));
                        }
                    }
                }
            };
            match result {
                Ok(len) => {
                    self.is_lively = true;
                    return Poll::Ready(Ok(Received::new(len)));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_lively = false,
                Err(error) if is_deleted(&error) => return Poll::Ready(Err(deleted())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        loop {
            let result = match self.send_now(packet) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let whole = in_one_piece(packet, &mut self.packet);
                    ready!(Pin::new(&mut self.tun).poll_write(cx, whole))
                }
                result => result,
            };
            match result {
                Ok(len) if len == packet.len() => self.is_lively = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if is_deleted(&error) => return Poll::Ready(Err(deleted())),
                // The interface is down (EIO), out of memory or refuses the packet: like a loss.
                Ok(_) | Err(_) => self.dropped += 1,
            }
            return Poll::Ready(Ok(()));
        }
    }

    /// Sends a packet if that can be done without waiting.
    fn send_now(&mut self, packet: &Packet<'_>) -> io::Result<usize> {
        let Some(fd) = &self.direct else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        Ok(match packet.slices() {
            slices @ [_, _, ..] if packet.len() >= LARGE => writev(fd, slices)?,
            _ => write(fd, in_one_piece(packet, &mut self.packet))?,
        })
    }
}

/// The bytes of a packet, copied to `buf` if they are in several pieces.
fn in_one_piece<'a>(packet: &Packet<'a>, buf: &'a mut Vec<u8>) -> &'a [u8] {
    if let [whole] = packet.slices() {
        return whole;
    }
    buf.resize(packet.len(), 0);
    packet.copy_to_slice(buf);
    buf
}

impl Device for TunDevice {
    fn caps(&self) -> Caps {
        let mut caps = Caps::new(self.mtu);
        if let Io::Offloaded(_) = &self.io {
            caps.checksum_offload = true;
            caps.segmentation = Some(offload::MAX_SUPER_PACKET);
            caps.link_segmentation = self.takes_long.then_some(offload::MAX_LONG_PACKET);
            caps.max_recv = offload::MAX_RECV;
        }
        caps
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        match &mut self.io {
            Io::Plain(plain) => plain.poll_recv(cx, buf),
            Io::Offloaded(queue) => queue.poll_recv(cx, buf),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(plain) => plain.poll_send(cx, packet),
            Io::Offloaded(queue) => queue.poll_send(cx, packet),
        }
    }

    /// A plain one stays with the runtime it was made on, which must go on running: `tokio-tun` cannot
    /// leave it.
    fn moved(&mut self) -> io::Result<()> {
        match &mut self.io {
            Io::Plain(_) => Ok(()),
            Io::Offloaded(queue) => queue.moved(),
        }
    }

    fn dropped(&self) -> u64 {
        match &self.io {
            Io::Plain(plain) => plain.dropped,
            Io::Offloaded(queue) => queue.dropped(),
        }
    }

    fn malformed(&self) -> u64 {
        match &self.io {
            Io::Plain(_) => 0,
            Io::Offloaded(queue) => queue.malformed(),
        }
    }
}

impl fmt::Debug for TunDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TunDevice")
            .field("name", &self.name)
            .field("mtu", &self.mtu)
            .field("offloaded", &matches!(self.io, Io::Offloaded(_)))
            .finish_non_exhaustive()
    }
}
