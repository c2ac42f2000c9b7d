//! Eighth check: the FIN bit (RFC 9293 §3.10.7.4).

use super::Arrival;
use crate::tcp::connection::{Connection, Notices};
use crate::tcp::state::{State, Transition};

impl Connection {
    /// Remembers the FIN and acts on it once everything before it arrived.
    #[inline]
    pub(super) fn take_fin(&mut self, arrival: &Arrival<'_, '_>) {
        if arrival.fin && self.rcv.fin.is_none() {
            self.rcv.fin = Some(arrival.seq + arrival.text.len() as u32);
        }
        if self.rcv.fin != Some(self.rcv.nxt) || !self.awaits_fin() {
            if arrival.fin && arrival.text.is_empty() {
                self.ack_now();
            } else if arrival.fin {
                // Its text asked for one already, and a segment gets no more (RFC 5681 §4.2).
                self.acks_due = self.acks_due.max(1);
            }
            return;
        }
        self.rcv.nxt += 1;
        self.rcv.edge = self.rcv.edge.max(self.rcv.nxt);
        self.acks_due = self.acks_due.max(1);
        self.notices |= Notices::READABLE;
        self.go(Transition::Fin);
        if self.state == State::TimeWait {
            self.enter_time_wait();
        }
    }

    /// Whether the peer's FIN has not been taken yet.
    fn awaits_fin(&self) -> bool {
        matches!(
            self.state,
            State::Established | State::FinWait1 | State::FinWait2
        )
    }
}
