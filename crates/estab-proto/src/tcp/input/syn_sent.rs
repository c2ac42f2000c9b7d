//! Segments in SYN-SENT (RFC 9293 §3.10.7.3).

use super::{Arrival, Flow};
use crate::error::ConnectionError;
use crate::tcp::connection::{Connection, Ctx, Is};
use crate::tcp::ecn::negotiate::Agreement;
use crate::tcp::negotiate::{Handshake, timestamp};
use crate::tcp::state::Transition;
use crate::wire::tcp::{Flags, Segment};
use estab_timer::Duration;

impl Connection {
    pub(super) fn input_syn_sent(
        &mut self,
        ctx: &mut Ctx<'_>,
        arrival: &mut Arrival<'_, '_>,
    ) -> Flow {
        let seg = arrival.seg;
        let acked = seg.has(Flags::ACK);
        // first: the ACK bit
        let is_ours = seg.ack.after(self.snd.una) && seg.ack.before_eq(self.snd.nxt);
        if acked && !(is_ours && self.echoes_ours(ctx.now, seg)) {
            ctx.stats.drop_tcp_ack += 1;
            self.reset_segment(ctx, seg);
            return Flow::Break(());
        }
        // second: the RST bit. Without an acceptable ACK it could come from anyone.
        if seg.has(Flags::RST) {
            if acked {
                ctx.stats.resets_in += 1;
                self.finish(ctx, Some(ConnectionError::Refused));
            } else {
                ctx.stats.drop_tcp_rst += 1;
            }
            return Flow::Break(());
        }
        // fourth: the SYN bit; fifth: a segment without it is dropped
        if !seg.has(Flags::SYN) {
            ctx.stats.drop_tcp_syn += 1;
            return Flow::Break(());
        }
        let handshake = self.agree(ctx, seg);
        self.take_handshake(ctx.now, &handshake);
        self.note_received(ctx);
        if acked {
            self.open_with_syn_ack(ctx, seg);
            arrival.trim_to(&self.rcv);
            self.take_rest(ctx, arrival)
        } else {
            // RFC 9293: MUST-10.
            // Simultaneous open (§3.5, figure 7): our SYN goes out again with its ACK.
            self.go(Transition::Syn);
            self.is |= Is::SYN_DUE;
            Flow::Break(())
        }
    }

    /// What our SYN and the peer's agree on.
    fn agree(&self, ctx: &Ctx<'_>, seg: &Segment<'_>) -> Handshake {
        let offset = self.ts.as_ref().map_or(0, |ts| ts.offset);
        let mut agreed = Handshake::from_syn(ctx.now, seg, self.snd.iss, offset, &self.config);
        agreed.opened_at = self.figures.opened_at;
        let attempt = self.rtt.back_offs();
        agreed.ecn = if self.is.contains(Is::ECN_HOPELESS) {
            Agreement::default()
        } else if seg.has(Flags::ACK) {
            Agreement::from_syn_ack(seg, &self.config, attempt)
        } else {
            Agreement::from_crossing_syn(seg, &self.config, attempt)
        };
        agreed
    }

    fn open_with_syn_ack(&mut self, ctx: &mut Ctx<'_>, seg: &Segment<'_>) {
        let sent_at = self.figures.last_data_sent_at;
        self.note_trial(ctx, seg);
        self.take_mark_of_syn_ack(ctx, seg);
        self.snd.una = seg.ack;
        // The window of the SYN-ACK, taken with its options, counts at once
        // (RFC 1122 §4.2.2.20 (c)).
        self.snd.wl2 = seg.ack;
        self.go(Transition::SynAck);
        self.establish(ctx.now, Some(sent_at));
        // An echoed timestamp measures the round trip even of a repeated SYN (RFC 7323 §4.1).
        if let (true, Some(ours), Some(ts)) = (
            self.is.contains(Is::SYN_RETRANSMITTED),
            &self.ts,
            seg.opts.timestamps,
        ) {
            let ticks = timestamp(ctx.now, ours.offset).wrapping_sub(ts.ecr);
            if ticks < u32::MAX / 2 {
                self.rtt
                    .on_sample(Duration::from_millis(u64::from(ticks.max(1))));
            }
        }
        self.ack_now();
    }
}
