//! What the wheel wakes the stack for.

use estab_timer::Instant;

use crate::stack::{ConnId, IncomingId, Stack};

/// Whose deadline an entry of the wheel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Some timer of a connection.
    Connection(ConnId),
    /// The next SYN-ACK of the first half-open record of a queue, or its end.
    HalfOpen(u32),
    /// The end of an attempt that nobody judged.
    Incoming(IncomingId),
    /// The end of the first TIME-WAIT record of a queue.
    TimeWait(u32),
    /// The oldest incomplete datagram has waited long enough.
    Reassembly,
    /// The oldest path MTU is to be tried anew.
    PathMtu,
}

/// Deadlines handled in one call: a hundred thousand that fall due at once must not keep packets
/// waiting.
const MAX_DUE: usize = 1024;

impl Stack {
    /// Does what is due at `now`. Call it no later than at [`poll_timeout`](Self::poll_timeout)'s
    /// deadline; an early call finds nothing to do.
    ///
    /// The work is bounded: if very much is due, `poll_timeout` stays in the past and asks for
    /// another call, before which packets and events can be handled.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        for _ in 0..MAX_DUE {
            let Some((_, due)) = self.wheel.pop_expired(now) else {
                break;
            };
            match due {
                Due::Connection(id) => self.connection_due(now, id),
                Due::HalfOpen(queue) => self.half_open_due(now, queue),
                Due::Incoming(id) => self.incoming_due(id),
                Due::TimeWait(queue) => self.time_wait_due(now, queue),
                Due::Reassembly => self.reassembly_due(now),
                Due::PathMtu => self.path_mtu_due(now),
            }
        }
    }
}

#[cfg(test)]
mod tests;
