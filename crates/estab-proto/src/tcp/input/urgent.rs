//! Sixth check: the URG bit (RFC 9293 §3.10.7.4, §3.8.5).

use super::Arrival;
use crate::tcp::connection::{Connection, Notices};
use crate::tcp::state::State;
use crate::wire::tcp::Flags;

impl Connection {
    /// Moves the urgent mark forward. Urgent bytes stay in the stream (RFC 6093 §6); the mark
    /// names the place just after the last of them.
    #[inline]
    pub(super) fn check_urgent(&mut self, arrival: &Arrival<'_, '_>) {
        let seg = arrival.seg;
        let listens = matches!(
            self.state,
            State::Established | State::FinWait1 | State::FinWait2
        );
        if !seg.has(Flags::URG) || !listens {
            return;
        }
        let mark = seg.seq + u32::from(seg.up);
        if mark.before_eq(self.rcv.nxt) {
            return;
        }
        let offset = self.recv.next() + u64::from(mark - self.rcv.nxt);
        if offset > self.rcv.up {
            self.rcv.up = offset;
            self.notices |= Notices::URGENT;
        }
    }
}
