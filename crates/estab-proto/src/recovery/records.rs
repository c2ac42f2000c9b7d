//! The records of what was sent: a queue ordered by sequence number.

use alloc::collections::VecDeque;
use core::mem;

use estab_timer::Instant;

use super::covered::Sent;
use super::resent::Resend;
use crate::SeqNumber;

/// Sequence numbers that were sent together and have fared alike since.
///
/// A record of a super-segment is longer than an MSS and is cut at multiples of it where its parts
/// come to fare differently, and nowhere else: a few records more are moved, not a window of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// The first sequence number.
    pub(super) seq: SeqNumber,
    /// How many there are; never zero.
    pub(super) len: u32,
    /// When they were last sent.
    pub(super) sent_at: Instant,
    /// Selectively acknowledged.
    pub(super) sacked: bool,
    /// Judged lost since they were last sent, or before a retransmission that is in flight.
    pub(super) lost: bool,
    /// A retransmission is in flight.
    pub(super) in_retransmit: bool,
    /// Ever retransmitted: their round-trip time is ambiguous (RFC 6298 §3).
    pub(super) retransmitted: bool,
}

impl Record {
    /// The sequence number after the last.
    pub(super) fn end(&self) -> SeqNumber {
        self.seq + self.len
    }

    /// Its last transmission.
    pub(super) fn sent(&self) -> Sent {
        Sent {
            at: self.sent_at,
            end: self.end(),
        }
    }

    /// Its last transmission, if that was a retransmission.
    pub(super) fn resend(&self) -> Resend {
        Resend {
            at: self.sent_at,
            seq: self.seq,
            end: self.end(),
        }
    }

    /// Whether it waits to be retransmitted.
    pub(super) fn is_pending(&self) -> bool {
        self.lost && !self.in_retransmit && !self.sacked
    }

    /// The segment of it that `seq`, which it holds, is in: where it begins and ends. One of several is
    /// cut at multiples of `mss`, as they went out.
    pub(super) fn segment(&self, seq: SeqNumber, mss: u32) -> (SeqNumber, SeqNumber) {
        let offset = seq - self.seq;
        let start = offset - offset % mss;
        let len = mss.min(self.len - start);
        (self.seq + start, self.seq + start + len)
    }

    /// The segments it is made of.
    fn parts(&self, mss: u32) -> impl Iterator<Item = Self> {
        (0..self.len).step_by(mss as usize).map(move |offset| {
            let from = self.seq + offset;
            self.part(from, from + mss.min(self.len - offset))
        })
    }

    /// The part of it from `from` up to `to`, which must lie inside.
    fn part(&self, from: SeqNumber, to: SeqNumber) -> Self {
        Self {
            seq: from,
            len: to - from,
            ..*self
        }
    }
}

/// A queue of records that needs no heap as long as it never held more than one, as that of a
/// connection that sends a request at a time. What it has needed it keeps until it is told to
/// [`shrink`](Self::shrink): the next burst needs it again.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The only record, if `many` has no memory.
    one: Option<Record>,
    many: VecDeque<Record>,
}

impl Records {
    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.one.is_some()) + self.many.len()
    }

    /// Bytes on the heap.
    #[inline]
    pub(super) fn allocated(&self) -> usize {
        self.many.capacity() * size_of::<Record>()
    }

    /// Gives back what the heap has room for beyond the records.
    pub(super) fn shrink(&mut self) {
        if self.many.len() == 1 {
            self.one = self.many.pop_front();
        }
        self.many.shrink_to_fit();
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&Record> {
        match &self.one {
            Some(one) => Some(one).filter(|_| index == 0),
            None => self.many.get(index),
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Record> {
        match &mut self.one {
            Some(one) => Some(one).filter(|_| index == 0),
            None => self.many.get_mut(index),
        }
    }

    #[inline]
    pub(super) fn front(&self) -> Option<&Record> {
        self.get(0)
    }

    #[inline]
    pub(super) fn front_mut(&mut self) -> Option<&mut Record> {
        self.get_mut(0)
    }

    #[inline]
    pub(super) fn back(&self) -> Option<&Record> {
        self.one.as_ref().or_else(|| self.many.back())
    }

    #[inline]
    pub(super) fn back_mut(&mut self) -> Option<&mut Record> {
        self.one.as_mut().or_else(|| self.many.back_mut())
    }

    #[inline]
    pub(super) fn push_back(&mut self, record: Record) {
        if self.len() == 0 && self.many.capacity() == 0 {
            self.one = Some(record);
        } else {
            self.many().push_back(record);
        }
    }

    /// Removes the first record.
    #[inline]
    pub(super) fn pop_front(&mut self) {
        self.one = None;
        self.many.pop_front();
    }

    /// The index of the record that holds `seq`; `len()` if none does.
    pub(super) fn index_of(&self, seq: SeqNumber) -> usize {
        let Some(start) = self.front().map(|first| first.seq) else {
            return 0;
        };
        match &self.one {
            Some(one) => usize::from(!seq.within(one.seq, one.len)),
            None => self
                .many
                .partition_point(|record| record.end() - start <= seq - start),
        }
    }

    /// Cuts the record at `index` in two at `at`; does nothing unless `at` is inside it.
    pub(super) fn cut(&mut self, index: usize, at: SeqNumber) {
        let Some(record) = self.get_mut(index) else {
            return;
        };
        let whole = *record;
        if at == whole.seq || !at.within(whole.seq, whole.len) {
            return;
        }
        *record = whole.part(whole.seq, at);
        self.many().insert(index + 1, whole.part(at, whole.end()));
    }

    /// Cuts every record at the multiples of `mss`, all in one pass.
    pub(super) fn cut_all(&mut self, mss: u32) {
        let is_long = |record: &Record| record.len > mss;
        if self.one.iter().chain(&self.many).any(is_long) {
            let whole = mem::take(self.many());
            self.many = whole.iter().flat_map(|whole| whole.parts(mss)).collect();
        }
    }

    /// The queue on the heap, after the only record was moved there.
    fn many(&mut self) -> &mut VecDeque<Record> {
        if let Some(one) = self.one.take() {
            self.many.push_back(one);
        }
        &mut self.many
    }
}
