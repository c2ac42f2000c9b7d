//! What losses and marks say of the path, and taking it back (draft-ietf-ccwg-bbr §5.5.10, §5.5.11).

use estab_timer::Instant;

use super::Bbr;
use super::model::beta;
use super::state::State;
use crate::congestion::Window;
use crate::recovery::LostBurst;

/// BBR.LossThresh, in hundredths.
const LOSS_THRESH: u64 = 2;

/// What to go back to if an episode was needless (§2.14).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Undo {
    /// BBR.undo_state: the state that a loss ended.
    pub(super) state: Option<State>,
    bw_shortterm: u64,
    inflight_shortterm: u32,
    inflight_longterm: u32,
}

impl Bbr {
    /// SaveStateUponLoss().
    pub(super) fn save_state(&mut self, window: &Window) {
        self.save_cwnd(window);
        self.undo = Undo {
            state: None,
            bw_shortterm: self.bw_shortterm,
            inflight_shortterm: self.inflight_shortterm,
            inflight_longterm: self.inflight_longterm,
        };
    }

    /// NoteLoss().
    fn note_loss(&mut self, window: &Window, delivered: u64) {
        if !self.latest.is_loss_in_round {
            self.latest.loss_round_delivered = delivered;
            self.save_state(window);
        }
        self.latest.is_loss_in_round = true;
    }

    /// HandleLostPacket().
    pub(super) fn handle_lost(&mut self, window: &Window, now: Instant, burst: &LostBurst) {
        self.has_sack = burst.has_sack;
        self.note_loss(window, burst.delivered);
        if self.last_lost_end != Some(burst.seq) {
            self.latest.lost_ranges = self.latest.lost_ranges.saturating_add(1);
        }
        self.last_lost_end = Some(burst.seq + burst.bytes);
        if self.probe.is_sample && self.is_inflight_too_high(burst.lost, burst.tx_in_flight) {
            let at_loss = inflight_at_loss(burst);
            self.handle_inflight_too_high(window, now, burst.is_app_limited, at_loss);
        }
    }

    /// A mark is congestion as well (§3.7): as much was in flight as is too much.
    pub(super) fn handle_mark(&mut self, window: &Window, now: Instant, flight: u32) {
        self.note_loss(window, self.delivered);
        if self.state == State::Startup {
            self.leave_startup(window);
        } else if self.probe.is_sample {
            self.handle_inflight_too_high(window, now, false, flight);
        }
    }

    /// IsInflightTooHigh().
    pub(super) fn is_inflight_too_high(&self, lost: u32, tx_in_flight: u32) -> bool {
        u64::from(lost) * 100 > u64::from(tx_in_flight) * LOSS_THRESH
            || (lost > 0 && !self.has_sack)
    }

    /// HandleInflightTooHigh(): once per probe.
    fn handle_inflight_too_high(
        &mut self,
        window: &Window,
        now: Instant,
        is_app_limited: bool,
        tx_in_flight: u32,
    ) {
        self.probe.was_too_high = true;
        self.probe.is_sample = false;
        if !is_app_limited {
            self.inflight_longterm = tx_in_flight.max(beta(self.target_inflight(window)));
        }
        if self.state == State::ProbeBwUp {
            self.undo.state = Some(State::ProbeBwUp);
            self.start_down(now, self.delivered);
        }
    }

    /// HandleSpuriousLossDetection().
    pub(super) fn handle_spurious(&mut self, window: &mut Window) {
        self.restore_cwnd(window);
        self.latest.is_loss_in_round = false;
        self.full_pipe.reset();
        self.bw_shortterm = self.bw_shortterm.max(self.undo.bw_shortterm);
        self.inflight_shortterm = self.inflight_shortterm.max(self.undo.inflight_shortterm);
        self.inflight_longterm = self.inflight_longterm.max(self.undo.inflight_longterm);
        match self.undo.state.take() {
            Some(State::Startup) if self.state != State::Startup => {
                self.full_pipe.reached = false;
                if self.state != State::ProbeRtt {
                    self.enter_startup();
                }
            }
            Some(State::ProbeBwUp) if !matches!(self.state, State::ProbeBwUp | State::ProbeRtt) => {
                self.start_refill(self.delivered);
            }
            _ => {}
        }
    }
}

/// InflightAtLoss(): how much was in flight when the losses came to the threshold, somewhere in the
/// burst.
pub(super) fn inflight_at_loss(burst: &LostBurst) -> u32 {
    let inflight_prev = u64::from(burst.tx_in_flight.saturating_sub(burst.bytes));
    let lost_prev = u64::from(burst.lost.saturating_sub(burst.bytes));
    let prefix =
        (LOSS_THRESH * inflight_prev).saturating_sub(100 * lost_prev) / (100 - LOSS_THRESH);
    u32::try_from(inflight_prev + prefix).unwrap_or(u32::MAX)
}
