//! NewReno: additive increase, multiplicative decrease (RFC 5681, RFC 6582).

use estab_timer::Instant;

use super::hystart::{HyStart, slow_start};
use super::{CongestionControl, Window};
use crate::dormant::dormant;
use crate::recovery::AckSample;

/// The window arithmetic of RFC 5681: one segment more per round trip, half after a loss.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewReno {
    /// Bytes acknowledged in congestion avoidance towards the next segment of growth.
    acked: u32,
    /// Watches the first slow start.
    hystart: Option<HyStart>,
}

impl NewReno {
    /// NewReno before the first acknowledgment.
    pub(super) fn new(hystart: Option<HyStart>) -> Self {
        Self { acked: 0, hystart }
    }
}

impl CongestionControl for NewReno {
    /// RFC 5681 §3.1: one MSS when a window's worth of bytes has been acknowledged.
    fn on_ack(&mut self, window: &mut Window, sample: &AckSample) {
        if sample.in_recovery {
            return;
        }
        let mut bytes = sample.newly_acked;
        if window.in_slow_start() {
            bytes = slow_start(self.hystart.as_mut(), window, sample);
        }
        if window.in_slow_start() || !sample.is_cwnd_limited {
            return;
        }
        self.acked = self
            .acked
            .saturating_add(bytes)
            .min(window.cwnd().saturating_mul(2));
        if self.acked >= window.cwnd() {
            self.acked -= window.cwnd();
            window.grow(window.mss());
        }
    }

    /// RFC 5681 §3.2 step 2: half of what was in flight.
    fn on_congestion(&mut self, window: &mut Window, _now: Instant, flight: u32) {
        self.acked = 0;
        window.reduce(flight / 2);
    }

    /// RFC 8511 §3: a mark comes earlier than a loss, so eight tenths of what was in flight.
    fn on_ecn(&mut self, window: &mut Window, _now: Instant, flight: u32) {
        self.acked = 0;
        window.reduce_by_mark((u64::from(flight) * 8 / 10) as u32);
    }

    /// RFC 5681 §3.1: half of what was in flight, once for each segment that times out.
    fn on_rto(&mut self, window: &mut Window, _now: Instant, flight: u32, first: bool) {
        self.acked = 0;
        if first {
            window.set_ssthresh(flight / 2);
        }
        window.collapse();
    }
}

dormant!(NewReno { acked, hystart });

#[cfg(test)]
mod tests;
