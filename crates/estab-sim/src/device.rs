//! Two [`estab`] devices with a path between them, on tokio's clock.
//!
//! On a runtime whose clock is paused, a transfer that takes minutes on the path takes milliseconds,
//! and is the same every time:
//!
//! ```
//! use std::time::Duration;
//! use estab::Stack;
//! use estab_sim::{Bandwidth, Path, device};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! tokio::time::pause(); // or #[tokio::test(start_paused = true)]
//! let path = Path::builder()
//!     .rtt(Duration::from_millis(600))
//!     .rate(Bandwidth::mbit(20))
//!     .queue_bdp(1.0)
//!     .loss(0.01);
//! let (left, right) = device::join(path.build(), 1500);
//! let monitor = left.monitor();
//! let left = Stack::builder().addr("10.0.0.1/24").build(left)?;
//! let right = Stack::builder().addr("10.0.0.2/24").build(right)?;
//!
//! let start = tokio::time::Instant::now();
//! let listener = right.listen("10.0.0.2:80").await?;
//! let mut stream = left.connect("10.0.0.2:80").await?;
//! tokio::spawn(async move { stream.write_all(&vec![7; 1_000_000]).await });
//! let mut received = Vec::new();
//! listener.accept().await?.0.read_to_end(&mut received).await?;
//! assert_eq!(received.len(), 1_000_000);
//! assert!(start.elapsed() > Duration::from_secs(1));
//! assert!(monitor.there().dropped().lost > 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Granularity
//!
//! Tokio's timers have a resolution of 1 ms and ring late rather than early. So a packet may be
//! delivered up to 1 ms after it arrived, together with others of that millisecond. What happens
//! *on* the path is not affected: a packet leaves the queue, the transmitter and every other node at
//! its exact time, whenever the device is asked for it, so rates are exact and nothing adds up. Only
//! a round trip becomes up to 1 ms longer each way. Where that matters, drive
//! [`Pipe`]s with [`proto::Stack`](estab::proto::Stack)s directly: their clock has
//! nanoseconds.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use estab::device::{Caps, Device, Packet, Received};
use estab_timer::Instant;
use tokio::time::{Sleep, sleep_until};

use crate::clock::TokioClock;
use crate::{Node, Path, Pipe, Stats};

#[cfg(test)]
mod tests;

/// Two devices with an MTU of 1500 bytes: what the first sends passes `there` to the second, whose
/// packets come back through `back`.
///
/// Call it on the runtime whose clock is to be used; the path's time begins now.
///
/// # Panics
///
/// As [`Pipe::new`].
pub fn pair(there: &[Node], back: &[Node], seed: u64) -> (LinkDevice, LinkDevice) {
    join(Path::new(there, back, seed), 1500)
}

/// Two devices at the ends of `path`, with an MTU of `mtu` bytes; see [`pair`].
pub fn join(path: Path, mtu: u32) -> (LinkDevice, LinkDevice) {
    let clock = TokioClock::new();
    let [there, back] = [path.there, path.back].map(|pipe| {
        Arc::new(Mutex::new(Wire {
            pipe,
            receiver: None,
            armed: Instant::NEVER,
            cut: false,
        }))
    });
    let monitor = LinkMonitor { there, back };
    let end = |outgoing: &Shared, incoming: &Shared| LinkDevice {
        mtu,
        clock,
        outgoing: Arc::clone(outgoing),
        incoming: Arc::clone(incoming),
        sleep: None,
        monitor: monitor.clone(),
    };
    (
        end(&monitor.there, &monitor.back),
        end(&monitor.back, &monitor.there),
    )
}

/// One end of a path on tokio's clock.
///
/// It takes every packet at once: what is too much, the path's queues drop. When one end is
/// dropped, the other first receives what is under way, then fails with
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe).
#[derive(Debug)]
pub struct LinkDevice {
    mtu: u32,
    clock: TokioClock,
    outgoing: Shared,
    incoming: Shared,
    /// Until `armed` of the incoming wire; made when first needed.
    sleep: Option<Pin<Box<Sleep>>>,
    monitor: LinkMonitor,
}

type Shared = Arc<Mutex<Wire>>;

/// One direction.
#[derive(Debug)]
struct Wire {
    pipe: Pipe,
    receiver: Option<Waker>,
    /// When the receiver wakes up by itself.
    armed: Instant,
    /// The sender or the receiver is gone.
    cut: bool,
}

fn lock(wire: &Shared) -> MutexGuard<'_, Wire> {
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sees what happens on a path while its devices belong to stacks.
#[derive(Clone, Debug)]
pub struct LinkMonitor {
    there: Shared,
    back: Shared,
}

impl LinkMonitor {
    /// What happened to packets from the first device to the second, as far as it was told.
    pub fn there(&self) -> Stats {
        lock(&self.there).pipe.stats().clone()
    }

    /// What happened to packets from the second device to the first.
    pub fn back(&self) -> Stats {
        lock(&self.back).pipe.stats().clone()
    }
}

impl LinkDevice {
    /// A view of the whole path, for later.
    pub fn monitor(&self) -> LinkMonitor {
        self.monitor.clone()
    }

    /// Sleeps until `at`; true if that is now.
    fn sleep_until(&mut self, cx: &mut Context<'_>, at: Instant) -> bool {
        let Some(deadline) = self.clock.deadline(at) else {
            return false;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx).is_ready()
    }
}

fn cut() -> io::Error {
    io::Error::new(
        io::ErrorKind::BrokenPipe,
        "the other end of the path is gone",
    )
}

impl Device for LinkDevice {
    fn caps(&self) -> Caps {
        Caps::new(self.mtu)
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        loop {
            let now = self.clock.now();
            let mut wire = lock(&self.incoming);
            if let Some(packet) = wire.pipe.poll(now) {
                let len = packet.len().min(buf.len());
                buf[..len].copy_from_slice(&packet[..len]);
                return Poll::Ready(Ok(Received::new(len)));
            }
            let next = wire.pipe.next_deadline();
            if wire.cut && next.is_none() {
                return Poll::Ready(Err(cut()));
            }
            wire.armed = next.unwrap_or(Instant::NEVER);
            match &mut wire.receiver {
                Some(waker) => waker.clone_from(cx.waker()),
                None => wire.receiver = Some(cx.waker().clone()),
            }
            let armed = wire.armed;
            drop(wire);
            if !self.sleep_until(cx, armed) {
                return Poll::Pending;
            }
        }
    }

    fn poll_send(&mut self, _: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        let packet = packet.to_bytes();
        let mut wire = lock(&self.outgoing);
        if wire.cut {
            return Poll::Ready(Err(cut()));
        }
        wire.pipe.push(self.clock.now(), packet);
        let next = wire.pipe.next_deadline().unwrap_or(Instant::NEVER);
        let receiver = if next < wire.armed {
            wire.receiver.take()
        } else {
            None
        };
        drop(wire);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for LinkDevice {
    fn drop(&mut self) {
        for wire in [&self.outgoing, &self.incoming] {
            let mut wire = lock(wire);
            wire.cut = true;
            let receiver = wire.receiver.take();
            drop(wire);
            if let Some(receiver) = receiver {
                receiver.wake();
            }
        }
    }
}
