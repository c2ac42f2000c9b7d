//! When something counts as lost: three duplicates (RFC 5681 §3.2, RFC 6675 §4).

use super::scoreboard::Scoreboard;
use crate::SeqNumber;
use crate::dormant::dormant;

/// DupThresh (RFC 6675 §2): how many later arrivals it takes to call something lost rather than late.
pub(super) const DUP_THRESH: u32 = 3;

/// Below this everything not selectively acknowledged is lost: the rule of IsLost() (RFC 6675 §4)
/// for all sequence numbers at once.
///
/// A number is lost if `DUP_THRESH` separate ranges above it, or more than `DUP_THRESH - 1` segments'
/// worth of bytes, were selectively acknowledged. So is then everything below, and looking at the
/// highest three ranges is enough.
pub(super) fn lost_edge(board: &Scoreboard, mss: u32) -> Option<SeqNumber> {
    let mut ranges = 0;
    let mut bytes = 0;
    for range in board.ranges().descending() {
        ranges += 1;
        bytes += range.right - range.left;
        if ranges == DUP_THRESH || bytes > (DUP_THRESH - 1).saturating_mul(mss) {
            return Some(range.left);
        }
    }
    None
}

/// Counts duplicate acknowledgments, and for a peer without SACK what has left the network by them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Duplicates {
    count: u32,
    left: u32,
}

impl Duplicates {
    /// How many arrived since SND.UNA last advanced.
    pub(super) fn count(self) -> u32 {
        self.count
    }

    /// Whether they are enough to call the first segment lost.
    pub(super) fn enough(self) -> bool {
        self.count >= DUP_THRESH
    }

    /// What has left the network by their account though nothing says what it was: one segment each.
    ///
    /// Taken off the pipe this does what inflating the window does in RFC 5681 §3.2, and leaves
    /// the window alone.
    pub(super) fn left(self) -> u32 {
        self.left
    }

    /// One more arrived.
    pub(super) fn add(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// One more segment, `mss` long, left the network, as far as `limit` bytes in all.
    pub(super) fn depart(&mut self, mss: u32, limit: u32) {
        self.left = self.left.saturating_add(mss).min(limit);
    }

    /// SND.UNA advanced.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// SND.UNA advanced by `bytes` in recovery: the retransmitted segment, and those that left the
    /// network before it (RFC 6582 §3.2 step 3, partial acknowledgments).
    pub(super) fn absorb(&mut self, bytes: u32, mss: u32) {
        self.count = 0;
        self.left = self.left.saturating_sub(bytes.saturating_sub(mss));
    }
}

dormant!(Duplicates { count, left });

#[cfg(test)]
mod tests;
