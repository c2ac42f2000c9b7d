//! When an episode of recovery turns out to be needless: detection while it lasts, and the answer, a
//! complete return to the time before (RFC 4015).
//!
//! The window comes back whole, as in Linux, and not by way of slow start as RFC 4015 §3.1 step 9 has
//! it. What that step is for, that no burst follows, is had by limiting what one acknowledgment lets
//! out until the flight has filled up again.

use alloc::boxed::Box;

use estab_timer::RttSnapshot;

use super::covered::Covered;
use super::frto::{Finding, Frto, Heard};
use super::ranges::Range;
use super::undo::{Evidence, Spurious, Testimony, Undo};
use super::{AckInput, CaState, Recovery};
use crate::congestion::{Controller, Window};

/// What an acknowledgment was found to say.
pub(super) struct Said<'a> {
    pub(super) input: &'a AckInput<'a>,
    pub(super) acked: &'a Covered,
    pub(super) sacked: &'a Covered,
    /// Whether it is a duplicate.
    pub(super) duplicate: bool,
    /// The duplicate arrival it reports.
    pub(super) dsack: Option<Range>,
}

impl Recovery {
    /// Fast recovery begins: keeps what is needed to take it back. To be called when the loss is
    /// marked and the controller does not know of it.
    pub(super) fn doubt_loss(&mut self, cc: &Controller) {
        let last = self.undo.take().map(|last| *last);
        let front = self.board.front().filter(|_| self.rules.undo);
        self.undo = front.map(|front| Box::new(Undo::begin(cc, front, false, Frto::Off, last)));
    }

    /// The timer expired: the same for a timeout. To be called before anything is done about it.
    pub(super) fn doubt_timeout(&mut self, cc: &Controller) {
        let una = self.board.una();
        let again = self.state == CaState::Loss && self.timed_out == una;
        let deciding = again && matches!(self.frto(), Frto::Resent { .. });
        let recovering = matches!(self.state, CaState::Recovery | CaState::Loss);
        // RFC 5682 §2.1 step 1: not if an earlier recovery goes on.
        let frto = if self.rules.frto && (deciding || !recovering) {
            Frto::start(una)
        } else {
            Frto::Off
        };
        match &mut self.undo {
            Some(undo) if again || self.state == CaState::Recovery => undo.on_another_timeout(frto),
            _ if !(self.rules.undo || self.rules.frto) => self.undo = None,
            undo => {
                let last = undo.take().map(|last| *last);
                let front = self.board.front();
                *undo = front.map(|front| Box::new(Undo::begin(cc, front, true, frto, last)));
            }
        }
    }

    /// Keeps the round-trip estimate of before a timeout, to be called with it after
    /// [`on_rto`](Self::on_rto). It comes back as [`AckSample::estimate_before`] if the timeout was
    /// spurious (RFC 4015 §3.1 steps 0 and 11).
    ///
    /// [`AckSample::estimate_before`]: super::AckSample::estimate_before
    pub fn keep_estimate(&mut self, estimate: Option<RttSnapshot>) {
        if let Some(undo) = &mut self.undo {
            undo.keep_estimate(estimate);
        }
    }

    /// So long was nothing sent that the window starts anew: what the peer may still report of the
    /// last episode must not bring the old one back.
    pub fn forget_episode(&mut self) {
        self.undo = None;
    }

    /// Where F-RTO stands.
    pub(super) fn frto(&self) -> Frto {
        self.undo.as_ref().map_or(Frto::Off, |undo| undo.frto)
    }

    /// Weighs what an acknowledgment says about the episode, and takes the episode back if it was
    /// needless. To be called when the scoreboard knows of the acknowledgment and the state does not.
    pub(super) fn reconsider(&mut self, said: &Said<'_>, cc: &mut Controller) -> Option<Spurious> {
        let reported_before = self.reports_duplicates;
        self.reports_duplicates |= said.dsack.is_some();
        let mut undo = self.undo.take()?;
        if said.input.ece {
            undo.on_congestion_reported();
        }
        let (una, nxt) = (self.board.una(), self.board.nxt());
        let testimony = Testimony {
            advanced: said.acked.bytes > 0,
            all: una == nxt,
            echo: said.input.ts_echo,
            duplicate: said.dsack,
            reports_duplicates: reported_before,
        };
        let finding = undo.frto.on_ack(&self.heard(said));
        let evidence = Some(Evidence::Acknowledgments).filter(|_| finding == Finding::Spurious);
        let evidence = undo
            .weigh(&testimony)
            .filter(|_| self.rules.undo)
            .or(evidence);
        if let Finding::Lost { late: true } = finding {
            // Two round trips have passed since the timeout (RFC 5682 §2.1 step 3a).
            cc.set_cwnd(self.mss.saturating_mul(3).min(undo.cwnd()));
            self.forced = true;
        }
        let spurious = evidence
            .filter(|_| undo.settle(nxt))
            .map(|evidence| Spurious {
                evidence,
                timeout: undo.timeout(),
                undone: self.rules.undo && undo.restore(said.input.now, cc),
            });
        if let Some(spurious) = spurious {
            self.take_back(spurious.undone, cc);
            if spurious.timeout {
                self.rack.on_spurious_timeout(una);
            } else {
                self.rack.on_reordering();
            }
        }
        // The proof itself lets out no more than that (RFC 4015 §3.4).
        let earned = if spurious.is_some() {
            0
        } else {
            said.acked.bytes
        };
        undo.limit_burst(nxt, earned, Window::initial(self.mss));
        self.undo = Some(undo);
        spurious
    }

    fn heard(&self, said: &Said<'_>) -> Heard {
        let news = said.acked.sent_at.or(said.sacked.sent_at);
        let resent = said.acked.resent_at.or(said.sacked.resent_at);
        Heard {
            una: self.board.una(),
            nxt: self.board.nxt(),
            highest: self.board.ranges().highest(),
            sack: self.sack,
            advanced: said.acked.bytes > 0,
            duplicate: said.duplicate,
            fresh: news.is_some() && resent.is_none(),
        }
    }

    /// Nothing was lost: what waits to be sent again needs not, and what comes next is judged as if
    /// there had been no episode (RFC 4015 §3.1 step 8, RFC 5682 §2.1 step 3b).
    fn take_back(&mut self, undone: bool, cc: &mut Controller) {
        if !matches!(self.state, CaState::Recovery | CaState::Loss) {
            return;
        }
        self.board.unmark_lost();
        self.requeue_resent();
        if let Some(target) = self.end_reduction().filter(|_| !undone) {
            cc.set_cwnd(target);
        }
        self.duplicates.reset();
        self.state = CaState::Open;
        self.point = self.board.una().back(1);
        self.forced = false;
    }

    /// The round-trip estimate of before a timeout that proved spurious, if this acknowledgment is
    /// the first one to measure data sent since; and forgets what is of no use any more.
    pub(super) fn conclude(&mut self, measured: bool) -> Option<RttSnapshot> {
        let (una, nxt) = (self.board.una(), self.board.nxt());
        let undo = self.undo.as_mut()?;
        let estimate = undo.estimate(una);
        let wanted = estimate.is_some() && !measured;
        if undo.is_done(una, nxt) && !wanted {
            self.undo = None;
        }
        estimate.filter(|_| measured)
    }
}
