//! A transmitter, and the queue in front of it.

use bytes::Bytes;
use estab_timer::Instant;

use super::queue::Waiting;
use super::{Port, Stage};
use crate::bandwidth::NANOS;
use crate::{Bandwidth, Queue};

#[cfg(test)]
mod tests;

struct Rate {
    clock: LineClock,
    queue: Waiting,
    sending: Option<(Instant, Bytes)>,
}

pub(super) fn stage(rate: Bandwidth, queue: Option<&Queue>) -> Box<dyn Stage> {
    Box::new(Rate {
        clock: LineClock::new(rate),
        queue: Waiting::new(queue),
        sending: None,
    })
}

impl Rate {
    /// Begins with the next packet that waits, if any.
    fn send_next(&mut self, at: Instant, port: &mut Port<'_>) {
        self.sending = self.queue.pop(at, port).map(|packet| {
            let until = self.clock.send(at, packet.len());
            (until, packet)
        });
    }
}

impl Stage for Rate {
    fn push(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>) {
        port.stats.held += 1;
        if self.sending.is_none() {
            self.queue.bypass(at, packet, port);
            self.send_next(at, port);
        } else {
            self.queue.push(at, packet, port);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.sending.as_ref().map(|(until, _)| *until)
    }

    fn fire(&mut self, at: Instant, port: &mut Port<'_>) {
        if let Some((_, packet)) = self.sending.take() {
            port.stats.held -= 1;
            port.pass(packet);
        }
        self.send_next(at, port);
    }
}

/// When the line is free again: a nanosecond and a fraction, so that packets sent without a gap take
/// exactly the time of their bits however many they are.
#[derive(Debug)]
struct LineClock {
    rate: u128,
    /// Whole nanoseconds.
    nanos: u64,
    /// The rest, in nanoseconds divided by the rate; below `rate`.
    rest: u128,
}

impl LineClock {
    fn new(rate: Bandwidth) -> Self {
        Self {
            rate: u128::from(rate.bits_per_second()),
            nanos: 0,
            rest: 0,
        }
    }

    /// When the line is free, rounded up.
    fn free(&self) -> Instant {
        Instant::from_nanos(self.nanos.saturating_add(u64::from(self.rest > 0)))
    }

    /// Sends `len` bytes from `at` on, and returns when the last bit is out, rounded up.
    fn send(&mut self, at: Instant, len: usize) -> Instant {
        if at > self.free() {
            (self.nanos, self.rest) = (at.as_nanos(), 0);
        }
        let work = len as u128 * 8 * NANOS + self.rest;
        let nanos = u64::try_from(work / self.rate).unwrap_or(u64::MAX);
        self.nanos = self.nanos.saturating_add(nanos);
        self.rest = work % self.rate;
        self.free()
    }
}
