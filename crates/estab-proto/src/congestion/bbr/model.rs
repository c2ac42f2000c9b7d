//! The model of the path: how fast it is, how long, and how much it holds (draft-ietf-ccwg-bbr §2.9,
//! §5.5).

use estab_timer::Duration;

use super::Bbr;
use super::signals::Signals;
use crate::congestion::Window;

/// No bound in bytes.
pub(super) const UNBOUNDED: u32 = u32::MAX;

/// No bound in bytes per second.
pub(super) const UNBOUNDED_BW: u64 = u64::MAX;

/// BBR.Beta, in hundredths.
const BETA: u64 = 70;

/// BBR.ExtraAckedFilterLen, in rounds.
const EXTRA_ACKED_FILTER_LEN: u32 = 10;

/// Packet-timed round trips (§5.5.1).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rounds {
    /// BBR.next_round_delivered.
    next_delivered: u64,
    /// BBR.round_count.
    pub(super) count: u32,
    /// BBR.round_start: whether this acknowledgment began one.
    pub(super) start: bool,
}

impl Rounds {
    /// StartRound(): the present round ends when what is sent from now on is acknowledged.
    pub(super) fn restart(&mut self, delivered: u64) {
        self.next_delivered = delivered;
    }

    /// UpdateRound().
    fn update(&mut self, rs: &Signals) {
        self.start = rs.prior_delivered >= self.next_delivered;
        if self.start {
            self.restart(rs.total_delivered);
            self.count = self.count.wrapping_add(1);
        }
    }
}

/// What the path delivered in the last round, and whether it lost something (§2.10).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latest {
    /// BBR.bw_latest.
    pub(super) bw: u64,
    /// BBR.inflight_latest.
    pub(super) inflight: u32,
    /// BBR.loss_round_delivered.
    pub(super) loss_round_delivered: u64,
    /// BBR.loss_round_start.
    pub(super) loss_round_start: bool,
    /// BBR.is_loss_in_round.
    pub(super) is_loss_in_round: bool,
    /// How many separate ranges were lost in the round.
    pub(super) lost_ranges: u32,
}

impl Latest {
    /// ResetCongestionSignals().
    pub(super) fn reset(&mut self) {
        self.is_loss_in_round = false;
        self.bw = 0;
        self.inflight = 0;
    }

    /// UpdateLatestDeliverySignals().
    pub(super) fn update(&mut self, rs: &Signals) {
        self.bw = self.bw.max(rs.delivery_rate);
        self.inflight = self.inflight.max(rs.delivered);
        self.loss_round_start = rs.prior_delivered >= self.loss_round_delivered;
        if self.loss_round_start {
            self.loss_round_delivered = rs.total_delivered;
        }
    }

    /// AdvanceLatestDeliverySignals().
    pub(super) fn advance(&mut self, rs: &Signals) {
        if self.loss_round_start {
            self.bw = rs.delivery_rate;
            self.inflight = rs.delivered;
            self.lost_ranges = 0;
        }
    }
}

impl Bbr {
    /// UpdateCongestionSignals() (§5.5.10.3).
    pub(super) fn update_congestion_signals(&mut self, window: &Window, rs: &Signals) {
        self.update_max_bw(rs);
        if self.latest.loss_round_start {
            self.adapt_lower_bounds(window);
            self.latest.is_loss_in_round = false;
        }
    }

    /// UpdateMaxBw() (§5.5.5): what the application limited counts only if it is more.
    fn update_max_bw(&mut self, rs: &Signals) {
        self.rounds.update(rs);
        if self.rounds.start {
            self.probe.rounds_since_up = self.probe.rounds_since_up.saturating_add(1);
            self.usage.end_round();
        }
        if rs.delivery_rate >= self.max_bw.get() || !rs.is_app_limited {
            self.max_bw.update(rs.delivery_rate);
        }
    }

    /// AdaptLowerBoundsFromCongestion(): once per round with a loss, outside of probing.
    fn adapt_lower_bounds(&mut self, window: &Window) {
        if self.state.is_probing() || !self.latest.is_loss_in_round {
            return;
        }
        if self.bw_shortterm == UNBOUNDED_BW {
            self.bw_shortterm = self.max_bw.get();
        }
        if self.inflight_shortterm == UNBOUNDED {
            self.inflight_shortterm = window.cwnd();
        }
        self.bw_shortterm = self.latest.bw.max(hundredths(self.bw_shortterm, BETA));
        self.inflight_shortterm = self.latest.inflight.max(beta(self.inflight_shortterm));
    }

    /// ResetShortTermModel().
    pub(super) fn reset_short_term_model(&mut self) {
        self.bw_shortterm = UNBOUNDED_BW;
        self.inflight_shortterm = UNBOUNDED;
    }

    /// BoundBWForModel(): BBR.bw.
    pub(super) fn bound_bw(&mut self) {
        self.bw = self.max_bw.get().min(self.bw_shortterm);
    }

    /// UpdateACKAggregation() (§5.5.9): how much more is acknowledged at times than the bandwidth
    /// accounts for.
    pub(super) fn update_aggregation(&mut self, window: &Window, rs: &Signals) {
        let mut expected = volume(self.bw, rs.now - self.extra_acked_start);
        if self.extra_acked_delivered <= expected {
            self.extra_acked_delivered = 0;
            self.extra_acked_start = rs.now;
            expected = 0;
        }
        self.extra_acked_delivered = self.extra_acked_delivered.saturating_add(rs.newly_acked);
        let extra = self.extra_acked_delivered.saturating_sub(expected);
        let len = if self.full_pipe.reached {
            EXTRA_ACKED_FILTER_LEN
        } else {
            1
        };
        self.extra_acked
            .update(self.rounds.count, len, extra.min(window.cwnd()));
    }

    /// BBR.bdp, `gain` hundredths of it: BDPMultiple().
    pub(super) fn bdp(&self, gain: u64) -> u32 {
        match self.min_rtt.get() {
            None => self.initial_cwnd,
            Some(min_rtt) => {
                let bdp = u64::from(volume(self.bw, min_rtt));
                u32::try_from(hundredths(bdp, gain)).unwrap_or(u32::MAX)
            }
        }
    }

    /// TargetInflight(): the estimated BDP, unless congestion cut the window.
    pub(super) fn target_inflight(&self, window: &Window) -> u32 {
        self.bdp(100).min(window.cwnd())
    }
}

/// How many bytes go in `time` at `bw` bytes per second.
pub(super) fn volume(bw: u64, time: Duration) -> u32 {
    let bytes = u128::from(bw).saturating_mul(time.as_nanos()) / 1_000_000_000;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// So many hundredths of a value.
pub(super) fn hundredths(value: u64, gain: u64) -> u64 {
    (u128::from(value) * u128::from(gain) / 100) as u64
}

/// BBR.Beta times a volume.
pub(super) fn beta(bytes: u32) -> u32 {
    hundredths(bytes.into(), BETA) as u32
}
