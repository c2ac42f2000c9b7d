//! BBRv3: sending at the rate the path was measured to deliver (draft-ietf-ccwg-bbr).
//!
//! All arithmetic is in integers: bytes, bytes per second, and gains in hundredths. The files follow
//! the draft's ideas: the `state` machine, the path's `model` with its `filters`, `startup` (and
//! Drain), `probe_bw`, `probe_rtt`, the response to `loss`, and the `cwnd` and rate that come out.

mod cwnd;
mod filters;
mod loss;
mod model;
mod probe_bw;
mod probe_rtt;
mod signals;
mod startup;
mod state;

use estab_timer::{Duration, Instant};

use super::{CongestionControl, Sent, Window};
use crate::SeqNumber;
use crate::recovery::{AckSample, CaState, LostBurst};
use cwnd::Usage;
use filters::{MaxBw, WindowedMax};
use loss::Undo;
use model::{Latest, Rounds, UNBOUNDED, UNBOUNDED_BW};
use probe_bw::Probe;
use probe_rtt::{MinRtt, ProbeRtt};
use signals::Signals;
use startup::FullPipe;
use state::State;

/// The state of BBR, named as in the draft's §2.
#[derive(Clone, Debug)]
pub struct Bbr {
    state: State,
    rounds: Rounds,
    latest: Latest,
    full_pipe: FullPipe,
    drain_start_round: u32,
    max_bw: MaxBw,
    bw_shortterm: u64,
    /// BBR.bw: the lesser of the two.
    bw: u64,
    min_rtt: MinRtt,
    inflight_longterm: u32,
    inflight_shortterm: u32,
    extra_acked: WindowedMax,
    extra_acked_start: Instant,
    extra_acked_delivered: u32,
    probe: Probe,
    probe_rtt: ProbeRtt,
    undo: Undo,
    usage: Usage,
    prior_cwnd: u32,
    initial_cwnd: u32,
    idle_restart: bool,
    /// In loss recovery, of either kind.
    in_episode: bool,
    in_fast_recovery: bool,
    /// Whether the receiver reports selectively, as far as losses have shown.
    has_sack: bool,
    last_lost_end: Option<SeqNumber>,
    /// C.delivered.
    delivered: u64,
    /// Whether an acknowledgment has arrived.
    began: bool,
    random: u64,
}

impl Bbr {
    /// BBR before the first acknowledgment (§5.2.1).
    pub(super) fn new(window: &Window) -> Self {
        Self {
            state: State::Startup,
            rounds: Rounds::default(),
            latest: Latest::default(),
            full_pipe: FullPipe::default(),
            drain_start_round: 0,
            max_bw: MaxBw::default(),
            bw_shortterm: UNBOUNDED_BW,
            bw: 0,
            min_rtt: MinRtt::new(Instant::ZERO),
            inflight_longterm: UNBOUNDED,
            inflight_shortterm: UNBOUNDED,
            extra_acked: WindowedMax::default(),
            extra_acked_start: Instant::ZERO,
            extra_acked_delivered: 0,
            probe: Probe::default(),
            probe_rtt: ProbeRtt::default(),
            undo: Undo::default(),
            usage: Usage::default(),
            prior_cwnd: 0,
            initial_cwnd: Window::initial(window.mss()),
            idle_restart: false,
            in_episode: false,
            in_fast_recovery: false,
            has_sack: true,
            last_lost_end: None,
            delivered: 0,
            began: false,
            random: 0,
        }
    }

    /// A number that differs from flow to flow: by when things happen, to the nanosecond.
    fn random(&mut self, now: Instant) -> u64 {
        let nanos = (now - Instant::ZERO).as_nanos() as u64;
        // splitmix64.
        self.random = (self.random ^ nanos).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// UpdateModelAndState().
    fn update_model_and_state(&mut self, window: &mut Window, rs: &Signals) {
        self.latest.update(rs);
        self.update_congestion_signals(window, rs);
        self.update_aggregation(window, rs);
        self.full_pipe.check(self.rounds.start, rs);
        self.check_startup_done(window, rs);
        self.check_drain_done(window, rs);
        self.update_cycle(window, rs);
        self.min_rtt.update(rs);
        self.check_probe_rtt(window, rs);
        self.latest.advance(rs);
        self.bound_bw();
    }

    /// Follows recovery in and out of its episodes (§5.6.4.4).
    fn follow(&mut self, window: &mut Window, state: CaState) {
        let in_episode = matches!(state, CaState::Recovery | CaState::Loss);
        if self.in_episode && !in_episode {
            self.restore_cwnd(window);
        }
        self.in_episode = in_episode;
        self.in_fast_recovery = state == CaState::Recovery;
    }
}

impl CongestionControl for Bbr {
    /// UpdateOnACK().
    fn on_ack(&mut self, window: &mut Window, sample: &AckSample) {
        if !self.began {
            self.began = true;
            self.min_rtt = MinRtt::new(sample.now);
            self.extra_acked_start = sample.now;
        }
        let newly_acked = sample.delivered.saturating_sub(self.delivered);
        let newly_acked = u32::try_from(newly_acked).unwrap_or(u32::MAX);
        self.delivered = sample.delivered;
        self.init_pacing_rate(window, sample.rtt);
        self.follow(window, sample.state);
        if let Some(rate) = &sample.rate {
            let mut rs = Signals::new(sample, rate, newly_acked);
            rs.is_app_limited |= self.probe_rtt.has_limited(rs.prior_delivered);
            self.update_model_and_state(window, &rs);
        }
        self.set_pacing_rate(window, self.state.pacing_gain());
        self.set_cwnd(window, newly_acked, sample.delivered);
    }

    /// OnEnterFastRecovery().
    fn on_congestion(&mut self, window: &mut Window, _now: Instant, _flight: u32) {
        self.save_state(window);
        self.in_episode = true;
        self.in_fast_recovery = true;
    }

    fn on_ecn(&mut self, window: &mut Window, now: Instant, flight: u32) {
        self.handle_mark(window, now, flight);
    }

    /// OnEnterRTO(): a segment, whatever else is still under way.
    fn on_rto(&mut self, window: &mut Window, _now: Instant, _flight: u32, _first: bool) {
        self.save_state(window);
        self.in_episode = true;
        self.in_fast_recovery = false;
        window.set_cwnd(window.mss());
    }

    fn on_undo(&mut self, window: &mut Window, _now: Instant) {
        self.handle_spurious(window);
    }

    fn on_lost(&mut self, window: &mut Window, now: Instant, burst: &LostBurst) {
        self.handle_lost(window, now, burst);
    }

    fn on_sent(&mut self, window: &mut Window, now: Instant, sent: &Sent) {
        if sent.in_flight <= sent.bytes && sent.is_app_limited {
            self.restart_from_idle(window, now);
        }
        self.usage.on_sent(window, sent.in_flight);
    }

    /// The window stays: what is sent is paced, so that no burst follows the silence (§5.4.1).
    fn on_idle(&mut self, _window: &mut Window, _now: Instant, _idle: Duration, _rto: Duration) {}

    /// The model knows what the path takes, however much of it is used.
    fn on_underused(&mut self, _window: &mut Window, _now: Instant, _used: u32) {}

    fn uses_prr(&self) -> bool {
        false
    }

    fn wants_rate(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
