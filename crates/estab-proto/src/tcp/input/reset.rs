//! Second check: the RST bit (RFC 9293 §3.10.7.4, RFC 5961 §3).

use super::{Arrival, Flow};
use crate::error::ConnectionError;
use crate::tcp::connection::{Connection, Ctx};
use crate::tcp::state::State;
use crate::wire::tcp::Flags;

impl Connection {
    // RFC 9293: MUST-11, SHLD-2.
    #[inline]
    pub(super) fn check_reset(&mut self, ctx: &mut Ctx<'_>, arrival: &Arrival<'_, '_>) -> Flow {
        let seg = arrival.seg;
        if !seg.has(Flags::RST) {
            return Flow::Continue(());
        }
        if !seg.seq.within(self.rcv.nxt, self.rcv.wnd().max(1)) {
            // Its text reaches into the window, its number does not: a guess.
            ctx.stats.drop_tcp_rst += 1;
            return Flow::Break(());
        }
        if seg.seq != self.rcv.nxt {
            // In the window but not exact: a blind guess, or a peer that will answer the
            // challenge with an exact RST.
            ctx.stats.drop_tcp_rst += 1;
            self.challenge_ack(ctx, 1);
            return Flow::Break(());
        }
        ctx.stats.resets_in += 1;
        let error = match self.state {
            State::SynReceived if !self.is_passive() => Some(ConnectionError::Refused),
            // Both sides had closed: there is nobody left to tell.
            State::Closing | State::LastAck => None,
            _ => Some(ConnectionError::Reset),
        };
        self.finish(ctx, error);
        Flow::Break(())
    }
}
