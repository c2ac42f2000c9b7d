//! What an acknowledgment says: what arrived, what left the network, how long it took.

use estab_timer::{Duration, Instant};

use super::covered::{Covered, View};
use super::ranges::Range;
use super::spurious::Said;
use super::{AckInput, AckSample, CaState, Evidence, Recovery};
use crate::SeqNumber;
use crate::congestion::Controller;
use crate::wire::tcp::SackBlock;

/// How far below SEG.ACK a D-SACK block may begin: no window is larger (RFC 7323 §2.3).
const MAX_WINDOW: u32 = 1 << 30;

/// A tick of the timestamp clock: how much longer a round trip may seem by it.
const TICK: Duration = Duration::from_millis(1);

/// What an acknowledgment says, entered into the books.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News {
    /// What it acknowledged cumulatively.
    pub(super) acked: Covered,
    /// What it acknowledged selectively.
    pub(super) sacked: Covered,
    /// Whether it is a duplicate.
    pub(super) duplicate: bool,
    /// The duplicate arrival it reports.
    pub(super) dsack: Option<Range>,
    /// What was outstanding before.
    pub(super) flight: u32,
    /// What had been delivered before.
    pub(super) prior_delivered: u64,
}

impl News {
    /// All that it acknowledged.
    pub(super) fn covered(&self) -> Covered {
        if self.sacked.bytes == 0 {
            return self.acked;
        }
        let mut covered = self.acked;
        covered.join(self.sacked);
        covered
    }

    /// Whether the segment was sent for its text and repeats what is known: one of several that left
    /// together, and not to be judged again for each.
    fn is_old(&self, input: &AckInput<'_>) -> bool {
        input.text
            && !input.ece
            && self.dsack.is_none()
            && (self.acked.bytes, self.sacked.bytes) == (0, 0)
    }

    fn said<'a>(&'a self, input: &'a AckInput<'a>) -> Said<'a> {
        Said {
            input,
            acked: &self.acked,
            sacked: &self.sacked,
            duplicate: self.duplicate,
            dsack: self.dsack,
        }
    }
}

impl Recovery {
    /// Processes an acknowledgment and tells the controller what it meant.
    ///
    /// Call it for every acceptable segment with the ACK bit. One whose `ack` is not between SND.UNA
    /// and SND.NXT changes nothing.
    pub fn on_ack(&mut self, input: &AckInput<'_>, cc: &mut Controller) -> AckSample {
        if self.is_plain(input) {
            self.on_plain_ack(input, cc)
        } else {
            self.on_any_ack(input, cc)
        }
    }

    /// As [`on_ack`](Self::on_ack), whatever the acknowledgment says.
    pub(super) fn on_any_ack(&mut self, input: &AckInput<'_>, cc: &mut Controller) -> AckSample {
        let (prior_state, prior_in_flight) = (self.state, self.in_flight());
        let mut valid = input.ack - self.board.una() <= self.outstanding();
        let is_cwnd_limited = self.usage.may_grow(cc, self.mss);
        let (mut news, mut spurious, mut newly_lost) = (News::default(), None, 0);
        if valid {
            news = self.take_in(input);
            valid = !news.is_old(input);
        }
        if valid {
            if is_cwnd_limited {
                news.flight = cc.flight_to_reduce(news.flight);
            }
            spurious = self.reconsider(&news.said(input), cc);
        }
        // What answers the original measures how late it was.
        let late = spurious.is_some_and(|it| it.evidence == Evidence::Timestamp);
        let rtt = round_trip(input, &news.acked, &news.sacked).or(input.ts_rtt.filter(|_| late));
        if let Some(rtt) = rtt {
            self.on_rtt_sample(input.now, rtt);
        }
        if valid {
            newly_lost = self.react(input, &news, cc);
            self.tell_losses(input.now, cc);
        }
        let in_recovery = |state| matches!(state, CaState::Recovery | CaState::Cwr);
        let sample = AckSample {
            now: input.now,
            newly_acked: news.acked.bytes,
            newly_sacked: news.sacked.bytes,
            newly_lost,
            prior_in_flight,
            in_flight: self.in_flight(),
            rtt,
            delivered: self.delivered,
            is_cwnd_limited,
            in_recovery: in_recovery(prior_state)
                || in_recovery(self.state)
                || spurious.is_some_and(|it| it.undone),
            prior_state,
            state: self.state,
            duplicate: news.duplicate,
            dsack: news.dsack.is_some(),
            reordered: news.acked.reordered || news.sacked.reordered,
            ece: input.ece,
            ce_bytes: input.ce_bytes,
            min_rtt: self.min_rtt.get(),
            spurious,
            reneged: news.acked.bytes > 0 && self.board.front().is_some_and(|front| front.sacked),
            estimate_before: self.conclude(rtt.is_some()),
            rate: self.sample_rate(input.now, &news.covered()),
        };
        if valid {
            cc.on_ack(&sample);
        }
        sample
    }

    /// Enters an acknowledgment into the books.
    fn take_in(&mut self, input: &AckInput<'_>) -> News {
        let (flight, prior_delivered) = (self.outstanding(), self.delivered);
        let (now, fack) = (input.now, self.fack());
        // A retransmission of less than the smallest round trip ago is not what arrived, nor is one
        // from after the timestamp that comes back, which is that of the segment which moved SND.UNA
        // (RFC 8985 §6.2 step 2, RFC 7323 §4.3).
        let since = self.min_rtt.get().unwrap_or_default();
        let resent_until = now.saturating_sub(since);
        let answered = input.ts_echo.map_or(now, |echo| end_of_tick(now, echo));
        let view = |resent_until| View { fack, resent_until };
        let acked = self
            .board
            .acknowledge(input.ack, &view(resent_until.min(answered)));
        let (sacked, dsack) = self.read_sack(input, &view(resent_until));
        let duplicate = if self.sack {
            sacked.bytes > 0
        } else {
            flight > 0 && acked.bytes == 0 && !input.text && !input.window_changed
        };
        if acked.bytes > 0 {
            // RFC 6298 §5.3, RFC 8985 §7.2: both timers start over.
            self.timeout_from = now;
            self.quiet_since = now;
        }
        self.count(acked.bytes, duplicate);
        News {
            acked,
            sacked,
            duplicate,
            dsack,
            flight,
            prior_delivered,
        }
    }

    /// RACK.fack: the end of what is acknowledged, cumulatively or selectively.
    fn fack(&self) -> SeqNumber {
        let una = self.board.una();
        self.board
            .ranges()
            .highest()
            .map_or(una, |highest| highest.max(una))
    }

    /// Takes in the SACK option (RFC 2018 §5): what is newly covered, and the duplicate that the first
    /// block may report (RFC 2883 §4, judged by SEG.ACK as §5 demands). Blocks that make no sense are
    /// skipped.
    fn read_sack(&mut self, input: &AckInput<'_>, view: &View) -> (Covered, Option<Range>) {
        let mut covered = Covered::default();
        if !self.sack {
            return (covered, None);
        }
        let dsack = dsack(input.ack, input.sack);
        for block in input.sack {
            let (una, outstanding) = (self.board.una(), self.outstanding());
            let (left, right) = (block.left - una, block.right - una);
            if 0 < left && left < right && right <= outstanding {
                covered.join(self.board.sack(block.left, block.right, self.mss, view));
            }
        }
        (covered, dsack)
    }

    /// Counts duplicates and deliveries.
    fn count(&mut self, acked: u32, duplicate: bool) {
        if acked > 0 && self.state == CaState::Recovery && self.board.una().before(self.point) {
            self.duplicates.absorb(acked, self.mss);
        } else if acked > 0 {
            self.duplicates.reset();
        }
        if duplicate {
            self.duplicates.add();
            if !self.sack && self.state != CaState::Loss {
                self.duplicates.depart(self.mss, self.departure_limit());
            }
        }
        self.acked += u64::from(acked);
        self.tally();
    }

    /// Adds up what was delivered.
    pub(super) fn tally(&mut self) {
        let ahead = self.sacked() + self.duplicates.left();
        self.delivered = self.delivered.max(self.acked + u64::from(ahead));
    }

    /// How much may count as having left the network by duplicate acknowledgments: what is
    /// outstanding, so that forged ones gain nothing (RFC 5681 §3.2); before recovery two segments,
    /// which is limited transmit (RFC 3042 §2).
    pub(super) fn departure_limit(&self) -> u32 {
        let present = self.outstanding() - self.board.sums().lost;
        match self.state {
            CaState::Recovery => present,
            _ => present.min(self.mss.saturating_mul(2)),
        }
    }
}

/// The last moment of a tick of the timestamp clock; `now` if the tick is in the future.
fn end_of_tick(now: Instant, tick: u32) -> Instant {
    let age = (now.as_millis() as u32).wrapping_sub(tick);
    if age > u32::MAX / 2 {
        return now;
    }
    let next = Instant::from_millis(now.as_millis().saturating_sub(age.into()) + 1);
    next.saturating_sub(Duration::from_nanos(1))
}

/// The round-trip time an acknowledgment measures: by the first segment it covers if none of those
/// was ever sent twice (RFC 6298 §3), else by the timestamp if SND.UNA advanced (RFC 7323 §4.1).
///
/// Not every timestamp tells which transmission was meant: a receiver that had the data, but whose
/// acknowledgment was lost, answers the retransmission with the timestamp of long ago. Believed, it
/// would make the timeout longer with every such loss. So one from before the retransmission does
/// not count.
fn round_trip(input: &AckInput<'_>, acked: &Covered, sacked: &Covered) -> Option<Duration> {
    let clean = |covered: &Covered| {
        covered
            .sent_at
            .filter(|_| covered.resent_at.is_none())
            .map(|sent_at| input.now - sent_at)
    };
    let since_resent = acked.resent_at.map_or(Duration::MAX, |at| input.now - at);
    let by_timestamp = input
        .ts_rtt
        .filter(|rtt| acked.bytes > 0 && *rtt <= since_resent.saturating_add(TICK));
    clean(acked).or(by_timestamp).or_else(|| clean(sacked))
}

/// The duplicate that the first block reports: it lies below the acknowledgment in the same segment or
/// inside the second block (RFC 2883 §4, §5).
fn dsack(ack: SeqNumber, blocks: &[SackBlock]) -> Option<Range> {
    let first = blocks
        .first()
        .filter(|block| block.left.before(block.right))?;
    let below = first.right.before_eq(ack) && ack - first.left <= MAX_WINDOW;
    let inside = blocks.get(1).is_some_and(|second| {
        second.left.before_eq(first.left) && first.right.before_eq(second.right)
    });
    (below || inside).then_some(Range {
        left: first.left,
        right: first.right,
    })
}
