//! The tail loss probe: one segment after two round trips of silence, so that its acknowledgment tells
//! what the timeout would otherwise have to guess (RFC 8985 §7).

use bitflags::bitflags;
use estab_timer::{Duration, Instant, RttEstimator};

use super::{CaState, Recovery, Retransmit};
use crate::SeqNumber;
use crate::dormant::{Dormant, Reader, Writer, dormant};

/// TLP.max_ack_delay: how long the peer may hold back the acknowledgment of a single segment.
const MAX_ACK_DELAY: Duration = Duration::from_millis(200);

/// The least delay of a probe: on a path shorter than what hosts and timers take, silence means nothing
/// sooner.
const LEAST: Duration = Duration::from_millis(2);

/// The probe's delay while the round-trip time is not known (RFC 8985 §7.2).
const UNKNOWN: Duration = Duration::from_secs(1);

bitflags! {
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Is: u8 {
        /// TLP.end_seq is set: a probe is not acknowledged yet.
        const OUT = 1;
        /// TLP.is_retrans: it was a retransmission.
        const RETRANSMISSION = 2;
        /// A probe is to be sent now.
        const DUE = 4;
        /// A round trip was measured since the last probe.
        const MEASURED = 8;
    }
}

/// The state of RFC 8985 §7.1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tlp {
    /// SND.NXT when the probe was sent.
    end_seq: SeqNumber,
    is: Is,
}

/// What an acknowledgment says of a probe (RFC 8985 §7.4.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) ack: SeqNumber,
    /// The end of what it reports as a duplicate.
    pub(super) dsack: Option<SeqNumber>,
    /// It is a duplicate acknowledgment without SACK option.
    pub(super) bare_duplicate: bool,
}

impl Tlp {
    pub(super) fn new(una: SeqNumber) -> Self {
        Self {
            end_seq: una,
            is: Is::empty(),
        }
    }

    /// A round trip was measured.
    pub(super) fn on_sample(&mut self) {
        self.is |= Is::MEASURED;
    }

    /// An episode begins: whatever was found out by probing is found out (RFC 8985 §7.1).
    pub(super) fn reset(&mut self) {
        self.is &= Is::MEASURED;
    }

    /// Whether a probe is not acknowledged yet.
    #[inline]
    pub(super) fn is_out(self) -> bool {
        self.is.contains(Is::OUT)
    }

    /// Whether a probe is to be sent now.
    #[inline]
    pub(super) fn is_due(self) -> bool {
        self.is.contains(Is::DUE)
    }

    /// No earlier probe is out, and the round-trip time was measured since (RFC 8985 §7.3).
    #[inline]
    fn may_probe(self) -> bool {
        self.is.contains(Is::MEASURED) && !self.is.intersects(Is::OUT | Is::DUE)
    }

    /// Something was sent. Gives whether it is the probe that was due.
    #[inline]
    pub(super) fn on_sent(&mut self, nxt: SeqNumber, again: bool) -> bool {
        let probe = self.is_due();
        if probe {
            self.end_seq = nxt;
            self.is = Is::OUT;
            self.is.set(Is::RETRANSMISSION, again);
        }
        probe
    }

    /// Gives whether the probe repaired a loss which is to be answered as such (RFC 8985 §7.4.2).
    pub(super) fn on_ack(&mut self, reply: Reply) -> bool {
        if !self.is.contains(Is::OUT) || reply.ack.before(self.end_seq) {
            return false;
        }
        let is_retransmission = self.is.contains(Is::RETRANSMISSION);
        let both_arrived = self.is_duplicate_report(reply.dsack);
        let beyond = reply.ack.after(self.end_seq);
        if !is_retransmission || both_arrived || beyond || reply.bare_duplicate {
            self.is.remove(Is::OUT | Is::RETRANSMISSION);
        }
        is_retransmission && beyond && !both_arrived
    }

    /// Whether a D-SACK that ends there reports the probe: both it and the original arrived.
    pub(super) fn is_duplicate_report(self, dsack: Option<SeqNumber>) -> bool {
        self.is.contains(Is::OUT | Is::RETRANSMISSION) && dsack == Some(self.end_seq)
    }
}

impl Recovery {
    /// When to probe (RFC 8985 §7.2): the deadline of
    /// [`Timer::TailLossProbe`](estab_timer::Timer::TailLossProbe), unless the timeout comes first.
    #[inline]
    pub(super) fn probe_deadline(&self, rtt: &RttEstimator) -> Option<Instant> {
        let quiet = matches!(self.state, CaState::Open | CaState::Disorder | CaState::Cwr)
            && self.sacked() == 0
            && self.lost() == 0;
        if !(self.rules.tail_loss_probe && quiet && self.tlp.may_probe()) {
            return None;
        }
        let Some(srtt) = rtt.srtt() else {
            return Some(self.quiet_since + UNKNOWN);
        };
        let single = self.outstanding() <= self.mss && self.board.records() == 1;
        let delay = if single {
            MAX_ACK_DELAY
        } else {
            Duration::ZERO
        };
        Some(self.quiet_since + (srtt * 2).max(LEAST) + delay)
    }

    /// The probe timer expired. Gives whether a probe is due now: new data if there is some that
    /// the peer's window admits, whatever the congestion window and Nagle's algorithm say, else
    /// [`next_probe`](Self::next_probe). The retransmission timer starts over in any case
    /// (RFC 8985 §7.3).
    pub fn on_probe_timeout(&mut self, now: Instant) -> bool {
        let due = self.outstanding() > 0 && self.tlp.may_probe();
        self.tlp.is.set(Is::DUE, due);
        self.timeout_from = now;
        due
    }

    /// Whether a probe is to be sent now.
    #[inline]
    pub fn is_probe_due(&self) -> bool {
        self.tlp.is_due()
    }

    /// The segment to send again as a probe: the one that ends at SND.NXT (RFC 8985 §7.3).
    pub fn next_probe(&self) -> Option<Retransmit> {
        let last = self.board.last_open().filter(|_| self.tlp.is_due())?;
        Some(self.last_segment_of(&last))
    }
}

dormant!(Tlp { end_seq, is });

impl Dormant for Is {
    fn dormant(&self, to: &mut Writer) {
        self.bits().dormant(to);
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        Self::from_bits_retain(Dormant::wake(from))
    }
}

#[cfg(test)]
mod tests;
