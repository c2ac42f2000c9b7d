//! How long to wait for the FIN of a peer nobody listens to any more.

use crate::{Duration, Instant};

#[cfg(test)]
mod tests;

/// The constants of FIN-WAIT-2 without an application.
///
/// RFC 9293 lets FIN-WAIT-2 last until the peer closes. That is right for a half-closed connection
/// that is still read, which has no timeout at all. But once the application has closed both
/// directions, a peer that never sends its FIN would hold the record for ever.
///
/// ```
/// use estab_timer::{Duration, FinWait2Config, Instant};
///
/// let config = FinWait2Config::default();
/// let now = Instant::from_secs(100);
/// assert_eq!(config.deadline(now, Duration::from_millis(300)), Instant::from_secs(160));
/// // A very slow path gets its three and a half timeouts.
/// assert_eq!(config.deadline(now, Duration::from_secs(40)), Instant::from_secs(240));
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct FinWait2Config {
    /// The least time to wait: 60 s.
    pub timeout: Duration,
}

impl FinWait2Config {
    /// When an orphan that entered FIN-WAIT-2, or became one in it, at `now` is given up: after
    /// `timeout`, but not before 3.5 times `rto`, so that the FIN can be retransmitted.
    #[must_use]
    pub fn deadline(&self, now: Instant, rto: Duration) -> Instant {
        now + self.timeout.max(rto.saturating_mul(7) / 2)
    }
}

impl Default for FinWait2Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
        }
    }
}
