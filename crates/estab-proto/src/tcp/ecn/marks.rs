//! The data receiver of accurate feedback: counts what arrives and tells it (RFC 9768 §3.2).

use estab_timer::{Duration, Instant};

use crate::wire::EcnCodepoint;
use crate::wire::tcp::{AccEcn, AccEcnOrder};

/// Where the packet counters begin: the ACE field of the first segments is not zero, which would
/// look like a path that clears it (RFC 9768 §3.2.1).
pub(super) const FIRST_CEP: u32 = 5;

/// Where the counters of bytes with ECT(0) and with ECT(1) begin; that of CE begins at 0.
pub(super) const FIRST_ECT: u32 = 1;

/// Marks that make an acknowledgement due while data waits for one (RFC 9768 §3.2.2.5.1).
const MARKS_WITH_DATA: u32 = 2;

/// Marks that do so otherwise.
const MARKS_WITHOUT_DATA: u32 = 3;

/// Segments that carry the option after a change, since the first may be lost.
const REPEATS: u8 = 2;

/// How often per round trip counters are told that change all the time (RFC 9768 §3.2.3.3).
const BEACONS: u32 = 4;

/// Between two of these while the round trip is not known.
const SLOW_BEACON: Duration = Duration::from_millis(25);

/// The counters of what arrived: RFC 9768's r.cep, r.ceb, r.e0b and r.e1b.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    /// Packets with CE.
    cep: u32,
    /// Bytes of text with CE.
    ceb: u32,
    /// Bytes of text with ECT(0).
    e0b: u32,
    /// Bytes of text with ECT(1).
    e1b: u32,
    /// `cep` as the last segment told it.
    told: u32,
    /// The ECN field of the last segment with text.
    last: EcnCodepoint,
    /// Segments that are still to carry the option.
    option_due: u8,
    /// Options sent: the first have all counters, whether these ever moved or not.
    options: u8,
    /// When an option last left; [`Instant::NEVER`]: not yet.
    told_at: Instant,
}

impl Marks {
    /// The counters before the first segment after a SYN, whose own mark does not count (RFC 9768
    /// §3.2.2).
    pub(super) fn new() -> Self {
        Self {
            cep: FIRST_CEP,
            ceb: 0,
            e0b: FIRST_ECT,
            e1b: FIRST_ECT,
            told: FIRST_CEP,
            last: EcnCodepoint::NotEct,
            // The first acknowledgement and the first data (RFC 9768 §3.2.3.2.1).
            option_due: REPEATS,
            options: 0,
            told_at: Instant::NEVER,
        }
    }

    /// The SYN-ACK came marked: that counts, once (RFC 9768 §3.2.2.2).
    pub(super) fn on_marked_syn_ack(&mut self) {
        self.cep = FIRST_CEP + 1;
        self.told = self.cep;
    }

    /// The ACE field: the low bits of r.cep.
    pub(super) fn ace(&self) -> u8 {
        (self.cep & 0b111) as u8
    }

    /// An acceptable packet arrived, or `segments` of them joined, with `len` bytes of text in all.
    /// `unacked`: data waits to be acknowledged. True if that is to be done at once.
    pub(super) fn on_segment(
        &mut self,
        ecn: EcnCodepoint,
        segments: u32,
        len: u32,
        unacked: bool,
    ) -> bool {
        let marked = ecn.is_ce();
        if marked {
            self.cep = self.cep.wrapping_add(segments);
        }
        let counter = match ecn {
            EcnCodepoint::NotEct => None,
            EcnCodepoint::Ect1 => Some(&mut self.e1b),
            EcnCodepoint::Ect0 => Some(&mut self.e0b),
            EcnCodepoint::Ce => Some(&mut self.ceb),
        };
        if let Some(counter) = counter {
            *counter = counter.wrapping_add(len);
        }
        let mut due = false;
        if len > 0 {
            if marked && !self.last.is_ce() {
                due = true;
            }
            if ecn != self.last {
                self.option_due = REPEATS;
            }
            self.last = ecn;
        }
        let waiting = if unacked || len > 0 {
            MARKS_WITH_DATA
        } else {
            MARKS_WITHOUT_DATA
        };
        if marked && self.cep.wrapping_sub(self.told) >= waiting {
            due = true;
        }
        due
    }

    /// Lets the option go out from time to time while counters move. Called when text arrived.
    pub(super) fn tick(&mut self, now: Instant, rtt: Option<Duration>) {
        let interval = rtt.map_or(SLOW_BEACON, |rtt| rtt / BEACONS);
        if now.saturating_duration_since(self.told_at) >= interval {
            self.option_due = self.option_due.max(1);
        }
    }

    /// The option of the next segment, if one is due.
    pub(super) fn option(&self) -> Option<AccEcn> {
        (self.option_due > 0).then(|| self.option_now())
    }

    /// The option as it would be now. ECT(1), which nobody may send yet, is left out as long as none
    /// came.
    pub(super) fn option_now(&self) -> AccEcn {
        let counters = [self.e0b, self.ceb, self.e1b];
        let carried = if self.options < REPEATS || self.e1b != FIRST_ECT {
            3
        } else {
            2
        };
        AccEcn::new(
            AccEcnOrder::E0bFirst,
            counters.get(..carried).unwrap_or_default(),
        )
    }

    /// A segment left; `option`: with the option in it.
    pub(super) fn on_sent(&mut self, now: Instant, option: bool) {
        self.told = self.cep;
        if option {
            self.option_due = self.option_due.saturating_sub(1);
            self.options = self.options.saturating_add(1);
            self.told_at = now;
        }
    }
}

#[cfg(test)]
mod tests;
