//! The ranges of sequence numbers that were selectively acknowledged.

use alloc::vec::Vec;

use crate::SeqNumber;

/// The most ranges kept. More holes than that make further SACK information worthless rather than
/// expensive; ignoring it is always safe (RFC 2018 §8).
const MAX_RANGES: usize = 4096;

/// From the first number to the one after the last, as in the SACK option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) left: SeqNumber,
    pub(super) right: SeqNumber,
}

/// Ranges in ascending order, neither overlapping nor touching.
#[derive(Debug, Default)]
pub(super) struct Ranges(Vec<Range>);

impl Ranges {
    /// The ranges from the highest down.
    pub(super) fn descending(&self) -> impl Iterator<Item = Range> {
        self.0.iter().rev().copied()
    }

    /// The number after the highest in any range (RFC 6675: "the highest octet covered by any
    /// received SACK").
    pub(super) fn highest(&self) -> Option<SeqNumber> {
        self.0.last().map(|range| range.right)
    }

    /// The range that holds `seq`.
    pub(super) fn covering(&self, seq: SeqNumber) -> Option<Range> {
        let index = self.0.partition_point(|range| range.right.before_eq(seq));
        self.0
            .get(index)
            .filter(|range| range.left.before_eq(seq))
            .copied()
    }

    /// The first part of `left..right` that is in no range.
    pub(super) fn gap(&self, left: SeqNumber, right: SeqNumber) -> Option<Range> {
        let mut index = self.0.partition_point(|range| range.right.before_eq(left));
        let mut gap = Range { left, right };
        if let Some(range) = self.0.get(index).filter(|range| range.left.before_eq(left)) {
            gap.left = range.right;
            index += 1;
        }
        if let Some(range) = self.0.get(index) {
            gap.right = right.min(range.left);
        }
        gap.left.before(gap.right).then_some(gap)
    }

    /// Bytes on the heap.
    #[inline]
    pub(super) fn allocated(&self) -> usize {
        self.0.capacity() * size_of::<Range>()
    }

    /// Gives back what the heap has room for beyond the ranges.
    pub(super) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Whether no more ranges are taken.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_RANGES
    }

    /// Adds a range, joined with those it overlaps or touches.
    pub(super) fn insert(&mut self, left: SeqNumber, right: SeqNumber) {
        let first = self.0.partition_point(|range| range.right.before(left));
        let last = self.0.partition_point(|range| range.left.before_eq(right));
        if first == last {
            self.0.insert(first, Range { left, right });
            return;
        }
        let joined = Range {
            left: left.min(self.0[first].left),
            right: right.max(self.0[last - 1].right),
        };
        self.0[first] = joined;
        self.0.drain(first + 1..last);
    }

    /// Forgets everything below `una`.
    pub(super) fn trim(&mut self, una: SeqNumber) {
        let gone = self.0.partition_point(|range| range.right.before_eq(una));
        if gone > 0 {
            self.0.drain(..gone);
        }
        if let Some(first) = self.0.first_mut() {
            first.left = first.left.max(una);
        }
    }

    /// Forgets everything, and gives the heap back.
    pub(super) fn clear(&mut self) {
        self.0 = Vec::new();
    }
}

#[cfg(test)]
mod tests;
