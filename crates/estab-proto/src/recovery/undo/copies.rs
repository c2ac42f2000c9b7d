//! Undoing by D-SACK: were all retransmissions duplicates? (RFC 2883, RFC 3708)

use alloc::vec::Vec;

use crate::SeqNumber;
use crate::recovery::ranges::Range;

/// The most retransmissions that are followed. An episode with more had losses.
const MAX_COPIES: usize = 256;

/// What a report of a duplicate meant to an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reported {
    /// Nothing: it is not of its retransmissions.
    Other,
    /// It is, and others are missing.
    One,
    /// It is the last one: all were duplicates.
    Last,
}

/// The retransmissions of an episode that no D-SACK has reported yet; `None` if there were too many.
#[derive(Debug)]
pub(super) struct Copies(Option<Vec<Range>>);

impl Default for Copies {
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl Copies {
    /// `len` sequence numbers at `seq` were sent again. What is sent again twice is to be reported
    /// twice.
    pub(super) fn add(&mut self, seq: SeqNumber, len: u32) {
        let Some(copies) = &mut self.0 else { return };
        if copies.len() == MAX_COPIES {
            self.0 = None;
            return;
        }
        copies.push(Range {
            left: seq,
            right: seq + len,
        });
    }

    /// Bytes on the heap.
    pub(super) fn allocated(&self) -> usize {
        self.0
            .as_ref()
            .map_or(0, |copies| copies.capacity() * size_of::<Range>())
    }

    /// Gives back memory kept for what may come.
    pub(super) fn shrink(&mut self) {
        if let Some(copies) = &mut self.0 {
            copies.shrink_to_fit();
        }
    }

    /// Whether a report may still come that is the last one.
    pub(super) fn is_open(&self) -> bool {
        self.0.as_ref().is_some_and(|copies| !copies.is_empty())
    }

    /// A duplicate was reported. What was not sent again, or not as a whole, does not count.
    pub(super) fn report(&mut self, duplicate: Range) -> Reported {
        let Some(copies) = &mut self.0 else {
            return Reported::Other;
        };
        let known = copies.len();
        // Receive offload may join several; then each number was received twice once.
        let mut from = duplicate.left;
        copies.retain(|copy| {
            let reported = from.before_eq(copy.left) && copy.right.before_eq(duplicate.right);
            if reported {
                from = copy.right;
            }
            !reported
        });
        match copies.len() {
            len if len == known => Reported::Other,
            0 => Reported::Last,
            _ => Reported::One,
        }
    }
}
