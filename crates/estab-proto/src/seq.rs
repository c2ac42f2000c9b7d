//! Sequence numbers and window units (RFC 9293 §3.4, RFC 7323 §2.2).
//!
//! What must not be mixed has its own type: a [`SeqNumber`] is a point in a circular space and so
//! has no `Ord`; a [`WireWindow`] is the 16-bit field and becomes a count of bytes only through
//! its [`WindowScale`].

use core::fmt;
use core::ops::{Add, AddAssign, Sub};

/// A sequence or acknowledgement number: a point in the circular space of 2³² (RFC 9293 §3.4).
///
/// Comparison is modular and therefore not a total order, so `Ord` is deliberately missing; use
/// [`before`](Self::before), [`after`](Self::after) and [`within`](Self::within), which are
/// meaningful for points less than 2³¹ apart.
///
/// ```
/// use estab_proto::SeqNumber;
///
/// let high = SeqNumber::new(u32::MAX);
/// assert!(high.before(high + 1));
/// assert_eq!((high + 5) - high, 5);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SeqNumber(u32);

impl SeqNumber {
    /// The sequence number with this value on the wire.
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The value on the wire.
    pub const fn to_u32(self) -> u32 {
        self.0
    }

    /// Whether `self < other` in modular order.
    pub const fn before(self, other: Self) -> bool {
        (self.0.wrapping_sub(other.0) as i32) < 0
    }

    /// Whether `self =< other` in modular order.
    pub const fn before_eq(self, other: Self) -> bool {
        (self.0.wrapping_sub(other.0) as i32) <= 0
    }

    /// Whether `self > other` in modular order.
    pub const fn after(self, other: Self) -> bool {
        other.before(self)
    }

    /// Whether `self >= other` in modular order.
    pub const fn after_eq(self, other: Self) -> bool {
        other.before_eq(self)
    }

    /// Whether `self` is one of the `len` numbers that begin at `start`.
    ///
    /// Exact for every `len`, unlike the comparisons.
    pub const fn within(self, start: Self, len: u32) -> bool {
        self.0.wrapping_sub(start.0) < len
    }

    /// The later of two points.
    pub const fn max(self, other: Self) -> Self {
        if self.before(other) { other } else { self }
    }

    /// The earlier of two points.
    pub const fn min(self, other: Self) -> Self {
        if self.before(other) { self } else { other }
    }

    /// `self - n`, modulo 2³².
    pub const fn back(self, n: u32) -> Self {
        Self(self.0.wrapping_sub(n))
    }
}

impl Add<u32> for SeqNumber {
    type Output = Self;

    fn add(self, n: u32) -> Self {
        Self(self.0.wrapping_add(n))
    }
}

impl AddAssign<u32> for SeqNumber {
    fn add_assign(&mut self, n: u32) {
        *self = *self + n;
    }
}

/// The forward distance from `earlier` to `self`, modulo 2³²; huge when `self` is the earlier one.
impl Sub for SeqNumber {
    type Output = u32;

    fn sub(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }
}

impl fmt::Debug for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The 16-bit window field as it stands on the wire, before scaling (RFC 9293 MUST-1: unsigned).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireWindow(pub u16);

impl WireWindow {
    /// The number of bytes the field means under `scale` (RFC 7323 §2.3).
    pub const fn bytes(self, scale: WindowScale) -> u32 {
        (self.0 as u32) << scale.0
    }
}

/// The shift count of the window scale option, 0 to 14 (RFC 7323 §2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowScale(u8);

impl WindowScale {
    /// The largest shift RFC 7323 §2.3 allows.
    pub const MAX: Self = Self(14);
    /// No scaling: what applies to a SYN, and to both ways unless both sides sent the option.
    pub const NONE: Self = Self(0);

    /// A shift count as received; more than 14 counts as 14 (RFC 7323 §2.3).
    pub const fn clamped(shift: u8) -> Self {
        if shift > Self::MAX.0 {
            Self::MAX
        } else {
            Self(shift)
        }
    }

    /// The smallest shift that can express a window of `max_window` bytes.
    pub const fn for_window(max_window: u32) -> Self {
        let mut shift = 0;
        while shift < Self::MAX.0 && (max_window >> shift) > u16::MAX as u32 {
            shift += 1;
        }
        Self(shift)
    }

    /// The shift count.
    pub const fn shift(self) -> u8 {
        self.0
    }

    /// The field that announces at most `bytes`, rounded down so that nothing is promised that is
    /// not there.
    pub const fn to_wire(self, bytes: u32) -> WireWindow {
        let scaled = bytes >> self.0;
        WireWindow(if scaled > u16::MAX as u32 {
            u16::MAX
        } else {
            scaled as u16
        })
    }

    /// The smallest window under this scale that covers `bytes`.
    pub const fn round_up(self, bytes: u32) -> u32 {
        let mask = (1u32 << self.0) - 1;
        bytes.saturating_add(mask) & !mask
    }
}

#[cfg(test)]
mod tests;
