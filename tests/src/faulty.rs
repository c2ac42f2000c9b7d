//! A device whose wire has the faults of [`crate::link`], in tokio's time: paused, a run takes no
//! longer than its work, and is the same for the same seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use estab::device::{Caps, Device, Packet, Received};
use estab_proto::Instant;
use tokio::time::{Sleep, sleep_until};

use crate::link::{Faults, Link};
use crate::rng::Rng;

/// One direction.
struct Wire {
    link: Link,
    /// By arrival, then by order of sending.
    packets: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    sent: u64,
    receiver: Option<Waker>,
}

type Shared = Arc<Mutex<Wire>>;

/// One end of a faulty wire.
pub struct FaultyDevice {
    mtu: u32,
    origin: tokio::time::Instant,
    outgoing: Shared,
    incoming: Shared,
    arrival: Pin<Box<Sleep>>,
}

fn lock(wire: &Shared) -> MutexGuard<'_, Wire> {
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tokio's time, paused or not.
#[expect(
    clippy::disallowed_methods,
    reason = "a device of tokio's keeps tokio's time"
)]
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

impl FaultyDevice {
    /// The two ends of a wire with these faults, each way.
    pub fn pair(mtu: u32, faults: [Faults; 2], mut rng: Rng) -> [Self; 2] {
        let [one, other] = faults.map(|faults| {
            Arc::new(Mutex::new(Wire {
                link: Link::new(faults, rng.fork()),
                packets: BinaryHeap::new(),
                sent: 0,
                receiver: None,
            }))
        });
        let origin = now();
        let end = |outgoing: &Shared, incoming: &Shared| Self {
            mtu,
            origin,
            outgoing: outgoing.clone(),
            incoming: incoming.clone(),
            arrival: Box::pin(sleep_until(origin)),
        };
        [end(&one, &other), end(&other, &one)]
    }
}

impl Device for FaultyDevice {
    fn caps(&self) -> Caps {
        Caps::new(self.mtu)
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let mut wire = lock(&self.incoming);
        let due = match wire.packets.peek() {
            Some(Reverse((at, ..))) => self.origin + std::time::Duration::from_nanos(at.as_nanos()),
            None => {
                wire.receiver = Some(cx.waker().clone());
                return Poll::Pending;
            }
        };
        if due > now() {
            wire.receiver = Some(cx.waker().clone());
            drop(wire);
            self.arrival.as_mut().reset(due);
            if self.arrival.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            wire = lock(&self.incoming);
        }
        let Some(Reverse((_, _, packet))) = wire.packets.pop() else {
            return Poll::Pending;
        };
        let len = packet.len().min(buf.len());
        buf[..len].copy_from_slice(&packet[..len]);
        Poll::Ready(Ok(Received::new(len)))
    }

    fn poll_send(&mut self, _: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        let at = Instant::ZERO + (now() - self.origin);
        let mut wire = lock(&self.outgoing);
        for (arrival, packet) in wire.link.carry(at, packet.to_bytes().to_vec()) {
            wire.sent += 1;
            let order = wire.sent;
            wire.packets.push(Reverse((arrival, order, packet)));
        }
        if let Some(receiver) = wire.receiver.take() {
            receiver.wake();
        }
        Poll::Ready(Ok(()))
    }
}
