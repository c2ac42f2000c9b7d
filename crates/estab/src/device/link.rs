//! An in-memory wire between two stacks.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::{Caps, Device, MAX_PACKET, Packet, Received};
use crate::sync::{Mutex, lock};

/// What a full queue of a [`Link`] does with the next packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The sender waits, so that nothing is ever lost.
    #[default]
    Wait,
    /// The packet is dropped and counted, as by a router.
    Drop,
}

/// Settings of a [`Link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkConfig {
    /// The MTU of both ends, in bytes.
    pub mtu: u32,
    /// Packets that may be on the wire in each direction; at least 1.
    pub capacity: usize,
    /// What happens to a packet beyond that.
    pub overflow: Overflow,
    /// Whether super-segments go over the wire whole, with checksums left out: memory does not garble
    /// bytes. Off if not set, so that the wire carries what a network would.
    pub offload: bool,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            mtu: 1500,
            capacity: 256,
            overflow: Overflow::Wait,
            offload: false,
        }
    }
}

/// Counters of one direction of a [`Link`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Packets this end sent.
    pub sent: u64,
    /// Packets this end dropped because the queue was full.
    pub dropped: u64,
}

/// One end of an in-memory wire, to join two stacks in one process: for tests, examples and
/// simulations. It delivers at once and in order.
///
/// When one end is dropped, the other first receives what is still on the wire, then fails with
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe), as if the cable were cut.
///
/// ```
/// use estab::Stack;
/// use estab::device::Link;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (left, right) = Link::pair();
/// let left = Stack::builder().addr("10.0.0.1/24").build(left)?;
/// let right = Stack::builder().addr("10.0.0.2/24").build(right)?;
///
/// let listener = right.listen("10.0.0.2:80").await?;
/// let (stream, accepted) =
///     tokio::try_join!(left.connect("10.0.0.2:80"), listener.accept())?;
/// assert_eq!(stream.local_addr()?, accepted.1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
    outgoing: Arc<Mutex<Wire>>,
    incoming: Arc<Mutex<Wire>>,
}

/// A packet, and of a super-segment the size of its segments.
#[derive(Debug)]
struct OnWire {
    bytes: Bytes,
    segment_size: Option<u16>,
}

/// One direction.
#[derive(Debug, Default)]
struct Wire {
    packets: VecDeque<OnWire>,
    stats: LinkStats,
    cut: bool,
    receiver: Option<Waker>,
    sender: Option<Waker>,
}

impl Link {
    /// The two ends of a wire with the default settings: an MTU of 1500 bytes, 256 packets each
    /// way, no loss.
    pub fn pair() -> (Self, Self) {
        Self::pair_with(LinkConfig::default())
    }

    /// The two ends of a wire.
    pub fn pair_with(config: LinkConfig) -> (Self, Self) {
        let one: Arc<Mutex<Wire>> = Arc::default();
        let other: Arc<Mutex<Wire>> = Arc::default();
        let left = Self {
            config,
            outgoing: one.clone(),
            incoming: other.clone(),
        };
        (
            left,
            Self {
                config,
                outgoing: other,
                incoming: one,
            },
        )
    }

    /// What this end has sent so far.
    pub fn stats(&self) -> LinkStats {
        lock(&self.outgoing).stats
    }
}

fn remember(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *waker = Some(cx.waker().clone()),
    }
}

fn cut() -> io::Error {
    io::Error::new(
        io::ErrorKind::BrokenPipe,
        "the other end of the link is gone",
    )
}

impl Device for Link {
    fn caps(&self) -> Caps {
        let mut caps = Caps::new(self.config.mtu);
        if self.config.offload {
            caps.checksum_offload = true;
            caps.segmentation = Some(MAX_PACKET as u32);
        }
        caps
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let mut wire = lock(&self.incoming);
        let Some(packet) = wire.packets.pop_front() else {
            if wire.cut {
                return Poll::Ready(Err(cut()));
            }
            remember(&mut wire.receiver, cx);
            return Poll::Pending;
        };
        let sender = wire.sender.take();
        drop(wire);
        if let Some(sender) = sender {
            sender.wake();
        }
        let len = packet.bytes.len().min(buf.len());
        buf[..len].copy_from_slice(&packet.bytes[..len]);
        let mut received = Received::new(len);
        if self.config.offload {
            received = received.checksum_verified();
        }
        if let Some(size) = packet.segment_size {
            received = received.segment_size(size);
        }
        Poll::Ready(Ok(received))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        let mut wire = lock(&self.outgoing);
        if wire.cut {
            return Poll::Ready(Err(cut()));
        }
        if wire.packets.len() >= self.config.capacity.max(1) {
            if self.config.overflow == Overflow::Wait {
                remember(&mut wire.sender, cx);
                return Poll::Pending;
            }
            wire.stats.dropped += 1;
            return Poll::Ready(Ok(()));
        }
        drop(wire);
        let packet = OnWire {
            bytes: packet.to_bytes(),
            segment_size: packet.segment_size(),
        };
        let mut wire = lock(&self.outgoing);
        wire.packets.push_back(packet);
        wire.stats.sent += 1;
        let receiver = wire.receiver.take();
        drop(wire);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        Poll::Ready(Ok(()))
    }

    fn dropped(&self) -> u64 {
        self.stats().dropped
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        for wire in [&self.outgoing, &self.incoming] {
            let mut wire = lock(wire);
            wire.cut = true;
            let wakers = [wire.receiver.take(), wire.sender.take()];
            drop(wire);
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests;
