//! LISTEN (RFC 9293 §3.10.7.2), and passive opens as records without buffers until their
//! handshake is complete (RFC 4987 §3.5).
//!
//! Records that wait for the same time stand in a queue, whose first one alone has an entry in the
//! timing wheel.

use alloc::sync::Arc;
use alloc::vec::Vec;

use estab_timer::{Duration, Instant, LazyEntry};
use slotmap::new_key_type;

use crate::addr::FourTuple;
use crate::seq::SeqNumber;
use crate::stack::demux::Slot;
use crate::stack::slab::Slab;
use crate::stack::timers::Due;
use crate::stack::tuple::TupleKey;
use crate::stack::{ListenerId, Stack, isn};
use crate::tcp::negotiate::announced_mss;
use crate::tcp::{Control, Handshake};
use crate::wire::EcnCodepoint;
use crate::wire::tcp::{Flags, Segment, TcpOptions};

new_key_type! {
    /// Names a half-open record.
    pub(crate) struct HalfOpenId;
}

/// A passive open whose SYN-ACK is not acknowledged yet: SYN-RECEIVED without a connection's
/// record.
#[derive(Debug)]
pub(crate) struct HalfOpen {
    pub(super) key: TupleKey,
    pub(super) listener: ListenerId,
    pub(super) handshake: Handshake,
    /// When the SYN-ACK is sent again, or the attempt is given up.
    deadline: Instant,
    /// The queue it waits in, and its neighbours there.
    queue: u32,
    before: HalfOpenId,
    after: HalfOpenId,
    /// The SYN-ACK was also sent again because the peer repeated its SYN.
    pub(super) resent: bool,
    /// When a challenge ACK was last sent (RFC 5961 §7); [`Instant::NEVER`]: not yet.
    pub(super) challenged_at: Instant,
}

impl HalfOpen {
    /// The sequence number of our SYN-ACK.
    pub(crate) fn iss(&self) -> SeqNumber {
        self.handshake.iss
    }
}

/// The records that wait for the same time, those that began first in front.
struct Queue {
    span: Duration,
    first: HalfOpenId,
    last: HalfOpenId,
    entry: LazyEntry,
}

/// The half-open records of all listeners.
#[derive(Default)]
pub(crate) struct SynQueue {
    records: Slab<HalfOpenId, HalfOpen>,
    /// One for each span that a configuration's back-off ever came to.
    queues: Vec<Queue>,
}

impl SynQueue {
    /// Records held.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// A record.
    pub(crate) fn get(&self, id: HalfOpenId) -> Option<&HalfOpen> {
        self.records.get(id)
    }

    /// A record, to be changed.
    pub(super) fn get_mut(&mut self, id: HalfOpenId) -> Option<&mut HalfOpen> {
        self.records.get_mut(id)
    }

    /// The queue of those that wait for `span`.
    fn queue(&mut self, span: Duration) -> u32 {
        let found = self.queues.iter().position(|queue| queue.span == span);
        found.unwrap_or_else(|| {
            self.queues.push(Queue {
                span,
                first: HalfOpenId::default(),
                last: HalfOpenId::default(),
                entry: LazyEntry::new(),
            });
            self.queues.len() - 1
        }) as u32
    }

    /// Puts a record that is in no queue at the end of the one of `span`; returns which that is.
    fn enqueue(&mut self, now: Instant, id: HalfOpenId, span: Duration) -> u32 {
        let index = self.queue(span);
        let queue = &mut self.queues[index as usize];
        let before = core::mem::replace(&mut queue.last, id);
        match self.records.get_mut(before) {
            Some(before) => before.after = id,
            None => queue.first = id,
        }
        if let Some(record) = self.records.get_mut(id) {
            record.deadline = now + span;
            record.queue = index;
            record.before = before;
            record.after = HalfOpenId::default();
        }
        index
    }

    /// Takes a record out of its queue; returns which that was.
    fn dequeue(&mut self, id: HalfOpenId) -> Option<u32> {
        let (index, before, after) = {
            let record = self.records.get(id)?;
            (record.queue, record.before, record.after)
        };
        let queue = &mut self.queues[index as usize];
        match self.records.get_mut(before) {
            Some(before) => before.after = after,
            None => queue.first = after,
        }
        match self.records.get_mut(after) {
            Some(after) => after.before = before,
            None => queue.last = before,
        }
        Some(index)
    }
}

impl Stack {
    /// A segment arrives for a listener. `above`: the new incarnation's sequence numbers must be
    /// higher than this, the SND.NXT of the one before.
    pub(super) fn listen_input(
        &mut self,
        now: Instant,
        id: ListenerId,
        tuple: FourTuple,
        seg: &Segment<'_>,
        above: Option<SeqNumber>,
    ) {
        // The order of RFC 9293 §3.10.7.2: RST, ACK, SYN, anything else. Acknowledgements that
        // may carry a cookie never come here.
        if seg.has(Flags::RST) {
            self.stats.drop_tcp_listen += 1;
        } else if seg.has(Flags::ACK) {
            self.stats.drop_tcp_listen += 1;
            self.reset(tuple, seg);
        } else if !seg.has(Flags::SYN) || seg.has(Flags::FIN) {
            // No sane peer opens and closes in one segment; scanners do.
            self.stats.drop_tcp_listen += 1;
        } else {
            self.stats.syns_in += 1;
            self.syn_input(now, id, tuple, seg, above);
        }
    }

    /// A SYN arrives for a listener. Text on it is neither kept nor acknowledged.
    fn syn_input(
        &mut self,
        now: Instant,
        id: ListenerId,
        tuple: FourTuple,
        seg: &Segment<'_>,
        above: Option<SeqNumber>,
    ) {
        let Some(listener) = self.listeners.get(id) else {
            return;
        };
        let key = TupleKey::new(&tuple);
        let tcp = Arc::clone(&listener.tcp);
        let mut iss = isn::initial(&self.secrets, self.config.isn, now, &key);
        if let Some(old_nxt) = above {
            iss = isn::above(iss, old_nxt);
        }
        let ts_offset = isn::timestamp_offset(&self.secrets, &key);
        let handshake = Handshake::from_syn(now, seg, iss, ts_offset, &tcp);
        if listener.deferred {
            self.hold_incoming(now, id, key, handshake);
        } else if listener.half_open < listener.backlog
            && self.syn_queue.len() < self.config.limits.max_half_open
        {
            self.open_half(now, id, key, handshake);
        } else {
            self.send_cookie(now, id, tuple, handshake);
        }
    }

    /// Makes a half-open record and answers the SYN.
    fn open_half(&mut self, now: Instant, id: ListenerId, key: TupleKey, handshake: Handshake) {
        let Some(listener) = self.listeners.get_mut(id) else {
            return;
        };
        listener.half_open += 1;
        let span = listener.tcp.rto.initial;
        let record = self.syn_queue.records.insert(HalfOpen {
            key,
            listener: id,
            handshake,
            deadline: now,
            queue: 0,
            before: HalfOpenId::default(),
            after: HalfOpenId::default(),
            resent: false,
            challenged_at: Instant::NEVER,
        });
        let queue = self.syn_queue.enqueue(now, record, span);
        self.arm_half_open(queue);
        self.route(&key, Slot::HalfOpen(record));
        self.send_syn_ack(now, record);
    }

    /// Sends a record's SYN-ACK: always the same one, whenever it is sent.
    pub(super) fn send_syn_ack(&mut self, now: Instant, id: HalfOpenId) {
        let Some(record) = self.syn_queue.records.get_mut(id) else {
            return;
        };
        let Some(listener) = self.listeners.get(record.listener) else {
            return;
        };
        record.handshake.synack_at = now;
        let repeats = record.handshake.synack_retries;
        record.handshake.ecn.take_repetition(repeats);
        let tuple = record.key.tuple();
        let mss = announced_mss(&listener.tcp, self.config.mtu, tuple.is_ipv6());
        let syn_ack = record.handshake.syn_ack(now, tuple, &listener.tcp, mss);
        self.replies.push_control(syn_ack);
    }

    /// Has the wheel wait for the first of a queue.
    fn arm_half_open(&mut self, queue: u32) {
        let SynQueue { records, queues } = &mut self.syn_queue;
        let Queue { first, entry, .. } = &mut queues[queue as usize];
        match records.get(*first) {
            Some(first) => {
                entry.sync(&mut self.wheel, Due::HalfOpen(queue), Some(first.deadline));
            }
            None => entry.release(&mut self.wheel),
        }
    }

    /// The first of a queue is due, or was when the wheel was told.
    pub(super) fn half_open_due(&mut self, now: Instant, queue: u32) {
        let Some(it) = self.syn_queue.queues.get_mut(queue as usize) else {
            return;
        };
        it.entry.fired();
        let first = it.first;
        let record = self.syn_queue.records.get(first);
        if record.is_some_and(|record| record.deadline <= now) {
            self.syn_ack_unanswered(now, first);
        }
        self.arm_half_open(queue);
    }

    /// A record's SYN-ACK stayed unanswered: it is sent again, or the attempt is given up
    /// (RFC 6298 §5.5: the time doubles).
    fn syn_ack_unanswered(&mut self, now: Instant, id: HalfOpenId) {
        let Some(record) = self.syn_queue.records.get_mut(id) else {
            return;
        };
        let listener = self.listeners.get(record.listener);
        let retries = record.handshake.synack_retries;
        let Some(listener) = listener.filter(|_| retries < self.config.limits.syn_ack_retries)
        else {
            self.stats.half_open_timeouts += 1;
            self.remove_half_open(id);
            return;
        };
        record.handshake.synack_retries = retries + 1;
        let initial = listener.tcp.rto.initial;
        let span = initial.saturating_mul(1 << (u32::from(retries) + 1).min(16));
        self.syn_queue.dequeue(id);
        let queue = self.syn_queue.enqueue(now, id, span);
        self.arm_half_open(queue);
        self.stats.retransmits += 1;
        self.send_syn_ack(now, id);
    }

    /// Forgets a record and frees its four-tuple.
    pub(crate) fn remove_half_open(&mut self, id: HalfOpenId) -> Option<HalfOpen> {
        let record = self.take_half_open(id)?;
        self.unroute(&record.key, Slot::HalfOpen(id));
        Some(record)
    }

    /// Takes a record out; its four-tuple is for somebody else to take over.
    pub(super) fn take_half_open(&mut self, id: HalfOpenId) -> Option<HalfOpen> {
        let queue = self.syn_queue.dequeue(id)?;
        let record = self.syn_queue.records.remove(id)?;
        self.arm_half_open(queue);
        if let Some(listener) = self.listeners.get_mut(record.listener) {
            listener.half_open -= 1;
        }
        Some(record)
    }

    /// Resets the half-open records of a listener that closes.
    pub(super) fn reset_half_open(&mut self, listener: ListenerId) {
        if self
            .listeners
            .get(listener)
            .is_none_or(|listener| listener.half_open == 0)
        {
            return;
        }
        let records = self.syn_queue.records.iter();
        let own: Vec<_> = records
            .filter(|(_, record)| record.listener == listener)
            .map(|(id, _)| id)
            .collect();
        for id in own {
            if let Some(record) = self.remove_half_open(id) {
                self.push_reset(Control {
                    tuple: record.key.tuple(),
                    seq: record.handshake.iss + 1,
                    ack: record.handshake.irs + 1,
                    ctl: Flags::RST | Flags::ACK | record.handshake.ecn.first_flags(),
                    wnd: Default::default(),
                    opts: TcpOptions::default(),
                    ttl: self.config.tcp.ttl,
                    tos: EcnCodepoint::NotEct.on(self.config.tcp.tos),
                    route: record.handshake.route,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
