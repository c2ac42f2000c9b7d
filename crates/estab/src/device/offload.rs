//! A TUN interface that leaves checksums and the cutting of segments to the kernel.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrayvec::ArrayVec;
use rustix::io::{Errno, read, readv, write, writev};
use rustix::system::uname;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

use super::tun::watch::Watch;
use super::{MAX_PACKET, Packet, Received};

#[allow(unsafe_code, reason = "no crate wraps the requests of TUN descriptors")]
mod fd;
mod header;

pub(super) use fd::{clear_offloads, is_granted, set_persistent};
use header::Header;

/// Pieces of a packet, its virtio header among them, that one write gathers.
const PIECES: usize = 96;

/// Bytes of a packet so few that gathering them first is less work than having the kernel do it.
const SHORT: usize = 512;

/// Short packets in a row after which the next one is expected to be short as well.
const ROW: u8 = 16;

/// One queue of a TUN interface, with a virtio header before each packet.
#[derive(Debug)]
pub(super) struct Queue {
    fd: Arc<AsyncFd<OwnedFd>>,
    watch: Watch,
    /// Something was sent since the queue was last found empty. Whoever answers on this machine may
    /// have done so within the write, and need not be waited for.
    was_sent: bool,
    /// Short packets that came one after the other.
    row: u8,
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
            row: 0,
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
            match self.read(buf) {
                Ok((header, len)) => {
                    self.row = if len < SHORT {
                        ROW.min(self.row + 1)
                    } else {
                        0
                    };
                    match judge(header, buf, len) {
                        Some(received) => return Poll::Ready(Ok(received)),
                        None => self.malformed += 1,
                    }
                }
                Err(Errno::AGAIN) => match &mut ready {
                    Some(ready) => ready.clear_ready(),
                    None => self.was_sent = false,
                },
                Err(Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// Reads a packet into `buf`; returns the header before it, and the length of both.
    ///
    /// The kernel takes a quarter longer to scatter a short packet than to write it in one piece,
    /// which is then moved to the start of `buf`; with a long one it is the other way round.
    fn read(&self, buf: &mut [u8]) -> rustix::io::Result<([u8; header::LEN], usize)> {
        let fd = self.fd.get_ref();
        let mut header = [0; header::LEN];
        if self.row < ROW || buf.len() < MAX_RECV {
            let mut slices = [IoSliceMut::new(&mut header), IoSliceMut::new(buf)];
            let len = readv(fd, &mut slices)?;
            return Ok((header, len));
        }
        let len = read(fd, &mut *buf)?;
        header.copy_from_slice(&buf[..header::LEN]);
        buf.copy_within(header::LEN..len.max(header::LEN), 0);
        Ok((header, len))
    }

    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        packet: &Packet<'_>,
    ) -> Poll<io::Result<()>> {
        let header = Header::describe(packet.slices(), packet.segment_size()).encode();
        let mut whole = ArrayVec::<u8, { header::LEN + SHORT }>::from_iter(header);
        let mut slices = ArrayVec::<_, PIECES>::new();
        if packet.len() <= SHORT {
            packet.slices().iter().for_each(|slice| {
                let fits = whole.try_extend_from_slice(slice);
                debug_assert!(fits.is_ok(), "as long as it says");
            });
        } else {
            slices.push(IoSlice::new(&header));
            if slices.try_extend_from_slice(packet.slices()).is_err() {
                self.dropped += 1;
                return Poll::Ready(Ok(()));
            }
        }
        let mut ready: Option<AsyncFdReadyGuard<'_, _>> = None;
        loop {
            let fd = self.fd.get_ref();
            let written = match slices.is_empty() {
                true => write(fd, &whole),
                false => writev(fd, &slices),
            };
            match written {
                Ok(_) => self.was_sent = true,
                Err(Errno::AGAIN) => {
                    if let Some(ready) = &mut ready {
                        ready.clear_ready();
                    }
                    ready = Some(ready!(self.fd.poll_write_ready(cx))?);
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

/// Room for the longest packet and the header before it.
pub(super) const MAX_RECV: usize = MAX_PACKET + header::LEN;

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
