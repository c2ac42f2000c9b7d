//! TIME-WAIT as a record of its own (RFC 9293 §3.6.1): small, capped, and gone after 2 MSL.
//!
//! The connection's record is freed, or stays beside this one for as long as the application holds
//! its handle; the four-tuple belongs to this one. Records that wait for the same time stand in a
//! queue, whose first one alone has an entry in the timing wheel.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use estab_timer::{Duration, Instant, LazyEntry};

use crate::seq::{SeqNumber, WireWindow};
use crate::stack::demux::Slot;
use crate::stack::timers::Due;
use crate::stack::tuple::TupleKey;
use crate::stack::{ConnId, Stack, isn};
use crate::tcp::negotiate::timestamp;
use crate::tcp::{Control, TimeWaitInfo};
use crate::wire::SourceRoute;
use crate::wire::tcp::{Flags, TcpOptions, Timestamps};

mod ring;

use ring::Ring;

/// The least time between two ACKs to anything but a retransmitted FIN, so that two ends that
/// disagree do not answer each other without end. In milliseconds.
const ACK_INTERVAL: u32 = 500;

/// Holes a queue may have beyond as many as it has records.
const HOLES: usize = 64;

/// Names a TIME-WAIT record: which queue, and the number in there. No number is used again before
/// 2³² others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimeWaitId {
    pub(super) queue: u32,
    pub(super) number: u32,
}

/// What is left of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeWait {
    pub(super) key: TupleKey,
    /// SND.NXT: all that was sent is acknowledged.
    pub(super) snd_nxt: SeqNumber,
    /// RCV.NXT: just after the peer's FIN.
    pub(super) rcv_nxt: SeqNumber,
    /// The window field of our last segment.
    rcv_wnd: WireWindow,
    /// What the last ACK says about marks.
    ecn: Flags,
    has_timestamps: bool,
    ttl: u8,
    tos: u8,
    place: Place,
    /// TS.Recent, if timestamps were in use.
    recent: u32,
    /// When an ACK was last sent for something else than a FIN, in milliseconds, which wrap.
    acked_millis: u32,
    /// In halves, so that the record ends where it does.
    deadline: [u32; 2],
}

/// What a record's place in its queue means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The order is that of the deadlines.
    InOrder,
    /// 2 MSL began anew: the place is too far in front.
    Early,
    /// The place holds nothing any more.
    Hole,
}

impl TimeWait {
    /// TS.Recent, if timestamps were in use.
    pub(super) fn recent(&self) -> Option<u32> {
        self.has_timestamps.then_some(self.recent)
    }

    /// When 2 MSL are over.
    fn deadline(&self) -> Instant {
        let [high, low] = self.deadline.map(u64::from);
        Instant::from_nanos(high << 32 | low)
    }

    /// Whether something else than a FIN may be answered now; then it is taken to be.
    pub(super) fn may_ack(&mut self, now: Instant) -> bool {
        let now = now.as_millis() as u32;
        let may = now.wrapping_sub(self.acked_millis) >= ACK_INTERVAL;
        if may {
            self.acked_millis = now;
        }
        may
    }

    /// The ACK that answers a retransmitted FIN; `offset` is the displacement of our clock.
    fn ack(&self, now: Instant, offset: u32, route: Option<Arc<SourceRoute>>) -> Control {
        let timestamps = self.recent().map(|recent| Timestamps {
            val: timestamp(now, offset),
            ecr: recent,
        });
        Control {
            tuple: self.key.tuple(),
            seq: self.snd_nxt,
            ack: self.rcv_nxt,
            ctl: Flags::ACK | self.ecn,
            wnd: self.rcv_wnd,
            opts: TcpOptions {
                timestamps,
                ..TcpOptions::default()
            },
            ttl: self.ttl,
            tos: self.tos,
            route,
        }
    }
}

/// A point in time in halves.
fn halves(at: Instant) -> [u32; 2] {
    [(at.as_nanos() >> 32) as u32, at.as_nanos() as u32]
}

/// The records that wait for the same time.
#[derive(Debug)]
struct Queue {
    /// 2 MSL.
    span: Duration,
    ring: Ring,
    entry: LazyEntry,
}

/// The TIME-WAIT records, the oldest known.
#[derive(Debug, Default)]
pub(crate) struct TimeWaits {
    /// One for each span that a configuration ever had.
    queues: Vec<Queue>,
    len: usize,
    /// The source routes of the few that have one.
    routes: BTreeMap<TimeWaitId, Arc<SourceRoute>>,
    /// The connections whose handle the application still holds.
    beside: BTreeMap<TimeWaitId, ConnId>,
}

impl TimeWaits {
    /// Records held.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// A record.
    pub(super) fn get(&self, id: TimeWaitId) -> Option<&TimeWait> {
        self.queues.get(id.queue as usize)?.ring.get(id.number)
    }

    /// A record, to be changed.
    pub(super) fn get_mut(&mut self, id: TimeWaitId) -> Option<&mut TimeWait> {
        let queue = self.queues.get_mut(id.queue as usize)?;
        queue.ring.get_mut(id.number)
    }

    /// The connection beside the record is gone.
    pub(crate) fn detach(&mut self, id: TimeWaitId) {
        self.beside.remove(&id);
    }

    /// The queue of those that wait for `span`.
    fn queue(&mut self, span: Duration) -> u32 {
        let found = self.queues.iter().position(|queue| queue.span == span);
        found.unwrap_or_else(|| {
            self.queues.push(Queue {
                span,
                ring: Ring::default(),
                entry: LazyEntry::new(),
            });
            self.queues.len() - 1
        }) as u32
    }

    /// The record that ends next, as far as is known without looking at all.
    fn oldest(&self) -> Option<TimeWaitId> {
        let fronts = self.queues.iter().zip(0..).filter_map(|(it, queue)| {
            let (number, record) = it.ring.front()?;
            Some((record.deadline(), TimeWaitId { queue, number }))
        });
        fronts.min().map(|(_, id)| id)
    }
}

impl Stack {
    /// Puts a record in the place of a connection that reached TIME-WAIT. At the cap the oldest
    /// record goes.
    pub(super) fn enter_time_wait(
        &mut self,
        now: Instant,
        key: TupleKey,
        conn: ConnId,
        info: &TimeWaitInfo,
    ) {
        let max = self.config.limits.max_time_wait.max(1);
        while self.time_waits.len >= max
            && let Some(id) = self.time_waits.oldest()
        {
            self.stats.time_wait_overflows += 1;
            self.end_time_wait(now, id);
        }
        let record = TimeWait {
            key,
            snd_nxt: info.snd_nxt,
            rcv_nxt: info.rcv_nxt,
            rcv_wnd: info.rcv_wnd,
            ecn: info.ecn,
            has_timestamps: info.ts_recent.is_some(),
            ttl: info.ttl,
            tos: info.tos,
            place: Place::InOrder,
            recent: info.ts_recent.unwrap_or_default(),
            acked_millis: (now.as_millis() as u32).wrapping_sub(ACK_INTERVAL),
            deadline: halves(info.deadline),
        };
        let queue = self.time_waits.queue(info.config.time_wait.duration());
        let id = self.append_time_wait(queue, record);
        self.time_waits.len += 1;
        self.stats.time_waits += 1;
        if let Some(route) = &info.route {
            self.time_waits.routes.insert(id, Arc::clone(route));
        }
        if let Some(held) = self.conns.get_mut(conn)
            && !held.conn.is_released()
        {
            held.time_wait = Some(id);
            self.time_waits.beside.insert(id, conn);
        }
    }

    /// Puts a record at the end of a queue, and gives it its four-tuple.
    fn append_time_wait(&mut self, queue: u32, record: TimeWait) -> TimeWaitId {
        let number = self.time_waits.queues[queue as usize].ring.push(record);
        let id = TimeWaitId { queue, number };
        self.route(&record.key, Slot::TimeWait(id));
        self.arm_time_wait(queue);
        id
    }

    /// Has the wheel wait for the first of a queue.
    fn arm_time_wait(&mut self, queue: u32) {
        let Queue { ring, entry, .. } = &mut self.time_waits.queues[queue as usize];
        match ring.front() {
            Some((_, first)) => {
                entry.sync(
                    &mut self.wheel,
                    Due::TimeWait(queue),
                    Some(first.deadline()),
                );
            }
            None => entry.release(&mut self.wheel),
        }
    }

    /// Sends the record's last ACK again.
    pub(super) fn ack_time_wait(&mut self, now: Instant, id: TimeWaitId) {
        if let Some(record) = self.time_waits.get(id) {
            let route = self.time_waits.routes.get(&id).cloned();
            let offset = isn::timestamp_offset(&self.secrets, &record.key);
            self.replies.push_control(record.ack(now, offset, route));
        }
    }

    /// Starts the record's 2 MSL anew.
    pub(super) fn restart_time_wait(&mut self, now: Instant, id: TimeWaitId) {
        let Some(queue) = self.time_waits.queues.get(id.queue as usize) else {
            return;
        };
        let deadline = now + queue.span;
        if let Some(record) = self.time_waits.get_mut(id) {
            record.deadline = halves(deadline);
            record.place = Place::Early;
        }
    }

    /// The first of a queue is due, or was when the wheel was told.
    pub(super) fn time_wait_due(&mut self, now: Instant, queue: u32) {
        let Some(it) = self.time_waits.queues.get_mut(queue as usize) else {
            return;
        };
        it.entry.fired();
        if let Some((number, first)) = it.ring.front() {
            let id = TimeWaitId { queue, number };
            if first.deadline() <= now {
                return self.end_time_wait(now, id);
            } else if first.place == Place::Early {
                self.move_time_wait(id, Place::InOrder);
            }
        }
        self.arm_time_wait(queue);
    }

    /// Moves a record to the end of its queue, where it is in a `place` of this kind.
    fn move_time_wait(&mut self, id: TimeWaitId, place: Place) {
        let ring = &mut self.time_waits.queues[id.queue as usize].ring;
        let Some(mut record) = ring.remove(id.number) else {
            return;
        };
        record.place = place;
        self.unroute(&record.key, Slot::TimeWait(id));
        let new = self.append_time_wait(id.queue, record);
        let TimeWaits { routes, beside, .. } = &mut self.time_waits;
        if let Some(route) = routes.remove(&id) {
            routes.insert(new, route);
        }
        if let Some(conn) = beside.remove(&id) {
            beside.insert(new, conn);
            if let Some(held) = self.conns.get_mut(conn) {
                held.time_wait = Some(new);
            }
        }
    }

    /// Ends a record: its time is over, or a new incarnation takes its place. Frees it and its
    /// four-tuple, and tells the connection beside it.
    pub(super) fn end_time_wait(&mut self, now: Instant, id: TimeWaitId) {
        let Some(queue) = self.time_waits.queues.get_mut(id.queue as usize) else {
            return;
        };
        let Some(record) = queue.ring.remove(id.number) else {
            return;
        };
        let crowded = queue.ring.holes() > queue.ring.len() + HOLES;
        self.time_waits.len -= 1;
        self.time_waits.routes.remove(&id);
        self.unroute(&record.key, Slot::TimeWait(id));
        if crowded {
            self.close_holes(id.queue);
        }
        self.arm_time_wait(id.queue);
        if let Some(conn) = self.time_waits.beside.remove(&id) {
            if let Some(held) = self.conns.get_mut(conn) {
                held.time_wait = None;
            }
            self.with_conn(now, conn, |conn, _| conn.on_time_wait_over());
        }
    }

    /// Moves all records of a queue together: it has more holes than records, so that is little work
    /// for each record that left one.
    fn close_holes(&mut self, queue: u32) {
        let records = self.time_waits.queues[queue as usize].ring.len();
        for _ in 0..records {
            let ring = &self.time_waits.queues[queue as usize].ring;
            let Some((number, first)) = ring.front() else {
                return;
            };
            let place = first.place;
            self.move_time_wait(TimeWaitId { queue, number }, place);
        }
    }

    /// Ends every record.
    pub(super) fn forget_time_waits(&mut self, now: Instant) {
        while let Some(id) = self.time_waits.oldest() {
            self.end_time_wait(now, id);
        }
    }
}

#[cfg(test)]
mod tests;
