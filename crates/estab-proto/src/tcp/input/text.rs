//! Seventh: the segment's text (RFC 9293 §3.10.7.4, RFC 5681 §4.2, RFC 2883).

use estab_timer::{AckDecision, Duration, Timer};

use super::{Arrival, Flow};
use crate::error::ConnectionError;
use crate::tcp::connection::{Connection, Ctx, Notices};
use crate::tcp::negotiate::timestamp;
use crate::tcp::state::State;

impl Connection {
    #[inline]
    pub(super) fn take_text(&mut self, ctx: &mut Ctx<'_>, arrival: &mut Arrival<'_, '_>) -> Flow {
        if !matches!(
            self.state,
            State::Established | State::FinWait1 | State::FinWait2
        ) {
            // The peer's FIN came before; there is no text after it.
            return Flow::Continue(());
        }
        if let Some(fin) = self.rcv.fin {
            let before_fin = if fin.after(arrival.seq) {
                fin - arrival.seq
            } else {
                0
            };
            arrival.text = arrival
                .text
                .get(..before_fin as usize)
                .unwrap_or(arrival.text);
        }
        if arrival.text.is_empty() {
            return Flow::Continue(());
        }
        if self.is_released() {
            // Nobody will read it: the peer must not believe it arrived (RFC 9293 SHLD-3).
            self.reset_segment(ctx, arrival.seg);
            self.finish(ctx, Some(ConnectionError::Aborted));
            return Flow::Break(());
        }
        self.figures.last_data_received_at = ctx.now;
        if !ctx.share.is_unlimited() {
            self.economize(ctx, arrival);
        }
        if arrival.text.is_empty() {
            self.ack_now();
        } else {
            self.store(ctx, arrival);
        }
        Flow::Continue(())
    }

    /// Memory is scarce: takes less of the text, as if the rest had been lost on the way.
    fn economize(&mut self, ctx: &mut Ctx<'_>, arrival: &mut Arrival<'_, '_>) {
        let len = arrival.text.len();
        let room = self.admit(ctx.share, arrival.seq == self.rcv.nxt, len);
        if let Some(text) = arrival.text.get(..room).filter(|text| text.len() < len) {
            ctx.stats.refused_memory_bytes += (len - text.len()) as u64;
            arrival.text = text;
            arrival.fin = false;
        }
    }

    /// The time since the timestamp was sent that the peer echoes with new text: the receiver's own
    /// view of the round trip (RFC 7323 §4).
    #[inline]
    fn time_echo(&mut self, ctx: &Ctx<'_>, arrival: &Arrival<'_, '_>) {
        if let (Some(ours), Some(seen)) = (&self.ts, arrival.seg.opts.timestamps)
            && seen.ecr != self.tuner.last_echo()
        {
            let ticks = timestamp(ctx.now, ours.offset).wrapping_sub(seen.ecr);
            // One that is far off was never sent. Less than a tick cannot be told apart from one.
            if ticks < u32::MAX / 2 {
                let sample = Duration::from_millis(u64::from(ticks.max(1)));
                self.tuner.on_echo(seen.ecr, sample, self.rtt.srtt());
            }
        }
    }

    // RFC 9293: SHLD-31, MAY-13.
    #[inline]
    fn store(&mut self, ctx: &mut Ctx<'_>, arrival: &Arrival<'_, '_>) {
        if self.recv.held() == 0 {
            let _ = self.tuner.on_idle(ctx.now);
        }
        self.fit_recv_buffer(ctx.share);
        let offset = self.recv.next() + u64::from(arrival.seq - self.rcv.nxt);
        let stored = self.recv.insert(offset, arrival.text, arrival.backing);
        self.rcv.nxt += stored.advanced;
        let (len, next, wnd) = (arrival.text.len(), self.recv.next(), self.rcv.wnd());
        self.tuner.on_data(ctx.now, len as u32, next, wnd);
        ctx.stats.refused_recv_bytes += u64::from(stored.refused);
        // Offsets and sequence numbers run in parallel.
        let at = |place: u64| self.rcv.nxt + (place.wrapping_sub(self.recv.next()) as u32);
        let held = stored
            .duplicate
            .map(|twice| (at(twice.start), at(twice.end)));
        if let Some(twice) = arrival.old.or(held) {
            self.note_duplicate(twice);
        }
        if stored.advanced > 0 {
            self.notices |= Notices::READABLE;
            self.time_echo(ctx, arrival);
        }
        if stored.out_of_order {
            let end = arrival.seq + arrival.text.len() as u32;
            self.tune_beyond_hole(ctx, end - self.rcv.nxt);
            // The sender's window is about to be small: do not hold it up further.
            self.delayed_ack
                .enter_quick(self.config.delayed_ack.quick_segments);
        }
        if stored.out_of_order || stored.filled_hole || self.dsack.is_some() || stored.advanced == 0
        {
            // RFC 5681 §4.2: the sender is to learn of holes, and of their filling, at once.
            self.ack_each(arrival.segments);
            return;
        }
        let size = arrival.segment_size.map_or(usize::MAX, usize::from);
        let each = arrival.text.len().min(size) as u32;
        self.rcv.mss = self
            .rcv
            .mss
            .max(each.min(u32::from(self.advertised_mss)) as u16);
        let rmss = u32::from(self.rcv.mss);
        // The second full-sized segment decides: the others need not be looked at one by one, unless
        // each makes the next ones urgent.
        let marked = arrival.seg.ecn.is_ce() && self.ecn.is_some();
        let singly = match marked {
            true => arrival.text.len(),
            false => arrival.text.len().min(size.saturating_mul(2)),
        };
        let (singly, others) = arrival.text.split_at(singly);
        let others = (!others.is_empty()).then_some((others, arrival.segments.saturating_sub(2)));
        let singly = singly.chunks(size).map(|text| (text, 1));
        for (text, segments) in singly.chain(others) {
            let len = text.len() as u32;
            if marked {
                self.hurry_after_mark();
            }
            match self.delayed_ack.on_segment(ctx.now, len, rmss, segments) {
                AckDecision::Now => self.acks_due = self.acks_due.max(1),
                AckDecision::At(due) => self.timers.arm(Timer::DelayedAck, due),
            }
        }
    }
}
