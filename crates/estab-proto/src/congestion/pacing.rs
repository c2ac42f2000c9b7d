//! Pacing: segments leave at the rate the path takes them, not in the bursts acknowledgments release.

use estab_timer::{Duration, Instant};

use super::Controller;
use crate::dormant::dormant;

/// What may leave ahead of the schedule: less time than that cannot be waited for, since timers have
/// a resolution of a millisecond.
const BURST: Duration = Duration::from_millis(1);

/// What is made up for when a timer fires late: one that is off by no more than this costs nothing on
/// average. More is lost, so that a host that stopped for a while sends no burst.
const CREDIT: Duration = Duration::from_millis(4);

/// The longest that anything waits: a round-trip time may be whatever the peer makes it look.
const HORIZON: Duration = Duration::from_secs(10);

/// The gains of a rate that follows from the window, in tenths: while the window doubles each round
/// trip, and while it grows slowly.
///
/// Slow start wants some burstiness: sent evenly, it fills a shallow buffer only when the window is
/// already twice what the path takes, and half of it is lost.
const GAINS: (u64, u64) = (40, 12);

/// Whether segments leave spread over the round trip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pacing {
    /// As is best for the algorithm: see [`Algorithm::paced`](super::Algorithm::paced).
    #[default]
    Auto,
    /// Always, once the round trip is known.
    On,
    /// Never: each acknowledgment releases what it may.
    Off,
}

/// A rate: so many bytes in so many nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    bytes: u64,
    nanos: u64,
}

impl Rate {
    /// So many bytes per second; 0 counts as 1.
    pub const fn per_second(bytes: u64) -> Self {
        Self {
            bytes: if bytes == 0 { 1 } else { bytes },
            nanos: 1_000_000_000,
        }
    }

    /// The rate at which a connection sends: what its congestion control has set, or else its window
    /// per round trip, four times that in slow start and 1.2 times in congestion avoidance, so that the
    /// window can be filled. At most `max`. `None` without a measured round trip.
    ///
    /// A window above half of the threshold is on its last doubling, or comes down to the threshold in
    /// recovery: then the rate is that of the threshold already.
    pub fn of(cc: &Controller, srtt: Option<Duration>, max: Option<u64>) -> Option<Self> {
        let rate = match cc.pacing_rate() {
            Some(rate) => Self::per_second(rate),
            None => {
                let (doubling, steady) = GAINS;
                let (cwnd, ssthresh) = (cc.cwnd(), cc.ssthresh());
                let bytes = if cwnd < ssthresh / 2 {
                    u64::from(cwnd) * doubling
                } else {
                    u64::from(cwnd.max(ssthresh)) * steady
                };
                Self {
                    bytes,
                    nanos: nanos(srtt?).saturating_mul(10).max(1),
                }
            }
        };
        let max = max.map(Self::per_second);
        Some(max.filter(|max| max.is_below(rate)).unwrap_or(rate))
    }

    /// In bytes per second.
    pub fn bytes_per_second(self) -> u64 {
        let rate = u128::from(self.bytes) * 1_000_000_000 / u128::from(self.nanos);
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    fn is_below(self, other: Self) -> bool {
        u128::from(self.bytes) * u128::from(other.nanos)
            < u128::from(other.bytes) * u128::from(self.nanos)
    }

    /// How long `bytes` take.
    fn time(self, bytes: u32) -> Duration {
        Duration::from_nanos(u64::from(bytes).saturating_mul(self.nanos) / self.bytes)
    }

    /// How many bytes go in `time`.
    fn bytes(self, time: Duration) -> u32 {
        let bytes = self.bytes.saturating_mul(nanos(time)) / self.nanos;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// When the next segment may leave.
///
/// The pacer has a schedule that advances by the time each segment takes at the rate of its moment.
/// Bursts of about a millisecond are let out at once, so a fast path costs no timer per segment, and
/// one whose round trip is shorter than that none at all; on average the rate holds, even with timers
/// that fire late.
///
/// ```
/// use estab_proto::congestion::{Pacer, Rate};
/// use estab_timer::{Duration, Instant};
///
/// let (mut pacer, rate) = (Pacer::default(), Rate::per_second(1_000_000));
/// let now = Instant::from_secs(1);
/// assert_eq!(pacer.on_sent(now, 500, 500, rate), None);
/// // A millisecond's worth has left.
/// assert_eq!(pacer.on_sent(now, 500, 500, rate), Some(now + Duration::from_millis(1)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    /// When what was sent so far is through at its rate.
    next: Instant,
    /// The most that leaves in one burst.
    quantum: u32,
    /// By how many nanoseconds the timer was late, until that is made up for.
    late: u32,
    /// By how many nanoseconds sending may run ahead of the schedule, a segment short.
    slack: u32,
}

impl Default for Pacer {
    fn default() -> Self {
        Self {
            next: Instant::ZERO,
            quantum: u32::MAX,
            late: 0,
            slack: 0,
        }
    }
}

impl Pacer {
    /// `len` bytes leave at `now`. Gives when the next segment may, unless that is at once; `mss` is
    /// how long it may be.
    pub fn on_sent(&mut self, now: Instant, len: u32, mss: u32, rate: Rate) -> Option<Instant> {
        // Time in which nothing was sent for want of data or of a window is not made up for.
        let earliest = now.saturating_sub(Duration::from_nanos(self.late.into()));
        self.next = (self.next.max(earliest) + rate.time(len)).min(now + HORIZON);
        if self.next >= now {
            self.late = 0;
        }
        self.quantum = rate.bytes(BURST).max(mss.saturating_mul(2));
        let segment = rate.time(mss);
        let slack = BURST.max(segment * 2) - segment;
        self.slack = u32::try_from(slack.as_nanos()).unwrap_or(u32::MAX);
        (!self.is_due(now)).then_some(self.next)
    }

    /// Whether a segment may leave at `now` already, since something happens now in any case: so
    /// acknowledgments, which come often, make shorter bursts than timers.
    pub fn is_due(&self, now: Instant) -> bool {
        self.next.saturating_duration_since(now) <= Duration::from_nanos(self.slack.into())
    }

    /// The time [`on_sent`](Self::on_sent) gave has come.
    pub fn on_timer(&mut self, now: Instant) {
        let late = now.saturating_duration_since(self.next).min(CREDIT);
        self.late = late.subsec_nanos();
    }

    /// The most that should leave as one super-segment: as much as in a burst. `u32::MAX` while
    /// nothing is paced.
    pub fn quantum(&self) -> u32 {
        self.quantum
    }

    /// Nothing is paced, until something is again.
    pub fn release(&mut self) {
        *self = Self::default();
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

dormant!(Pacer {
    next,
    quantum,
    late,
    slack
});

#[cfg(test)]
mod tests;
