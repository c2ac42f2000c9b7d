//! Where packets come from and go to.
//!
//! A [`Device`] carries whole IP packets, one at a time, without a link-layer header. The stack's
//! driver owns it and calls it in bursts: it receives until the device has no more or the burst is
//! long enough, and sends until everything is out or the device is full.
//!
//! | adapter | carries packets over |
//! |---|---|
//! | [`TunDevice`] | a Linux TUN interface, made with `tokio-tun`, with its offloads |
//! | [`Link`] | memory: two stacks in one process |
//! | [`PacketIo`] | any `AsyncRead + AsyncWrite` that keeps packet boundaries |
//! | [`PacketStream`] | any `Stream + Sink` of packets, such as a pair of channels |
//! | [`Tap`] | any other device, and writes a pcapng trace of it |

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

mod io_device;
mod link;
#[cfg(all(feature = "tun", target_os = "linux"))]
mod offload;
mod packet;
mod stream;
#[cfg(feature = "pcap")]
mod tap;
#[cfg(all(feature = "tun", target_os = "linux"))]
mod tun;

pub use io_device::PacketIo;
pub use link::{Link, LinkConfig, LinkStats, Overflow};
pub use packet::{Packet, Received};
pub use stream::PacketStream;
#[cfg(feature = "pcap")]
pub use tap::Tap;
#[cfg(all(feature = "tun", target_os = "linux"))]
pub use tun::{TunBuilder, TunDevice};

/// What a device can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caps {
    /// Largest packet the network behind the device takes, in bytes, IP header included.
    pub mtu: u32,
    /// Largest packet [`poll_recv`](Device::poll_recv) may return, in bytes: the size of the
    /// buffer it is given. Larger than the MTU where the device joins segments.
    pub max_recv: usize,
    /// The device completes the TCP checksum of what it sends: it finds the sum of the
    /// pseudo-header in its place. Packets that are not TCP come complete.
    pub checksum_offload: bool,
    /// The device cuts packets of up to this many bytes, IP header included, into segments of
    /// [`Packet::segment_size`]; `None` if it does not. Only with `checksum_offload`, since each
    /// segment has a checksum of its own.
    pub segmentation: Option<u32>,
    /// The same for packets to the network that the device is in, if it is more. They may be longer
    /// than an IP header can say: an IPv4 header says 0 then, and an IPv6 packet is a jumbogram
    /// (RFC 2675). Once such a packet is [dropped](Device::dropped), no more of them are sent.
    pub link_segmentation: Option<u32>,
}

impl Caps {
    /// A device without offloads.
    pub fn new(mtu: u32) -> Self {
        Self {
            mtu,
            max_recv: MAX_PACKET,
            checksum_offload: false,
            segmentation: None,
            link_segmentation: None,
        }
    }
}

/// The largest IP packet without jumbograms. Buffers of this size cannot truncate a packet, whatever
/// the interface's MTU is changed to.
pub(crate) const MAX_PACKET: usize = 65_535;

/// A carrier of IP packets.
///
/// # Examples
///
/// A device that loses every `n`th packet of another, to test with:
///
/// ```
/// use std::io;
/// use std::task::{Context, Poll};
///
/// use estab::Stack;
/// use estab::device::{Caps, Device, Link, Packet, Received};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// struct Lossy<D> {
///     device: D,
///     n: u64,
///     sent: u64,
///     dropped: u64,
/// }
///
/// impl<D: Device> Device for Lossy<D> {
///     fn caps(&self) -> Caps {
///         self.device.caps()
///     }
///
///     fn poll_recv(
///         &mut self,
///         cx: &mut Context<'_>,
///         buf: &mut [u8],
///     ) -> Poll<io::Result<Received>> {
///         self.device.poll_recv(cx, buf)
///     }
///
///     fn poll_send(
///         &mut self,
///         cx: &mut Context<'_>,
///         packet: &Packet<'_>,
///     ) -> Poll<io::Result<()>> {
///         self.sent += 1;
///         if self.sent % self.n == 0 {
///             self.dropped += 1;
///             return Poll::Ready(Ok(()));
///         }
///         self.device.poll_send(cx, packet)
///     }
///
///     fn dropped(&self) -> u64 {
///         self.dropped
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> io::Result<()> {
/// # tokio::time::pause();
/// let (left, right) = Link::pair();
/// let left = Lossy { device: left, n: 10, sent: 0, dropped: 0 };
/// let left = Stack::builder().addr("10.0.0.1/24").build(left)?;
/// let right = Stack::builder().addr("10.0.0.2/24").build(right)?;
///
/// let listener = right.listen("10.0.0.2:80").await?;
/// let mut stream = left.connect("10.0.0.2:80").await?;
/// stream.write_all(&[7; 100_000]).await?;
/// drop(stream);
/// let mut received = Vec::new();
/// listener.accept().await?.0.read_to_end(&mut received).await?;
/// assert_eq!(received.len(), 100_000);
/// assert!(left.device_stats().await?.dropped > 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// An error from any method means that the device is gone for good: the driver ends the stack, and
/// every pending call on it fails. What passes (a full queue, an interface that is down for a
/// while, a packet the device refuses) is not an error: the device drops the packet and counts it
/// in [`dropped`](Device::dropped), as a network would.
pub trait Device: Send {
    /// What this device can do. Asked once, when the stack is built.
    fn caps(&self) -> Caps;

    /// Reads the next packet into `buf`, which has room for [`Caps::max_recv`] bytes.
    ///
    /// `Pending` means that there is none; the task is woken when one may have arrived.
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>>;

    /// Sends one packet.
    ///
    /// `Pending` means that the device is full and has *not* taken the packet: it is offered again
    /// once the task is woken.
    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>>;

    /// Called after a burst of sends: hands on what the device has gathered, if it gathers.
    ///
    /// `Pending` holds nothing up; the driver calls again when woken.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }

    /// The device was moved from the runtime it was made on to the current one, whose thread is the
    /// only one to use it: what waits for the operating system registers with this runtime anew.
    /// Called at most once, before anything is received or sent, by
    /// [`StackBuilder::build_threads`](crate::StackBuilder::build_threads).
    fn moved(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// How many packets to be sent were dropped so far.
    fn dropped(&self) -> u64 {
        0
    }

    /// How many packets read so far made no sense to the device, and were dropped.
    fn malformed(&self) -> u64 {
        0
    }
}

impl<D: Device + ?Sized> Device for Box<D> {
    fn caps(&self) -> Caps {
        (**self).caps()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        (**self).poll_recv(cx, buf)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        (**self).poll_send(cx, packet)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(cx)
    }

    fn moved(&mut self) -> io::Result<()> {
        (**self).moved()
    }

    fn dropped(&self) -> u64 {
        (**self).dropped()
    }

    fn malformed(&self) -> u64 {
        (**self).malformed()
    }
}

/// Copies as much of `slices` into `buf` as fits, and says how much that was.
fn gather(slices: &[IoSlice<'_>], buf: &mut [u8]) -> usize {
    let mut filled = 0;
    for slice in slices {
        let n = slice.len().min(buf.len() - filled);
        buf[filled..filled + n].copy_from_slice(&slice[..n]);
        filled += n;
    }
    filled
}
