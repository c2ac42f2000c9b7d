//! What to send next: NextSeg() of RFC 6675 §4, with and without SACK.

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
    /// does not wait for room.
    pub fn next_retransmit(&self, cc: &Controller) -> Option<Retransmit> {
        if !self.forced && self.room(cc) < self.mss {
            return None;
        }
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
    /// last segment outstanding.
    pub fn next_rescue(&self, cc: &Controller) -> Option<Retransmit> {
        let idle = self.state == CaState::Recovery && self.sack && self.board.sums().pending == 0;
        if !idle || self.room(cc) < self.mss {
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
        let len = (last.len - 1) % self.mss + 1;
        Some(Retransmit {
            seq: last.end().back(len),
            len,
        })
    }

    /// How many bytes of new data the congestion window admits now: whole segments, or none.
    ///
    /// None while something lost waits to be sent again. Limited transmit (RFC 3042, RFC 6675 §5
    /// step 3) is included: what duplicates say has left the network makes room. The peer's window is
    /// not regarded.
    pub fn quota(&self, cc: &Controller) -> u32 {
        if self.board.sums().pending > 0 || self.board.is_full(self.mss) {
            return 0;
        }
        let room = self.room(cc);
        room - room % self.mss
    }

    /// What the window has left over the pipe.
    fn room(&self, cc: &Controller) -> u32 {
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
        self.sack && self.state == CaState::Recovery && !rule_1 && !rule_3
    }
}
