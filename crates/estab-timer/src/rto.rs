//! The retransmission timeout (RFC 6298).

use crate::instant::{Micros, nanos};
use crate::{Duration, Instant};

#[cfg(test)]
mod tests;

/// RFC 6298 §5.7: the least timeout for data after a SYN was lost.
const AFTER_HANDSHAKE_LOSS: Duration = Duration::from_secs(3);

/// How [`RtoConfig::min`] bounds the timeout from below.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum RtoFloor {
    /// It bounds the variance term: `SRTT + max(min, 4 * RTTVAR)`, as Linux does. On a steady path
    /// the timeout then stays `min` above the round trip however long that is, which covers the
    /// peer's delayed ACK.
    Variance,
    /// It bounds the sum, as RFC 6298 §2.4 says.
    Clamp,
}

/// The constants of the retransmission timeout. A connection keeps them as whole microseconds, up to
/// 71 minutes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct RtoConfig {
    /// The timeout before any sample: 1 s (RFC 6298 §2.1).
    pub initial: Duration,
    /// The lower bound, applied as [`floor`](Self::floor) says: 200 ms. RFC 6298 §2.4 asks for 1 s;
    /// less is safe only beside RACK-TLP and the undoing of spurious timeouts.
    pub min: Duration,
    /// The upper bound, also of the backed-off timeout: 120 s. RFC 6298 §2.5 allows none below 60 s.
    pub max: Duration,
    /// The upper bound while the SYN is unacknowledged: 60 s, which puts enough SYNs into the three
    /// minutes of RFC 9293 §3.8.3.
    pub syn_max: Duration,
    /// The clock granularity G, the least variance term: 1 ms.
    pub granularity: Duration,
    /// What the lower bound applies to.
    pub floor: RtoFloor,
}

impl RtoConfig {
    /// RFC 6298 to the letter: no timeout below a second.
    pub const RFC_STRICT: Self = Self {
        initial: Duration::from_secs(1),
        min: Duration::from_secs(1),
        max: Duration::from_secs(120),
        syn_max: Duration::from_secs(60),
        granularity: Duration::from_millis(1),
        floor: RtoFloor::Clamp,
    };
}

impl Default for RtoConfig {
    /// 200 ms below the variance term, everything else as [`RtoConfig::RFC_STRICT`].
    fn default() -> Self {
        Self {
            min: Duration::from_millis(200),
            floor: RtoFloor::Variance,
            ..Self::RFC_STRICT
        }
    }
}

/// Smoothed round-trip time and variation, kept aside while a timeout may prove spurious.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct RttSnapshot {
    srtt: u64,
    rttvar: u64,
}

/// What an [`RttEstimator`] has measured, for who keeps idle connections in less memory. Times in
/// nanoseconds, 0 if not known.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Measured {
    /// SRTT.
    pub srtt: u64,
    /// RTTVAR.
    pub rttvar: u64,
    /// The smallest sample.
    pub min_rtt: u64,
    /// The last sample.
    pub latest: u64,
    /// The timeout before the first sample.
    pub initial: u64,
    /// How often the timer backed off since the last sample.
    pub back_offs: u8,
}

/// The round-trip time of a connection and the retransmission timeout it gives (RFC 6298).
///
/// By Karn's algorithm (§3) the caller hands in no sample of a segment that was sent twice, unless
/// timestamps tell which transmission was answered. The back-off of an expired timer stays until
/// such a valid sample arrives: an ACK alone does not take it back.
///
/// ```
/// use estab_timer::{Duration, RtoConfig, RttEstimator};
///
/// let mut rtt = RttEstimator::new(&RtoConfig::default());
/// assert_eq!(rtt.rto(), Duration::from_secs(1));
///
/// rtt.on_sample(Duration::from_millis(100));
/// assert_eq!(rtt.srtt(), Some(Duration::from_millis(100)));
/// assert_eq!(rtt.rto(), Duration::from_millis(100 + 200)); // 4 * RTTVAR = 200 ms
///
/// rtt.back_off();
/// assert_eq!(rtt.rto(), Duration::from_millis(600));
/// rtt.on_sample(Duration::from_millis(100));
/// assert_eq!(rtt.rto(), Duration::from_millis(300));
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct RttEstimator {
    /// Nanoseconds; 0 before the first sample, which is at least 1.
    srtt: u64,
    rttvar: u64,
    min_rtt: u64,
    latest: u64,
    initial: Micros,
    min: Micros,
    max: Micros,
    syn_max: Micros,
    granularity: Micros,
    floor: RtoFloor,
    back_offs: u8,
}

impl RttEstimator {
    /// An estimator without a sample. A maximum below the minimum is read as the minimum.
    #[must_use]
    pub fn new(config: &RtoConfig) -> Self {
        let min = Micros::new(config.min);
        Self {
            srtt: 0,
            rttvar: 0,
            min_rtt: 0,
            latest: 0,
            initial: Micros::new(config.initial),
            min,
            max: Micros::new(config.max).max(min),
            syn_max: Micros::new(config.syn_max),
            granularity: Micros::new(config.granularity),
            floor: config.floor,
            back_offs: 0,
        }
    }

    /// Takes in a valid sample, one per round trip (§2.2, §2.3), and ends the back-off.
    pub fn on_sample(&mut self, sample: Duration) {
        self.on_sample_of(1, sample);
    }

    /// Takes in one of `expected` samples in this round trip, as timestamps give them: the gains are
    /// divided by that number, so the memory lasts as many round trips as RFC 6298 means (RFC 7323
    /// §4.2, appendix G, where `expected` is ⌈FlightSize / (2 * SMSS)⌉).
    // RFC 9293: MUST-18.
    #[inline]
    pub fn on_sample_of(&mut self, expected: u32, sample: Duration) {
        let sample = self.note(sample);
        if self.srtt == 0 {
            self.srtt = sample;
            self.rttvar = sample / 2;
        } else {
            // The old SRTT is in the variation: the order of these two matters.
            let expected = u64::from(expected.max(1));
            self.rttvar = towards(self.rttvar, self.srtt.abs_diff(sample), 4 * expected);
            self.srtt = towards(self.srtt, sample, 8 * expected);
        }
    }

    /// The estimate as it is before a timeout, for
    /// [`on_sample_after_spurious`](Self::on_sample_after_spurious); `None` without a sample.
    #[must_use]
    pub fn snapshot(&self) -> Option<RttSnapshot> {
        let srtt = self.srtt + 2 * self.granularity.nanos();
        (self.srtt != 0).then_some(RttSnapshot {
            srtt,
            rttvar: self.rttvar,
        })
    }

    /// Takes in the first sample of new data after a timeout that proved spurious: the delay spike
    /// behind it is believed, so the next one does not fool the timer again (the Eifel response,
    /// RFC 4015 §3.1, step 11).
    pub fn on_sample_after_spurious(&mut self, before: RttSnapshot, sample: Duration) {
        let sample = self.note(sample);
        self.srtt = before.srtt.max(sample);
        self.rttvar = before.rttvar.max(sample / 2);
    }

    /// What every valid sample does; returns it in nanoseconds, at least 1.
    #[inline]
    fn note(&mut self, sample: Duration) -> u64 {
        // A day bounds the sums below, and is no round trip.
        let sample = nanos(sample).clamp(1, 86_400_000_000_000);
        self.latest = sample;
        self.min_rtt = if self.min_rtt == 0 {
            sample
        } else {
            self.min_rtt.min(sample)
        };
        self.back_offs = 0;
        sample
    }

    /// The smoothed round-trip time, `None` before the first sample.
    #[must_use]
    #[inline]
    pub fn srtt(&self) -> Option<Duration> {
        known(self.srtt)
    }

    /// The round-trip time variation, `None` before the first sample.
    #[must_use]
    pub fn rttvar(&self) -> Option<Duration> {
        self.srtt().map(|_| Duration::from_nanos(self.rttvar))
    }

    /// The shortest sample of the connection's life, `None` before the first.
    #[must_use]
    pub fn min_rtt(&self) -> Option<Duration> {
        known(self.min_rtt)
    }

    /// The latest sample, `None` before the first.
    #[must_use]
    pub fn latest(&self) -> Option<Duration> {
        known(self.latest)
    }

    /// The timeout to arm the timer with: [`base_rto`](Self::base_rto), doubled for every expiry
    /// since the last sample (§5.5), at most [`RtoConfig::max`].
    #[must_use]
    #[inline]
    pub fn rto(&self) -> Duration {
        let doubled = self.base().saturating_mul(1 << self.back_offs.min(63));
        Duration::from_nanos(doubled.min(self.max.nanos()))
    }

    /// When a timer that runs for [`rto`](Self::rto) and was started at `from` expires.
    #[inline]
    #[must_use]
    pub fn timeout_from(&self, from: Instant) -> Instant {
        let doubled = self.base().saturating_mul(1 << self.back_offs.min(63));
        let nanos = doubled.min(self.max.nanos());
        Instant::from_nanos(from.as_nanos().saturating_add(nanos))
    }

    /// [`rto`](Self::rto) while the SYN is unacknowledged: also at most [`RtoConfig::syn_max`].
    #[must_use]
    pub fn syn_rto(&self) -> Duration {
        self.rto().min(self.syn_max.duration())
    }

    /// The timeout without back-off.
    #[must_use]
    pub fn base_rto(&self) -> Duration {
        Duration::from_nanos(self.base())
    }

    #[inline]
    fn base(&self) -> u64 {
        let max = self.max.nanos();
        if self.srtt == 0 {
            return self.initial.nanos().min(max);
        }
        let variance = (4 * self.rttvar).max(self.granularity.nanos());
        let min = self.min.nanos();
        let rto = match self.floor {
            RtoFloor::Variance => self.srtt + variance.max(min),
            RtoFloor::Clamp => (self.srtt + variance).max(min),
        };
        rto.min(max)
    }

    /// The timer expired: doubles the timeout (§5.5).
    pub const fn back_off(&mut self) {
        self.back_offs = self.back_offs.saturating_add(1);
    }

    /// How many times the timer expired since the last valid sample, at most 255.
    #[must_use]
    pub fn back_offs(&self) -> u32 {
        u32::from(self.back_offs)
    }

    /// Takes the back-off back without a sample: for a timeout that proved spurious.
    pub const fn reset_back_off(&mut self) {
        self.back_offs = 0;
    }

    /// To be called when the handshake completes after its SYN or SYN-ACK was retransmitted: data
    /// starts at no less than 3 s (§5.7). Does nothing if the handshake gave a valid sample, which
    /// only timestamps can; the first sample of data ends it in any case.
    pub fn on_handshake_loss(&mut self) {
        if self.srtt == 0 {
            self.initial = self.initial.max(Micros::new(AFTER_HANDSHAKE_LOSS));
            self.back_offs = 0;
        }
    }

    /// What was measured: together with the configuration, all there is to say of the estimator.
    #[must_use]
    pub const fn measured(&self) -> Measured {
        Measured {
            srtt: self.srtt,
            rttvar: self.rttvar,
            min_rtt: self.min_rtt,
            latest: self.latest,
            initial: self.initial.nanos(),
            back_offs: self.back_offs,
        }
    }

    /// The estimator that was made with `config` and said so of itself.
    #[must_use]
    pub fn with_measured(config: &RtoConfig, measured: Measured) -> Self {
        Self {
            srtt: measured.srtt,
            rttvar: measured.rttvar,
            min_rtt: measured.min_rtt,
            latest: measured.latest,
            initial: Micros::new(Duration::from_nanos(measured.initial)),
            back_offs: measured.back_offs,
            ..Self::new(config)
        }
    }
}

/// Moves `from` by one `divisor`th of the way to `target`.
const fn towards(from: u64, target: u64, divisor: u64) -> u64 {
    if target >= from {
        from + (target - from) / divisor
    } else {
        from - (from - target) / divisor
    }
}

fn known(nanos: u64) -> Option<Duration> {
    (nanos != 0).then_some(Duration::from_nanos(nanos))
}
