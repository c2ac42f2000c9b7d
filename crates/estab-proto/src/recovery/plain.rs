//! The acknowledgment of data while nothing is amiss, as nearly all are: what
//! [`Recovery::on_ack`] comes to if nothing was reported, lost or sent again.

use super::covered::{Covered, Sent};
use super::rack::Adaptation;
use super::{AckInput, AckSample, CaState, Recovery};
use crate::congestion::Controller;

impl Recovery {
    /// Whether an acknowledgment says no more than that data arrived, and nothing is amiss that it
    /// could bear on: whatever is outstanding was sent once, and after all that has arrived.
    #[inline]
    pub(super) fn is_plain(&self, input: &AckInput<'_>) -> bool {
        let advanced = input.ack - self.board.una();
        let calm = self.state == CaState::Open
            && self.rules.rack
            && self.undo.is_none()
            && self.episode.is_none()
            && !self.tlp.is_out()
            && self.board.is_orderly(input.ack);
        let plain = advanced > 0
            && advanced <= self.outstanding()
            && input.sack.is_empty()
            && !input.ece
            && self.board.una().after_eq(self.high_rxt);
        calm && plain
            && self
                .board
                .front()
                .is_some_and(|front| !self.rack.is_overtaken(front.sent()))
    }

    /// As [`on_ack`](Self::on_ack) for an acknowledgment that [is plain](Self::is_plain).
    pub(super) fn on_plain_ack(&mut self, input: &AckInput<'_>, cc: &mut Controller) -> AckSample {
        let prior_in_flight = self.in_flight();
        let is_cwnd_limited = self.usage.may_grow(cc, self.mss);
        let now = input.now;
        let newly_acked = input.ack - self.board.una();
        let (first_sent_at, last_sent_at) = self.board.acknowledge_orderly(input.ack);
        (self.timeout_from, self.quiet_since) = (now, now);
        self.duplicates.reset();
        self.acked += u64::from(newly_acked);
        self.tally();
        let rtt = now - first_sent_at;
        self.on_rtt_sample(now, rtt);
        let covered = Covered {
            bytes: newly_acked,
            latest: Some(Sent {
                at: last_sent_at,
                end: input.ack,
            }),
            ..Covered::default()
        };
        self.rack.on_delivery(now, &covered);
        self.rack.adapt(Adaptation {
            dsack: false,
            exiting: false,
            eager: false,
            una: self.board.una(),
            nxt: self.board.nxt(),
            min_rtt: self.min_rtt.get(),
            srtt: input.srtt,
        });
        self.settle();
        let sample = AckSample {
            newly_acked,
            prior_in_flight,
            in_flight: self.in_flight(),
            rtt: Some(rtt),
            delivered: self.delivered,
            is_cwnd_limited,
            ce_bytes: input.ce_bytes,
            min_rtt: self.min_rtt.get(),
            rate: self.sample_rate(now, &covered),
            ..AckSample::new(now)
        };
        cc.on_ack(&sample);
        sample
    }
}

#[cfg(test)]
mod tests;
