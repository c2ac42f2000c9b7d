//! Bits per second.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use estab_timer::Duration;

#[cfg(test)]
mod tests;

/// A rate in bits per second, at least 1. Of a packet, the bits of the IP packet count, without a
/// link-layer header.
///
/// ```
/// use std::time::Duration;
/// use estab_sim::Bandwidth;
///
/// let rate: Bandwidth = "50mbit".parse().unwrap();
/// assert_eq!(rate, Bandwidth::mbit(50));
/// assert_eq!(rate.bytes_in(Duration::from_millis(100)), 625_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bandwidth(u64);

impl Bandwidth {
    /// `n` bits per second.
    ///
    /// # Panics
    ///
    /// If `n` is 0: nothing would ever arrive.
    pub const fn bit(n: u64) -> Self {
        assert!(n > 0, "a rate of 0 bits per second");
        Self(n)
    }

    /// `n` · 10³ bits per second.
    ///
    /// # Panics
    ///
    /// If `n` is 0.
    pub const fn kbit(n: u64) -> Self {
        Self::bit(n.saturating_mul(1_000))
    }

    /// `n` · 10⁶ bits per second.
    ///
    /// # Panics
    ///
    /// If `n` is 0.
    pub const fn mbit(n: u64) -> Self {
        Self::bit(n.saturating_mul(1_000_000))
    }

    /// `n` · 10⁹ bits per second.
    ///
    /// # Panics
    ///
    /// If `n` is 0.
    pub const fn gbit(n: u64) -> Self {
        Self::bit(n.saturating_mul(1_000_000_000))
    }

    /// Bits per second.
    pub const fn bits_per_second(self) -> u64 {
        self.0
    }

    /// The whole bytes that pass in `time`, at most `u64::MAX`: with a round-trip time, the
    /// bandwidth-delay product.
    pub fn bytes_in(self, time: Duration) -> u64 {
        let bits = time.as_nanos().saturating_mul(u128::from(self.0)) / NANOS;
        u64::try_from(bits / 8).unwrap_or(u64::MAX)
    }

    /// The time `bytes` take, rounded up to a nanosecond.
    pub fn time_of(self, bytes: u64) -> Duration {
        let nanos = (u128::from(bytes) * 8 * NANOS).div_ceil(u128::from(self.0));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Nanoseconds in a second.
pub(crate) const NANOS: u128 = 1_000_000_000;

/// The largest unit in which the number is whole: `50mbit`, `1500kbit`.
impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, suffix) = UNITS
            .into_iter()
            .find(|(unit, _)| self.0.is_multiple_of(*unit))
            .unwrap_or((1, "bit"));
        write!(f, "{}{suffix}", self.0 / unit)
    }
}

const UNITS: [(u64, &str); 4] = [
    (1_000_000_000, "gbit"),
    (1_000_000, "mbit"),
    (1_000, "kbit"),
    (1, "bit"),
];

/// A text that is no [`Bandwidth`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseBandwidthError(Option<ParseIntError>);

impl fmt::Display for ParseBandwidthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rate is a whole number above 0 and bit, kbit, mbit or gbit")?;
        match &self.0 {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ParseBandwidthError {}

/// A whole number and a unit of `tc`: `bit`, `kbit`, `mbit`, `gbit`.
impl FromStr for Bandwidth {
    type Err = ParseBandwidthError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(digits);
        let number: u64 = number
            .parse()
            .map_err(|error| ParseBandwidthError(Some(error)))?;
        let (unit, _) = UNITS
            .into_iter()
            .find(|(_, name)| suffix.trim().eq_ignore_ascii_case(name))
            .ok_or(ParseBandwidthError(None))?;
        match number.checked_mul(unit) {
            Some(bits @ 1..) => Ok(Self(bits)),
            _ => Err(ParseBandwidthError(None)),
        }
    }
}
