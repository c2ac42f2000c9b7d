//! What is kept of the time before an episode of recovery, and what would prove the episode needless.
//!
//! An episode is needless if nothing was lost, only late. Three kinds of evidence tell: the timestamp
//! that the first acknowledgment echoes ([`Echo`], RFC 3522), the duplicates that the receiver reports
//! ([`Copies`], RFC 3708), and after a timeout the order of acknowledgments ([`Frto`], RFC 5682). The
//! answer, a complete return, is [`spurious`](super::spurious)'s.

mod copies;
mod echo;

use alloc::vec::Vec;

use estab_timer::{Instant, RttSnapshot};

use super::frto::Frto;
use super::ranges::Range;
use super::records::Record;
use crate::SeqNumber;
use crate::congestion::{Controller, Snapshot};
use copies::{Copies, Reported};
use echo::Echo;

/// No window is wider (RFC 7323 §2.3).
const MAX_BURST: u32 = 1 << 30;

/// How many episodes before the last one are remembered as well.
const MAX_EARLIER: usize = 4;

/// How many round trips an episode is remembered for after its end, as RACK remembers duplicates for
/// so many episodes.
const ROUNDS: u8 = 16;

/// What proved an episode needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// The first acknowledgment of new data answered the original, by its timestamp or because
    /// nothing had been sent again yet (RFC 3522).
    Timestamp,
    /// The receiver reported every retransmission as a duplicate (RFC 2883, RFC 3708).
    Duplicates,
    /// Data sent once, before the timeout, was acknowledged after it (RFC 5682).
    Acknowledgments,
}

/// An episode of recovery that was needless: nothing was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spurious {
    /// What proved it.
    pub evidence: Evidence,
    /// Whether the retransmission timer was what misled the sender, and not reordering.
    pub timeout: bool,
    /// Whether the congestion window and all that goes with it were restored: not if the peer has
    /// reported congestion since.
    pub undone: bool,
}

/// An episode, as it may have to be taken back.
#[derive(Debug)]
pub(super) struct Undo {
    /// The controller before the reduction.
    before: Snapshot,
    /// The congestion window then.
    cwnd: u32,
    /// The round-trip estimate before the timeout.
    estimate: Option<RttSnapshot>,
    echo: Echo,
    copies: Copies,
    /// Episodes shortly before this one, which were not proved needless yet: the window of this one's
    /// beginning had been reduced by theirs.
    earlier: Vec<Earlier>,
    pub(super) frto: Frto,
    /// Whether the timer expired in the episode.
    timeout: bool,
    /// Whether the peer reported congestion meanwhile (RFC 4015 §3.4).
    congested: bool,
    /// Whether it was proved needless.
    needless: bool,
    phase: Phase,
}

/// What is still kept of an episode when the next one begins.
#[derive(Debug)]
struct Earlier {
    before: Snapshot,
    copies: Copies,
}

/// Where the matter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The episode lasts.
    During,
    /// It is over. What reports its retransmissions as duplicates may be late, as the originals are:
    /// so many round trips more are waited, the present one until anything beyond `until` is
    /// acknowledged.
    After { until: SeqNumber, rounds: u8 },
    /// It was needless, as is known since SND.NXT was `since`. Until that is passed new data goes no
    /// further than `edge`.
    Settled { since: SeqNumber, edge: SeqNumber },
}

impl Phase {
    /// The episode is over and everything below `until` sent.
    fn after(until: SeqNumber) -> Self {
        Self::After {
            until,
            rounds: ROUNDS,
        }
    }
}

/// What an acknowledgment has to say in the matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Testimony {
    /// Whether SND.UNA advanced.
    pub(super) advanced: bool,
    /// Whether everything outstanding is acknowledged now.
    pub(super) all: bool,
    /// The tick of our clock that it echoes.
    pub(super) echo: Option<u32>,
    /// The duplicate it reports.
    pub(super) duplicate: Option<Range>,
    /// Whether the peer ever reported one before.
    pub(super) reports_duplicates: bool,
}

impl Undo {
    /// Bytes on the heap, its own included.
    pub(super) fn allocated(&self) -> usize {
        let earlier: usize = self.earlier.iter().map(|e| e.copies.allocated()).sum();
        let table = self.earlier.capacity() * size_of::<Earlier>();
        size_of::<Self>() + self.copies.allocated() + table + earlier
    }

    /// Gives back memory kept for what may come.
    pub(super) fn shrink(&mut self) {
        self.copies.shrink();
        self.earlier.iter_mut().for_each(|e| e.copies.shrink());
        self.earlier.shrink_to_fit();
    }

    /// An episode begins, by a timeout or by loss found at `front`, the record at SND.UNA. To be
    /// called before the controller hears of it. `last` is the episode before.
    pub(super) fn begin(
        cc: &Controller,
        front: &Record,
        timeout: bool,
        frto: Frto,
        last: Option<Self>,
    ) -> Self {
        Self {
            before: cc.snapshot(),
            cwnd: cc.cwnd(),
            estimate: None,
            echo: Echo::begin(front, timeout),
            copies: Copies::default(),
            earlier: last.map(Self::retire).unwrap_or_default(),
            frto,
            timeout,
            congested: false,
            needless: false,
            phase: Phase::During,
        }
    }

    /// What is left of the episode, and of those before it, when another one begins.
    fn retire(self) -> Vec<Earlier> {
        let mut earlier = self.earlier;
        if !self.needless && !self.congested && self.copies.is_open() {
            if earlier.len() == MAX_EARLIER {
                earlier.remove(0);
            }
            earlier.push(Earlier {
                before: self.before,
                copies: self.copies,
            });
        }
        earlier
    }

    /// The timer expired again, or for the first time in fast recovery: still the same episode
    /// (RFC 3522 §3.2, RFC 4015 §3.1).
    pub(super) fn on_another_timeout(&mut self, frto: Frto) {
        self.timeout = true;
        self.frto = frto;
    }

    /// Keeps the round-trip estimate of before the first timeout.
    pub(super) fn keep_estimate(&mut self, estimate: Option<RttSnapshot>) {
        self.estimate = self.estimate.or(estimate);
    }

    /// `len` sequence numbers at `seq` were sent again.
    pub(super) fn on_retransmitted(&mut self, now: Instant, seq: SeqNumber, len: u32) {
        if self.phase == Phase::During {
            self.echo.on_retransmitted(now);
            self.copies.add(seq, len);
            self.frto.on_retransmitted(seq + len);
        }
    }

    /// The peer reports congestion: the reduction is right whatever caused it.
    pub(super) fn on_congestion_reported(&mut self) {
        self.congested = true;
    }

    /// Weighs an acknowledgment, F-RTO's view aside.
    pub(super) fn weigh(&mut self, said: &Testimony) -> Option<Evidence> {
        let answers_original = self.phase == Phase::During
            && said.advanced
            && self.echo.first_acknowledged(said, self.timeout);
        let all_duplicates = said.duplicate.is_some_and(|it| self.report(it));
        if let Phase::Settled { .. } = self.phase {
            None
        } else if answers_original {
            Some(Evidence::Timestamp)
        } else if all_duplicates {
            Some(Evidence::Duplicates)
        } else {
            None
        }
    }

    /// A duplicate was reported. Gives whether that proves this episode needless, or one before it
    /// whose reduction is the last that is left.
    fn report(&mut self, duplicate: Range) -> bool {
        for index in 0..self.earlier.len() {
            match self.earlier[index].copies.report(duplicate) {
                Reported::Other => continue,
                Reported::One => return false,
                Reported::Last => return self.widen(index),
            }
        }
        self.copies.report(duplicate) == Reported::Last
    }

    /// An earlier episode proves needless: what came after began with a window that should not have
    /// been reduced. Gives whether nothing else holds the window down.
    fn widen(&mut self, index: usize) -> bool {
        let Earlier { before, .. } = self.earlier.remove(index);
        if let Some(next) = self.earlier.get_mut(index) {
            next.before = before;
            return false;
        }
        self.before = before;
        if let Phase::Settled { since, .. } = self.phase {
            self.phase = Phase::after(since);
        }
        self.needless
    }

    /// The episode ended by itself, with everything up to `nxt` sent.
    pub(super) fn end(&mut self, nxt: SeqNumber) {
        if self.phase == Phase::During {
            self.frto = Frto::Off;
            self.phase = Phase::after(nxt);
        }
    }

    /// The episode is proved needless, with everything up to `nxt` sent. Never true twice.
    pub(super) fn settle(&mut self, nxt: SeqNumber) -> bool {
        let first = !matches!(self.phase, Phase::Settled { .. });
        if first {
            self.needless = true;
            self.frto = Frto::Off;
            self.copies = Copies::default();
            self.phase = Phase::Settled {
                since: nxt,
                edge: nxt,
            };
        }
        first
    }

    /// Takes the reduction back unless the peer reported congestion (RFC 4015 §3.1 step 9). Gives
    /// whether it did.
    pub(super) fn restore(&self, now: Instant, cc: &mut Controller) -> bool {
        if !self.congested {
            cc.restore(now, &self.before);
        }
        !self.congested
    }

    /// The window has come back at once, so what goes out must not: an acknowledgment of `acked`
    /// bytes lets out as much as slow start would, or `burst` bytes (RFC 4015 §3.4). What one before
    /// let out stays: text that acknowledges nothing new says nothing against it.
    pub(super) fn limit_burst(&mut self, nxt: SeqNumber, acked: u32, burst: u32) {
        if let Phase::Settled { edge, .. } = &mut self.phase {
            *edge = (nxt + acked.saturating_mul(2).max(burst).min(MAX_BURST)).max(*edge);
        }
    }

    /// How much new data may follow `nxt` without being a burst.
    pub(super) fn allowance(&self, nxt: SeqNumber) -> u32 {
        match self.phase {
            Phase::Settled { edge, .. } if edge.after(nxt) => edge - nxt,
            Phase::Settled { .. } => 0,
            Phase::During | Phase::After { .. } => u32::MAX,
        }
    }

    /// Everything below `una` is acknowledged, and everything below `nxt` sent. Gives whether nothing
    /// more is expected.
    pub(super) fn is_done(&mut self, una: SeqNumber, nxt: SeqNumber) -> bool {
        match &mut self.phase {
            Phase::During => false,
            Phase::After { until, rounds } => {
                if una.after(*until) {
                    *until = nxt;
                    *rounds = rounds.saturating_sub(1);
                }
                *rounds == 0
            }
            Phase::Settled { since, .. } => {
                let passed = una.after(*since);
                if passed && !self.earlier.is_empty() {
                    self.phase = Phase::after(nxt);
                    return false;
                }
                passed
            }
        }
    }

    /// The round-trip estimate of before a timeout that proved spurious, with which the first sample
    /// of data sent since is to be taken in (RFC 4015 §3.1 step 11).
    pub(super) fn estimate(&self, una: SeqNumber) -> Option<RttSnapshot> {
        let Phase::Settled { since, .. } = self.phase else {
            return None;
        };
        self.estimate.filter(|_| self.timeout && una.after(since))
    }

    /// Whether the timer expired in the episode.
    pub(super) fn timeout(&self) -> bool {
        self.timeout
    }

    /// The congestion window when the episode began.
    pub(super) fn cwnd(&self) -> u32 {
        self.cwnd
    }
}

#[cfg(test)]
mod tests;
