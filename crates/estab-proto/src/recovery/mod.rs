//! Loss recovery: what is lost, and what to send next.
//!
//! Three questions are kept apart: what was sent, when, and what became of it (the scoreboard); what
//! of it is lost (`detect`); and what to send next (`send`), under the window that
//! [`congestion`](crate::congestion) allows.
//!
//! With SACK, recovery is that of RFC 6675. Without, it is NewReno's (RFC 6582), in the same terms: a
//! duplicate acknowledgment takes a segment off the pipe instead of inflating the window, which comes
//! to the same and needs no second set of rules. After a timeout (RFC 6298 §5.4) everything
//! outstanding counts as lost and is sent again from SND.UNA on, in slow start, except what was
//! selectively acknowledged.

mod detect;
mod ranges;
mod records;
mod sample;
mod scoreboard;
mod send;
mod usage;

use estab_timer::{Duration, Instant};

pub use sample::{AckInput, AckSample};
pub use send::Retransmit;

use crate::SeqNumber;
use crate::congestion::Controller;
use crate::wire::tcp::SackBlock;
use detect::Duplicates;
use scoreboard::{Covered, Scoreboard};
use usage::Usage;

/// How far below SEG.ACK a D-SACK block may begin: no window is larger (RFC 7323 §2.3).
const MAX_WINDOW: u32 = 1 << 30;

/// The largest MSS the option can express (RFC 9293 §3.2): no segment is longer.
const MAX_MSS: u32 = 0xffff;

/// A tick of the timestamp clock: how much longer a round trip may seem by it.
const TICK: Duration = Duration::from_millis(1);

/// The state of loss recovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CaState {
    /// Nothing is amiss.
    #[default]
    Open,
    /// Something arrived out of order; too little to call anything lost.
    Disorder,
    /// Fast recovery (RFC 5681 §3.2, RFC 6675 §5).
    Recovery,
    /// Recovery after a retransmission timeout (RFC 5681 §3.1).
    Loss,
}

/// The loss recovery of one connection.
///
/// The connection reports what it sends and what is acknowledged. Whenever it may send, it asks, in
/// this order and until all give nothing: [`next_retransmit`](Self::next_retransmit); then, for new
/// data, [`quota`](Self::quota); then, if no new data can be sent for want of data or of the peer's
/// window, [`next_rescue`](Self::next_rescue).
///
/// Lengths count sequence numbers: bytes, and one for a FIN. At most one record per MSS outstanding
/// is kept, and a few thousand more for small segments; none while nothing is outstanding.
///
/// ```
/// use estab_proto::SeqNumber;
/// use estab_proto::congestion::{Algorithm, Controller};
/// use estab_proto::recovery::{AckInput, Recovery};
/// use estab_timer::{Duration, Instant};
///
/// let (una, mss) = (SeqNumber::new(1), 1000);
/// let mut cc = Controller::new(Algorithm::NewReno, mss);
/// let mut recovery = Recovery::new(una, mss, true);
/// assert_eq!(recovery.quota(&cc), 10_000);
///
/// recovery.on_sent(Instant::ZERO, una, 3000);
/// assert_eq!(recovery.quota(&cc), 7000);
///
/// let now = Instant::from_millis(20);
/// let ack = AckInput { now, ack: una + 3000, sack: &[], text: false, window_changed: false, ts_rtt: None };
/// let sample = recovery.on_ack(&ack, &mut cc);
/// assert_eq!((sample.newly_acked, sample.rtt), (3000, Some(Duration::from_millis(20))));
/// assert_eq!(recovery.outstanding(), 0);
/// ```
#[derive(Debug)]
pub struct Recovery {
    board: Scoreboard,
    duplicates: Duplicates,
    usage: Usage,
    mss: u32,
    state: CaState,
    /// Whether the peer sends SACK blocks.
    sack: bool,
    /// The next retransmission does not wait for room in the window.
    forced: bool,
    /// RecoveryPoint (RFC 6675), NewReno's recover + 1: SND.NXT when the last episode began. Kept
    /// just below SND.UNA afterwards, so that the comparison never wraps (RFC 6582 §6).
    point: SeqNumber,
    /// HighRxt + 1: the end of the highest retransmission of the episode.
    high_rxt: SeqNumber,
    /// RescueRxt + 1: a rescue waits until SND.UNA is beyond.
    rescue_rxt: SeqNumber,
    /// SND.UNA at the last timeout.
    timed_out: SeqNumber,
    total_retransmits: u32,
    /// All that was acknowledged cumulatively.
    acked: u64,
    delivered: u64,
    last_send_at: Option<Instant>,
}

impl Recovery {
    /// Recovery for a connection whose first data is at `una`, just after the SYN.
    ///
    /// `mss` is the most payload a segment carries, from 1 to 65,535 bytes and the same as the
    /// controller's. `sack` says whether both sides sent SACK-permitted (RFC 2018 §2).
    pub fn new(una: SeqNumber, mss: u32, sack: bool) -> Self {
        let before = una.back(1);
        Self {
            board: Scoreboard::new(una),
            duplicates: Duplicates::default(),
            usage: Usage::new(una),
            mss: mss.clamp(1, MAX_MSS),
            state: CaState::Open,
            sack,
            forced: false,
            point: before,
            high_rxt: una,
            rescue_rxt: una,
            timed_out: before,
            total_retransmits: 0,
            acked: 0,
            delivered: 0,
            last_send_at: None,
        }
    }

    /// New data was sent: `len` sequence numbers at `seq`, which is SND.NXT. A super-segment counts
    /// as the segments it is cut into.
    pub fn on_sent(&mut self, now: Instant, seq: SeqNumber, len: u32) {
        debug_assert_eq!(seq, self.board.nxt(), "new data is sent in order");
        if len > 0 {
            self.board.push(now, len, self.mss);
            self.note_send(now);
        }
    }

    /// `len` sequence numbers at `seq` were sent again, whether asked for by
    /// [`next_retransmit`](Self::next_retransmit) or not.
    pub fn on_retransmitted(&mut self, now: Instant, seq: SeqNumber, len: u32) {
        let len = len.min(self.board.nxt() - seq);
        if len == 0 || !seq.within(self.board.una(), self.outstanding()) {
            return;
        }
        let rescue = self.is_rescue(seq);
        self.board.retransmit(now, seq, len, self.mss, !rescue);
        if rescue {
            self.rescue_rxt = self.point;
        } else {
            self.high_rxt = self.high_rxt.max(seq + len);
        }
        self.forced = false;
        self.total_retransmits = self
            .total_retransmits
            .saturating_add(len.div_ceil(self.mss));
        self.note_send(now);
    }

    fn note_send(&mut self, now: Instant) {
        self.last_send_at = Some(now);
        self.usage
            .on_sent(self.in_flight(), self.board.una(), self.board.nxt());
    }

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
        let (mut duplicate, mut dsack, mut newly_lost) = (false, false, 0);
        if valid {
            acked = self.board.acknowledge(input.ack);
            (sacked, dsack) = self.read_sack(input);
            duplicate = if self.sack {
                sacked.bytes > 0
            } else {
                prior_outstanding > 0 && acked.bytes == 0 && !input.text && !input.window_changed
            };
            self.count(acked.bytes, duplicate);
            newly_lost = self.react(input.now, acked.bytes, prior_outstanding, cc);
        }
        let sample = AckSample {
            now: input.now,
            newly_acked: acked.bytes,
            newly_sacked: sacked.bytes,
            newly_lost,
            prior_in_flight,
            in_flight: self.in_flight(),
            rtt: round_trip(input, &acked, &sacked),
            delivered: self.delivered,
            is_cwnd_limited,
            in_recovery: [prior_state, self.state].contains(&CaState::Recovery),
            prior_state,
            state: self.state,
            duplicate,
            dsack,
        };
        if valid {
            cc.on_ack(&sample);
        }
        sample
    }

    /// Takes in the SACK option (RFC 2018 §5): what is newly covered, and whether the first block is
    /// a D-SACK (RFC 2883 §4, judged by SEG.ACK as §5 demands). Blocks that make no sense are skipped.
    fn read_sack(&mut self, input: &AckInput<'_>) -> (Covered, bool) {
        let mut covered = Covered::default();
        if !self.sack {
            return (covered, false);
        }
        let dsack = is_dsack(input.ack, input.sack);
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
    fn departure_limit(&self) -> u32 {
        let present = self.outstanding() - self.board.sums().lost;
        match self.state {
            CaState::Recovery => present,
            _ => present.min(self.mss.saturating_mul(2)),
        }
    }

    /// Finds what is lost, and changes the state. Gives how much was found.
    fn react(&mut self, now: Instant, acked: u32, flight: u32, cc: &mut Controller) -> u32 {
        let ended = self.is_recovering() && self.board.una().after_eq(self.point);
        if ended {
            self.leave(now, cc);
        }
        match self.state {
            CaState::Open | CaState::Disorder => {
                let lost = self.detect();
                // What was sent during the last episode and lost begins another one.
                if lost > 0 || (ended && self.lost() > 0) {
                    self.enter(now, flight, cc);
                } else {
                    self.settle();
                }
                lost
            }
            CaState::Recovery if self.sack => self.mark_below_edge(),
            CaState::Recovery if acked > 0 => {
                // A partial acknowledgment: the next hole (RFC 6582 §3.2 step 3).
                self.forced = true;
                self.board.mark_first_lost(self.mss)
            }
            CaState::Recovery | CaState::Loss => 0,
        }
    }

    fn is_recovering(&self) -> bool {
        matches!(self.state, CaState::Recovery | CaState::Loss)
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

    /// Fast recovery begins (RFC 6675 §5 step 4).
    fn enter(&mut self, now: Instant, flight: u32, cc: &mut Controller) {
        self.state = CaState::Recovery;
        self.point = self.board.nxt();
        self.forced = true;
        if !self.sack {
            // The third duplicate, of which limited transmit made no use (RFC 5681 §3.2 step 3).
            self.duplicates.depart(self.mss, self.departure_limit());
        }
        let una = self.board.una();
        self.high_rxt = una;
        self.rescue_rxt = self
            .board
            .first_pending()
            .map_or(una, |first| first.seq + first.len.min(self.mss));
        cc.on_congestion(now, flight);
    }

    /// An episode ends: all that was outstanding when it began is acknowledged.
    fn leave(&mut self, now: Instant, cc: &mut Controller) {
        if self.state == CaState::Recovery {
            cc.on_recovery_exit(now);
            if !self.sack {
                // Against a burst (RFC 6582 §3.2 step 3, full acknowledgments, option 1).
                cc.limit_cwnd(self.outstanding().max(self.mss).saturating_add(self.mss));
            }
        }
        self.state = CaState::Open;
        self.forced = false;
    }

    /// The state outside an episode.
    fn settle(&mut self) {
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
    }

    /// The retransmission timer expired: everything outstanding counts as lost (RFC 6298 §5.4).
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
        cc.on_rto(now, flight, first);
        if front.sacked {
            self.board.forget_sacks();
        }
        self.board.mark_all_lost();
        self.duplicates.reset();
        self.state = CaState::Loss;
        self.point = self.board.nxt();
        self.timed_out = una;
        self.forced = true;
    }

    /// The pipe: an estimate of what is in the network (RFC 6675 §4 SetPipe()).
    pub fn in_flight(&self) -> u32 {
        let sums = self.board.sums();
        let present = self.outstanding() - sums.sacked - sums.lost;
        present
            .saturating_sub(self.duplicates.left())
            .saturating_add(sums.in_retransmit)
    }

    /// SND.UNA.
    pub fn una(&self) -> SeqNumber {
        self.board.una()
    }

    /// SND.NXT - SND.UNA.
    pub fn outstanding(&self) -> u32 {
        self.board.outstanding()
    }

    /// How much of what is outstanding is selectively acknowledged.
    pub fn sacked(&self) -> u32 {
        self.board.sums().sacked
    }

    /// How much of what is outstanding is judged lost, whether sent again since or not.
    pub fn lost(&self) -> u32 {
        self.board.sums().lost
    }

    /// How much of what is outstanding has a retransmission in flight.
    pub fn retransmitted(&self) -> u32 {
        self.board.sums().in_retransmit
    }

    /// How many segments were sent again since the connection opened.
    pub fn total_retransmits(&self) -> u32 {
        self.total_retransmits
    }

    /// How much was delivered since the connection opened, by all kinds of acknowledgment.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// The state of recovery.
    pub fn state(&self) -> CaState {
        self.state
    }

    /// When the segment at SND.UNA was last sent; `None` if nothing is outstanding.
    pub fn oldest_unacked_sent_at(&self) -> Option<Instant> {
        self.board.front().map(|first| first.sent_at)
    }

    /// When anything was last sent, new or again: what a restart after idling is measured from
    /// (RFC 5681 §4.1).
    pub fn on_last_send_at(&self) -> Option<Instant> {
        self.last_send_at
    }

    /// Whether the flight filled the congestion window at some time in the round trip before the
    /// last acknowledgment.
    pub fn is_cwnd_limited(&self) -> bool {
        self.usage.filled()
    }

    /// Takes a new MSS, from 1 to 65,535 bytes, for what is sent from now on.
    pub fn set_mss(&mut self, mss: u32) {
        let mss = mss.clamp(1, MAX_MSS);
        if mss != self.mss {
            self.board.cut_all(self.mss);
            self.mss = mss;
        }
    }

    /// The path no longer carries what is longer than the MSS, which was lowered just before:
    /// segments that long are to be sent again. That is no sign of congestion (RFC 8201 §5.4), so
    /// neither the state nor the window changes.
    pub fn on_mtu_reduced(&mut self) {
        self.board.mark_longer_lost(self.mss);
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

/// Whether the first block reports a duplicate: it lies below the acknowledgment in the same segment
/// or inside the second block (RFC 2883 §4, §5).
fn is_dsack(ack: SeqNumber, blocks: &[SackBlock]) -> bool {
    let Some(first) = blocks
        .first()
        .filter(|block| block.left.before(block.right))
    else {
        return false;
    };
    let below = first.right.before_eq(ack) && ack - first.left <= MAX_WINDOW;
    let inside = blocks.get(1).is_some_and(|second| {
        second.left.before_eq(first.left) && first.right.before_eq(second.right)
    });
    below || inside
}

#[cfg(test)]
mod tests;
