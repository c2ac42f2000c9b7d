//! The retransmissions in flight, in the order of their sending.
//!
//! Records are in order of sequence numbers. Those sent once are in order of time as well;
//! retransmissions are not, so they have a queue of their own (RFC 8985 §6.2 step 5 asks for one).

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use estab_timer::Instant;

use super::covered::Sent;
use crate::SeqNumber;

/// Entries beyond two per record before the queue is cleared of what has arrived meanwhile.
const SPARE: usize = 64;

/// One retransmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resend {
    /// When it was sent.
    pub(super) at: Instant,
    /// Its first sequence number.
    pub(super) seq: SeqNumber,
    /// The one after its last.
    pub(super) end: SeqNumber,
}

impl Resend {
    pub(super) fn sent(&self) -> Sent {
        Sent {
            at: self.at,
            end: self.end,
        }
    }
}

/// A queue of retransmissions. Entries of what arrived, or was sent once more, stay until they come
/// to the front.
#[derive(Debug, Default)]
pub(super) struct Resent(VecDeque<Resend>);

impl Resent {
    /// The queue of these retransmissions, given in any order.
    pub(super) fn of(resends: impl Iterator<Item = Resend>) -> Self {
        let mut queue: Vec<Resend> = resends.collect();
        queue.sort_by_key(|resend| resend.at);
        Self(queue.into())
    }

    /// Something was sent again. `records` bounds how many retransmissions can be in flight, and
    /// `in_flight` tells whether one is.
    pub(super) fn push(
        &mut self,
        resend: Resend,
        records: usize,
        in_flight: impl Fn(&Resend) -> bool,
    ) {
        if self.0.len() > 2 * records + SPARE {
            self.0.retain(in_flight);
        }
        self.0.push_back(resend);
    }

    /// Bytes on the heap.
    pub(super) fn allocated(&self) -> usize {
        self.0.capacity() * size_of::<Resend>()
    }

    /// The one sent first.
    pub(super) fn front(&self) -> Option<Resend> {
        self.0.front().copied()
    }

    /// Takes the one sent first out.
    pub(super) fn pop(&mut self) {
        self.0.pop_front();
    }
}

#[cfg(test)]
mod tests;
