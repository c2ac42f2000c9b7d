//! HyStart++: leaving the first slow start when the queue grows, before it overflows (RFC 9406).
//!
//! The round trips of a round's first segments, by which RFC 9406 judges, tell of the queue a round
//! late: by then the window is twice what the path holds, and a queue as long overflows. So those of the
//! others are looked at too, together with how long the acknowledgments take ([`train`]).

mod train;

use estab_timer::Duration;

use super::{Paced, Window};
use crate::dormant::dormant;
use crate::recovery::AckSample;
use train::Train;

/// Bounds on the growth of the round-trip time that counts (`MIN_RTT_THRESH`, `MAX_RTT_THRESH`), in
/// microseconds.
const RTT_THRESH: (u32, u32) = (4_000, 16_000);

/// The share of a round trip by which it must grow (`MIN_RTT_DIVISOR`).
const MIN_RTT_DIVISOR: u32 = 8;

/// Samples it takes in a round before its smallest is trusted (`N_RTT_SAMPLE`).
const N_RTT_SAMPLE: u8 = 8;

/// How much slower conservative slow start grows.
const CSS_GROWTH_DIVISOR: u32 = 4;

/// Rounds of conservative slow start.
const CSS_ROUNDS: u8 = 5;

/// Segments that one acknowledgment counts for when sending is not paced (`L`).
const L: u32 = 8;

/// The largest round-trip time, in microseconds: not measured yet.
const UNKNOWN: u32 = u32::MAX;

/// The variables of RFC 9406 §4.2; times in microseconds.
///
/// A round ends when all that was sent when it began is delivered. It is told by counting what was
/// delivered, of which the lowest 32 bits are enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct HyStart {
    /// The count of delivered bytes at which the round ends.
    window_end: u32,
    last_round_min_rtt: u32,
    current_round_min_rtt: u32,
    /// [`UNKNOWN`] outside conservative slow start.
    css_baseline_min_rtt: u32,
    rtt_sample_count: u8,
    /// How many rounds of conservative slow start have ended, the one in which it began too.
    css_rounds: u8,
    /// Whether a round was begun.
    in_round: bool,
    paced: Paced,
    train: Train,
}

impl HyStart {
    /// Slow start begins. If sending is paced, one acknowledgment may count for any number of
    /// segments (§4.3).
    pub(super) fn new(paced: Paced) -> Self {
        Self {
            window_end: 0,
            last_round_min_rtt: UNKNOWN,
            current_round_min_rtt: UNKNOWN,
            css_baseline_min_rtt: UNKNOWN,
            rtt_sample_count: 0,
            css_rounds: 0,
            in_round: false,
            paced,
            train: Train::default(),
        }
    }

    /// An acknowledgment arrived in slow start. Ends it, by setting the threshold, if the path is
    /// full.
    pub(super) fn on_ack(&mut self, window: &mut Window, sample: &AckSample) {
        if !self.in_round {
            self.in_round = true;
            self.begin_round(sample);
        }
        if let Some(rtt) = sample.rtt {
            self.current_round_min_rtt = self.current_round_min_rtt.min(micros(rtt));
            self.rtt_sample_count = self.rtt_sample_count.saturating_add(1);
            self.judge();
        }
        let left = self.window_end.wrapping_sub(sample.delivered as u32);
        if left == 0 || left > u32::MAX / 2 {
            self.css_rounds += u8::from(self.in_css());
            self.begin_round(sample);
        }
        if self.is_full(sample) || self.css_rounds >= CSS_ROUNDS {
            window.set_ssthresh(window.cwnd());
        }
    }

    fn begin_round(&mut self, sample: &AckSample) {
        // Without losses, what is delivered and what is in flight is all that was sent.
        self.window_end = (sample.delivered as u32).wrapping_add(sample.in_flight);
        self.last_round_min_rtt = self.current_round_min_rtt;
        self.current_round_min_rtt = UNKNOWN;
        self.rtt_sample_count = 0;
    }

    /// Whether the acknowledgments have come without a gap for half a round trip, and the last one
    /// late: the bottleneck is never idle, and something waits at it.
    fn is_full(&mut self, sample: &AckSample) -> bool {
        let Some(min_rtt) = sample.min_rtt.map(micros) else {
            return false;
        };
        let is_long = self.train.on_ack(sample.now, min_rtt);
        let late = min_rtt.saturating_add(threshold(min_rtt));
        is_long && sample.rtt.is_some_and(|rtt| micros(rtt) >= late)
    }

    /// Whether the round trips of this round have grown since the last, or were but a burst.
    fn judge(&mut self) {
        if self.rtt_sample_count < N_RTT_SAMPLE {
            return;
        }
        let (current, last) = (self.current_round_min_rtt, self.last_round_min_rtt);
        if self.in_css() {
            if current < self.css_baseline_min_rtt {
                self.css_baseline_min_rtt = UNKNOWN;
                self.css_rounds = 0;
            }
        } else if last != UNKNOWN && current >= last.saturating_add(threshold(last)) {
            self.css_baseline_min_rtt = current;
        }
    }

    /// How many of `acked` bytes count for growth: in conservative slow start a quarter of them.
    pub(super) fn growth(&self, acked: u32, mss: u32) -> u32 {
        let counted = match self.paced {
            Paced::No => acked.min(L * mss),
            Paced::Yes => acked,
        };
        if self.in_css() {
            counted / CSS_GROWTH_DIVISOR
        } else {
            counted
        }
    }

    /// Whether the round trips have grown (conservative slow start).
    fn in_css(&self) -> bool {
        self.css_baseline_min_rtt != UNKNOWN
    }
}

/// Slow start: the window grows by what was acknowledged, up to the threshold, which HyStart++ sets
/// if it watches. Gives the bytes that were acknowledged beyond it.
///
/// Only the first slow start is watched, the one without a threshold (§4.3).
pub(super) fn slow_start(
    watch: Option<&mut HyStart>,
    window: &mut Window,
    sample: &AckSample,
) -> u32 {
    let Some(hystart) = watch.filter(|_| window.ssthresh() == u32::MAX) else {
        return if sample.is_cwnd_limited {
            window.slow_start(sample)
        } else {
            sample.newly_acked
        };
    };
    hystart.on_ack(window, sample);
    if !window.in_slow_start() || !sample.is_cwnd_limited {
        return sample.newly_acked;
    }
    let counted = hystart.growth(sample.newly_acked, window.mss());
    window.slow_start_by(counted, sample.prior_state)
}

/// By how much a round trip of `rtt` must grow.
fn threshold(rtt: u32) -> u32 {
    let (least, most) = RTT_THRESH;
    (rtt / MIN_RTT_DIVISOR).clamp(least, most)
}

fn micros(rtt: Duration) -> u32 {
    u32::try_from(rtt.as_micros()).map_or(UNKNOWN - 1, |rtt| rtt.min(UNKNOWN - 1))
}

dormant!(HyStart {
    window_end,
    last_round_min_rtt,
    current_round_min_rtt,
    css_baseline_min_rtt,
    rtt_sample_count,
    css_rounds,
    in_round,
    paced,
    train,
});

#[cfg(test)]
mod tests;
