//! Fifth check: the ACK field (RFC 9293 §3.10.7.4, RFC 5961 §5).

use estab_timer::{Duration, Instant};

use super::{Arrival, Flow};
use crate::recovery::{AckInput, Spurious};
use crate::tcp::connection::{Connection, Ctx, Is, Notices};
use crate::tcp::negotiate::{is_echo, timestamp};
use crate::tcp::state::{State, Transition};
use crate::wire::tcp::{Flags, Segment};

impl Connection {
    #[inline]
    pub(super) fn check_ack(&mut self, ctx: &mut Ctx<'_>, arrival: &Arrival<'_, '_>) -> Flow {
        let seg = arrival.seg;
        if !seg.has(Flags::ACK) {
            ctx.stats.drop_tcp_no_ack += u64::from(arrival.segments);
            return Flow::Break(());
        }
        if self.state == State::SynReceived {
            self.check_ack_of_syn(ctx, arrival)?;
        }
        if seg.ack.after(self.snd.nxt) {
            // It acknowledges what was never sent.
            ctx.stats.drop_tcp_ack += u64::from(arrival.segments);
            self.challenge_ack(ctx, arrival.segments);
            return Flow::Break(());
        }
        if seg.ack.before(self.snd.una) {
            // RFC 9293: MAY-12.
            if self.snd.una - seg.ack > self.oldest_ack() {
                // RFC 5961 §5.2: too old for any honest peer.
                ctx.stats.drop_tcp_ack += u64::from(arrival.segments);
                self.challenge_ack(ctx, arrival.segments);
                return Flow::Break(());
            }
            // An old duplicate: its text may be new.
            return Flow::Continue(());
        }
        self.take_ack(ctx, arrival);
        if self.state == State::Closed {
            Flow::Break(())
        } else {
            Flow::Continue(())
        }
    }

    /// Whether a segment that acknowledges our SYN saw its timestamp too, if it echoes one.
    pub(super) fn echoes_ours(&self, now: Instant, seg: &Segment<'_>) -> bool {
        match (&self.ts, seg.opts.timestamps) {
            (Some(ours), Some(ts)) if ts.ecr != 0 => {
                // A cookie's timestamp is a little old: as the clock began, older than the clock.
                self.figures.opened_at == Instant::ZERO
                    || is_echo(ts.ecr, ours.offset, self.figures.opened_at, now)
            }
            _ => true,
        }
    }

    /// How far below SND.UNA an acknowledgement may be: as far as the largest window reaches back,
    /// and not before the first number that was ever acknowledged (RFC 5961 §5.2).
    fn oldest_ack(&self) -> u32 {
        let fin = self.is.contains(Is::FIN_SENT) && !self.fin_outstanding();
        let acked = self.figures.bytes_acked + u64::from(fin);
        self.snd
            .max_wnd
            .min(u32::try_from(acked).unwrap_or(u32::MAX))
    }

    /// SYN-RECEIVED: an acknowledgement of our SYN opens the connection, any other is answered by
    /// a RST and changes nothing.
    fn check_ack_of_syn(&mut self, ctx: &mut Ctx<'_>, arrival: &Arrival<'_, '_>) -> Flow {
        let seg = arrival.seg;
        if !(seg.ack.after(self.snd.una) && seg.ack.before_eq(self.snd.nxt)) {
            ctx.stats.drop_tcp_ack += 1;
            self.reset_segment(ctx, seg);
            return Flow::Break(());
        }
        if self.is_passive() && !self.echoes_ours(ctx.now, seg) {
            ctx.stats.drop_tcp_ack += u64::from(arrival.segments);
            self.challenge_ack(ctx, arrival.segments);
            return Flow::Break(());
        }
        let sent_at = self.figures.last_data_sent_at;
        self.snd.una = seg.ack;
        self.snd.wnd = self.offered_window(seg);
        self.snd.max_wnd = self.snd.max_wnd.max(self.snd.wnd);
        self.snd.wl1 = seg.seq;
        self.snd.wl2 = seg.ack;
        self.take_report_on_syn_ack(ctx, seg);
        self.go(Transition::SynAcked);
        self.establish(ctx.now, Some(sent_at));
        Flow::Continue(())
    }

    /// SND.UNA =< SEG.ACK =< SND.NXT: takes what is acknowledged off the books.
    #[inline]
    fn take_ack(&mut self, ctx: &mut Ctx<'_>, arrival: &Arrival<'_, '_>) {
        let seg = arrival.seg;
        let fin_seq = self.fin_seq();
        self.note_app_limit();
        let advanced = seg.ack - self.snd.una;
        let window_changed = self.update_window(arrival);
        let congestion = self.read_congestion(ctx, seg, advanced);
        let idle = self.snd.una == self.snd.nxt && seg.opts.sack.is_empty();
        if idle && !congestion.ece {
            // Nothing is out, so there is nothing to learn of it: the lot of a receiver.
            if self.snd.wnd == 0 {
                self.bound_orphan(ctx.now);
            }
            return;
        }
        let at_floor = congestion.ece && self.cc.cwnd() <= self.snd_mss();
        let sample = self.recovery.on_ack(
            &AckInput {
                sack: &seg.opts.sack,
                text: !seg.is_empty(),
                window_changed,
                ts_rtt: self.echoed_rtt(ctx, arrival, advanced),
                ts_echo: self.echoed_tick(arrival),
                srtt: self.rtt.srtt(),
                ece: congestion.ece,
                ce_bytes: congestion.bytes,
                ..AckInput::new(ctx.now, seg.ack)
            },
            &mut self.cc,
        );
        self.release_text(ctx.now);
        self.figures.dsacks += u32::from(sample.dsack);
        if let Some(rtt) = sample.rtt {
            // Several samples a round trip count for one together (RFC 7323 §4.2): one for two
            // segments, or for as many as this one acknowledges if a device joined them.
            let each = sample.newly_acked.max(2 * self.snd_mss());
            let expected = sample.prior_in_flight.div_ceil(each).max(1);
            match sample.estimate_before {
                Some(before) => self.rtt.on_sample_after_spurious(before, rtt),
                None => self.rtt.on_sample_of(expected, rtt),
            }
        }
        if let Some(spurious) = sample.spurious {
            self.note_spurious(ctx, spurious);
        }
        ctx.stats.sack_reneging += u64::from(sample.reneged);
        ctx.stats.reorderings += u64::from(sample.reordered);
        self.note_recovery(ctx, sample.prior_state);
        if at_floor {
            self.hold_new_data(ctx);
        }
        if advanced == 0 {
            self.arm_loss_timer(ctx.now);
            if self.snd.wnd == 0 {
                self.bound_orphan(ctx.now);
            }
            return;
        }
        let fin_acked = fin_seq.is_some_and(|fin| seg.ack.after(fin));
        let text = advanced - u32::from(fin_acked);
        self.snd.una = seg.ack;
        self.send.release(text as usize);
        self.figures.bytes_acked += u64::from(text);
        if text > 0 {
            self.notices |= Notices::WRITABLE;
            self.tune_send_buffer();
        }
        let outstanding = self.snd.una != self.snd.nxt;
        self.progress.on_progress(ctx.now, outstanding);
        self.arm_loss_timer(ctx.now);
        self.rearm_user_timeout();
        self.end_orphan_stall();
        if fin_acked {
            self.take_ack_of_fin(ctx);
        }
    }

    /// Recovery found that nothing had been lost.
    fn note_spurious(&mut self, ctx: &mut Ctx<'_>, spurious: Spurious) {
        let Spurious {
            evidence,
            timeout,
            undone,
            ..
        } = spurious;
        ctx.stats.spurious_timeouts += u64::from(timeout);
        ctx.stats.reductions_undone += u64::from(undone);
        let figures = &mut self.figures;
        let count = |figure: &mut u16, more: bool| *figure = figure.saturating_add(more.into());
        count(&mut figures.spurious_timeouts, timeout);
        count(&mut figures.reductions_undone, undone);
        let (cwnd, ssthresh) = (self.cc.cwnd(), self.cc.ssthresh());
        self.trace(|| tracing::debug!(?evidence, timeout, undone, cwnd, ssthresh, "undo"));
    }

    fn take_ack_of_fin(&mut self, ctx: &mut Ctx<'_>) {
        self.go(Transition::FinAcked);
        match self.state {
            State::FinWait2 => self.enter_fin_wait_2(ctx.now),
            State::TimeWait => self.enter_time_wait(),
            State::Closed => self.finish(ctx, None),
            _ => {}
        }
    }

    /// The tick of our clock that the segment echoes (RFC 3522 §3.2).
    fn echoed_tick(&self, arrival: &Arrival<'_, '_>) -> Option<u32> {
        let (ours, seen) = (self.ts.as_ref()?, arrival.seg.opts.timestamps?);
        (seen.ecr != 0).then(|| seen.ecr.wrapping_sub(ours.offset))
    }

    /// The round trip as the echoed timestamp tells it: only an acknowledgement of new data counts
    /// (RFC 7323 §4.1).
    fn echoed_rtt(
        &self,
        ctx: &Ctx<'_>,
        arrival: &Arrival<'_, '_>,
        advanced: u32,
    ) -> Option<Duration> {
        let (ours, seen) = (self.ts.as_ref()?, arrival.seg.opts.timestamps?);
        if advanced == 0 || seen.ecr == 0 {
            return None;
        }
        let ticks = timestamp(ctx.now, ours.offset).wrapping_sub(seen.ecr);
        // A clock tick is 1 ms: less cannot be told apart from it.
        (ticks < u32::MAX / 2).then(|| Duration::from_millis(u64::from(ticks.max(1))))
    }
}
