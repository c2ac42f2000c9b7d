//! The scoreboard (RFC 6675 §3): what was sent, when, and what became of it.
//!
//! It keeps the facts and their sums. What counts as lost is [`detect`](super::detect)'s to say.

mod mark;

use estab_timer::Instant;

use super::covered::{Covered, View};
use super::ranges::Ranges;
use super::rate::LossLog;
use super::records::{Record, Records};
use super::resent::{Resend, Resent};
use crate::SeqNumber;

/// Records beyond one per MSS outstanding that new data may take, as many small writes do; more are
/// joined to the last one.
const SPARE_RECORDS: usize = 1024;

/// Sums over the records that are not selectively acknowledged, in sequence numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Selectively acknowledged (this one over those that are).
    pub(super) sacked: u32,
    /// Lost.
    pub(super) lost: u32,
    /// With a retransmission in flight, whether lost or not.
    pub(super) in_retransmit: u32,
    /// Lost with no retransmission in flight.
    pub(super) pending: u32,
}

impl Sums {
    fn parts(record: &Record) -> [bool; 4] {
        let open = !record.sacked;
        let Record {
            sacked,
            lost,
            in_retransmit,
            ..
        } = *record;
        [
            sacked,
            open && lost,
            open && in_retransmit,
            record.is_pending(),
        ]
    }

    fn each(&mut self) -> [&mut u32; 4] {
        [
            &mut self.sacked,
            &mut self.lost,
            &mut self.in_retransmit,
            &mut self.pending,
        ]
    }

    /// Counts `len` numbers of a record in.
    fn add(&mut self, record: &Record, len: u32) {
        for (sum, counts) in self.each().into_iter().zip(Self::parts(record)) {
            *sum += if counts { len } else { 0 };
        }
    }

    /// Counts `len` numbers of a record out.
    fn remove(&mut self, record: &Record, len: u32) {
        for (sum, counts) in self.each().into_iter().zip(Self::parts(record)) {
            *sum -= if counts { len } else { 0 };
        }
    }
}

/// SND.UNA to SND.NXT, record by record.
#[derive(Debug)]
pub(super) struct Scoreboard {
    una: SeqNumber,
    nxt: SeqNumber,
    /// No record below is pending: where the search for the next retransmission starts.
    resume: SeqNumber,
    /// Everything below that is not selectively acknowledged was judged lost, or sent again.
    judged: SeqNumber,
    records: Records,
    ranges: Ranges,
    sums: Sums,
    losses: LossLog,
}

impl Scoreboard {
    pub(super) fn new(una: SeqNumber) -> Self {
        Self {
            una,
            nxt: una,
            resume: una,
            judged: una,
            records: Records::default(),
            ranges: Ranges::default(),
            sums: Sums::default(),
            losses: LossLog::default(),
        }
    }

    #[inline]
    pub(super) fn una(&self) -> SeqNumber {
        self.una
    }

    #[inline]
    pub(super) fn nxt(&self) -> SeqNumber {
        self.nxt
    }

    #[inline]
    pub(super) fn outstanding(&self) -> u32 {
        self.nxt - self.una
    }

    #[inline]
    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    /// Bytes on the heap.
    pub(super) fn allocated(&self) -> usize {
        self.records.allocated() + self.ranges.allocated()
    }

    /// Gives back memory kept for what may come.
    pub(super) fn shrink(&mut self) {
        self.records.shrink();
        self.ranges.shrink();
    }

    /// What was found lost, for who wants to know.
    pub(super) fn losses(&mut self) -> &mut LossLog {
        &mut self.losses
    }

    pub(super) fn ranges(&self) -> &Ranges {
        &self.ranges
    }

    /// How many records there are.
    #[inline]
    pub(super) fn records(&self) -> usize {
        self.records.len()
    }

    /// Whether so many segments are selectively acknowledged.
    pub(super) fn has_sacked(&self, segments: u32, mss: u32) -> bool {
        if self.sums.sacked > segments.saturating_sub(1).saturating_mul(mss) {
            return true;
        }
        let mut found = 0;
        for range in self.ranges.descending() {
            let mut index = self.records.index_of(range.left);
            while let Some(record) = self.records.get(index)
                && record.seq.before(range.right)
            {
                found += record.len.div_ceil(mss);
                if found >= segments {
                    return true;
                }
                index += 1;
            }
        }
        false
    }

    /// Whether any of what was sent again then is still in flight.
    pub(super) fn is_in_flight(&self, resend: &Resend) -> bool {
        self.resent_records(resend)
            .any(|index| self.is_of(index, resend))
    }

    /// All retransmissions in flight.
    pub(super) fn resent_in_flight(&self) -> Resent {
        let records = (0..self.records.len()).filter_map(|index| self.records.get(index));
        Resent::of(
            records
                .filter(|record| record.in_retransmit)
                .map(Record::resend),
        )
    }

    /// The records that hold what was sent again then.
    fn resent_records(&self, resend: &Resend) -> core::ops::Range<usize> {
        if resend.end.before_eq(self.una) {
            return 0..0;
        }
        self.records.index_of(resend.seq.max(self.una))
            ..self.records.index_of(resend.end.back(1)) + 1
    }

    /// Whether the record there is in flight by that retransmission.
    fn is_of(&self, index: usize, resend: &Resend) -> bool {
        self.records
            .get(index)
            .is_some_and(|record| record.in_retransmit && record.sent_at == resend.at)
    }

    pub(super) fn front(&self) -> Option<&Record> {
        self.records.front()
    }

    /// Whether there are so many records that new data must wait for an acknowledgment.
    #[inline]
    pub(super) fn is_full(&self, mss: u32) -> bool {
        let spare = self.records.len().saturating_sub(2 * SPARE_RECORDS);
        spare > 0 && spare >= 2 * (self.outstanding() / mss) as usize
    }

    /// New data was sent from SND.NXT on.
    #[inline]
    pub(super) fn push(&mut self, now: Instant, len: u32, mss: u32) {
        let seq = self.nxt;
        self.nxt += len;
        let spare = self.records.len().saturating_sub(SPARE_RECORDS);
        if spare > 0
            && spare >= (self.outstanding() / mss) as usize
            && let Some(last) = self.records.back_mut()
            && !(last.sacked || last.lost || last.retransmitted)
        {
            last.len += len;
            last.sent_at = now;
            return;
        }
        self.records.push_back(Record {
            seq,
            len,
            sent_at: now,
            sacked: false,
            lost: false,
            in_retransmit: false,
            retransmitted: false,
        });
    }

    /// Whether nothing is selectively acknowledged, judged lost or in flight for another time, nor
    /// anything beyond `ack` judged.
    #[inline]
    pub(super) fn is_orderly(&self, ack: SeqNumber) -> bool {
        self.sums == Sums::default()
            && self.ranges.highest().is_none()
            && self.judged.before_eq(ack)
    }

    /// As [`acknowledge`](Self::acknowledge) of something where [all is in
    /// order](Self::is_orderly). Gives when the first and the last of it were sent.
    pub(super) fn acknowledge_orderly(&mut self, ack: SeqNumber) -> (Instant, Instant) {
        let mut sent_at = (Instant::NEVER, Instant::NEVER);
        while self.una != ack
            && let Some(first) = self.records.front_mut()
        {
            sent_at = (sent_at.0.min(first.sent_at), first.sent_at);
            let len = first.len.min(ack - self.una);
            self.una += len;
            if len == first.len {
                self.records.pop_front();
            } else {
                first.seq += len;
                first.len -= len;
            }
        }
        self.resume = self.resume.max(self.una);
        self.judged = self.una;
        sent_at
    }

    /// Everything below `ack`, which is at most SND.NXT, was received in order.
    pub(super) fn acknowledge(&mut self, ack: SeqNumber, view: &View) -> Covered {
        let mut covered = Covered::default();
        while self.una != ack
            && let Some(&first) = self.records.front()
        {
            let len = first.len.min(ack - self.una);
            covered.note(&first, len, view);
            self.sums.remove(&first, len);
            self.una += len;
            if len == first.len {
                self.records.pop_front();
            } else if let Some(first) = self.records.get_mut(0) {
                first.seq += len;
                first.len -= len;
            }
        }
        self.ranges.trim(self.una);
        if self.una == self.nxt {
            self.ranges.clear();
        }
        self.resume = self.resume.max(self.una);
        self.judged = self.judged.max(self.una);
        covered
    }

    /// `left..right`, inside SND.UNA to SND.NXT, was selectively acknowledged.
    ///
    /// Only what is new is visited. Super-segments are cut at multiples of `mss`; a segment that is
    /// covered in part counts as missing, and a later block that covers it whole will say so.
    pub(super) fn sack(
        &mut self,
        left: SeqNumber,
        right: SeqNumber,
        mss: u32,
        view: &View,
    ) -> Covered {
        let mut covered = Covered::default();
        // What was reported before ends at the edges of segments; most blocks repeat it.
        let Some(gap) = self
            .ranges
            .gap(left, right)
            .filter(|_| !self.ranges.is_full())
        else {
            return covered;
        };
        let left = self.boundary_at_or_after(gap.left, mss);
        let right = self.boundary_at_or_before(right, mss);
        if left.after_eq(right) {
            return covered;
        }
        self.cut(left);
        self.cut(right);
        let mut from = left;
        while from.before(right)
            && let Some(gap) = self.ranges.gap(from, right)
        {
            let mut index = self.records.index_of(gap.left);
            while let Some(&record) = self.records.get(index)
                && record.seq.before(gap.right)
            {
                covered.note(&record, record.len, view);
                self.update(index, |record| {
                    record.sacked = true;
                    record.lost = false;
                    record.in_retransmit = false;
                });
                index += 1;
            }
            from = gap.right;
        }
        self.ranges.insert(left, right);
        covered
    }

    /// The first edge of a segment that is not before `seq`.
    fn boundary_at_or_after(&self, seq: SeqNumber, mss: u32) -> SeqNumber {
        match self.segment_at(seq, mss) {
            Some((start, end)) if start != seq => end,
            _ => seq,
        }
    }

    /// The last edge of a segment that is not after `seq`.
    fn boundary_at_or_before(&self, seq: SeqNumber, mss: u32) -> SeqNumber {
        self.segment_at(seq, mss).map_or(seq, |(start, _)| start)
    }

    /// Where the segment that holds `seq` begins and ends.
    fn segment_at(&self, seq: SeqNumber, mss: u32) -> Option<(SeqNumber, SeqNumber)> {
        let record = self.records.get(self.records.index_of(seq))?;
        Some(record.segment(seq, mss))
    }

    /// Lets a record begin at `at`, which is an edge of a segment.
    fn cut(&mut self, at: SeqNumber) {
        self.records.cut(self.records.index_of(at), at);
    }

    /// Lets the first record be a single segment.
    fn cut_first(&mut self, mss: u32) {
        if let Some((_, end)) = self.segment_at(self.una, mss) {
            self.cut(end);
        }
    }

    /// Cuts every super-segment into segments of `mss`, as they went out: to be called before the
    /// MSS changes.
    pub(super) fn cut_all(&mut self, mss: u32) {
        self.records.cut_all(mss);
    }

    /// `seq..seq+len` was sent again. With `in_flight` false it is not counted as being under way.
    pub(super) fn retransmit(
        &mut self,
        now: Instant,
        seq: SeqNumber,
        len: u32,
        mss: u32,
        in_flight: bool,
    ) {
        let end = seq + len;
        for at in [seq, end] {
            let Some((start, end)) = self.segment_at(at, mss) else {
                continue;
            };
            self.cut(start);
            if start != at {
                self.cut(end);
                if !self.is_full(mss) {
                    self.cut(at);
                }
            }
        }
        let mut index = self.records.index_of(seq);
        while let Some(record) = self.records.get(index)
            && record.seq.before(end)
        {
            self.update(index, |record| {
                record.sent_at = now;
                record.retransmitted = true;
                record.in_retransmit |= in_flight && !record.sacked;
            });
            index += 1;
        }
        if in_flight && self.resume.within(seq, len) {
            self.resume = end;
        }
    }

    /// The first record that waits to be retransmitted.
    pub(super) fn first_pending(&self) -> Option<Record> {
        if self.sums.pending == 0 {
            return None;
        }
        self.find_open(self.resume, |record| record.is_pending())
    }

    /// The first record from `from` on that is not selectively acknowledged and fits.
    pub(super) fn find_open(
        &self,
        from: SeqNumber,
        fits: impl Fn(&Record) -> bool,
    ) -> Option<Record> {
        let mut index = self.records.index_of(from);
        while let Some(record) = self.records.get(index) {
            if record.sacked {
                // One jump over a run, however long.
                let run = self.ranges.covering(record.seq)?;
                index = self.records.index_of(run.right);
                continue;
            }
            if fits(record) {
                return Some(*record);
            }
            index += 1;
        }
        None
    }

    /// The last record that is not selectively acknowledged.
    pub(super) fn last_open(&self) -> Option<Record> {
        let last = *self.records.back()?;
        if !last.sacked {
            return Some(last);
        }
        let run = self.ranges.covering(last.seq)?;
        self.records
            .index_of(run.left)
            .checked_sub(1)
            .and_then(|index| self.records.get(index))
            .copied()
    }

    /// Forgets all selective acknowledgments: the receiver has dropped what it held.
    pub(super) fn forget_sacks(&mut self) {
        for index in 0..self.records.len() {
            self.update(index, |record| record.sacked = false);
        }
        self.ranges.clear();
    }

    /// Changes a record and the sums with it.
    fn update(&mut self, index: usize, change: impl FnOnce(&mut Record)) {
        let Some(record) = self.records.get_mut(index) else {
            return;
        };
        self.sums.remove(record, record.len);
        change(record);
        self.sums.add(record, record.len);
    }
}

#[cfg(test)]
pub(in crate::recovery) mod tests;
