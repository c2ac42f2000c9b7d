//! RACK: what was sent before something that arrived, and had time to arrive, is lost
//! (RFC 8985 §6).

use estab_timer::{Duration, Instant};

use super::covered::{Covered, Sent};
use super::detect::DUP_THRESH;
use super::resent::Resend;
use super::{CaState, Recovery};
use crate::SeqNumber;
use crate::dormant::dormant;

/// How many recoveries without D-SACK an enlarged reordering window outlives (RFC 8985 §6.2 step 4).
const PERSIST: u8 = 16;

/// The variables of RFC 8985 §5.3; RACK.min_RTT and RACK.fack are elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rack {
    /// RACK.xmit_ts and RACK.end_seq: of what arrived, the last that was sent.
    segment: Sent,
    /// RACK.rtt, in microseconds: of what arrived last.
    rtt: u32,
    /// RACK.reo_wnd, in microseconds, as of the last acknowledgment.
    reo_wnd: u32,
    /// RACK.dsack_round: until this is acknowledged, further D-SACKs belong to the same round.
    dsack_round: Option<SeqNumber>,
    reo_wnd_mult: u8,
    reo_wnd_persist: u8,
    reordering_seen: bool,
    /// Something will be lost when the reordering window has passed.
    waiting: bool,
}

/// What makes the reordering window wider or narrower (RFC 8985 §6.2 step 4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Adaptation {
    /// The acknowledgment reports a duplicate.
    pub(super) dsack: bool,
    /// It ends an episode.
    pub(super) exiting: bool,
    /// Nothing is gained by waiting, unless reordering was seen: an episode lasts, or enough
    /// segments were selectively acknowledged.
    pub(super) eager: bool,
    pub(super) una: SeqNumber,
    pub(super) nxt: SeqNumber,
    pub(super) min_rtt: Option<Duration>,
    pub(super) srtt: Option<Duration>,
}

impl Rack {
    pub(super) fn new(una: SeqNumber) -> Self {
        Self {
            segment: Sent {
                at: Instant::ZERO,
                end: una,
            },
            rtt: 0,
            reo_wnd: 0,
            dsack_round: None,
            reo_wnd_mult: 1,
            reo_wnd_persist: 0,
            reordering_seen: false,
            waiting: false,
        }
    }

    /// Whether anything ever arrived out of order.
    pub(super) fn reordering_seen(&self) -> bool {
        self.reordering_seen
    }

    /// RACK.reo_wnd_mult.
    pub(super) fn reo_wnd_mult(&self) -> u8 {
        self.reo_wnd_mult
    }

    /// The timer expired for nothing, so it was an original that arrived, not what the timer had sent
    /// again: that has overtaken nothing yet.
    pub(super) fn on_spurious_timeout(&mut self, una: SeqNumber) {
        self.segment = Sent {
            at: Instant::ZERO,
            end: una,
        };
    }

    /// The last recovery was needless: what seemed lost was only overtaken.
    pub(super) fn on_reordering(&mut self) {
        self.reordering_seen = true;
    }

    /// RFC 8985 §6.2 steps 2 and 3.
    pub(super) fn on_delivery(&mut self, now: Instant, covered: &Covered) {
        if let Some(latest) = covered.latest {
            let nanos = now.as_nanos().saturating_sub(latest.at.as_nanos());
            self.rtt = u32::try_from(nanos / 1000).unwrap_or(u32::MAX);
            if latest.is_after(&self.segment) {
                self.segment = latest;
            }
        }
        self.reordering_seen |= covered.reordered;
    }

    /// RFC 8985 §6.2 step 4.
    pub(super) fn adapt(&mut self, by: Adaptation) {
        if self.dsack_round.is_some_and(|end| by.una.after_eq(end)) {
            self.dsack_round = None;
        }
        if self.dsack_round.is_none() && by.dsack {
            self.dsack_round = Some(by.nxt);
            self.reo_wnd_mult = self.reo_wnd_mult.saturating_add(1);
            self.reo_wnd_persist = PERSIST;
        } else if by.exiting {
            self.reo_wnd_persist = self.reo_wnd_persist.saturating_sub(1);
            if self.reo_wnd_persist == 0 {
                self.reo_wnd_mult = 1;
            }
        }
        self.reo_wnd = if by.eager && !self.reordering_seen {
            0
        } else {
            let quarter = micros(by.min_rtt.unwrap_or_default()) / 4;
            let window = quarter.saturating_mul(self.reo_wnd_mult.into());
            window.min(by.srtt.map_or(u32::MAX, micros))
        };
    }

    /// Whether it was sent before what arrived.
    pub(super) fn is_overtaken(&self, sent: Sent) -> bool {
        self.segment.is_after(&sent)
    }

    /// Whether what was sent then has had the time to arrive (RFC 8985 §6.2 step 5).
    fn is_due(&self, sent_at: Instant, now: Instant) -> bool {
        sent_at + self.patience() <= now
    }

    /// RACK.rtt + RACK.reo_wnd.
    fn patience(&self) -> Duration {
        Duration::from_micros(u64::from(self.rtt) + u64::from(self.reo_wnd))
    }

    /// When the reordering timer expires: all that was overtaken is lost then.
    fn deadline(&self) -> Option<Instant> {
        self.waiting.then(|| self.segment.at + self.patience())
    }
}

/// What was found lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// How many sequence numbers, each as often as a transmission of it was.
    pub(super) bytes: u32,
    /// Whether a retransmission was among them, and when the last of these was sent.
    pub(super) resent_at: Option<Instant>,
}

impl Recovery {
    /// Steps 2 to 5 of RFC 8985 §6.2 for an acknowledgment.
    pub(super) fn rack_on_ack(&mut self, now: Instant, by: Adaptation) -> Losses {
        self.rack.adapt(by);
        self.rack_detect(now)
    }

    /// Finds what is lost by now (RFC 8985 §6.2 step 5).
    ///
    /// What was sent once is in order of time, what was sent again has a queue in that order: both
    /// are looked at only as far as they are lost.
    pub(super) fn rack_detect(&mut self, now: Instant) -> Losses {
        if self.doubts_receiver() {
            self.rack.waiting = false;
            return Losses::default();
        }
        let rack = self.rack;
        let before = self.board.sums().lost;
        let late = self.board.mark_sent_once(|record| {
            rack.is_overtaken(record.sent()) && rack.is_due(record.sent_at, now)
        });
        let mut losses = Losses {
            bytes: self.board.sums().lost - before,
            resent_at: None,
        };
        let mut waiting = late.is_some_and(|record| rack.is_overtaken(record.sent()));
        while let Some(resend) = self.first_resent() {
            let overtaken = rack.is_overtaken(resend.sent());
            if !(overtaken && rack.is_due(resend.at, now)) {
                waiting |= overtaken;
                break;
            }
            losses.bytes += self.board.mark_resend_lost(&resend);
            losses.resent_at = Some(resend.at);
        }
        self.rack.waiting = waiting;
        losses
    }

    /// The retransmission in flight that was sent first.
    fn first_resent(&mut self) -> Option<Resend> {
        let resent = &mut self.episode.as_mut()?.resent;
        while let Some(resend) = resent.front() {
            if self.board.is_in_flight(&resend) {
                return Some(resend);
            }
            resent.pop();
        }
        None
    }

    /// Whether waiting for late segments is over unless reordering was seen (RFC 8985 §3.3.2).
    pub(super) fn is_eager(&self) -> bool {
        let recovering = matches!(self.state, CaState::Recovery | CaState::Loss);
        recovering || self.board.has_sacked(DUP_THRESH, self.mss)
    }

    /// The timeout marks what was sent first, and what has had the time to arrive
    /// (RFC 8985 §6.3).
    pub(super) fn rack_on_rto(&mut self, now: Instant) {
        let rack = self.rack;
        self.rack.waiting = false;
        self.board
            .mark_timed_out(self.mss, |record| rack.is_due(record.sent_at, now));
    }

    /// When the reordering window of something has passed (RFC 8985 §6.2 step 5): the deadline of
    /// [`Timer::Reorder`](estab_timer::Timer::Reorder).
    pub(super) fn reorder_deadline(&self) -> Option<Instant> {
        self.rack.deadline()
    }
}

/// Rounded down: what was sent with the segment that arrived is due at the same time.
fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

dormant!(Rack {
    segment,
    rtt,
    reo_wnd,
    dsack_round,
    reo_wnd_mult,
    reo_wnd_persist,
    reordering_seen,
    waiting
});

#[cfg(test)]
mod tests;
