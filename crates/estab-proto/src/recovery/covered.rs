//! What an acknowledgment, cumulative or selective, covered for the first time.

use estab_timer::Instant;

use super::records::Record;
use crate::SeqNumber;
use crate::dormant::dormant;

/// One transmission. Of two at the same time, as the segments of a burst are, the one with the higher
/// sequence numbers came later (RFC 8985 §6.2 step 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// When.
    pub(super) at: Instant,
    /// The number after its last.
    pub(super) end: SeqNumber,
}

impl Sent {
    /// Whether it was sent after another.
    pub(super) fn is_after(&self, other: &Self) -> bool {
        self.at > other.at || (self.at == other.at && self.end.after(other.end))
    }
}

/// By what a delivery is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// RACK.fack: everything below was overtaken.
    pub(super) fack: SeqNumber,
    /// A retransmission from later than this cannot be what arrived: its original is.
    pub(super) resent_until: Instant,
}

/// What was covered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Covered {
    /// How many sequence numbers.
    pub(super) bytes: u32,
    /// When the first of those not acknowledged before was sent.
    pub(super) sent_at: Option<Instant>,
    /// When the first of those that were sent more than once was last sent. They make `sent_at`
    /// ambiguous.
    pub(super) resent_at: Option<Instant>,
    /// The last transmission of which it is plausible that it arrived (RFC 8985 §6.2 step 2).
    pub(super) latest: Option<Sent>,
    /// Whether something sent once was overtaken (RFC 8985 §6.2 step 3).
    pub(super) reordered: bool,
}

impl Covered {
    /// Adds what another block covered.
    pub(super) fn join(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.sent_at = earlier(self.sent_at, other.sent_at);
        self.resent_at = earlier(self.resent_at, other.resent_at);
        self.note_sent(other.latest);
        self.reordered |= other.reordered;
    }

    /// Adds the first `len` numbers of a record.
    pub(super) fn note(&mut self, record: &Record, len: u32, view: &View) {
        self.bytes += len;
        if record.sacked {
            return;
        }
        let (at, end) = (record.sent_at, record.seq + len);
        self.sent_at = earlier(self.sent_at, Some(at));
        if record.retransmitted {
            self.resent_at = earlier(self.resent_at, Some(at));
        } else {
            self.reordered |= end.before(view.fack);
        }
        let plausible = !record.retransmitted || at <= view.resent_until;
        self.note_sent(plausible.then_some(Sent { at, end }));
    }

    fn note_sent(&mut self, sent: Option<Sent>) {
        if let Some(sent) = sent
            && self.latest.is_none_or(|latest| sent.is_after(&latest))
        {
            self.latest = Some(sent);
        }
    }
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

dormant!(Sent { at, end });
