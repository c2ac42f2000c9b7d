//! Asking a silent peer whether it is still there (RFC 9293 §3.8.4).

use crate::{Duration, Instant};

#[cfg(test)]
mod tests;

/// The constants of keep-alive. Whether to use it at all is the application's choice, and off by
/// default (MUST-25).
///
/// `interval` is 75 **seconds**. Some teaching texts print 75 minutes, as if it were of the order of
/// the two idle hours; the BSD code both descend from says 75 seconds, and so does every stack in
/// use. With minutes, ten unanswered probes would keep a dead connection for half a day more.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct KeepaliveConfig {
    /// Silence before the first probe: 2 h, the least a default may be (MUST-28).
    pub idle: Duration,
    /// Between two probes: 75 s.
    pub interval: Duration,
    /// How many probes in a row go unanswered before the peer counts as dead: 10. One must not be
    /// enough (MUST-29), so less than 2 is read as 2.
    pub probes: u32,
}

impl Default for KeepaliveConfig {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(7_200),
            interval: Duration::from_secs(75),
            probes: 10,
        }
    }
}

/// What a due keep-alive timer asks for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum KeepaliveAction {
    /// Send an empty segment at SND.NXT − 1 and arm the timer for `next`.
    Probe {
        /// When the timer is due again.
        next: Instant,
    },
    /// No probe was answered: the connection has timed out.
    Dead,
}

/// Counts the unanswered keep-alive probes of one connection.
///
/// A peer that answers nothing is given up exactly `idle + probes * interval` after its last
/// segment: 7950 s by default. Any segment from it starts the wait anew. While data is outstanding
/// the retransmission timer watches the peer, and no probe is sent (MUST-26): the caller then takes
/// an expiry for activity.
///
/// ```
/// use estab_timer::{Duration, Instant, Keepalive, KeepaliveAction, KeepaliveConfig};
///
/// let config = KeepaliveConfig::default();
/// let mut keepalive = Keepalive::new();
/// let due = keepalive.on_activity(Instant::ZERO, &config);
/// assert_eq!(due, Instant::from_secs(7200));
/// let next = due + Duration::from_secs(75);
/// assert_eq!(keepalive.on_expiry(due, &config), KeepaliveAction::Probe { next });
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Keepalive {
    probes_sent: u32,
}

impl Keepalive {
    /// No probe sent.
    #[must_use]
    pub const fn new() -> Self {
        Self { probes_sent: 0 }
    }

    /// A segment arrived, or the option was turned on; returns when the timer is due.
    pub fn on_activity(&mut self, now: Instant, config: &KeepaliveConfig) -> Instant {
        self.probes_sent = 0;
        now + config.idle
    }

    /// The timer is due.
    ///
    /// The next deadline counts from `now`: after a late wake-up, of a machine that slept, every
    /// probe still has its whole interval to be answered.
    pub fn on_expiry(&mut self, now: Instant, config: &KeepaliveConfig) -> KeepaliveAction {
        if self.probes_sent >= config.probes.max(2) {
            return KeepaliveAction::Dead;
        }
        self.probes_sent += 1;
        KeepaliveAction::Probe {
            next: now + config.interval,
        }
    }

    /// How many probes were sent since the last segment from the peer.
    #[must_use]
    pub const fn probes_sent(&self) -> u32 {
        self.probes_sent
    }
}
