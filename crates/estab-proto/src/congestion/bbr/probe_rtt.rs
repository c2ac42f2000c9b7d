//! ProbeRTT: the round trip without a queue, and when to look for it (draft-ietf-ccwg-bbr §5.3.4).

use estab_timer::{Duration, Instant};

use super::Bbr;
use super::probe_bw::AckPhase;
use super::signals::Signals;
use super::state::State;
use crate::congestion::Window;

/// BBR.MinRTTFilterLen.
const MIN_RTT_FILTER_LEN: Duration = Duration::from_secs(10);

/// BBR.ProbeRTTInterval: the same everywhere, so that flows probe together.
const PROBE_RTT_INTERVAL: Duration = Duration::from_secs(5);

/// BBR.ProbeRTTDuration.
const PROBE_RTT_DURATION: Duration = Duration::from_millis(200);

/// The state of §2.15.1 and §2.15.2.
#[derive(Clone, Copy, Debug)]
pub(super) struct MinRtt {
    /// BBR.min_rtt; [`Duration::MAX`] before the first sample.
    min_rtt: Duration,
    min_rtt_stamp: Instant,
    /// BBR.probe_rtt_min_delay.
    probe_min_delay: Duration,
    probe_min_stamp: Instant,
    /// BBR.probe_rtt_expired.
    pub(super) expired: bool,
}

impl MinRtt {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            min_rtt: Duration::MAX,
            min_rtt_stamp: now,
            probe_min_delay: Duration::MAX,
            probe_min_stamp: now,
            expired: false,
        }
    }

    pub(super) fn get(&self) -> Option<Duration> {
        (self.min_rtt != Duration::MAX).then_some(self.min_rtt)
    }

    /// UpdateMinRTT().
    pub(super) fn update(&mut self, rs: &Signals) {
        self.expired = rs.now > self.probe_min_stamp + PROBE_RTT_INTERVAL;
        if rs.rtt < self.probe_min_delay || self.expired {
            self.probe_min_delay = rs.rtt;
            self.probe_min_stamp = rs.now;
        }
        let min_rtt_expired = rs.now > self.min_rtt_stamp + MIN_RTT_FILTER_LEN;
        if self.probe_min_delay < self.min_rtt || min_rtt_expired {
            self.min_rtt = self.probe_min_delay;
            self.min_rtt_stamp = self.probe_min_stamp;
        }
    }
}

/// What lasts while ProbeRTT does.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProbeRtt {
    /// BBR.probe_rtt_done_stamp: when it may end, once little enough is in flight.
    done_stamp: Option<Instant>,
    /// BBR.probe_rtt_round_done.
    round_done: bool,
    /// What was delivered when ProbeRTT last began, and is when its last segment is. What was sent in
    /// between says little of the bandwidth.
    limited: (u64, u64),
}

impl ProbeRtt {
    /// Whether ProbeRTT limited what was sent with so much delivered.
    pub(super) fn has_limited(&self, prior_delivered: u64) -> bool {
        let (from, until) = self.limited;
        (from..until).contains(&prior_delivered)
    }
}

impl Bbr {
    /// CheckProbeRTT().
    pub(super) fn check_probe_rtt(&mut self, window: &mut Window, rs: &Signals) {
        if self.state != State::ProbeRtt && self.min_rtt.expired && !self.idle_restart {
            self.save_cwnd(window);
            self.state = State::ProbeRtt;
            self.probe_rtt = ProbeRtt {
                done_stamp: None,
                round_done: false,
                limited: (rs.total_delivered, rs.total_delivered),
            };
            self.probe.ack_phase = AckPhase::Stopping;
            self.rounds.restart(rs.total_delivered);
        }
        if self.state == State::ProbeRtt {
            self.handle_probe_rtt(window, rs);
        }
        if rs.delivered > 0 {
            self.idle_restart = false;
        }
    }

    /// HandleProbeRTT(): at least 200 ms and a round with so little in flight.
    fn handle_probe_rtt(&mut self, window: &mut Window, rs: &Signals) {
        self.probe_rtt.limited.1 = rs.total_delivered + u64::from(rs.in_flight);
        if self.probe_rtt.done_stamp.is_none() {
            if rs.in_flight <= self.probe_rtt_cwnd(window) {
                self.probe_rtt.done_stamp = Some(rs.now + PROBE_RTT_DURATION);
                self.probe_rtt.round_done = false;
                self.rounds.restart(rs.total_delivered);
            }
            return;
        }
        self.probe_rtt.round_done |= self.rounds.start;
        if self.probe_rtt.round_done {
            self.check_probe_rtt_done(window, rs.now, rs.total_delivered);
        }
    }

    /// CheckProbeRTTDone().
    pub(super) fn check_probe_rtt_done(
        &mut self,
        window: &mut Window,
        now: Instant,
        delivered: u64,
    ) {
        if self.probe_rtt.done_stamp.is_none_or(|done| now <= done) {
            return;
        }
        self.min_rtt.probe_min_stamp = now;
        self.restore_cwnd(window);
        self.reset_short_term_model();
        if self.full_pipe.reached {
            self.start_down(now, delivered);
            // So little is in flight that there is no queue to drain.
            self.state = State::ProbeBwCruise;
        } else {
            self.enter_startup();
        }
    }
}
