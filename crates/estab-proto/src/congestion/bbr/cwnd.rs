//! What BBR sets: the rate, and the window that bounds it (draft-ietf-ccwg-bbr §5.6).

use estab_timer::{Duration, Instant};

use super::Bbr;
use super::model::{UNBOUNDED, hundredths};
use super::state::State;
use crate::congestion::Window;

/// BBR.PacingMarginPercent: a little less than the path takes.
const PACING_MARGIN: u64 = 1;

/// The largest send quantum (§5.6.3).
const MAX_QUANTUM: u64 = 64 << 10;

/// BBR.MinPipeCwnd: enough to keep a pipe going whose receiver acknowledges every other segment.
pub(super) fn min_pipe(window: &Window) -> u32 {
    window.mss().saturating_mul(4)
}

/// Whether the window was full at some time in the last round trip (C.is_cwnd_limited).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    present: bool,
    previous: bool,
}

impl Usage {
    pub(super) fn on_sent(&mut self, window: &Window, in_flight: u32) {
        self.present |= in_flight.saturating_add(window.mss()) > window.cwnd();
    }

    pub(super) fn end_round(&mut self) {
        self.previous = core::mem::take(&mut self.present);
    }

    pub(super) fn is_cwnd_limited(self) -> bool {
        self.present || self.previous
    }
}

impl Bbr {
    /// InitPacingRate(), when the first acknowledgment tells the round trip.
    pub(super) fn init_pacing_rate(&mut self, window: &mut Window, rtt: Option<Duration>) {
        if window.pacing_rate().is_some() {
            return;
        }
        let rtt = rtt.unwrap_or(Duration::from_millis(1)).as_nanos().max(1);
        let nominal = u128::from(self.initial_cwnd) * 1_000_000_000 / rtt;
        let nominal = u64::try_from(nominal).unwrap_or(u64::MAX);
        let rate = hundredths(nominal, State::Startup.pacing_gain());
        window.set_pacing_rate(Some(rate));
    }

    /// SetPacingRateWithGain(): until the pipe was full, only upward.
    pub(super) fn set_pacing_rate(&self, window: &mut Window, gain: u64) {
        let rate = hundredths(hundredths(self.bw, gain), 100 - PACING_MARGIN);
        let is_faster = window.pacing_rate().is_none_or(|present| rate > present);
        if rate > 0 && (self.full_pipe.reached || is_faster) {
            window.set_pacing_rate(Some(rate));
        }
    }

    /// C.send_quantum.
    fn send_quantum(window: &Window) -> u32 {
        let millisecond = window.pacing_rate().unwrap_or(0) / 1000;
        let pair = window.mss().saturating_mul(2);
        (millisecond.min(MAX_QUANTUM) as u32).max(pair)
    }

    /// QuantizationBudget().
    fn quantization_budget(&self, window: &Window, cap: u32) -> u32 {
        let cap = cap
            .max(3 * Self::send_quantum(window))
            .max(min_pipe(window));
        match self.state {
            State::ProbeBwUp => cap.saturating_add(2 * window.mss()),
            _ => cap,
        }
    }

    /// Inflight(gain).
    pub(super) fn inflight(&self, window: &Window, gain: u64) -> u32 {
        self.quantization_budget(window, self.bdp(gain))
    }

    /// BBR.max_inflight.
    fn max_inflight(&self, window: &Window) -> u32 {
        let cap = self.bdp(self.state.cwnd_gain());
        self.quantization_budget(window, cap.saturating_add(self.extra_acked.get()))
    }

    /// ProbeRTTCwnd().
    pub(super) fn probe_rtt_cwnd(&self, window: &Window) -> u32 {
        self.bdp(State::ProbeRtt.cwnd_gain()).max(min_pipe(window))
    }

    /// SetCwnd().
    pub(super) fn set_cwnd(&self, window: &mut Window, newly_acked: u32, delivered: u64) {
        let max_inflight = self.max_inflight(window);
        let grown = window.cwnd().saturating_add(newly_acked);
        let mut cwnd = window.cwnd();
        if self.full_pipe.reached {
            cwnd = grown.min(max_inflight);
        } else if cwnd < max_inflight || delivered < u64::from(self.initial_cwnd) {
            cwnd = grown;
        }
        cwnd = cwnd.max(min_pipe(window));
        if self.state == State::ProbeRtt {
            cwnd = cwnd.min(self.probe_rtt_cwnd(window));
        }
        window.set_cwnd(cwnd.min(self.volume_cap(window)));
    }

    /// BoundCwndForModel().
    fn volume_cap(&self, window: &Window) -> u32 {
        let cap = match self.state {
            State::ProbeRtt | State::ProbeBwCruise => self.inflight_with_headroom(window),
            state if state.is_probe_bw() => self.inflight_longterm,
            _ => UNBOUNDED,
        };
        cap.min(self.inflight_shortterm).max(min_pipe(window))
    }

    /// SaveCwnd(): the last window that neither recovery nor ProbeRTT has made small.
    pub(super) fn save_cwnd(&mut self, window: &Window) {
        let is_modulated = self.in_episode || self.state == State::ProbeRtt;
        self.prior_cwnd = if is_modulated {
            self.prior_cwnd.max(window.cwnd())
        } else {
            window.cwnd()
        };
    }

    /// RestoreCwnd().
    pub(super) fn restore_cwnd(&self, window: &mut Window) {
        window.set_cwnd(window.cwnd().max(self.prior_cwnd));
    }

    /// HandleRestartFromIdle() (§5.4.1): at exactly the bandwidth, and no need to drain a queue.
    pub(super) fn restart_from_idle(&mut self, window: &mut Window, now: Instant) {
        self.idle_restart = true;
        self.extra_acked_start = now;
        if self.state.is_probe_bw() {
            self.set_pacing_rate(window, 100);
        } else if self.state == State::ProbeRtt {
            self.check_probe_rtt_done(window, now, self.delivered);
        }
    }
}
