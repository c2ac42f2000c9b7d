//! Startup and Drain: finding the bandwidth, and taking back what was sent too much
//! (draft-ietf-ccwg-bbr §5.3.1, §5.3.2).

use super::Bbr;
use super::signals::Signals;
use super::state::State;
use crate::congestion::Window;

/// Rounds without growth that make a plateau.
const PLATEAU_ROUNDS: u32 = 3;

/// BBRStartupFullLossCnt: separate ranges lost in a round that make it more than noise.
const FULL_LOSS_COUNT: u32 = 6;

/// Rounds after which Drain ends in any case.
const DRAIN_ROUNDS: u32 = 3;

/// Whether more sending still brings more delivery (§5.3.1.2).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FullPipe {
    /// BBR.full_bw: the rate the last growth came to.
    pub(super) bw: u64,
    /// BBR.full_bw_count: rounds since.
    pub(super) count: u32,
    /// BBR.full_bw_now: not since this was last reset.
    pub(super) now: bool,
    /// BBR.full_bw_reached: not at some time in the life of the connection.
    pub(super) reached: bool,
}

impl FullPipe {
    /// ResetFullBW().
    pub(super) fn reset(&mut self) {
        self.bw = 0;
        self.count = 0;
        self.now = false;
    }

    /// CheckFullBWReached(), once a round; a quarter more is growth.
    pub(super) fn check(&mut self, round_start: bool, rs: &Signals) {
        if self.now || !round_start || rs.is_app_limited {
            return;
        }
        if rs.delivery_rate >= self.bw.saturating_add(self.bw / 4) {
            self.reset();
            self.bw = rs.delivery_rate;
            return;
        }
        self.count += 1;
        self.now = self.count >= PLATEAU_ROUNDS;
        self.reached |= self.now;
    }
}

impl Bbr {
    /// EnterStartup().
    pub(super) fn enter_startup(&mut self) {
        self.state = State::Startup;
    }

    /// CheckStartupDone().
    pub(super) fn check_startup_done(&mut self, window: &Window, rs: &Signals) {
        if self.state != State::Startup {
            return;
        }
        if self.is_loss_high_in_startup(rs) {
            self.leave_startup(window);
        }
        if self.full_pipe.reached {
            self.state = State::Drain;
            self.drain_start_round = self.rounds.count;
        }
    }

    /// CheckStartupHighLoss() (§5.3.1.3): a round in fast recovery has lost more than the threshold, in
    /// many places. Without SACK a round shows one loss, so one is enough.
    fn is_loss_high_in_startup(&self, rs: &Signals) -> bool {
        if !self.in_fast_recovery {
            return false;
        }
        if !self.has_sack {
            return self.latest.is_loss_in_round || self.latest.lost_ranges > 0;
        }
        self.latest.loss_round_start
            && self.latest.lost_ranges >= FULL_LOSS_COUNT
            && self.is_inflight_too_high(rs.lost, rs.tx_in_flight)
    }

    /// Startup ends because of congestion: what was delivered in the last round is safe.
    pub(super) fn leave_startup(&mut self, _window: &Window) {
        self.undo.state = Some(State::Startup);
        self.full_pipe.reached = true;
        self.full_pipe.now = true;
        self.inflight_longterm = self.bdp(100).max(self.latest.inflight);
    }

    /// CheckDrainDone().
    pub(super) fn check_drain_done(&mut self, window: &Window, rs: &Signals) {
        if self.state != State::Drain {
            return;
        }
        let rounds = self.rounds.count.wrapping_sub(self.drain_start_round);
        if rs.in_flight <= self.inflight(window, 100) || rounds > DRAIN_ROUNDS {
            self.start_down(rs.now, rs.total_delivered);
        }
    }
}
