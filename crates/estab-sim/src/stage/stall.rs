//! Spans of time in which everything waits.

use std::ops::Range;

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use super::{Line, Port, Stage};

struct Stall {
    spans: Vec<Range<Duration>>,
    line: Line,
}

pub(super) fn stage(spans: &[Range<Duration>]) -> Box<dyn Stage> {
    Box::new(Stall {
        spans: spans.to_vec(),
        line: Line::default(),
    })
}

impl Stall {
    /// The first time from `at` on that is in no span: never earlier for a later `at`.
    fn until(&self, at: Instant) -> Instant {
        let mut until = at - Instant::ZERO;
        while let Some(span) = self.spans.iter().find(|span| span.contains(&until)) {
            until = span.end;
        }
        Instant::ZERO + until
    }
}

impl Stage for Stall {
    fn push(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>) {
        let until = self.until(at);
        if until > at {
            self.line.hold(until, packet, port);
        } else {
            port.pass(packet);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.line.deadline()
    }

    fn fire(&mut self, at: Instant, port: &mut Port<'_>) {
        self.line.release(at, port);
    }
}
