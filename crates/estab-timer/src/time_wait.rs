//! How long a closed connection is remembered (RFC 9293 §3.4.2, §3.6).

use crate::{Duration, Instant};

#[cfg(test)]
mod tests;

/// The constant of TIME-WAIT.
///
/// The state lasts 2 MSL (MUST-13), so that the peer's FIN can be acknowledged again and segments of
/// the old connection die out. Only a retransmitted FIN starts it anew: any other segment, a RST
/// included, leaves it alone (RFC 1337).
///
/// ```
/// use estab_timer::{Duration, Instant, TimeWaitConfig};
///
/// let config = TimeWaitConfig::default();
/// assert_eq!(config.duration(), Duration::from_secs(60));
/// assert_eq!(config.deadline(Instant::from_secs(5)), Instant::from_secs(65));
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct TimeWaitConfig {
    /// The maximum segment lifetime: 30 s. An engineering choice; timestamps and the choice of
    /// initial sequence numbers cover what is left of the risk.
    pub msl: Duration,
}

impl TimeWaitConfig {
    /// The two minutes RFC 9293 §3.4.2 takes.
    pub const RFC_STRICT: Self = Self {
        msl: Duration::from_secs(120),
    };

    /// 2 MSL.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.msl.saturating_mul(2)
    }

    /// When TIME-WAIT ends, if it was entered, or the peer's FIN retransmitted, at `now`.
    #[must_use]
    pub const fn deadline(&self, now: Instant) -> Instant {
        now.saturating_add(self.duration())
    }
}

impl Default for TimeWaitConfig {
    fn default() -> Self {
        Self {
            msl: Duration::from_secs(30),
        }
    }
}
