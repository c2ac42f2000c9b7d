//! What an acknowledgment says: what arrived, what left the network, how long it took.

use estab_timer::Duration;

use super::ranges::Range;
use super::scoreboard::Covered;
use super::spurious::Said;
use super::{AckInput, AckSample, CaState, Evidence, Recovery};
use crate::SeqNumber;
use crate::congestion::Controller;
use crate::wire::tcp::SackBlock;

/// How far below SEG.ACK a D-SACK block may begin: no window is larger (RFC 7323 §2.3).
const MAX_WINDOW: u32 = 1 << 30;

/// A tick of the timestamp clock: how much longer a round trip may seem by it.
const TICK: Duration = Duration::from_millis(1);

impl Recovery {
    /// Processes an acknowledgment and tells the controller what it meant.
    ///
    /// Call it for every acceptable segment with the ACK bit. One whose `ack` is not between SND.UNA
    /// and SND.NXT changes nothing.
    pub fn on_ack(&mut self, input: &AckInput<'_>, cc: &mut Controller) -> AckSample {
        let (prior_state, prior_in_flight) = (self.state, self.in_flight());
        let prior_outstanding = self.outstanding();
        let valid = input.ack - self.board.una() <= prior_outstanding;
        let is_cwnd_limited = self.usage.may_grow(cc, self.mss);
        let (mut acked, mut sacked) = (Covered::default(), Covered::default());
        let (mut duplicate, mut dsack, mut newly_lost) = (false, None, 0);
        let mut spurious = None;
        if valid {
            acked = self.board.acknowledge(input.ack);
            (sacked, dsack) = self.read_sack(input);
            duplicate = if self.sack {
                sacked.bytes > 0
            } else {
                prior_outstanding > 0 && acked.bytes == 0 && !input.text && !input.window_changed
            };
            self.count(acked.bytes, duplicate);
            spurious = self.reconsider(
                &Said {
                    input,
                    acked: &acked,
                    sacked: &sacked,
                    duplicate,
                    dsack,
                },
                cc,
            );
            newly_lost = self.react(input.now, acked.bytes, prior_outstanding, cc);
        }
        // What answers the original measures how late it was.
        let late = spurious.is_some_and(|it| it.evidence == Evidence::Timestamp);
        let rtt = round_trip(input, &acked, &sacked).or(input.ts_rtt.filter(|_| late));
        if let Some(rtt) = rtt {
            self.min_rtt.on_sample(input.now, rtt);
        }
        let sample = AckSample {
            now: input.now,
            newly_acked: acked.bytes,
            newly_sacked: sacked.bytes,
            newly_lost,
            prior_in_flight,
            in_flight: self.in_flight(),
            rtt,
            delivered: self.delivered,
            is_cwnd_limited,
            in_recovery: [prior_state, self.state].contains(&CaState::Recovery)
                || spurious.is_some_and(|it| it.undone),
            prior_state,
            state: self.state,
            duplicate,
            dsack: dsack.is_some(),
            ece: input.ece,
            ce_bytes: input.ce_bytes,
            min_rtt: self.min_rtt.get(),
            spurious,
            reneged: acked.bytes > 0 && self.board.front().is_some_and(|front| front.sacked),
            estimate_before: self.conclude(rtt.is_some()),
        };
        if valid {
            cc.on_ack(&sample);
        }
        sample
    }

    /// Takes in the SACK option (RFC 2018 §5): what is newly covered, and the duplicate that the first
    /// block may report (RFC 2883 §4, judged by SEG.ACK as §5 demands). Blocks that make no sense are
    /// skipped.
    fn read_sack(&mut self, input: &AckInput<'_>) -> (Covered, Option<Range>) {
        let mut covered = Covered::default();
        if !self.sack {
            return (covered, None);
        }
        let dsack = dsack(input.ack, input.sack);
        for block in input.sack {
            let (una, outstanding) = (self.board.una(), self.outstanding());
            let (left, right) = (block.left - una, block.right - una);
            if 0 < left && left < right && right <= outstanding {
                covered.join(self.board.sack(block.left, block.right, self.mss));
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
