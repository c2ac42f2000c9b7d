//! ProbeBW: down, cruise, refill and up again (draft-ietf-ccwg-bbr §5.3.3).

use estab_timer::{Duration, Instant};

use super::Bbr;
use super::model::UNBOUNDED;
use super::signals::Signals;
use super::state::State;
use crate::congestion::Window;

/// BBR.Headroom, in hundredths.
const HEADROOM: u64 = 15;

/// T_reno_bound: the most rounds between two probes.
const MAX_ROUNDS: u32 = 63;

/// What the acknowledgments of this moment tell of the last probe (BBR.ack_phase).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AckPhase {
    /// Nothing.
    #[default]
    Init,
    /// They are of what filled the pipe.
    Refilling,
    /// They are not yet of the probe.
    Starting,
    /// They are of the probe.
    Feedback,
    /// The probe is over; they still are of it.
    Stopping,
}

/// The state of §2.13.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) ack_phase: AckPhase,
    /// BBR.is_bw_probe_sample.
    pub(super) is_sample: bool,
    /// BBR.bw_probe_up_rounds.
    pub(super) up_rounds: u32,
    /// BBR.bw_probe_up_acked.
    pub(super) up_acked: u32,
    /// BBR.probe_up_acked_per_inc.
    pub(super) acked_per_inc: u32,
    /// BBR.rounds_since_probe_up.
    pub(super) rounds_since_up: u32,
    /// BBR.bw_probe_wait.
    pub(super) wait: Duration,
    /// BBR.cycle_stamp.
    pub(super) cycle_stamp: Instant,
    /// BBR.prev_probe_too_high.
    pub(super) was_too_high: bool,
    /// BBR.prev_probe_precautionary.
    pub(super) was_precautionary: bool,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            ack_phase: AckPhase::Init,
            is_sample: false,
            up_rounds: 0,
            up_acked: 0,
            acked_per_inc: UNBOUNDED,
            rounds_since_up: 0,
            wait: Duration::ZERO,
            cycle_stamp: Instant::ZERO,
            was_too_high: false,
            was_precautionary: false,
        }
    }
}

impl Bbr {
    /// StartProbeBW_DOWN().
    pub(super) fn start_down(&mut self, now: Instant, delivered: u64) {
        self.latest.reset();
        self.probe.acked_per_inc = UNBOUNDED;
        self.pick_probe_wait(now);
        self.probe.cycle_stamp = now;
        self.probe.ack_phase = AckPhase::Stopping;
        self.rounds.restart(delivered);
        self.state = State::ProbeBwDown;
    }

    /// StartProbeBW_REFILL().
    pub(super) fn start_refill(&mut self, delivered: u64) {
        self.reset_short_term_model();
        self.probe.up_rounds = 0;
        self.probe.up_acked = 0;
        self.probe.was_precautionary = false;
        self.probe.ack_phase = AckPhase::Refilling;
        self.rounds.restart(delivered);
        self.state = State::ProbeBwRefill;
    }

    /// StartProbeBW_UP().
    fn start_up(&mut self, window: &Window, rs: &Signals) {
        self.probe.ack_phase = AckPhase::Starting;
        self.rounds.restart(rs.total_delivered);
        self.full_pipe.reset();
        self.full_pipe.bw = rs.delivery_rate;
        self.state = State::ProbeBwUp;
        self.raise_slope(window);
    }

    /// UpdateProbeBWCyclePhase().
    pub(super) fn update_cycle(&mut self, window: &Window, rs: &Signals) {
        if !self.full_pipe.reached || self.adapt_long_term_model(window, rs) {
            return;
        }
        match self.state {
            State::ProbeBwDown | State::ProbeBwCruise if self.is_time_to_probe(window, rs) => {
                self.start_refill(rs.total_delivered);
            }
            State::ProbeBwDown if self.is_time_to_cruise(window, rs) => {
                self.state = State::ProbeBwCruise;
            }
            State::ProbeBwRefill if self.rounds.start => {
                self.probe.is_sample = true;
                self.start_up(window, rs);
            }
            State::ProbeBwUp => self.end_probe(window, rs),
            _ => {}
        }
    }

    /// AdaptLongTermModel(): whether it decided what comes next.
    fn adapt_long_term_model(&mut self, window: &Window, rs: &Signals) -> bool {
        if self.probe.ack_phase == AckPhase::Starting && self.rounds.start {
            self.probe.ack_phase = AckPhase::Feedback;
        }
        if self.probe.ack_phase == AckPhase::Stopping && self.rounds.start {
            self.probe.is_sample = false;
            self.probe.ack_phase = AckPhase::Init;
            if self.state.is_probe_bw() {
                if !rs.is_app_limited {
                    self.max_bw.advance();
                }
                if self.probe.was_precautionary && !self.probe.was_too_high {
                    // The careful probe did no harm: once more, and all the way.
                    self.start_refill(rs.total_delivered);
                    return true;
                }
            }
        }
        let is_bounded = self.inflight_longterm != UNBOUNDED;
        if is_bounded && !self.is_inflight_too_high(rs.lost, rs.tx_in_flight) {
            self.inflight_longterm = self.inflight_longterm.max(rs.tx_in_flight);
            if self.state == State::ProbeBwUp {
                self.probe_upward(window, rs);
            }
        }
        false
    }

    /// IsTimeToProbeBW(): after two to three seconds, or when Reno would have come back to where it
    /// was.
    fn is_time_to_probe(&self, window: &Window, rs: &Signals) -> bool {
        let segments = self.target_inflight(window) / window.mss();
        rs.now > self.probe.cycle_stamp + self.probe.wait
            || self.probe.rounds_since_up >= segments.min(MAX_ROUNDS)
    }

    /// PickProbeWait(): not all flows at once.
    fn pick_probe_wait(&mut self, now: Instant) {
        let random = self.random(now);
        self.probe.rounds_since_up = (random & 1) as u32;
        self.probe.wait =
            Duration::from_secs(2) + Duration::from_nanos((random >> 1) % 1_000_000_000);
    }

    /// IsTimeToCruise().
    fn is_time_to_cruise(&self, window: &Window, rs: &Signals) -> bool {
        rs.in_flight <= self.inflight_with_headroom(window)
            && rs.in_flight <= self.inflight(window, 100)
    }

    /// Ends the probe if it is time.
    fn end_probe(&mut self, window: &Window, rs: &Signals) {
        if self.is_time_to_go_down(window, rs) {
            // No high loss yet.
            self.probe.was_too_high = false;
            self.start_down(rs.now, rs.total_delivered);
        }
    }

    /// IsTimeToGoDown().
    fn is_time_to_go_down(&mut self, window: &Window, rs: &Signals) -> bool {
        if self.probe.was_too_high && rs.in_flight >= self.inflight_longterm {
            self.probe.was_precautionary = true;
            return true;
        }
        if self.usage.is_cwnd_limited() && window.cwnd() >= self.inflight_longterm {
            // The bound limits the bandwidth, so that no plateau can show.
            self.full_pipe.reset();
            self.full_pipe.bw = rs.delivery_rate;
            return false;
        }
        self.full_pipe.now
    }

    /// InflightWithHeadroom().
    pub(super) fn inflight_with_headroom(&self, window: &Window) -> u32 {
        if self.inflight_longterm == UNBOUNDED {
            return UNBOUNDED;
        }
        let share = (u64::from(self.inflight_longterm) * HEADROOM / 100) as u32;
        self.inflight_longterm
            .saturating_sub(share.max(window.mss()))
            .max(super::cwnd::min_pipe(window))
    }

    /// RaiseInflightLongtermSlope().
    fn raise_slope(&mut self, window: &Window) {
        let growth = 1 << self.probe.up_rounds;
        self.probe.up_rounds = (self.probe.up_rounds + 1).min(30);
        self.probe.acked_per_inc = (window.cwnd() / growth).max(window.mss());
    }

    /// ProbeInflightLongtermUpward().
    fn probe_upward(&mut self, window: &Window, rs: &Signals) {
        if !self.usage.is_cwnd_limited() || window.cwnd() < self.inflight_longterm {
            return;
        }
        self.probe.up_acked = self.probe.up_acked.saturating_add(rs.newly_acked);
        let steps = self.probe.up_acked / self.probe.acked_per_inc;
        self.probe.up_acked -= steps * self.probe.acked_per_inc;
        let more = steps.saturating_mul(window.mss());
        // Short of no bound at all.
        self.inflight_longterm = self
            .inflight_longterm
            .saturating_add(more)
            .min(UNBOUNDED - 1);
        if self.rounds.start {
            self.raise_slope(window);
        }
    }
}
