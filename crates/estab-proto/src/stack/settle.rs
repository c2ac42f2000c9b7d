//! What every visit of a connection ends in: its notices become events, its deadline goes to the
//! wheel, its state decides who holds the four-tuple and whether the record stays.

use alloc::boxed::Box;

use estab_timer::{Duration, Instant, Wheel};

use crate::addr::FourTuple;
use crate::stack::demux::Slot;
use crate::stack::events::{EventQueue, Source};
use crate::stack::time_wait::TimeWaitId;
use crate::stack::timers::Due;
use crate::stack::tuple::TupleKey;
use crate::stack::{ConnId, ListenerId, Stack, isn};
use crate::stats::Stats;
use crate::tcp::{Connection, Ctx, Notices, State};

/// A connection in the stack's slab, with what the stack itself knows about it.
pub(crate) struct Held {
    pub(crate) conn: Connection,
    /// Told by the connection and not yet to the driver.
    pub(crate) notices: Notices,
    /// Whether the connection is in the ready list.
    pub(crate) is_ready: bool,
    /// Whether the connection is in the event queue.
    pub(crate) has_events: bool,
    /// Whether the four-tuple's slot is this connection.
    pub(super) is_routed: bool,
    /// Opened by us: counts as a port in use.
    pub(super) is_active: bool,
    /// The listener in whose accept queue the connection waits.
    pub(crate) accept_from: Option<ListenerId>,
    /// The record that stands in for the connection in TIME-WAIT.
    pub(crate) time_wait: Option<TimeWaitId>,
    /// Of an IPv6 connection (RFC 6437).
    pub(crate) flow_label: u32,
    /// Which state of the path-MTU cache the connection has seen.
    pub(crate) path_epoch: u32,
    /// Bytes charged for this connection.
    pub(super) charged: usize,
    /// Whether the connection is in the queue of those that have held text beyond a hole.
    pub(super) hoards: bool,
    /// When anything last happened to it.
    pub(super) settled_at: Instant,
}

impl Held {
    /// A connection that nobody knows yet.
    pub(super) fn new(conn: Connection, now: Instant) -> Self {
        Self {
            conn,
            notices: Notices::empty(),
            is_ready: false,
            has_events: false,
            is_routed: true,
            is_active: false,
            accept_from: None,
            time_wait: None,
            flow_label: 0,
            path_epoch: 0,
            charged: 0,
            hoards: false,
            settled_at: now,
        }
    }

    /// Whether the connection rests and is in no list.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        self.is_routed && !self.is_ready && !self.has_events && self.conn.is_quiet()
    }

    /// Whether the four-tuple's slot is this connection.
    #[inline]
    pub(super) fn is_routed(&self) -> bool {
        self.is_routed
    }

    /// Whether the four-tuple is this connection's: what the table of four-tuples would say.
    #[inline]
    pub(super) fn holds(&self, tuple: &FourTuple) -> bool {
        self.is_routed && self.conn.is_of(tuple)
    }

    /// Whether the connection has something to tell, is not in the event queue, and is known to
    /// somebody.
    #[inline]
    fn should_announce(&self) -> bool {
        !self.has_events && !self.notices.is_empty() && self.accept_from.is_none()
    }

    /// Settles what concerns the wheel and the event queue. Gives the state the connection is in.
    ///
    /// That is all there is to do after it was asked for a segment, which changes nothing that its
    /// buffers hold.
    #[inline]
    pub(super) fn settle_lists(
        &mut self,
        now: Instant,
        id: ConnId,
        dormant_after: Option<Duration>,
        wheel: &mut Wheel<Due>,
        events: &mut EventQueue,
        stats: &mut Stats,
    ) -> State {
        self.notices |= self.conn.take_notices();
        if self.conn.is_released() {
            self.notices = Notices::empty();
        }
        self.conn.update_persist(now);
        let mut moved = self.conn.follow_deadlines(wheel, Due::Connection(id));
        self.settled_at = now;
        let state = self.conn.state();
        // What is over does not become dormant.
        if let Some(after) = dormant_after.filter(|_| state != State::Closed) {
            let quiet_at = Some(now + after);
            moved |= self.conn.entry.sync(wheel, Due::Connection(id), quiet_at);
        }
        stats.timer_moves += u64::from(moved);
        if self.should_announce() {
            self.has_events = true;
            events.push(Source::Connection(id));
        }
        state
    }
}

impl Stack {
    /// Calls into a connection and settles it; `None` if the id is stale.
    #[inline]
    pub(crate) fn with_conn<R>(
        &mut self,
        now: Instant,
        id: ConnId,
        call: impl FnOnce(&mut Connection, &mut Ctx<'_>) -> R,
    ) -> Option<R> {
        let held = self.conns.get_mut(id)?;
        let mut ctx = Ctx {
            now,
            stats: &mut self.stats,
            replies: &mut self.replies,
            share: self.budget.share(),
            trials: &mut self.ecn_trials,
        };
        let result = call(&mut held.conn, &mut ctx);
        self.settle(now, id);
        Some(result)
    }

    /// Takes a connection in and routes its four-tuple to it.
    pub(crate) fn hold(&mut self, conn: Connection) -> ConnId {
        let held = self.conns.place(Held::new(conn, self.now));
        self.hold_placed(held, None)
    }

    /// The same with a connection that is where it will stay, and gets its four-tuple from `before`.
    pub(super) fn hold_placed(&mut self, mut held: Box<Held>, before: Option<Slot>) -> ConnId {
        // Each segment of a cut one has a checksum of its own: only the device can know it.
        if let Some(longest) = self.config.longest_to(held.conn.tuple().remote.ip()) {
            held.conn.set_segmentation(longest);
        }
        let tuple = held.conn.tuple();
        let key = TupleKey::new(&tuple);
        held.is_active = !held.conn.is_passive();
        self.ports += usize::from(held.is_active);
        if tuple.is_ipv6() {
            held.flow_label = isn::flow_label(&self.secrets, &key);
        }
        held.path_epoch = self.ip.path_epoch();
        let id = self.conns.insert(held);
        match before {
            Some(before) => self.reroute(&key, before, Slot::Connection(id)),
            None => self.route(&key, Slot::Connection(id)),
        }
        self.join_crowd(id);
        id
    }

    /// Draws the consequences of whatever just happened to a connection.
    pub(crate) fn settle(&mut self, now: Instant, id: ConnId) {
        let Some(held) = self.conns.get_mut(id) else {
            return;
        };
        if held.conn.may_transmit() {
            self.hurries |= !held.conn.can_wait();
            if !held.is_ready {
                held.is_ready = true;
                self.ready.push(id);
            }
        }
        held.charge(id, &mut self.budget, &mut self.hoarders);
        let after = self.config.dormant_after;
        let (wheel, events, stats) = (&mut self.wheel, &mut self.events, &mut self.stats);
        let state = held.settle_lists(now, id, after, wheel, events, stats);
        if matches!(state, State::TimeWait | State::Closed) {
            self.leave(now, id, state);
        }
        if self.budget.is_spent() {
            self.relieve();
        }
    }

    /// From now on somebody knows the connection's id: what it has to tell is told.
    pub(crate) fn announce(&mut self, id: ConnId) {
        let Some(held) = self.conns.get_mut(id) else {
            return;
        };
        held.accept_from = None;
        if let Some(after) = self.config.dormant_after {
            let quiet_at = Some(self.now + after);
            held.settled_at = self.now;
            held.conn
                .entry
                .sync(&mut self.wheel, Due::Connection(id), quiet_at);
        }
        // Being accepted says that it is connected.
        held.notices.remove(Notices::CONNECTED);
        if held.should_announce() {
            held.has_events = true;
            self.events.push(Source::Connection(id));
        }
    }

    /// The connection reached TIME-WAIT or CLOSED: it gives its four-tuple up, and its record as
    /// well when nobody needs it any more.
    pub(super) fn leave(&mut self, now: Instant, id: ConnId, state: State) {
        let Some(held) = self.conns.get_mut(id) else {
            return;
        };
        if core::mem::take(&mut held.is_routed) {
            let key = TupleKey::new(&held.conn.tuple());
            if core::mem::take(&mut held.is_active) {
                self.ports -= 1;
            }
            match state {
                State::TimeWait => {
                    let info = held.conn.time_wait_info();
                    self.enter_time_wait(now, key, id, &info);
                }
                _ => self.unroute(&key, Slot::Connection(id)),
            }
        }
        let Some(held) = self.conns.get(id) else {
            return;
        };
        let failed = held.conn.state() == State::Closed && held.conn.error().is_some();
        if let Some(listener) = held.accept_from.filter(|_| failed) {
            // Nobody will ever know that it existed.
            self.forget(id);
            self.lost_accept(listener);
        } else if held.conn.is_released() && !held.is_ready {
            self.forget(id);
        }
    }

    /// Drops a connection's record.
    pub(crate) fn forget(&mut self, id: ConnId) {
        let Some(mut held) = self.conns.remove(id) else {
            return;
        };
        held.conn.entry.release(&mut self.wheel);
        self.discharge(&held);
        if held.is_routed {
            self.ports -= usize::from(held.is_active);
            self.unroute(&TupleKey::new(&held.conn.tuple()), Slot::Connection(id));
        }
        if let Some(record) = held.time_wait {
            self.time_waits.detach(record);
        }
        self.conns.recycle(held);
        let (live, conns) = (self.conns.len(), &self.conns);
        self.ready.sweep(live, |id| conns.contains_key(id));
        self.events
            .sweep(live + self.listeners.len(), |id| conns.contains_key(id));
    }
}

#[cfg(test)]
mod tests;
