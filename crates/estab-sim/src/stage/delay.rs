//! Propagation: the same time for every packet.

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use super::{Line, Port, Stage};

struct Delay {
    time: Duration,
    line: Line,
}

pub(super) fn stage(time: Duration) -> Box<dyn Stage> {
    let line = Line::default();
    Box::new(Delay { time, line })
}

impl Stage for Delay {
    fn push(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>) {
        self.line.hold(at + self.time, packet, port);
    }

    fn deadline(&self) -> Option<Instant> {
        self.line.deadline()
    }

    fn fire(&mut self, at: Instant, port: &mut Port<'_>) {
        self.line.release(at, port);
    }

    fn latency(&self) -> Duration {
        self.time
    }
}
