//! What to send next: NextSeg() of RFC 6675 §4, with and without SACK.

use super::records::Record;
use super::{CaState, Recovery};
use crate::SeqNumber;
use crate::congestion::Controller;

/// Sequence numbers to send again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retransmit {
    /// The first.
    pub seq: SeqNumber,
    /// How many: at least one, at most the MSS.
    pub len: u32,
}

impl Recovery {
    /// What to send again now: the first sequence numbers that are lost, if the window has room for
    /// a segment (RFC 6675 §4 NextSeg() rule 1, §5 step C). The first retransmission of an episode
    /// does not wait for room. The others wait while F-RTO finds out whether the timeout was spurious
    /// (RFC 5682).
    #[inline]
    pub fn next_retransmit(&self, cc: &Controller) -> Option<Retransmit> {
        let first = self.pending().filter(|_| !self.doubts_receiver())?;
        // Counted in segments or in bytes: a short one needs no room for a long one (RFC 9937 §6.2).
        let need = if self.rules.prr { first.len } else { self.mss };
        let waits = self.frto().holds_back() || self.room(cc) < need;
        (self.forced || !waits).then_some(first)
    }

    /// Whether there may be something to send again: if not, [`next_retransmit`] and [`next_rescue`]
    /// have nothing.
    ///
    /// [`next_retransmit`]: Self::next_retransmit
    /// [`next_rescue`]: Self::next_rescue
    #[inline]
    pub fn may_retransmit(&self) -> bool {
        self.board.sums().pending > 0 || self.state == CaState::Recovery
    }

    #[inline]
    fn pending(&self) -> Option<Retransmit> {
        let first = self.board.first_pending()?;
        Some(Retransmit {
            seq: first.seq,
            len: first.len.min(self.mss),
        })
    }

    /// What to send again if nothing is known to be lost and no new data can be sent: something that
    /// keeps acknowledgments coming (RFC 6675 §4 NextSeg() rules 3 and 4).
    ///
    /// That is the next hole below the highest selective acknowledgment, else once per episode the
    /// last segment outstanding. After a timeout that may be spurious it is what is lost: F-RTO has no
    /// use for an acknowledgment that no new data brings about (RFC 5682 §2.1 step 2b).
    #[inline]
    pub fn next_rescue(&self, cc: &Controller) -> Option<Retransmit> {
        if self.frto().probing(self.board.nxt()) == Some(0) && self.room(cc) >= self.mss {
            return self.pending();
        }
        let idle = self.state == CaState::Recovery && self.sack && self.board.sums().pending == 0;
        // RFC 8985 §9.2: not with RACK, which needs no such guess.
        if !idle || self.rules.rack || self.room(cc) < self.mss {
            return None;
        }
        let una = self.board.una();
        let hole = self.board.find_open(self.high_rxt.max(una), |_| true);
        let highest = self.board.ranges().highest();
        if let (Some(hole), Some(highest)) = (hole, highest)
            && hole.seq.before(highest)
        {
            return Some(Retransmit {
                seq: hole.seq,
                len: hole.len.min(self.mss),
            });
        }
        let last = self
            .board
            .last_open()
            .filter(|_| una.after(self.rescue_rxt))?;
        Some(self.last_segment_of(&last))
    }

    /// The last segment of a record, which may be a super-segment.
    pub(super) fn last_segment_of(&self, record: &Record) -> Retransmit {
        let len = (record.len - 1) % self.mss + 1;
        Retransmit {
            seq: record.end().back(len),
            len,
        }
    }

    /// How many bytes of new data the congestion window admits now: whole segments, or none. A short
    /// segment that is all there is needs no room for a long one.
    ///
    /// None while something lost waits to be sent again, except two segments that F-RTO decides by
    /// (RFC 5682 §2.1 step 2b). Limited transmit (RFC 3042, RFC 6675 §5 step 3) is included: what
    /// duplicates say has left the network makes room. The peer's window is not regarded.
    pub fn quota(&self, cc: &Controller) -> u32 {
        self.quota_of(cc, u32::MAX)
    }

    /// As much of `most` bytes as [`quota`](Self::quota) admits.
    #[inline]
    pub fn quota_of(&self, cc: &Controller, most: u32) -> u32 {
        let mut room = self.room(cc);
        if let Some(undo) = &self.undo {
            room = room.min(undo.allowance(self.board.nxt()));
        }
        if self.board.sums().pending > 0 {
            let probe = self.frto().probing(self.board.nxt());
            let limit = probe.map_or(0, |sent| (2 * self.mss).saturating_sub(sent));
            room = room.min(limit);
        }
        if self.board.is_full(self.mss) {
            return 0;
        }
        if most <= self.mss {
            return if room >= most { most } else { 0 };
        }
        (room - room % self.mss).min(most)
    }

    /// Whether new data is wanted at once, however little there is: F-RTO decides by its
    /// acknowledgment (RFC 5682 §2.1 step 2b), so Nagle's algorithm does not hold it.
    #[inline]
    pub fn wants_new_data(&self) -> bool {
        self.frto().probing(self.board.nxt()).is_some()
    }

    /// What the window has left over the pipe.
    #[inline]
    pub(super) fn room(&self, cc: &Controller) -> u32 {
        cc.cwnd().saturating_sub(self.in_flight())
    }

    /// Whether a retransmission at `seq` is the rescue of NextSeg() rule 4 (RFC 6675 §4), which
    /// moves neither HighRxt nor the pipe.
    pub(super) fn is_rescue(&self, seq: SeqNumber) -> bool {
        let highest = self.board.ranges().highest();
        let rule_1 = self
            .board
            .find_open(seq, |_| true)
            .is_some_and(|record| record.is_pending());
        let rule_3 =
            seq.after_eq(self.high_rxt) && highest.is_some_and(|highest| seq.before(highest));
        let counting = self.sack && !self.rules.rack;
        counting && self.state == CaState::Recovery && !rule_1 && !rule_3
    }
}
