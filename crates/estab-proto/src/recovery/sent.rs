//! What is sent, entered into the books.

use estab_timer::{Duration, Instant};

use super::Recovery;
use super::covered::Sent;
use super::resent::Resend;
use crate::SeqNumber;

impl Recovery {
    /// New data was sent: `len` sequence numbers at `seq`, which is SND.NXT. A super-segment counts
    /// as the segments it is cut into.
    #[inline]
    pub fn on_sent(&mut self, now: Instant, seq: SeqNumber, len: u32) {
        debug_assert_eq!(seq, self.board.nxt(), "new data is sent in order");
        if len == 0 {
            return;
        }
        if self.outstanding() == 0 {
            // RFC 6298 §5.1: the timer starts when it does not run.
            self.timeout_from = now;
        }
        let before = self.in_flight();
        let at = self.stamp(now, seq + len);
        self.board.push(at, len, self.mss);
        if !self.tlp.on_sent(self.board.nxt(), false) {
            self.quiet_since = now;
        }
        self.mark_sent(now, before);
        self.note_send(len);
    }

    /// `len` sequence numbers at `seq` were sent again, whether asked for by
    /// [`next_retransmit`](Self::next_retransmit) or not.
    pub fn on_retransmitted(&mut self, now: Instant, seq: SeqNumber, len: u32) {
        let len = len.min(self.board.nxt() - seq);
        if len == 0 || !seq.within(self.board.una(), self.outstanding()) {
            return;
        }
        let rescue = self.is_rescue(seq);
        let before = self.in_flight();
        let end = seq + len;
        let at = self.stamp(now, end);
        self.board.retransmit(at, seq, len, self.mss, !rescue);
        self.tlp.on_sent(self.board.nxt(), true);
        if self.rules.rack {
            self.queue_resend(Resend { at, seq, end });
        }
        if seq == self.board.una() {
            // RFC 6298 §5: at least one timeout lies between two transmissions of it.
            self.timeout_from = now;
        }
        if rescue {
            self.rescue_rxt = self.point;
        } else {
            self.high_rxt = self.high_rxt.max(end);
        }
        self.forced = false;
        if let Some(undo) = &mut self.undo {
            undo.on_retransmitted(now, seq, len);
        }
        self.total_retransmits = self
            .total_retransmits
            .saturating_add(len.div_ceil(self.mss));
        self.mark_sent(now, before);
        self.note_send(len);
    }

    /// When something that ends at `end` is sent, such that times tell the order of sending.
    ///
    /// The numbers decide between transmissions of the same time (RFC 8985 §6.2 step 2), which is
    /// wrong if something is sent again after new data: then it is sent a nanosecond later.
    #[inline]
    fn stamp(&mut self, now: Instant, end: SeqNumber) -> Instant {
        let mut sent = Sent {
            at: now.max(self.last_sent.at),
            end,
        };
        if !sent.is_after(&self.last_sent) {
            sent.at = self.last_sent.at + Duration::from_nanos(1);
        }
        self.last_sent = sent;
        sent.at
    }

    fn queue_resend(&mut self, resend: Resend) {
        let board = &self.board;
        self.episode
            .get_or_insert_default()
            .resent
            .push(resend, board.records(), |resend| board.is_in_flight(resend));
    }

    /// What was sent again counts as in flight once more, though it had been given up: it may be lost
    /// in truth, and RACK finds only what is in the queue.
    pub(super) fn requeue_resent(&mut self) {
        if self.rules.rack && self.retransmitted() > 0 {
            self.episode.get_or_insert_default().resent = self.board.resent_in_flight();
        }
    }

    #[inline]
    fn note_send(&mut self, len: u32) {
        if let Some(prr) = self.prr_mut() {
            prr.on_sent(len);
        }
        self.usage
            .on_sent(self.in_flight(), self.board.una(), self.board.nxt());
    }
}
