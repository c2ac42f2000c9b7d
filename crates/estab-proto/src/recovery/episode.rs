//! Episodes: how recovery begins, goes on and ends.

use estab_timer::Instant;

use super::ack::News;
use super::prr::{Progress, Prr};
use super::rack::{Adaptation, Losses};
use super::resent::Resent;
use super::tlp::Reply;
use super::{AckInput, CaState, Recovery, detect};
use crate::congestion::Controller;

/// What lasts as long as an episode, or as something sent again is in flight.
#[derive(Debug, Default)]
pub(super) struct Episode {
    /// How the window is being reduced.
    pub(super) prr: Option<Prr>,
    /// What was sent again.
    pub(super) resent: Resent,
    /// When the window was last reduced.
    reduced_at: Option<Instant>,
}

impl Recovery {
    /// Finds what is lost, and changes the state. Gives how much was found.
    pub(super) fn react(&mut self, input: &AckInput<'_>, news: &News, cc: &mut Controller) -> u32 {
        let (now, prior_state, room) = (input.now, self.state, self.room(cc));
        let una = self.board.una();
        let ended = match self.state {
            CaState::Open | CaState::Disorder => false,
            // What acknowledges the last segment sent before the reduction may still report the
            // mark that led to it: the peer has not seen CWR (RFC 3168 §6.1.2).
            CaState::Cwr => una.after(self.point),
            CaState::Recovery | CaState::Loss => una.after_eq(self.point),
        };
        if ended {
            self.leave(now, cc);
        }
        let exiting = ended && prior_state != CaState::Cwr;
        let probe_reported = self
            .tlp
            .is_duplicate_report(news.dsack.map(|range| range.right));
        let repaired = self.tlp.on_ack(Reply {
            ack: input.ack,
            dsack: news.dsack.map(|range| range.right),
            bare_duplicate: news.acked.bytes == 0
                && input.sack.is_empty()
                && !input.text
                && !input.window_changed,
        });
        // What the probe timer doubled says nothing of reordering.
        let dsack = news.dsack.is_some() && !probe_reported;
        let losses = self.find_losses(input, news, dsack, exiting);
        match self.state {
            // What was sent during the last episode and lost begins another one.
            CaState::Open | CaState::Disorder | CaState::Cwr
                if losses.bytes > 0 || (ended && self.lost() > 0) =>
            {
                self.enter(now, news, cc);
                if input.ece
                    && let Some(undo) = &mut self.undo
                {
                    undo.on_congestion_reported();
                }
            }
            CaState::Open | CaState::Disorder => {
                if input.ece {
                    self.enter_cwr(now, news, cc);
                } else {
                    if repaired {
                        self.answer_repaired(now, news, cc);
                    }
                    self.settle();
                }
            }
            CaState::Recovery => self.answer_lost_again(now, &losses, cc),
            CaState::Cwr | CaState::Loss => {}
        }
        let safe = news.acked.bytes > 0 && losses.bytes == 0;
        let delivered = (self.delivered - news.prior_delivered) as u32;
        if delivered > 0 {
            self.reduce(delivered, safe, cc);
        } else if losses.bytes > 0 && prior_state == self.state {
            self.keep_room(room, cc);
        }
        losses.bytes
    }

    /// Judges by time if the peer sends SACK blocks and it is to be done so, else by counting.
    fn find_losses(
        &mut self,
        input: &AckInput<'_>,
        news: &News,
        dsack: bool,
        exiting: bool,
    ) -> Losses {
        if self.rules.rack {
            self.rack.on_delivery(input.now, &news.covered());
            let by = Adaptation {
                dsack,
                exiting,
                eager: self.is_eager(),
                una: self.board.una(),
                nxt: self.board.nxt(),
                min_rtt: self.min_rtt.get(),
                srtt: input.srtt,
            };
            return self.rack_on_ack(input.now, by);
        }
        if self.doubts_receiver() {
            return Losses::default();
        }
        let bytes = match self.state {
            CaState::Open | CaState::Disorder | CaState::Cwr => self.detect(),
            CaState::Recovery if self.sack => self.mark_below_edge(),
            CaState::Recovery if news.acked.bytes > 0 => {
                // A partial acknowledgment: the next hole (RFC 6582 §3.2 step 3).
                self.forced = true;
                self.board.mark_first_lost(self.mss)
            }
            CaState::Recovery | CaState::Loss => 0,
        };
        Losses {
            bytes,
            resent_at: None,
        }
    }

    /// Whether something was lost, outside an episode (RFC 6675 §5 steps 1 and 2, RFC 5681 §3.2).
    fn detect(&mut self) -> u32 {
        let lost = if self.sack { self.mark_below_edge() } else { 0 };
        // Without SACK, duplicates of what was sent before the last episode prove nothing
        // (RFC 6582 §3.2 step 2).
        let meaningful = self.sack || self.board.una().after(self.point);
        if lost == 0 && self.duplicates.enough() && meaningful {
            return self.board.mark_first_lost(self.mss);
        }
        lost
    }

    fn mark_below_edge(&mut self) -> u32 {
        detect::lost_edge(&self.board, self.mss).map_or(0, |edge| self.board.mark_lost_below(edge))
    }

    /// Fast recovery begins (RFC 6675 §5 step 4). A reduction that the peer's report of congestion
    /// began is not made twice (RFC 3168 §6.1.2).
    fn enter(&mut self, now: Instant, news: &News, cc: &mut Controller) {
        let reducing = self.state == CaState::Cwr;
        self.state = CaState::Recovery;
        self.point = self.board.nxt();
        self.forced = true;
        self.tlp.reset();
        if !self.sack {
            // The third duplicate, of which limited transmit made no use (RFC 5681 §3.2 step 3).
            self.duplicates.depart(self.mss, self.departure_limit());
            self.tally();
        }
        let una = self.board.una();
        self.high_rxt = una;
        self.rescue_rxt = self
            .board
            .first_pending()
            .map_or(una, |first| first.seq + first.len.min(self.mss));
        if reducing {
            self.undo = None;
        } else {
            self.doubt_loss(cc);
            cc.on_congestion(now, news.flight);
            self.begin_reduction(now, news, cc);
        }
    }

    /// The peer reports congestion: the window is reduced once per round trip (RFC 3168 §6.1.2).
    fn enter_cwr(&mut self, now: Instant, news: &News, cc: &mut Controller) {
        self.state = CaState::Cwr;
        self.point = self.board.nxt();
        cc.on_ecn(now, news.flight);
        self.begin_reduction(now, news, cc);
    }

    /// A tail loss probe repaired a loss that nothing else told of: the window is reduced as by fast
    /// recovery, which is over at the same time (RFC 8985 §7.4.2).
    fn answer_repaired(&mut self, now: Instant, news: &News, cc: &mut Controller) {
        self.reduced = true;
        cc.on_congestion(now, news.flight);
        cc.on_recovery_exit(now);
    }

    /// The loss of a retransmission is another sign of congestion (RFC 5681 §4.3), which rate
    /// reduction answers by itself, as less is delivered (RFC 8985 §9.3).
    fn answer_lost_again(&mut self, now: Instant, losses: &Losses, cc: &mut Controller) {
        let flight = self.outstanding();
        if let (Some(resent_at), Some(episode), false) =
            (losses.resent_at, &mut self.episode, self.rules.prr)
            && episode.reduced_at.is_none_or(|at| at <= resent_at)
        {
            episode.reduced_at = Some(now);
            self.reduced = true;
            cc.on_congestion(now, flight);
        }
    }

    /// The controller has reduced the window: from here it goes down in proportion (RFC 9937 §6.1).
    fn begin_reduction(&mut self, now: Instant, news: &News, cc: &mut Controller) {
        self.reduced = true;
        let delivered = (self.delivered - news.prior_delivered) as u32;
        let arrived = if self.sack {
            delivered
        } else {
            news.acked.bytes
        };
        let recover_fs = (self.outstanding() - self.sacked()).saturating_add(arrived);
        let episode = self.episode.get_or_insert_default();
        episode.reduced_at = Some(now);
        if self.rules.prr && cc.uses_prr() {
            episode.prr = Some(Prr::new(cc.cwnd(), recover_fs));
            cc.set_cwnd(self.in_flight());
        }
    }

    /// An acknowledgment of the reduction (RFC 9937 §6.2).
    fn reduce(&mut self, delivered: u32, safe: bool, cc: &mut Controller) {
        let (in_flight, mss) = (self.in_flight(), self.mss);
        let progress = Progress {
            delivered,
            in_flight,
            safe,
        };
        if let Some(cwnd) = self.prr_mut().and_then(|prr| prr.on_ack(progress, mss)) {
            cc.set_cwnd(cwnd);
        }
    }

    /// What is found lost by the passing of time makes no room for a burst.
    fn keep_room(&mut self, room: u32, cc: &mut Controller) {
        if self.prr_mut().is_some() {
            cc.set_cwnd(self.in_flight().saturating_add(room));
        }
    }

    /// The reduction in progress.
    pub(super) fn prr_mut(&mut self) -> Option<&mut Prr> {
        self.episode.as_mut()?.prr.as_mut()
    }

    /// The reduction is over. Gives the window it was to arrive at.
    pub(super) fn end_reduction(&mut self) -> Option<u32> {
        let prr = self.episode.as_mut()?.prr.take()?;
        Some(prr.target())
    }

    /// An episode ends: all that was outstanding when it began is acknowledged.
    fn leave(&mut self, now: Instant, cc: &mut Controller) {
        let target = self.end_reduction();
        if let Some(target) = target {
            // RFC 9937 §6.4.
            cc.set_cwnd(target);
        }
        if self.state == CaState::Recovery {
            cc.on_recovery_exit(now);
            if !self.sack && target.is_none() {
                // Against a burst (RFC 6582 §3.2 step 3, full acknowledgments, option 1).
                cc.limit_cwnd(self.outstanding().max(self.mss).saturating_add(self.mss));
            }
        }
        self.state = CaState::Open;
        self.forced = false;
        if let Some(undo) = &mut self.undo {
            undo.end(self.board.nxt());
        }
    }

    /// The state outside an episode.
    pub(super) fn settle(&mut self) {
        let orderly = self.sacked() == 0 && self.duplicates.count() == 0;
        self.state = if orderly {
            CaState::Open
        } else {
            CaState::Disorder
        };
        let una = self.board.una();
        if una.after(self.point) {
            self.point = una.back(1);
        }
        if una.after(self.high_rxt) {
            self.high_rxt = una;
        }
        if self.retransmitted() == 0 {
            self.episode = None;
        }
    }

    /// The reordering timer expired: what was overtaken is lost (RFC 8985 §6.2 step 5).
    pub fn on_reorder_timeout(&mut self, now: Instant, cc: &mut Controller) {
        let room = self.room(cc);
        let losses = self.rack_detect(now);
        if losses.bytes == 0 {
            return;
        }
        self.answer_late(now, room, &losses, cc);
        self.tell_losses(now, cc);
    }

    /// What time alone has shown lost.
    fn answer_late(&mut self, now: Instant, room: u32, losses: &Losses, cc: &mut Controller) {
        let flight = self.outstanding();
        let news = News {
            flight: match self.usage.may_grow(cc, self.mss) {
                true => cc.flight_to_reduce(flight),
                false => flight,
            },
            prior_delivered: self.delivered,
            ..News::default()
        };
        match self.state {
            CaState::Open | CaState::Disorder | CaState::Cwr => self.enter(now, &news, cc),
            CaState::Recovery => {
                self.answer_lost_again(now, losses, cc);
                self.keep_room(room, cc);
            }
            CaState::Loss => {}
        }
    }

    /// The retransmission timer expired: everything outstanding counts as lost (RFC 6298 §5.4), or
    /// with RACK what was sent first and what has had the time to arrive (RFC 8985 §6.3).
    ///
    /// Selective acknowledgments are kept (RFC 6675 §5.1) unless the first segment has one, which
    /// means that the receiver dropped what it held (RFC 2018 §8). So SND.UNA is always sent again.
    /// Does nothing if nothing is outstanding.
    pub fn on_rto(&mut self, now: Instant, cc: &mut Controller) {
        let (una, flight) = (self.board.una(), self.outstanding());
        let Some(front) = self.board.front().copied() else {
            return;
        };
        let first = self.state != CaState::Loss || self.timed_out != una;
        self.doubt_timeout(cc);
        self.end_reduction();
        self.tlp.reset();
        self.reduced = true;
        self.timeout_from = now;
        cc.on_rto(now, flight, first);
        if front.sacked {
            self.board.forget_sacks();
        }
        if self.rules.rack && !front.sacked {
            self.rack_on_rto(now);
        } else {
            self.board.mark_all_lost();
        }
        self.duplicates.reset();
        self.state = CaState::Loss;
        self.point = self.board.nxt();
        self.timed_out = una;
        self.forced = true;
        self.tell_losses(now, cc);
    }
}
