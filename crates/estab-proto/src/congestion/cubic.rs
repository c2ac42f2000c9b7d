//! CUBIC: growth by a cubic function of the time since the last congestion event (RFC 9438).
//!
//! All arithmetic is in integers: windows in bytes, time in 2⁻¹⁰ s inside the cubic function.

use estab_timer::Instant;

use super::hystart::{HyStart, slow_start};
use super::{CongestionControl, Window};
use crate::dormant::dormant;
use crate::recovery::AckSample;

/// Fractional bits of `w_est`, whose steps are smaller than a byte on a wide window.
const EST_SHIFT: u32 = 10;

/// The furthest from K the curve is followed, in 2⁻¹⁰ s (17 minutes): beyond it every window is at
/// its bound anyway.
const MAX_TICKS: u64 = 1 << 20;

/// The state of CUBIC, named as in RFC 9438 §4.1.2; windows in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Cubic {
    phase: Phase,
    /// The window before the last reduction, lowered by fast convergence; 0 if the next stage
    /// begins without a plateau to return to (§4.8, §4.10).
    w_max: u32,
    /// The window when `ssthresh` was last set.
    cwnd_prior: u32,
    /// The smoothed round-trip time, in nanoseconds; 0 before the first sample.
    srtt: u64,
    /// When the last acknowledgment arrived.
    last_ack: Instant,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// No congestion avoidance stage has begun since the last congestion event; HyStart++ watches the
    /// first slow start.
    Slow(Option<HyStart>),
    Avoidance(Stage),
}

/// A congestion avoidance stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    /// When the curve is back at `w_max`, in 2⁻¹⁰ s since the stage began.
    k: u32,
    /// What is left of `(target - cwnd) * acked` after whole bytes of growth.
    remainder: u32,
    /// The window Reno would have, in 2⁻¹⁰ bytes.
    w_est: u64,
    /// How long the stage has lasted, in nanoseconds, without the time in which the window was not
    /// used.
    elapsed: u64,
}

impl Default for Cubic {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Cubic {
    /// CUBIC before the first acknowledgment.
    pub(super) fn new(hystart: Option<HyStart>) -> Self {
        Self {
            phase: Phase::Slow(hystart),
            w_max: 0,
            cwnd_prior: 0,
            srtt: 0,
            last_ack: Instant::ZERO,
        }
    }

    /// Follows the round-trip time with the gain of RFC 6298 §2.3.
    fn observe(&mut self, sample: &AckSample) {
        let Some(rtt) = sample.rtt else { return };
        let rtt = u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX).max(1);
        self.srtt = match self.srtt {
            0 => rtt,
            srtt => srtt - srtt / 8 + rtt / 8,
        };
    }

    /// Takes a congestion event back (§4.9): the curve goes on from where it was.
    pub(super) fn restore(&mut self, earlier: &Self) {
        *self = Self {
            srtt: self.srtt,
            last_ack: self.last_ack,
            ..*earlier
        };
    }

    /// Congestion avoidance begins: the curve starts from the present window (§4.2, §4.3).
    fn begin_stage(&mut self, window: &Window) -> Stage {
        let cwnd = window.cwnd();
        if self.w_max == 0 {
            self.cwnd_prior = self.cwnd_prior.max(cwnd);
        }
        let k = if self.w_max <= cwnd {
            self.w_max = cwnd;
            0
        } else {
            // K = cbrt((w_max - cwnd) / C) with C = 2/5 segments/s³, in 2⁻¹⁰ s.
            let bytes = u64::from(self.w_max - cwnd);
            cbrt(((bytes * 5 / 2) << 30) / u64::from(window.mss())) as u32
        };
        Stage {
            k,
            remainder: 0,
            w_est: u64::from(cwnd) << EST_SHIFT,
            elapsed: 0,
        }
    }

    /// W_cubic(t) = C(t-K)³ + W_max in bytes, for `t` in nanoseconds (§4.2).
    fn w_cubic(&self, k: u32, t: u64, mss: u32) -> u64 {
        let t = t.saturating_mul(1 << 10) / 1_000_000_000;
        let k = u64::from(k);
        let distance = t.abs_diff(k).min(MAX_TICKS);
        // In 2⁻²⁰ s³, times C: in 2⁻²⁰ segments, below 2⁴⁹.
        let segments = ((distance * distance * distance) >> 10) * 2 / 5;
        let bytes = ((segments >> 6) * u64::from(mss)) >> 14;
        let w_max = u64::from(self.w_max);
        if t < k {
            w_max.saturating_sub(bytes)
        } else {
            w_max + bytes
        }
    }

    /// Congestion avoidance: what the window grows by for `acked` bytes (§4.3 to §4.5).
    fn growth(&self, stage: &mut Stage, window: &Window, acked: u32) -> u32 {
        let (cwnd, mss) = (u64::from(window.cwnd()), window.mss());
        let acked = acked.min(window.cwnd());
        let w_est = stage.reno_friendly(self.cwnd_prior, window, acked);
        if self.w_cubic(stage.k, stage.elapsed, mss) < w_est {
            return w_est.saturating_sub(cwnd) as u32;
        }
        let ahead = self.w_cubic(stage.k, stage.elapsed.saturating_add(self.srtt), mss);
        let target = ahead.clamp(cwnd, cwnd + cwnd / 2);
        let credit = (target - cwnd) * u64::from(acked) + u64::from(stage.remainder);
        stage.remainder = (credit % cwnd) as u32;
        (credit / cwnd) as u32
    }

    /// A congestion event: the plateau is where it happened, or below it by fast convergence (§4.7),
    /// and no stage has begun since.
    fn end_stage(&mut self, window: &Window) {
        let cwnd = window.cwnd();
        self.cwnd_prior = cwnd;
        self.w_max = if window.fast_convergence() && cwnd < self.w_max {
            scale(cwnd, 17, 20)
        } else {
            cwnd
        };
        self.phase = Phase::Slow(None);
    }
}

impl Stage {
    /// Advances W_est by `acked` bytes and gives it in whole bytes (§4.3).
    fn reno_friendly(&mut self, cwnd_prior: u32, window: &Window, acked: u32) -> u64 {
        let step = (u64::from(window.mss()) * u64::from(acked)) << EST_SHIFT;
        let step = if self.w_est >> EST_SHIFT < u64::from(cwnd_prior) {
            // alpha = 3(1 - beta)/(1 + beta) = 9/17
            step / 17 * 9
        } else {
            step
        };
        self.w_est = self.w_est.saturating_add(step / u64::from(window.cwnd()));
        self.w_est >> EST_SHIFT
    }
}

impl CongestionControl for Cubic {
    fn on_ack(&mut self, window: &mut Window, sample: &AckSample) {
        self.observe(sample);
        let since = (sample.now - self.last_ack).as_nanos();
        self.last_ack = sample.now;
        if sample.in_recovery || sample.newly_acked == 0 {
            return;
        }
        let mut acked = sample.newly_acked;
        if window.in_slow_start() {
            let watch = match &mut self.phase {
                Phase::Slow(hystart) => hystart.as_mut(),
                Phase::Avoidance(_) => None,
            };
            acked = slow_start(watch, window, sample);
            if window.in_slow_start() {
                // However it came to this, the next stage begins where slow start ends.
                if let Phase::Avoidance(_) = self.phase {
                    self.phase = Phase::Slow(None);
                }
                return;
            }
        }
        if !sample.is_cwnd_limited {
            return;
        }
        let mut stage = match self.phase {
            Phase::Slow(_) => self.begin_stage(window),
            Phase::Avoidance(mut stage) => {
                // A sender that uses its window hears an ACK each round trip; what is longer was idle
                // time, which must not count (§4.2, §5.8).
                let used = since.min(u128::from(self.srtt)) as u64;
                stage.elapsed = stage.elapsed.saturating_add(used);
                stage
            }
        };
        window.grow(self.growth(&mut stage, window, acked));
        self.phase = Phase::Avoidance(stage);
    }

    /// Multiplicative decrease by 0.7 (§4.6).
    fn on_congestion(&mut self, window: &mut Window, _now: Instant, flight: u32) {
        self.end_stage(window);
        window.reduce(scale(flight, 7, 10));
    }

    /// By 0.85: a mark comes earlier than a loss (RFC 8511 §3.1).
    fn on_ecn(&mut self, window: &mut Window, _now: Instant, flight: u32) {
        self.end_stage(window);
        window.reduce_by_mark(scale(flight, 17, 20));
    }

    /// Reno's collapse with CUBIC's threshold; the next stage starts its curve where it begins
    /// (§4.8).
    fn on_rto(&mut self, window: &mut Window, _now: Instant, flight: u32, first: bool) {
        if first {
            self.cwnd_prior = window.cwnd();
            window.set_ssthresh(scale(flight, 7, 10));
        }
        self.w_max = 0;
        self.phase = Phase::Slow(None);
        window.collapse();
    }
}

/// `bytes * numerator / denominator`, for fractions below one.
fn scale(bytes: u32, numerator: u64, denominator: u64) -> u32 {
    (u64::from(bytes) * numerator / denominator) as u32
}

/// The integer cube root, rounded down: one bit of the root per step.
fn cbrt(mut n: u64) -> u64 {
    let mut root = 0;
    for shift in (0..=63).rev().step_by(3) {
        root *= 2;
        let next = 3 * root * (root + 1) + 1;
        if n >> shift >= next {
            n -= next << shift;
            root += 1;
        }
    }
    root
}

dormant!(Cubic {
    phase,
    w_max,
    cwnd_prior,
    srtt,
    last_ack
});

dormant!(Stage {
    k,
    remainder,
    w_est,
    elapsed
});

#[cfg(test)]
mod tests;
