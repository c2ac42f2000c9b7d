//! Probing a zero window (RFC 9293 §3.8.6.1).

use crate::instant::Micros;
use crate::{Duration, Instant};

#[cfg(test)]
mod tests;

/// The constants of zero-window probing.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct PersistConfig {
    /// The least time before the first probe: 200 ms. The retransmission timeout counts if longer.
    pub min: Duration,
    /// The most time between two probes: 60 s. Read as 71 minutes if more.
    pub max: Duration,
}

impl Default for PersistConfig {
    fn default() -> Self {
        Self {
            min: Duration::from_millis(200),
            max: Duration::from_secs(60),
        }
    }
}

/// The schedule of zero-window probes: the first after one retransmission timeout (SHLD-29), then
/// twice as long each time (SHLD-30), up to a cap.
///
/// A peer that answers keeps the connection for ever, however long its window stays shut (MUST-37,
/// RFC 6429): only [`unanswered_since`](Self::unanswered_since) may be held against R2 or the user
/// timeout.
///
/// ```
/// use estab_timer::{Duration, Instant, Persist, PersistConfig};
///
/// let config = PersistConfig::default();
/// let mut persist = Persist::new();
/// let shut = Instant::from_secs(10);
/// let first = persist.start(shut, Duration::from_millis(300), &config);
/// assert_eq!(first, shut + Duration::from_millis(300));
///
/// let second = persist.on_probe_sent(first, &config);
/// assert_eq!(second, first + Duration::from_millis(600));
/// assert_eq!(persist.unanswered_since(), Some(first));
/// persist.on_answer();
/// assert_eq!(persist.unanswered_since(), None);
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Persist {
    /// Before the next probe; zero when probing is off.
    interval: Micros,
    /// When the first unanswered probe was sent; [`Instant::NEVER`] if none is out.
    unanswered_since: Instant,
    probes_out: u32,
}

impl Persist {
    /// Not probing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            interval: Micros::ZERO,
            unanswered_since: Instant::NEVER,
            probes_out: 0,
        }
    }

    /// The window is shut, data is waiting, and nothing in flight will bring an ACK: starts the
    /// schedule anew and returns when to send the first probe. `rto` is the current retransmission
    /// timeout.
    pub fn start(&mut self, now: Instant, rto: Duration, config: &PersistConfig) -> Instant {
        *self = Self::new();
        // Never zero: that means off, and would probe without end.
        let shortest = Duration::from_millis(1);
        let interval = rto.max(config.min).min(config.max).max(shortest);
        self.interval = Micros::new(interval);
        now + interval
    }

    /// A probe was sent; returns when to send the next one.
    pub fn on_probe_sent(&mut self, now: Instant, config: &PersistConfig) -> Instant {
        if self.probes_out == 0 {
            self.unanswered_since = now;
        }
        self.probes_out = self.probes_out.saturating_add(1);
        let interval = self.interval.duration();
        let interval = (interval * 2).min(config.max).max(interval);
        self.interval = Micros::new(interval);
        now + interval
    }

    /// An acceptable segment arrived from the peer, so it is alive. The schedule goes on.
    #[inline]
    pub const fn on_answer(&mut self) {
        self.unanswered_since = Instant::NEVER;
        self.probes_out = 0;
    }

    /// The window opened, or there is nothing left to send.
    pub const fn stop(&mut self) {
        *self = Self::new();
    }

    /// Whether probing is on.
    #[must_use]
    #[inline]
    pub fn active(&self) -> bool {
        self.interval != Micros::ZERO
    }

    /// When the first of the probes without an answer was sent, `None` if there is no such probe.
    #[must_use]
    pub fn unanswered_since(&self) -> Option<Instant> {
        (self.probes_out > 0).then_some(self.unanswered_since)
    }

    /// How many probes were sent since the last answer.
    #[must_use]
    pub const fn probes_out(&self) -> u32 {
        self.probes_out
    }
}

impl Default for Persist {
    fn default() -> Self {
        Self::new()
    }
}
