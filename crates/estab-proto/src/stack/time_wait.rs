//! TIME-WAIT as a record of its own (RFC 9293 §3.6.1): small, capped, and gone after 2 MSL.
//!
//! The connection's record is freed, or stays beside this one for as long as the application holds
//! its handle; the four-tuple belongs to this one.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use estab_timer::{Duration, Instant, TimerKey};
use slotmap::{SlotMap, new_key_type};

use crate::seq::{SeqNumber, WireWindow};
use crate::stack::demux::Slot;
use crate::stack::fifo::Fifo;
use crate::stack::timers::Due;
use crate::stack::tuple::TupleKey;
use crate::stack::{ConnId, Stack};
use crate::tcp::negotiate::timestamp;
use crate::tcp::{Control, TimeWaitInfo};
use crate::wire::SourceRoute;
use crate::wire::tcp::{Flags, TcpOptions, Timestamps};

new_key_type! {
    /// Names a TIME-WAIT record.
    pub(crate) struct TimeWaitId;
}

/// What is left of a connection.
#[derive(Debug)]
pub(crate) struct TimeWait {
    pub(super) key: TupleKey,
    /// SND.NXT: all that was sent is acknowledged.
    pub(super) snd_nxt: SeqNumber,
    /// RCV.NXT: just after the peer's FIN.
    pub(super) rcv_nxt: SeqNumber,
    /// The window field of our last segment.
    rcv_wnd: WireWindow,
    /// TS.Recent and the displacement of our clock, if timestamps were in use.
    pub(super) timestamps: Option<(u32, u32)>,
    ttl: u8,
    tos: u8,
    /// What the last ACK says about marks.
    ecn: Flags,
    /// 2 MSL, in milliseconds.
    span_millis: u32,
    timer: TimerKey,
    /// When an ACK was last sent for something else than a FIN; [`Instant::NEVER`]: not yet.
    pub(super) acked_at: Instant,
    /// The connection, while the application holds its handle.
    conn: Option<ConnId>,
}

impl TimeWait {
    /// The ACK that answers a retransmitted FIN.
    fn ack(&self, now: Instant, route: Option<Arc<SourceRoute>>) -> Control {
        let timestamps = self.timestamps.map(|(recent, offset)| Timestamps {
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

    /// When 2 MSL are over if they begin `now`.
    fn deadline(&self, now: Instant) -> Instant {
        now + Duration::from_millis(u64::from(self.span_millis))
    }
}

/// The TIME-WAIT records, the oldest known.
pub(crate) struct TimeWaits {
    records: SlotMap<TimeWaitId, TimeWait>,
    oldest: Fifo<TimeWaitId>,
    /// The source routes of the few that have one.
    routes: BTreeMap<TimeWaitId, Arc<SourceRoute>>,
}

impl Default for TimeWaits {
    fn default() -> Self {
        Self {
            records: SlotMap::with_key(),
            oldest: Fifo::new(),
            routes: BTreeMap::new(),
        }
    }
}

impl TimeWaits {
    /// Records held.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// A record.
    pub(super) fn get(&self, id: TimeWaitId) -> Option<&TimeWait> {
        self.records.get(id)
    }

    /// A record, to be changed.
    pub(super) fn get_mut(&mut self, id: TimeWaitId) -> Option<&mut TimeWait> {
        self.records.get_mut(id)
    }

    /// The connection beside the record is gone.
    pub(crate) fn detach(&mut self, id: TimeWaitId) {
        if let Some(record) = self.records.get_mut(id) {
            record.conn = None;
        }
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
        while self.time_waits.len() >= max {
            let TimeWaits {
                records, oldest, ..
            } = &mut self.time_waits;
            let Some(id) = oldest.pop(|id| records.contains_key(id)) else {
                break;
            };
            self.stats.time_wait_overflows += 1;
            self.remove_time_wait(now, id);
        }
        let span = info.config.time_wait.duration();
        let wheel = &mut self.wheel;
        let id = self.time_waits.records.insert_with_key(|id| TimeWait {
            key,
            snd_nxt: info.snd_nxt,
            rcv_nxt: info.rcv_nxt,
            rcv_wnd: info.rcv_wnd,
            timestamps: info.timestamps,
            ttl: info.ttl,
            tos: info.tos,
            ecn: info.ecn,
            span_millis: u32::try_from(span.as_millis()).unwrap_or(u32::MAX),
            timer: wheel.insert(info.deadline, Due::TimeWait(id)),
            acked_at: Instant::NEVER,
            conn: Some(conn),
        });
        if let Some(route) = &info.route {
            self.time_waits.routes.insert(id, Arc::clone(route));
        }
        self.time_waits.oldest.push(id);
        self.stats.time_waits += 1;
        self.route(&key, Slot::TimeWait(id));
        if let Some(held) = self.conns.get_mut(conn) {
            held.time_wait = Some(id);
        }
    }

    /// Sends the record's last ACK again.
    pub(super) fn ack_time_wait(&mut self, now: Instant, id: TimeWaitId) {
        if let Some(record) = self.time_waits.records.get(id) {
            let route = self.time_waits.routes.get(&id).cloned();
            self.replies.push_control(record.ack(now, route));
        }
    }

    /// Starts the record's 2 MSL anew.
    pub(super) fn restart_time_wait(&mut self, now: Instant, id: TimeWaitId) {
        if let Some(record) = self.time_waits.records.get(id) {
            self.wheel.set(record.timer, record.deadline(now));
        }
    }

    /// Ends a record: its time is over, or a new incarnation takes its place.
    pub(super) fn end_time_wait(&mut self, now: Instant, id: TimeWaitId) {
        self.remove_time_wait(now, id);
        let TimeWaits {
            records, oldest, ..
        } = &mut self.time_waits;
        oldest.lost(|id| records.contains_key(id));
    }

    /// Ends every record.
    pub(super) fn forget_time_waits(&mut self, now: Instant) {
        while let Some(id) = self.time_waits.records.keys().next() {
            self.end_time_wait(now, id);
        }
    }

    /// Frees a record and its four-tuple, and tells the connection beside it.
    fn remove_time_wait(&mut self, now: Instant, id: TimeWaitId) {
        let Some(record) = self.time_waits.records.remove(id) else {
            return;
        };
        self.time_waits.routes.remove(&id);
        self.wheel.cancel(record.timer);
        self.unroute(&record.key, Slot::TimeWait(id));
        if let Some(conn) = record.conn {
            if let Some(held) = self.conns.get_mut(conn) {
                held.time_wait = None;
            }
            self.with_conn(now, conn, |conn, _| conn.on_time_wait_over());
        }
    }
}

#[cfg(test)]
mod tests;
