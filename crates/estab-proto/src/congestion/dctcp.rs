//! Data Center TCP: the window shrinks by how much is marked (RFC 8257).

use estab_timer::Instant;

use super::hystart::HyStart;
use super::{CongestionControl, NewReno, Window};
use crate::dormant::dormant;
use crate::recovery::AckSample;

/// The fraction one, in the fixed point of `alpha`.
const ONE: u32 = 1 << 10;

/// The estimation gain g: a sixteenth.
const GAIN_SHIFT: u32 = 4;

/// NewReno with DCTCP's answer to marks.
///
/// The state is that of RFC 8257 §3.3. A window of observation ends when all that was in flight at its
/// beginning is delivered; that is told by the lowest 32 bits of what was delivered.
#[derive(Clone, Copy, Debug)]
pub struct Dctcp {
    /// For all that is not a mark (§3.4, §3.5).
    reno: NewReno,
    /// DCTCP.Alpha in 2⁻¹⁰: the share of bytes that were marked, averaged.
    alpha: u32,
    /// DCTCP.WindowEnd.
    window_end: u32,
    /// DCTCP.BytesAcked.
    bytes_acked: u32,
    /// DCTCP.BytesMarked.
    bytes_marked: u32,
}

impl Dctcp {
    /// DCTCP before the first acknowledgment.
    pub(super) fn new(hystart: Option<HyStart>) -> Self {
        Self {
            reno: NewReno::new(hystart),
            alpha: ONE,
            window_end: 0,
            bytes_acked: 0,
            bytes_marked: 0,
        }
    }

    /// The end of an observation window (§3.3 steps 5 to 8).
    fn update_alpha(&mut self) {
        let marked = u64::from(self.bytes_marked.min(self.bytes_acked)) * u64::from(ONE);
        let share = marked.checked_div(self.bytes_acked.into()).unwrap_or(0) as u32;
        // Down to zero, which rounding would not reach (§4.2).
        let decay = (self.alpha >> GAIN_SHIFT).max(self.alpha.min(1));
        self.alpha = (self.alpha - decay + (share >> GAIN_SHIFT)).min(ONE);
        self.bytes_acked = 0;
        self.bytes_marked = 0;
    }
}

impl CongestionControl for Dctcp {
    fn on_ack(&mut self, window: &mut Window, sample: &AckSample) {
        self.bytes_acked = self.bytes_acked.saturating_add(sample.newly_acked);
        self.bytes_marked = self.bytes_marked.saturating_add(sample.ce_bytes);
        let delivered = sample.delivered as u32;
        if delivered.wrapping_sub(self.window_end) < 1 << 31 && self.bytes_acked > 0 {
            self.update_alpha();
            self.window_end = delivered.wrapping_add(sample.in_flight);
        }
        self.reno.on_ack(window, sample);
    }

    fn on_congestion(&mut self, window: &mut Window, now: Instant, flight: u32) {
        self.reno.on_congestion(window, now, flight);
    }

    /// §3.3 step 9: cwnd × (1 - alpha/2).
    fn on_ecn(&mut self, window: &mut Window, _now: Instant, _flight: u32) {
        let cut = u64::from(window.cwnd()) * u64::from(self.alpha) / u64::from(2 * ONE);
        window.reduce_by_mark(window.cwnd() - cut as u32);
    }

    fn on_rto(&mut self, window: &mut Window, now: Instant, flight: u32, first: bool) {
        self.reno.on_rto(window, now, flight, first);
    }
}

dormant!(Dctcp {
    reno,
    alpha,
    window_end,
    bytes_acked,
    bytes_marked
});

#[cfg(test)]
mod tests;
