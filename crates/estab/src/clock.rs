//! The one place that reads a clock.
//!
//! It reads tokio's, so that a runtime whose clock is paused drives the stack in virtual time.

use estab_timer::{Duration, Instant};

/// Turns tokio's time into the protocol's, which counts from the moment the clock was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: tokio::time::Instant,
}

impl Clock {
    /// A clock that starts at [`Instant::ZERO`] now.
    pub(crate) fn new() -> Self {
        Self { origin: read() }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Instant {
        Instant::ZERO.saturating_add(read().saturating_duration_since(self.origin))
    }

    /// When to wake up for a deadline of the protocol; `None` for one that is never reached.
    pub(crate) fn deadline(&self, at: Instant) -> Option<tokio::time::Instant> {
        let after = Duration::from_nanos(at.as_nanos());
        if at == Instant::NEVER {
            None
        } else {
            self.origin.checked_add(after)
        }
    }
}

/// The calendar's time, which the trace files want: read once, then carried on by tokio's clock.
#[cfg(feature = "pcap")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock {
    since_epoch: Duration,
    origin: tokio::time::Instant,
}

#[cfg(feature = "pcap")]
impl WallClock {
    /// A clock that shows the system's time now.
    #[allow(
        clippy::disallowed_methods,
        reason = "this module is where the clock is read"
    )]
    pub(crate) fn new() -> Self {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            since_epoch,
            origin: read(),
        }
    }

    /// Time since 1970-01-01 00:00:00 UTC.
    pub(crate) fn now(&self) -> Duration {
        self.since_epoch
            .saturating_add(read().saturating_duration_since(self.origin))
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "this module is where the clock is read"
)]
fn read() -> tokio::time::Instant {
    tokio::time::Instant::now()
}
