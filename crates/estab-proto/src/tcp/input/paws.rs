//! Protection against wrapped sequence numbers, and what to echo (RFC 7323 §4.3, §5.3, §5.5).

use estab_timer::Duration;

use super::{Arrival, Flow};
use crate::tcp::connection::{Connection, Ctx};
use crate::tcp::state::State;
use crate::wire::tcp::Flags;

/// TS.Recent is worth nothing once the peer's clock may have wrapped: 24 days (RFC 7323 §5.5).
const RECENT_LIFETIME: Duration = Duration::from_secs(24 * 24 * 3600);

impl Connection {
    /// R1: a timestamp older than TS.Recent marks an old segment. Comes before the window test.
    #[inline]
    pub(super) fn check_timestamp(&mut self, ctx: &mut Ctx<'_>, arrival: &Arrival<'_, '_>) -> Flow {
        let Some(ts) = &self.ts else {
            return Flow::Continue(());
        };
        // A RST is never tested: a reset peer has no timestamp to offer (RFC 7323 §5.2).
        if arrival.seg.has(Flags::RST) {
            return Flow::Continue(());
        }
        let Some(seen) = arrival.seg.opts.timestamps else {
            if self.config.require_timestamps {
                ctx.stats.drop_tcp_missing_timestamp += u64::from(arrival.segments);
                return Flow::Break(());
            }
            return Flow::Continue(());
        };
        let old = (seen.val.wrapping_sub(ts.recent) as i32) < 0;
        if !old || ctx.now >= ts.recent_at + RECENT_LIFETIME {
            return Flow::Continue(());
        }
        ctx.stats.drop_tcp_paws += u64::from(arrival.segments);
        if self.state.is_synchronized() || self.state == State::SynReceived {
            if arrival.text.is_empty() {
                self.challenge_ack(ctx, arrival.segments);
            } else {
                // A late original, of which a copy came first: RFC 2883 §4.3.
                self.note_old_text(arrival.seg);
                self.ack_now();
            }
        }
        Flow::Break(())
    }

    /// R3: TS.Recent follows the segment that holds the oldest number not yet acknowledged, so
    /// that a delayed ACK echoes the time of the first segment it covers.
    #[inline]
    pub(super) fn take_timestamp(&mut self, ctx: &Ctx<'_>, arrival: &Arrival<'_, '_>) {
        let last_ack_sent = self.rcv.last_ack_sent;
        let (Some(ts), Some(seen)) = (&mut self.ts, arrival.seg.opts.timestamps) else {
            return;
        };
        let outdated = ctx.now >= ts.recent_at + RECENT_LIFETIME;
        let newer = (seen.val.wrapping_sub(ts.recent) as i32) >= 0;
        if (newer || outdated) && arrival.seg.seq.before_eq(last_ack_sent) {
            ts.recent = seen.val;
            ts.recent_at = ctx.now;
        }
    }
}
