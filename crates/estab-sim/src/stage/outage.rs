//! Spans of time in which nothing passes.

use std::ops::Range;

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use super::{Port, Stage};

struct Outage {
    spans: Vec<Range<Duration>>,
}

pub(super) fn stage(spans: &[Range<Duration>]) -> Box<dyn Stage> {
    let spans = spans.to_vec();
    Box::new(Outage { spans })
}

impl Stage for Outage {
    fn push(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>) {
        let at = at - Instant::ZERO;
        if self.spans.iter().any(|span| span.contains(&at)) {
            port.stats.dropped.outage += 1;
        } else {
            port.pass(packet);
        }
    }
}
