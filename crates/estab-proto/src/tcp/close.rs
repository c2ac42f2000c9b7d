//! CLOSE and ABORT, and how a connection ends (RFC 9293 §3.6, §3.10.4, §3.10.5).

use estab_timer::{Duration, Instant, Timer};

use crate::error::{CallError, ConnectionError};
use crate::tcp::connection::{Connection, Ctx, Is, Notices};
use crate::tcp::control::Control;
use crate::tcp::state::{State, Transition};
use crate::wire::tcp::Flags;

/// How long a connection without an application may sit before a closed window: probing for
/// nobody would let a peer hold our memory for ever (RFC 6429 §4).
const ORPHAN_STALL: Duration = Duration::from_secs(120);

impl Connection {
    /// CLOSE of the sending direction: a FIN follows the last queued byte. Receiving goes on.
    ///
    /// # Errors
    ///
    /// The connection's error if it failed.
    // RFC 9293: MAY-1.
    pub(crate) fn shutdown(&mut self) -> Result<(), CallError> {
        if let Some(error) = self.error {
            return Err(CallError::Ended(error));
        }
        self.is |= Is::CLOSING;
        if matches!(self.state, State::Established | State::CloseWait) {
            self.go(Transition::Close);
        }
        Ok(())
    }

    /// CLOSE of both directions by an application that gives up its handle.
    pub(crate) fn close(&mut self, ctx: &mut Ctx<'_>) {
        self.is |= Is::RELEASED;
        self.notices = Notices::empty();
        let unread = self.recv.held() > 0;
        let linger = self.config.linger;
        match self.state {
            State::Closed | State::TimeWait => {}
            State::Listen | State::SynSent => self.finish(ctx, None),
            // Bytes nobody read, or an application in a hurry: the peer must learn that the
            // stream did not end in order (RFC 9293 SHLD-3).
            _ if unread || linger == Some(Duration::ZERO) => {
                self.reset_peer(ctx);
                self.finish(ctx, Some(ConnectionError::Aborted));
            }
            _ => {
                let _ = self.shutdown();
                if let Some(linger) = linger {
                    self.timers.arm(Timer::Linger, ctx.now + linger);
                }
                if self.persist.active() {
                    self.bound_orphan(ctx.now);
                }
                if self.state == State::FinWait2 {
                    self.enter_fin_wait_2(ctx.now);
                }
            }
        }
        self.recv.clear();
    }

    /// ABORT: the peer gets a RST where there is a connection to reset.
    pub(crate) fn abort(&mut self, ctx: &mut Ctx<'_>) {
        match self.state {
            State::Closed => return,
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait => self.reset_peer(ctx),
            _ => {}
        }
        self.finish(ctx, Some(ConnectionError::Aborted));
    }

    /// The connection's surroundings failed: nothing more can be sent.
    pub(crate) fn end(&mut self, ctx: &mut Ctx<'_>, error: ConnectionError) {
        if self.state != State::Closed {
            self.finish(ctx, Some(error));
        }
    }

    /// Gives the peer up: no answer for too long.
    pub(super) fn time_out(&mut self, ctx: &mut Ctx<'_>) {
        if self.state.is_synchronized() {
            self.reset_peer(ctx);
        }
        self.finish(ctx, Some(ConnectionError::TimedOut));
    }

    /// CLOSED, whatever the state was; `error` says why, `None` that all was in order.
    pub(super) fn finish(&mut self, ctx: &mut Ctx<'_>, error: Option<ConnectionError>) {
        if matches!(self.state, State::SynSent | State::SynReceived) {
            ctx.stats.failed_opens += 1;
        } else if error.is_some() {
            ctx.stats.aborted += 1;
        }
        if self.state != State::Closed {
            self.go(Transition::Abort);
        }
        self.quiesce();
        self.acks_due = 0;
        self.error = error;
        self.notices |= Notices::CLOSED | Notices::READABLE | Notices::WRITABLE;
    }

    /// Both FINs are acknowledged, ours first: a small record takes over for 2MSL.
    pub(super) fn enter_time_wait(&mut self) {
        self.quiesce();
        self.notices |= Notices::CLOSED | Notices::READABLE;
    }

    /// 2MSL passed, or a new connection took the place.
    pub(crate) fn on_time_wait_over(&mut self) {
        if self.state == State::TimeWait {
            self.go(Transition::TimeWaitOver);
        }
    }

    /// Our FIN is acknowledged. With an application the peer may take as long as it likes to
    /// close; without one nothing would ever end the wait.
    pub(super) fn enter_fin_wait_2(&mut self, now: Instant) {
        if self.is_released() {
            let deadline = self.config.fin_wait_2.deadline(now, self.rtt.rto());
            self.timers.cancel(Timer::Linger);
            self.timers.arm(Timer::FinWait2, deadline);
        }
    }

    /// The window is shut on a connection nobody holds any more.
    pub(super) fn bound_orphan(&mut self, now: Instant) {
        if self.is_released() && !self.timers.is_armed(Timer::Linger) {
            self.timers.arm(Timer::Linger, now + ORPHAN_STALL);
        }
    }

    /// The application's time to linger is over, or an orphan's before a shut window. A window that
    /// opened in the meantime leaves the rest to the retransmission timer.
    pub(super) fn on_linger(&mut self, ctx: &mut Ctx<'_>) {
        let is_stalled = self.persist.active() || self.snd.wnd == 0;
        if self.config.linger.is_some() || is_stalled {
            self.reset_peer(ctx);
            self.finish(ctx, Some(ConnectionError::Aborted));
        }
    }

    /// The peer took something: a stall begins anew, if it does. A time the application gave goes
    /// on.
    pub(super) fn end_orphan_stall(&mut self) {
        if self.is_released() && self.config.linger.is_none() {
            self.timers.cancel(Timer::Linger);
        }
    }

    /// Nothing more will be sent but acknowledgements: timers stop, the send buffer empties.
    fn quiesce(&mut self) {
        self.timers.clear();
        self.persist.stop();
        self.send.clear();
        self.is.remove(Is::SYN_DUE | Is::PROBE_DUE | Is::OVERRIDE);
    }

    /// Sends <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>.
    pub(super) fn reset_peer(&mut self, ctx: &mut Ctx<'_>) {
        let reset = Control {
            tuple: self.tuple,
            seq: self.snd.nxt,
            ack: self.rcv.nxt,
            ctl: Flags::RST | Flags::ACK | self.ecn_flags(),
            wnd: self.rcv.scale.to_wire(self.rcv.wnd()),
            opts: self.plain_options(ctx.now),
            ttl: self.ttl,
            tos: self.control_tos(),
            route: self.route.clone(),
        };
        ctx.stats.resets_out += 1;
        ctx.replies.push_control(reset);
    }
}
