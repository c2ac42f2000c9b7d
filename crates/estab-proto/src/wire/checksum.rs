//! The Internet checksum (RFC 1071).

use core::net::IpAddr;

/// A one's complement sum of 16-bit big-endian words, not yet complemented.
///
/// Sums of parts add up to the sum of the whole: [`combine`](Self::combine) also knows how to
/// append a part that begins at an odd offset. The value is kept folded to 16 bits and is zero
/// only if every byte summed was zero.
///
/// ```
/// use estab_proto::wire::Sum;
///
/// // The example of RFC 1071 §3.
/// let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
/// assert_eq!(Sum::of(&bytes).folded(), 0xddf2);
/// assert_eq!(Sum::of(&bytes).finish(), !0xddf2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u16);

impl Sum {
    /// The sum of no bytes.
    pub const ZERO: Self = Self(0);

    /// The sum of `bytes`; an odd last byte counts as the high half of a word.
    pub fn of(bytes: &[u8]) -> Self {
        // Words of the machine's own size and byte order, since the sum is the same in any
        // (RFC 1071 §2). The halves of four at a time are added up apart: the compiler makes vector
        // additions of that, and no sum of u32 can overflow below 2^35 bytes.
        let (words, rest) = bytes.as_chunks::<8>();
        let (blocks, words) = words.as_chunks::<4>();
        let (mut low, mut high) = ([0u64; 4], [0u64; 4]);
        for block in blocks {
            for ((low, high), word) in low.iter_mut().zip(&mut high).zip(block) {
                let word = u64::from_ne_bytes(*word);
                *low = low.wrapping_add(word & 0xffff_ffff);
                *high = high.wrapping_add(word >> 32);
            }
        }
        let mut total = low
            .iter()
            .chain(&high)
            .fold(0, |total: u64, sum| total.wrapping_add(*sum));
        for word in words {
            let word = u64::from_ne_bytes(*word);
            total = total
                .wrapping_add(word & 0xffff_ffff)
                .wrapping_add(word >> 32);
        }
        let (words, rest) = rest.as_chunks::<4>();
        for word in words {
            total = total.wrapping_add(u64::from(u32::from_ne_bytes(*word)));
        }
        let tail = match *rest {
            [a] => [a, 0, 0, 0],
            [a, b] => [a, b, 0, 0],
            [a, b, c] => [a, b, c, 0],
            _ => [0; 4],
        };
        total = total.wrapping_add(u64::from(u32::from_ne_bytes(tail)));
        Self(u16::from_be_bytes(fold(total).to_ne_bytes()))
    }

    /// As [`of`](Self::of) for a header of fixed length, a multiple of four: no loop is left of it.
    #[inline]
    pub(crate) fn of_header<const LEN: usize>(header: &[u8; LEN]) -> Self {
        const { assert!(LEN.is_multiple_of(4)) };
        let (words, _) = header.as_chunks::<4>();
        let total = words.iter().fold(0, |total: u64, word| {
            total.wrapping_add(u64::from(u32::from_ne_bytes(*word)))
        });
        Self(u16::from_be_bytes(fold(total).to_ne_bytes()))
    }

    /// The sum of words of 32 bits, as numbers.
    #[inline]
    pub(crate) fn of_words<const LEN: usize>(words: [u32; LEN]) -> Self {
        let total = words
            .iter()
            .fold(0, |total: u64, word| total.wrapping_add(u64::from(*word)));
        Self(fold(total))
    }

    /// The sum of the pseudo-header of TCP, UDP and ICMPv6 (RFC 9293 §3.1, RFC 8200 §8.1).
    ///
    /// `len` is the length in bytes of the upper-layer header and its data.
    #[inline]
    pub fn pseudo(src: IpAddr, dst: IpAddr, protocol: u8, len: u32) -> Self {
        let sum = sum_of_address(src)
            .wrapping_add(sum_of_address(dst))
            .wrapping_add(u64::from(protocol))
            .wrapping_add(u64::from(len));
        Self(fold(sum))
    }

    /// The sum of what was summed so far followed by `bytes`.
    ///
    /// Right only if the number of bytes before is even; otherwise use
    /// [`combine`](Self::combine).
    #[must_use]
    pub fn add_bytes(self, bytes: &[u8]) -> Self {
        self.add(Self::of(bytes))
    }

    /// The sum of two parts that follow each other.
    ///
    /// `other_starts_odd` tells that an odd number of bytes precedes `other` in the whole; its
    /// words then straddle those of `self` and count with their bytes swapped (RFC 1071 §2 (B)).
    #[must_use]
    pub fn combine(self, other: Self, other_starts_odd: bool) -> Self {
        self.add(if other_starts_odd {
            Self(other.0.swap_bytes())
        } else {
            other
        })
    }

    /// The value for the checksum field: the complement of the sum.
    ///
    /// A whole packet whose checksum field is right finishes to 0.
    pub fn finish(self) -> u16 {
        !self.0
    }

    /// The sum itself, not complemented: what a device that completes checksums expects in the
    /// field.
    pub fn folded(self) -> u16 {
        self.0
    }

    /// Addition with end-around carry.
    fn add(self, other: Self) -> Self {
        let (sum, carry) = self.0.overflowing_add(other.0);
        // After a carry the sum is at most 0xfffe.
        Self(sum.wrapping_add(u16::from(carry)))
    }
}

/// The sum of an address in words of 32 bits, which folds to the same.
#[inline]
fn sum_of_address(addr: IpAddr) -> u64 {
    match addr {
        IpAddr::V4(addr) => u64::from(addr.to_bits()),
        IpAddr::V6(addr) => {
            let bits = addr.to_bits();
            [bits >> 96, bits >> 64, bits >> 32, bits]
                .iter()
                .fold(0, |sum: u64, &word| {
                    sum.wrapping_add(u64::from(word as u32))
                })
        }
    }
}

/// Adds up the four 16-bit parts of `total`, with end-around carry.
#[inline]
fn fold(total: u64) -> u16 {
    // At most 2^33, then 2^18, then 2^16 + 2.
    let total = (total >> 32).wrapping_add(total & 0xffff_ffff);
    let total = (total >> 16).wrapping_add(total & 0xffff);
    let total = (total >> 16).wrapping_add(total & 0xffff);
    (total >> 16).wrapping_add(total & 0xffff) as u16
}

#[cfg(test)]
mod tests;
