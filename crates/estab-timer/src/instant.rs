//! A point in time as one integer.

pub use core::time::Duration;

use core::ops::{Add, AddAssign, Sub};

#[cfg(test)]
mod tests;

/// A point in time: nanoseconds since an origin the driver chooses.
///
/// Only differences mean anything. The range is 584 years, and arithmetic stops at its ends instead
/// of panicking: a deadline too far away becomes [`Instant::NEVER`], a difference that would be
/// negative becomes zero.
///
/// ```
/// use estab_timer::{Duration, Instant};
///
/// let sent = Instant::from_millis(10);
/// let acknowledged = sent + Duration::from_millis(25);
/// assert_eq!(acknowledged - sent, Duration::from_millis(25));
/// assert_eq!(sent - acknowledged, Duration::ZERO);
/// assert_eq!(sent + Duration::MAX, Instant::NEVER);
/// ```
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Self = Self(0);

    /// Later than every point in time that is reached: the deadline of a timer that is off.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the origin.
    #[must_use]
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The point `micros` microseconds after the origin, at most [`Instant::NEVER`].
    #[must_use]
    #[inline]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// The point `millis` milliseconds after the origin, at most [`Instant::NEVER`].
    #[must_use]
    #[inline]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// The point `secs` seconds after the origin, at most [`Instant::NEVER`].
    #[must_use]
    #[inline]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the origin.
    #[must_use]
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the origin.
    #[must_use]
    #[inline]
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole milliseconds since the origin.
    #[must_use]
    #[inline]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The time from `earlier` to `self`; zero if `earlier` is in fact later.
    #[must_use]
    #[inline]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The time from `earlier` to `self`; `None` if `earlier` is in fact later.
    #[must_use]
    #[inline]
    pub const fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        match self.0.checked_sub(earlier.0) {
            Some(nanos) => Some(Duration::from_nanos(nanos)),
            None => None,
        }
    }

    /// The point `duration` later, at most [`Instant::NEVER`].
    #[must_use]
    #[inline]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// The point `duration` earlier, at least [`Instant::ZERO`].
    #[must_use]
    #[inline]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

/// The nanoseconds of a duration, at most `u64::MAX`.
pub(crate) const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 {
        u64::MAX
    } else {
        nanos as u64
    }
}

/// A duration of a connection's state in four bytes: whole microseconds, at most 71 minutes.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Micros(u32);

impl Micros {
    pub(crate) const ZERO: Self = Self(0);

    /// `duration`, rounded up so that nothing waits less than it was told to.
    #[inline]
    pub(crate) const fn new(duration: Duration) -> Self {
        let micros = duration.as_nanos().div_ceil(1_000);
        if micros > u32::MAX as u128 {
            Self(u32::MAX)
        } else {
            Self(micros as u32)
        }
    }

    #[inline]
    pub(crate) const fn nanos(self) -> u64 {
        self.0 as u64 * 1_000
    }

    #[inline]
    pub(crate) const fn duration(self) -> Duration {
        Duration::from_micros(self.0 as u64)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// [`Instant::saturating_add`].
    #[inline]
    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}

impl AddAssign<Duration> for Instant {
    /// [`Instant::saturating_add`].
    #[inline]
    fn add_assign(&mut self, duration: Duration) {
        *self = self.saturating_add(duration);
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    /// [`Instant::saturating_sub`].
    #[inline]
    fn sub(self, duration: Duration) -> Self {
        self.saturating_sub(duration)
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// [`Instant::saturating_duration_since`].
    #[inline]
    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}
