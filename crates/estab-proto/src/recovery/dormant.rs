//! Recovery at rest: nothing is outstanding, so there is no scoreboard, no episode and no probe.

use super::covered::Sent;
use super::rate::Rate;
use super::scoreboard::Scoreboard;
use super::{CaState, Recovery};
use crate::config::RecoveryConfig;
use crate::dormant::{Dormant, Reader, Writer, dormant};

impl Recovery {
    /// Whether [`dormant`](Dormant::dormant) keeps all there is. It does not keep an episode that may
    /// still prove needless, nor what is measured for algorithms that model the path.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.outstanding() == 0
            && self.state == CaState::Open
            && self.episode.is_none()
            && self.undo.is_none()
            && !self.rate.has_marks()
            && !self.forced
    }
}

impl Dormant for Recovery {
    fn dormant(&self, to: &mut Writer) {
        let Self {
            board,
            duplicates,
            usage,
            min_rtt,
            rack,
            tlp,
            rate,
            episode: _,
            mss,
            state: _,
            rules,
            sack,
            forced: _,
            reduced,
            point,
            high_rxt,
            rescue_rxt,
            timed_out,
            total_retransmits,
            acked,
            delivered,
            last_sent,
            timeout_from,
            quiet_since,
            reports_duplicates,
            undo: _,
        } = self;
        board.una().dormant(to);
        (*point, *high_rxt, *rescue_rxt, *timed_out).dormant(to);
        usage.dormant(to);
        tlp.dormant(to);
        rack.dormant(to);
        (*last_sent, *timeout_from, *quiet_since).dormant(to);
        rate.dormant(to);
        min_rtt.dormant(to);
        duplicates.dormant(to);
        (*mss, *total_retransmits, *acked, *delivered).dormant(to);
        rules.dormant(to);
        (*sack, *reduced, *reports_duplicates).dormant(to);
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        let board = Scoreboard::new(Dormant::wake(from));
        let (point, high_rxt, rescue_rxt, timed_out) = Dormant::wake(from);
        let (usage, tlp, rack) = Dormant::wake(from);
        let (last_sent, timeout_from, quiet_since): (Sent, _, _) = Dormant::wake(from);
        let rate = Rate::wake(from);
        let (min_rtt, duplicates) = Dormant::wake(from);
        let (mss, total_retransmits, acked, delivered) = Dormant::wake(from);
        let rules = RecoveryConfig::wake(from);
        let (sack, reduced, reports_duplicates) = Dormant::wake(from);
        Self {
            board,
            duplicates,
            usage,
            min_rtt,
            rack,
            tlp,
            rate,
            episode: None,
            mss,
            state: CaState::Open,
            rules,
            sack,
            forced: false,
            reduced,
            point,
            high_rxt,
            rescue_rxt,
            timed_out,
            total_retransmits,
            acked,
            delivered,
            last_sent,
            timeout_from,
            quiet_since,
            reports_duplicates,
            undo: None,
        }
    }
}

dormant!(RecoveryConfig {
    rack,
    tail_loss_probe,
    prr,
    frto,
    undo
});
