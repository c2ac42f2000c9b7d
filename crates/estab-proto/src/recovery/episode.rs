//! Episodes: how recovery begins, goes on and ends.

use estab_timer::Instant;

use super::{CaState, Recovery, detect};
use crate::congestion::Controller;

impl Recovery {
    /// Finds what is lost, and changes the state. Gives how much was found.
    pub(super) fn react(
        &mut self,
        now: Instant,
        acked: u32,
        flight: u32,
        cc: &mut Controller,
    ) -> u32 {
        let ended = self.is_recovering() && self.board.una().after_eq(self.point);
        if ended {
            self.leave(now, cc);
        }
        match self.state {
            CaState::Open | CaState::Disorder => {
                let lost = self.detect();
                // What was sent during the last episode and lost begins another one.
                if lost > 0 || (ended && self.lost() > 0) {
                    self.enter(now, flight, cc);
                } else {
                    self.settle();
                }
                lost
            }
            CaState::Recovery if self.sack => self.mark_below_edge(),
            CaState::Recovery if acked > 0 => {
                // A partial acknowledgment: the next hole (RFC 6582 §3.2 step 3).
                self.forced = true;
                self.board.mark_first_lost(self.mss)
            }
            CaState::Recovery | CaState::Loss => 0,
        }
    }

    fn is_recovering(&self) -> bool {
        matches!(self.state, CaState::Recovery | CaState::Loss)
    }

    /// Whether something was lost, outside an episode (RFC 6675 §5 steps 1 and 2, RFC 5681 §3.2).
    fn detect(&mut self) -> u32 {
        let lost = if self.sack { self.mark_below_edge() } else { 0 };
        // Without SACK, duplicates of what was sent before the last episode prove nothing
        // (RFC 6582 §3.2 step 2).
        let meaningful = self.sack || self.board.una().after(self.point);
        if lost == 0 && self.duplicates.enough() && meaningful {
            return self.board.mark_first_lost(self.mss);
        }
        lost
    }

    fn mark_below_edge(&mut self) -> u32 {
        detect::lost_edge(&self.board, self.mss).map_or(0, |edge| self.board.mark_lost_below(edge))
    }

    /// Fast recovery begins (RFC 6675 §5 step 4).
    fn enter(&mut self, now: Instant, flight: u32, cc: &mut Controller) {
        self.state = CaState::Recovery;
        self.point = self.board.nxt();
        self.forced = true;
        if !self.sack {
            // The third duplicate, of which limited transmit made no use (RFC 5681 §3.2 step 3).
            self.duplicates.depart(self.mss, self.departure_limit());
        }
        let una = self.board.una();
        self.high_rxt = una;
        self.rescue_rxt = self
            .board
            .first_pending()
            .map_or(una, |first| first.seq + first.len.min(self.mss));
        self.doubt_loss(cc);
        cc.on_congestion(now, flight);
    }

    /// An episode ends: all that was outstanding when it began is acknowledged.
    fn leave(&mut self, now: Instant, cc: &mut Controller) {
        if self.state == CaState::Recovery {
            cc.on_recovery_exit(now);
            if !self.sack {
                // Against a burst (RFC 6582 §3.2 step 3, full acknowledgments, option 1).
                cc.limit_cwnd(self.outstanding().max(self.mss).saturating_add(self.mss));
            }
        }
        self.state = CaState::Open;
        self.forced = false;
        if let Some(undo) = &mut self.undo {
            undo.end(self.board.nxt());
        }
    }

    /// The state outside an episode.
    fn settle(&mut self) {
        let orderly = self.sacked() == 0 && self.duplicates.count() == 0;
        self.state = if orderly {
            CaState::Open
        } else {
            CaState::Disorder
        };
        let una = self.board.una();
        if una.after(self.point) {
            self.point = una.back(1);
        }
    }

    /// The retransmission timer expired: everything outstanding counts as lost (RFC 6298 §5.4).
    ///
    /// Selective acknowledgments are kept (RFC 6675 §5.1) unless the first segment has one, which
    /// means that the receiver dropped what it held (RFC 2018 §8). So SND.UNA is always sent again.
    /// Does nothing if nothing is outstanding.
    pub fn on_rto(&mut self, now: Instant, cc: &mut Controller) {
        let (una, flight) = (self.board.una(), self.outstanding());
        let Some(front) = self.board.front().copied() else {
            return;
        };
        let first = self.state != CaState::Loss || self.timed_out != una;
        self.doubt_timeout(cc);
        cc.on_rto(now, flight, first);
        if front.sacked {
            self.board.forget_sacks();
        }
        self.board.mark_all_lost();
        self.duplicates.reset();
        self.state = CaState::Loss;
        self.point = self.board.nxt();
        self.timed_out = una;
        self.forced = true;
    }
}
