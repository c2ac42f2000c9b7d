//! A delay that varies and keeps the order.

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use super::{Line, Port, Stage};
use crate::rng::Rng;

struct Jitter {
    /// In nanoseconds.
    most: u64,
    rng: Rng,
    last: Instant,
    line: Line,
}

pub(super) fn stage(most: Duration, rng: Rng) -> Box<dyn Stage> {
    Box::new(Jitter {
        most: u64::try_from(most.as_nanos()).unwrap_or(u64::MAX),
        rng,
        last: Instant::ZERO,
        line: Line::default(),
    })
}

impl Stage for Jitter {
    fn push(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>) {
        let extra = Duration::from_nanos(self.rng.upto(self.most));
        self.last = self.last.max(at + extra);
        self.line.hold(self.last, packet, port);
    }

    fn deadline(&self) -> Option<Instant> {
        self.line.deadline()
    }

    fn fire(&mut self, at: Instant, port: &mut Port<'_>) {
        self.line.release(at, port);
    }
}
