//! Attempts on deferring listeners: a SYN held before its SYN-ACK, until the application has
//! judged it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use estab_timer::{Duration, Instant, TimerKey};
use slotmap::SlotMap;

use crate::addr::FourTuple;
use crate::error::CallError;
use crate::seq::SeqNumber;
use crate::stack::demux::Slot;
use crate::stack::timers::Due;
use crate::stack::tuple::TupleKey;
use crate::stack::{ConnId, IncomingId, ListenerId, Stack};
use crate::tcp::{Connection, Control, Handshake};
use crate::wire::EcnCodepoint;
use crate::wire::tcp::{Flags, Segment, TcpOptions};

/// How long an attempt waits to be judged: about as long as a peer goes on sending its SYN.
const PATIENCE: Duration = Duration::from_secs(64);

/// An attempt to be judged.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(super) key: TupleKey,
    listener: ListenerId,
    handshake: Handshake,
    timer: TimerKey,
    /// Whether the application has been told its id.
    is_handed_out: bool,
}

/// The attempts of all listeners.
pub(crate) type IncomingTable = SlotMap<IncomingId, Incoming>;

impl Stack {
    /// Takes an attempt that a deferring listener holds; `None` when there is none, or the id is
    /// stale.
    ///
    /// Nothing has been sent yet: to the peer the port looks silent. The peer repeats its SYN, after
    /// one second and then ever more rarely, which makes no second attempt here. An attempt that
    /// nobody has judged 64 s after its last SYN is forgotten, and its id is stale from then on.
    pub fn next_incoming(&mut self, id: ListenerId) -> Option<(IncomingId, FourTuple)> {
        let listener = self.listeners.get_mut(id)?;
        let incoming = listener
            .incoming_queue
            .pop(|id| self.incoming.contains_key(id))?;
        let attempt = self.incoming.get_mut(incoming)?;
        attempt.is_handed_out = true;
        Some((incoming, attempt.key.tuple()))
    }

    /// Accepts an attempt: the SYN-ACK goes out, and [`Event::Connected`](crate::Event::Connected)
    /// or [`Event::Closed`](crate::Event::Closed) tells how the handshake ended.
    ///
    /// # Errors
    ///
    /// [`CallError::NoSuchConnection`] if the attempt is gone;
    /// [`CallError::TooManyConnections`] if the stack is full: the attempt stays.
    pub fn accept_incoming(&mut self, now: Instant, id: IncomingId) -> Result<ConnId, CallError> {
        let now = self.advance(now);
        let attempt = self.incoming.get(id).ok_or(CallError::NoSuchConnection)?;
        let listener = self
            .listeners
            .get(attempt.listener)
            .ok_or(CallError::NoSuchConnection)?;
        let tcp = Arc::clone(&listener.tcp);
        if self.conns.len() >= self.config.limits.max_connections {
            return Err(CallError::TooManyConnections);
        }
        let Some(attempt) = self.remove_incoming(id) else {
            return Err(CallError::NoSuchConnection);
        };
        let tuple = attempt.key.tuple();
        let path_mtu = self.ip.path_mtu(tuple.remote.ip());
        let mtu = self.config.mtu;
        let conn = Connection::passive_pending(now, tuple, &attempt.handshake, tcp, path_mtu, mtu);
        let conn = self.hold(conn);
        self.settle(now, conn);
        Ok(conn)
    }

    /// Refuses an attempt: the peer gets a RST, as from a port where nobody listens.
    pub fn refuse_incoming(&mut self, now: Instant, id: IncomingId) {
        self.advance(now);
        self.refuse(id);
    }

    /// Ignores an attempt: the peer gets nothing. If it sends its SYN again, that is a new attempt.
    pub fn ignore_incoming(&mut self, id: IncomingId) {
        self.remove_incoming(id);
    }

    /// Holds a SYN, within the listener's backlog.
    pub(super) fn hold_incoming(
        &mut self,
        now: Instant,
        id: ListenerId,
        key: TupleKey,
        handshake: Handshake,
    ) {
        let full = self.incoming.len() >= self.config.limits.max_half_open;
        let Some(listener) = self.listeners.get_mut(id) else {
            return;
        };
        if full || listener.incoming >= listener.backlog {
            self.stats.drop_syn += 1;
            return;
        }
        listener.incoming += 1;
        let wheel = &mut self.wheel;
        let incoming = self.incoming.insert_with_key(|incoming| Incoming {
            key,
            listener: id,
            handshake,
            timer: wheel.insert(now + PATIENCE, Due::Incoming(incoming)),
            is_handed_out: false,
        });
        listener.incoming_queue.push(incoming);
        self.route(&key, Slot::Incoming(incoming));
        self.notify_listener(id);
    }

    /// A segment arrives for an attempt. To the peer this is still LISTEN.
    pub(super) fn incoming_input(
        &mut self,
        now: Instant,
        id: IncomingId,
        tuple: FourTuple,
        seg: &Segment<'_>,
    ) {
        let Some(attempt) = self.incoming.get_mut(id) else {
            return;
        };
        let is_syn = seg
            .ctl
            .intersection(Flags::SYN | Flags::ACK | Flags::RST | Flags::FIN)
            == Flags::SYN;
        if is_syn {
            let Some(listener) = self.listeners.get(attempt.listener) else {
                return;
            };
            if seg.seq != attempt.handshake.irs {
                // The peer began anew; our own number can stay, nobody has seen it.
                let Handshake { iss, ts_offset, .. } = attempt.handshake;
                attempt.handshake = Handshake::from_syn(now, seg, iss, ts_offset, &listener.tcp);
            } else if !attempt.handshake.ecn.take_repeated_syn(seg, &listener.tcp) {
                return self.refuse(id);
            } else {
                attempt.handshake.take_route(seg);
            }
            self.wheel.set(attempt.timer, now + PATIENCE);
        } else if seg.has(Flags::RST) {
            if seg.seq == attempt.handshake.irs + 1 {
                self.stats.resets_in += 1;
                self.remove_incoming(id);
            } else {
                self.stats.drop_tcp_rst += 1;
            }
        } else {
            self.stats.drop_tcp_listen += 1;
            if seg.has(Flags::ACK) {
                self.reset(tuple, seg);
            }
        }
    }

    /// Nobody judged the attempt in time.
    pub(super) fn incoming_due(&mut self, id: IncomingId) {
        self.stats.half_open_timeouts += 1;
        self.remove_incoming(id);
    }

    /// Refuses all attempts of a listener that closes.
    pub(super) fn refuse_all_incoming(&mut self, listener: ListenerId) {
        if self
            .listeners
            .get(listener)
            .is_none_or(|listener| listener.incoming == 0)
        {
            return;
        }
        let attempts = self.incoming.iter();
        let own: Vec<_> = attempts
            .filter(|(_, attempt)| attempt.listener == listener)
            .map(|(id, _)| id)
            .collect();
        for id in own {
            self.refuse(id);
        }
    }

    fn refuse(&mut self, id: IncomingId) {
        let Some(attempt) = self.remove_incoming(id) else {
            return;
        };
        self.push_reset(Control {
            tuple: attempt.key.tuple(),
            seq: SeqNumber::default(),
            ack: attempt.handshake.irs + 1,
            ctl: Flags::RST | Flags::ACK,
            wnd: Default::default(),
            opts: TcpOptions::default(),
            ttl: self.config.tcp.ttl,
            tos: EcnCodepoint::NotEct.on(self.config.tcp.tos),
            route: attempt.handshake.route,
        });
    }

    fn remove_incoming(&mut self, id: IncomingId) -> Option<Incoming> {
        let attempt = self.incoming.remove(id)?;
        self.wheel.cancel(attempt.timer);
        self.unroute(&attempt.key, Slot::Incoming(id));
        if let Some(listener) = self.listeners.get_mut(attempt.listener) {
            listener.incoming -= 1;
            if !attempt.is_handed_out {
                listener
                    .incoming_queue
                    .lost(|id| self.incoming.contains_key(id));
            }
        }
        Some(attempt)
    }
}

#[cfg(test)]
mod tests;
