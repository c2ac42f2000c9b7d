//! The one place that reads clocks: tokio's for devices, the system's for the relay. Pipes are told
//! the time.

#[cfg(all(feature = "relay", target_os = "linux"))]
use estab_timer::Duration;
use estab_timer::Instant;

/// Tokio's time since the clock was made.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokioClock {
    origin: tokio::time::Instant,
}

#[cfg(feature = "tokio")]
impl TokioClock {
    pub(crate) fn new() -> Self {
        Self {
            origin: read_tokio(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::ZERO + read_tokio().saturating_duration_since(self.origin)
    }

    /// The same point in tokio's terms; `None` if it is never reached.
    pub(crate) fn deadline(&self, at: Instant) -> Option<tokio::time::Instant> {
        if at == Instant::NEVER {
            None
        } else {
            self.origin.checked_add(at - Instant::ZERO)
        }
    }
}

#[cfg(feature = "tokio")]
#[expect(
    clippy::disallowed_methods,
    reason = "this module is where clocks are read"
)]
fn read_tokio() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The system's time since the clock was made.
#[cfg(all(feature = "relay", target_os = "linux"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock {
    origin: std::time::Instant,
}

#[cfg(all(feature = "relay", target_os = "linux"))]
impl SystemClock {
    pub(crate) fn new() -> Self {
        Self {
            origin: read_system(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::ZERO + read_system().saturating_duration_since(self.origin)
    }

    /// The time left until `at`.
    pub(crate) fn until(&self, at: Instant) -> Duration {
        at - self.now()
    }
}

#[cfg(all(feature = "relay", target_os = "linux"))]
#[expect(
    clippy::disallowed_methods,
    reason = "this module is where clocks are read"
)]
fn read_system() -> std::time::Instant {
    std::time::Instant::now()
}
