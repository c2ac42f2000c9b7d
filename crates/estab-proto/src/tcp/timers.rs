//! What time brings (RFC 9293 §3.10.8).

use estab_timer::{Instant, KeepaliveAction, Stage, Timer, UserTimeout, Verdict};

use crate::error::SoftError;
use crate::recovery::CaState;
use crate::tcp::connection::{Connection, Ctx, Is, Notices};

impl Connection {
    /// Handles every deadline that has passed.
    pub(crate) fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.note_app_limit();
        while let Some(timer) = self.timers.take_expired(ctx.now) {
            let Some(timer) = self.if_due(timer, ctx.now) else {
                continue;
            };
            match timer {
                Timer::Retransmit => self.on_retransmission_timeout(ctx),
                Timer::Persist => self.on_persist(ctx),
                Timer::DelayedAck => {
                    self.delayed_ack.on_timeout();
                    self.acks_due = self.acks_due.max(1);
                }
                Timer::Keepalive => self.on_keepalive(ctx),
                // Nobody waits for the peer's FIN: the record goes without a word.
                Timer::FinWait2 => self.finish(ctx, None),
                Timer::UserTimeout => self.on_user_timeout(ctx),
                Timer::Linger => self.on_linger(ctx),
                Timer::TailLossProbe => self.on_tail_loss_probe(ctx),
                Timer::Reorder => self.on_reorder_timeout(ctx),
                Timer::Pacing => self.pacer.on_timer(ctx.now),
                Timer::TimeWait => {}
            }
        }
    }

    /// The timer that is due now that `timer` fired. The one that watches what is out may have been
    /// put off by what was sent since it was armed.
    fn if_due(&mut self, timer: Timer, now: Instant) -> Option<Timer> {
        let watches = matches!(
            timer,
            Timer::Retransmit | Timer::TailLossProbe | Timer::Reorder
        );
        match self.recovery.deadline(&self.rtt).filter(|_| watches) {
            Some((next, at)) if at > now => {
                self.timers.arm(next, at);
                None
            }
            Some((next, _)) => Some(next),
            None => Some(timer),
        }
    }

    /// RFC 6298 §5.4 to §5.7, and R1 and R2 of RFC 9293 §3.8.3.
    // RFC 9293: MUST-19, MUST-20, MUST-22, SHLD-9.
    fn on_retransmission_timeout(&mut self, ctx: &mut Ctx<'_>) {
        if self.release_new_data() {
            return;
        }
        ctx.stats.retransmission_timeouts += 1;
        let stage = if self.state.is_synchronized() {
            Stage::Data
        } else {
            Stage::Syn
        };
        match self
            .progress
            .on_retransmit(ctx.now, &self.config.give_up, stage)
        {
            Verdict::GiveUp if !self.peer_only_holds_its_window_shut(ctx.now) => {
                return self.time_out(ctx);
            }
            Verdict::SoftError => {
                self.soft_error = Some(SoftError::DeliveryTrouble);
                self.notices |= Notices::SOFT_ERROR;
            }
            Verdict::GiveUp | Verdict::Continue => {}
        }
        self.rtt.back_off();
        if stage == Stage::Syn {
            self.is |= Is::SYN_DUE | Is::SYN_RETRANSMITTED;
            return;
        }
        self.timers.cancel(Timer::Pacing);
        self.recovery.on_rto(ctx.now, &mut self.cc);
        self.recovery.keep_estimate(self.rtt.snapshot());
        self.arm_loss_timer(ctx.now);
        self.trace(|| tracing::debug!(rto = ?self.rtt.rto(), "retransmission timeout"));
    }

    /// Nothing was heard for two round trips: a segment goes out that makes the peer say what it has
    /// (RFC 8985 §7.3).
    fn on_tail_loss_probe(&mut self, ctx: &mut Ctx<'_>) {
        if self.recovery.on_probe_timeout(ctx.now) {
            ctx.stats.tail_loss_probes += 1;
            self.trace(|| tracing::debug!("tail loss probe"));
        }
        self.arm_loss_timer(ctx.now);
    }

    /// What was overtaken has not come (RFC 8985 §6.2 step 5).
    fn on_reorder_timeout(&mut self, ctx: &mut Ctx<'_>) {
        let prior_state = self.recovery.state();
        self.recovery.on_reorder_timeout(ctx.now, &mut self.cc);
        self.note_recovery(ctx, prior_state);
        self.arm_loss_timer(ctx.now);
    }

    /// Counts and tells that fast recovery began or ended.
    pub(super) fn note_recovery(&mut self, ctx: &mut Ctx<'_>, prior_state: CaState) {
        let recovering = [prior_state, self.recovery.state()].map(|it| it == CaState::Recovery);
        let (lost, cwnd) = (self.recovery.lost(), self.cc.cwnd());
        match recovering {
            [false, true] => {
                ctx.stats.recoveries += 1;
                self.trace(|| tracing::debug!(lost, cwnd, "recovery"));
            }
            [true, false] => self.trace(|| tracing::debug!(lost, cwnd, "end of recovery")),
            _ => {}
        }
    }

    /// Arms the one of the retransmission, probe and reordering timers that is due first, which makes
    /// the others needless (RFC 8985 §8). To be called whenever something was sent or acknowledged.
    #[inline]
    pub(super) fn arm_loss_timer(&mut self, now: Instant) {
        let next = self.recovery.deadline(&self.rtt);
        if next.is_none() && self.holds_new_data() {
            // Nothing is out, and the timer has another task (RFC 3168 §6.1.2).
            self.timers.arm(Timer::Retransmit, now + self.rtt.rto());
            return;
        }
        for timer in [Timer::Retransmit, Timer::TailLossProbe, Timer::Reorder] {
            self.timers.cancel(timer);
        }
        if let Some((timer, at)) = next {
            self.timers.arm(timer, at);
        }
    }

    /// Whether the peer pulled its window shut over data in flight and goes on answering: then
    /// nothing is wrong with it (RFC 9293 SHLD-17, MUST-37).
    fn peer_only_holds_its_window_shut(&self, now: Instant) -> bool {
        let silence = now.saturating_duration_since(self.figures.last_received_at);
        self.state.is_synchronized() && self.snd.wnd == 0 && silence < self.config.rto.max * 2
    }

    fn on_user_timeout(&mut self, ctx: &mut Ctx<'_>) {
        if self.peer_only_holds_its_window_shut(ctx.now)
            && self.config.give_up.user_timeout == UserTimeout::Default
        {
            self.progress.on_progress(ctx.now, true);
            self.rearm_user_timeout();
            return;
        }
        self.time_out(ctx);
    }

    /// The window has been closed, or too small to be worth a segment, for a while.
    // RFC 9293: MUST-36, SHLD-29, SHLD-30.
    fn on_persist(&mut self, ctx: &mut Ctx<'_>) {
        if self.snd.usable() > 0 && self.unsent() > 0 {
            // Sender SWS avoidance waited long enough (RFC 9293 §3.8.6.2.1, override timeout).
            self.is |= Is::OVERRIDE;
            self.persist.stop();
            return;
        }
        let limit = self.config.give_up.limit(Stage::Data);
        if let (Some(since), Some(limit)) = (self.persist.unanswered_since(), limit)
            && ctx.now.saturating_duration_since(since) >= limit
        {
            return self.time_out(ctx);
        }
        ctx.stats.window_probes += 1;
        self.is |= Is::PROBE_DUE;
        let next = self.persist.on_probe_sent(ctx.now, &self.config.persist);
        self.timers.arm(Timer::Persist, next);
    }

    /// RFC 9293 §3.8.4.
    // RFC 9293: MUST-29, MAY-5.
    fn on_keepalive(&mut self, ctx: &mut Ctx<'_>) {
        let Some(config) = self.config.keepalive else {
            return;
        };
        if self.snd.una != self.snd.nxt || self.persist.active() {
            // The retransmission or persist timer watches the peer already (MUST-26).
            self.rearm_keepalive(ctx.now);
            return;
        }
        match self.keepalive.on_expiry(ctx.now, &config) {
            KeepaliveAction::Probe { next } => {
                ctx.stats.keepalive_probes += 1;
                self.is |= Is::PROBE_DUE;
                self.timers.arm(Timer::Keepalive, next);
            }
            KeepaliveAction::Dead => self.time_out(ctx),
        }
    }
}
