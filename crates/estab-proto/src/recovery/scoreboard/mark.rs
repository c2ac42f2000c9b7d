//! Judging records lost.

use super::Scoreboard;
use crate::SeqNumber;
use crate::recovery::records::Record;
use crate::recovery::resent::Resend;

impl Scoreboard {
    /// Judges lost whatever is below `edge` and not selectively acknowledged. Gives how much of it
    /// was not judged so before.
    pub(in crate::recovery) fn mark_lost_below(&mut self, edge: SeqNumber) -> u32 {
        let before = self.sums.lost;
        let mut index = self.records.index_of(self.judged);
        while let Some(record) = self.records.get(index)
            && record.seq.before(edge)
        {
            self.mark(index);
            index += 1;
        }
        self.judged = self.judged.max(edge);
        self.sums.lost - before
    }

    /// Judges the first segment lost. Gives how much of it was not judged so before.
    pub(in crate::recovery) fn mark_first_lost(&mut self, mss: u32) -> u32 {
        let before = self.sums.lost;
        self.cut_first(mss);
        self.mark(0);
        self.sums.lost - before
    }

    /// Judges everything lost that is not selectively acknowledged, retransmissions in flight too.
    pub(in crate::recovery) fn mark_all_lost(&mut self) -> u32 {
        let before = self.sums.lost;
        for index in 0..self.records.len() {
            self.mark_again(index);
        }
        self.judged = self.nxt;
        self.sums.lost - before
    }

    /// Judges lost, in order, what was sent once and is outstanding, as long as `is_lost` says so. Gives
    /// the first of which it does not.
    ///
    /// What was judged before, or selectively acknowledged, is passed over once.
    pub(in crate::recovery) fn mark_sent_once(
        &mut self,
        is_lost: impl Fn(&Record) -> bool,
    ) -> Option<Record> {
        let mut index = self.records.index_of(self.judged);
        while let Some(&record) = self.records.get(index) {
            if record.sacked {
                index = match self.ranges.covering(record.seq) {
                    Some(run) => self.records.index_of(run.right),
                    None => index + 1,
                };
                continue;
            }
            if !(record.retransmitted || record.lost) {
                if !is_lost(&record) {
                    self.judged = record.seq;
                    return Some(record);
                }
                self.mark(index);
            }
            index += 1;
        }
        self.judged = self.nxt;
        None
    }

    /// Judges a retransmission lost. Gives how much of it was in flight.
    pub(in crate::recovery) fn mark_resend_lost(&mut self, resend: &Resend) -> u32 {
        let before = self.sums.in_retransmit;
        for index in self.resent_records(resend) {
            if self.is_of(index, resend) {
                self.mark_again(index);
            }
        }
        before - self.sums.in_retransmit
    }

    /// Judges lost the first segment, and what is due (RFC 8985 §6.3).
    pub(in crate::recovery) fn mark_timed_out(
        &mut self,
        mss: u32,
        is_due: impl Fn(&Record) -> bool,
    ) {
        self.cut_first(mss);
        self.judged = self.nxt;
        for index in 0..self.records.len() {
            let Some(&record) = self.records.get(index) else {
                break;
            };
            if index == 0 || is_due(&record) {
                self.mark_again(index);
            } else if !(record.sacked || record.retransmitted) {
                self.judged = self.judged.min(record.seq);
            }
        }
    }

    /// Judges lost the segments that are longer than `mss`, retransmissions in flight too.
    pub(in crate::recovery) fn mark_longer_lost(&mut self, mss: u32) -> u32 {
        let before = self.sums.lost;
        for index in 0..self.records.len() {
            if self
                .records
                .get(index)
                .is_some_and(|record| record.len > mss)
            {
                self.mark_again(index);
            }
        }
        self.sums.lost - before
    }

    fn mark(&mut self, index: usize) {
        self.note_loss(index, |record| !record.lost);
        self.update(index, |record| record.lost = !record.sacked);
        self.resume_at(index);
    }

    fn mark_again(&mut self, index: usize) {
        self.note_loss(index, |record| !record.lost || record.in_retransmit);
        self.update(index, |record| {
            record.lost = !record.sacked;
            record.in_retransmit = false;
        });
        self.resume_at(index);
    }

    /// Notes that a record is lost, unless it was before.
    fn note_loss(&mut self, index: usize, is_new: impl Fn(&Record) -> bool) {
        if let Some(record) = self.records.get(index)
            && !record.sacked
            && is_new(record)
        {
            self.losses.note(record.seq, record.len, record.sent_at);
        }
    }

    fn resume_at(&mut self, index: usize) {
        if let Some(record) = self.records.get(index).filter(|record| record.is_pending()) {
            self.resume = self.resume.min(record.seq);
        }
    }

    /// Nothing is lost after all, nor what was sent again. Judging starts over with the first that was
    /// not: what is below will come anyway.
    pub(in crate::recovery) fn unmark_lost(&mut self) {
        self.judged = self.nxt;
        for index in 0..self.records.len() {
            self.update(index, |record| {
                record.in_retransmit |= record.lost && record.retransmitted;
                record.lost = false;
            });
            if let Some(record) = self.records.get(index)
                && !(record.sacked || record.in_retransmit)
            {
                self.judged = self.judged.min(record.seq);
            }
        }
    }
}
