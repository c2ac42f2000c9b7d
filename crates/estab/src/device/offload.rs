//! A TUN interface that leaves checksums and the cutting of segments to the kernel.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrayvec::ArrayVec;
use rustix::io::{Errno, readv, writev};
use rustix::system::uname;
use tokio::io::unix::AsyncFd;

use super::tun::watch::Watch;
use super::{MAX_PACKET, Packet, Received};

#[allow(unsafe_code, reason = "no crate wraps the requests of TUN descriptors")]
mod fd;
mod header;

pub(super) use fd::{clear_offloads, is_granted};
use header::Header;

/// Pieces of a packet, its virtio header among them, that one write gathers.
const PIECES: usize = 96;

/// One queue of a TUN interface, with a virtio header before each packet.
#[derive(Debug)]
pub(super) struct Queue {
    fd: Arc<AsyncFd<OwnedFd>>,
    watch: Watch,
    /// Something was sent since the queue was last found empty. Whoever answers on this machine may
    /// have done so within the write, and need not be waited for.
    was_sent: bool,
    malformed: u64,
    dropped: u64,
}

impl Queue {
    /// Attaches to all `queues` of the interface `name`, which exists, is persistent and has nobody
    /// attached; it goes with the last of them unless `persist` says that it stays.
    pub(super) fn attach(name: &str, queues: usize, persist: bool) -> io::Result<Vec<Self>> {
        let fds = (0..queues)
            .map(|_| fd::attach(name, queues))
            .collect::<io::Result<Vec<_>>>()?;
        if let Some(first) = fds.first().filter(|_| !persist) {
            fd::set_persistent(first, false)?;
        }
        fds.into_iter().map(Self::new).collect()
    }

    fn new(fd: OwnedFd) -> io::Result<Self> {
        let fd = Arc::new(fd::register(fd)?);
        Ok(Self {
            watch: Watch::on(Arc::clone(&fd)),
            fd,
            was_sent: false,
            malformed: 0,
            dropped: 0,
        })
    }

    /// Has the current runtime watch over the queue, instead of the one it was made on.
    pub(super) fn moved(&mut self) -> io::Result<()> {
        let fd = self.fd.get_ref().try_clone()?;
        self.fd = Arc::new(fd::register(fd)?);
        self.watch = Watch::on(Arc::clone(&self.fd));
        Ok(())
    }

    pub(super) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<Received>> {
        loop {
            let mut ready = match self.was_sent {
                true => None,
                false => match self.fd.poll_read_ready(cx) {
                    Poll::Ready(ready) => Some(ready?),
                    Poll::Pending => return Poll::Ready(Err(ready!(self.watch.poll_gone(cx)))),
                },
            };
            let mut header = [0; header::LEN];
            let mut slices = [IoSliceMut::new(&mut header), IoSliceMut::new(buf)];
            match readv(self.fd.get_ref(), &mut slices) {
                Ok(len) => match judge(header, buf, len) {
                    Some(received) => return Poll::Ready(Ok(received)),
                    None => self.malformed += 1,
                },
                Err(Errno::AGAIN) => match &mut ready {
                    Some(ready) => ready.clear_ready(),
                    None => self.was_sent = false,
                },
                Err(Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        packet: &Packet<'_>,
    ) -> Poll<io::Result<()>> {
        let header = Header::describe(packet.slices(), packet.segment_size()).encode();
        let mut slices = ArrayVec::<_, PIECES>::new();
        slices.push(IoSlice::new(&header));
        if slices.try_extend_from_slice(packet.slices()).is_err() {
            self.dropped += 1;
            return Poll::Ready(Ok(()));
        }
        loop {
            let mut ready = ready!(self.fd.poll_write_ready(cx))?;
            match writev(ready.get_inner(), &slices) {
                Ok(_) => self.was_sent = true,
                Err(Errno::AGAIN) => {
                    ready.clear_ready();
                    continue;
                }
                Err(Errno::INTR) => continue,
                Err(Errno::BADFD) => return Poll::Ready(Err(super::tun::deleted())),
                // The interface is down, out of memory or refuses the packet: like a loss.
                Err(_) => self.dropped += 1,
            }
            return Poll::Ready(Ok(()));
        }
    }

    /// Packets to be sent that the kernel did not take.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Packets received whose header cannot be true.
    pub(super) fn malformed(&self) -> u64 {
        self.malformed
    }
}

/// What was read: `len` bytes, the header's first. `None` if it makes no sense.
fn judge(header: [u8; header::LEN], buf: &[u8], len: usize) -> Option<Received> {
    let packet = buf.get(..len.checked_sub(header::LEN)?)?;
    Header::decode(header).judge(packet)
}

/// What a packet may hold at most, in bytes.
pub(super) const MAX_SUPER_PACKET: u32 = MAX_PACKET as u32;

/// What a packet that stays on this machine may hold at most: no more than the processor's cache does,
/// and half of what Linux joins (`GSO_MAX_SIZE`).
pub(super) const MAX_LONG_PACKET: u32 = 256 << 10;

/// The first version of Linux that takes packets longer than an IPv4 header can say.
const TAKES_LONG: [u32; 2] = [6, 3];

/// Whether the kernel takes packets that are longer than an IP header can say.
pub(super) fn takes_long() -> bool {
    is_since(&uname().release().to_string_lossy(), TAKES_LONG)
}

/// Whether a release of the kernel's, "6.18.2-cloud" say, is not older than a version.
fn is_since(release: &str, version: [u32; 2]) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let [major, minor] = [(); 2].map(|()| numbers.next().and_then(|n| n.parse().ok()));
    [major.unwrap_or(0), minor.unwrap_or(0)] >= version
}

#[cfg(test)]
mod tests;
