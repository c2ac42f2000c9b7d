//! Fourth check: the SYN bit (RFC 9293 §3.10.7.4, RFC 5961 §4).

use super::{Arrival, Flow};
use crate::tcp::connection::{Connection, Ctx};
use crate::wire::tcp::Flags;

impl Connection {
    #[inline]
    pub(super) fn check_syn(&mut self, ctx: &mut Ctx<'_>, arrival: &Arrival<'_, '_>) -> Flow {
        if !arrival.seg.has(Flags::SYN) {
            return Flow::Continue(());
        }
        ctx.stats.drop_tcp_syn += 1;
        self.challenge_ack(ctx, 1);
        Flow::Break(())
    }
}
