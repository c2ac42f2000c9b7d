//! Loss recovery: what is lost, and what to send next.
//!
//! Three questions are kept apart: what was sent (`sent`), when, and what became of it (the
//! scoreboard); what of it is lost (`rack`, `detect`); and what to send next (`send`), under the window
//! that [`congestion`](crate::congestion) allows. `ack` takes acknowledgments in, `episode` draws the
//! consequences.
//!
//! With SACK, loss is told by time (RACK, RFC 8985), `tlp` probes for a lost tail, and `prr` spreads
//! the reduction of the window over a round trip (RFC 9937). Where that is switched off, recovery is
//! that of RFC 6675. Without SACK it is NewReno's (RFC 6582), in the same terms: a duplicate
//! acknowledgment takes a segment off the pipe instead of inflating the window, which comes to the same
//! and needs no second set of rules. After a timeout (RFC 6298 §5.4) what is outstanding and had the
//! time to arrive counts as lost and is sent again from SND.UNA on, in slow start, except what was
//! selectively acknowledged.
//!
//! All of that may turn out to have been needless, since nothing was lost but late. `undo` and `frto`
//! weigh the evidence while an episode lasts and for a round trip after it, and `spurious` puts
//! everything back (RFC 3522, RFC 3708, RFC 5682, RFC 4015). `usage` watches whether the window is
//! used at all.

mod ack;
mod covered;
mod detect;
mod dormant;
mod episode;
mod frto;
mod min_rtt;
mod plain;
mod prr;
mod rack;
mod ranges;
mod rate;
mod records;
mod resent;
mod sample;
mod scoreboard;
mod send;
mod sent;
mod spurious;
mod tlp;
mod undo;
mod usage;

use alloc::boxed::Box;

use estab_timer::{Duration, Instant, RttEstimator, Timer};

pub use rate::{LostBurst, RateSample};
pub use sample::{AckInput, AckSample};
pub use send::Retransmit;
pub use undo::{Evidence, Spurious};
pub use usage::Supply;

use crate::SeqNumber;
use crate::config::RecoveryConfig;
use covered::Sent;
use detect::Duplicates;
use episode::Episode;
use min_rtt::MinRtt;
use rack::Rack;
use rate::Rate;
use scoreboard::Scoreboard;
use tlp::Tlp;
use undo::Undo;
use usage::Usage;

/// The largest MSS the option can express (RFC 9293 §3.2): no segment is longer.
const MAX_MSS: u32 = 0xffff;

/// How long at least a receiver that seems to renege has to prove that it does not.
const RENEGING: Duration = Duration::from_millis(10);

/// The state of loss recovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CaState {
    /// Nothing is amiss.
    #[default]
    Open,
    /// Something arrived out of order; too little to call anything lost.
    Disorder,
    /// The peer reported congestion without loss (RFC 3168 §6.1.2): the window is being reduced.
    Cwr,
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
/// let sample = recovery.on_ack(&AckInput::new(now, una + 3000), &mut cc);
/// assert_eq!((sample.newly_acked, sample.rtt), (3000, Some(Duration::from_millis(20))));
/// assert_eq!(recovery.outstanding(), 0);
/// ```
#[derive(Debug)]
pub struct Recovery {
    board: Scoreboard,
    duplicates: Duplicates,
    usage: Usage,
    min_rtt: MinRtt,
    rack: Rack,
    tlp: Tlp,
    rate: Rate,
    /// What lasts as long as an episode, or something sent again is in flight.
    episode: Option<Box<Episode>>,
    mss: u32,
    state: CaState,
    rules: RecoveryConfig,
    /// Whether the peer sends SACK blocks.
    sack: bool,
    /// The next retransmission does not wait for room in the window.
    forced: bool,
    /// The window was reduced, and nobody was told yet.
    reduced: bool,
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
    /// The last transmission.
    last_sent: Sent,
    /// When the retransmission timer was last started over (RFC 6298 §5).
    timeout_from: Instant,
    /// When new data was last sent or acknowledged (RFC 8985 §7.2).
    quiet_since: Instant,
    /// Whether the peer ever reported a duplicate (RFC 2883).
    reports_duplicates: bool,
    /// The last episode, as long as it may prove needless.
    undo: Option<Box<Undo>>,
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
            min_rtt: MinRtt::default(),
            rack: Rack::new(una),
            tlp: Tlp::new(una),
            rate: Rate::new(),
            episode: None,
            mss: mss.clamp(1, MAX_MSS),
            state: CaState::Open,
            rules: RecoveryConfig::RFC_STRICT,
            sack,
            forced: false,
            reduced: false,
            point: before,
            high_rxt: una,
            rescue_rxt: una,
            timed_out: before,
            total_retransmits: 0,
            acked: 0,
            delivered: 0,
            last_sent: Sent {
                at: Instant::ZERO,
                end: una,
            },
            timeout_from: Instant::ZERO,
            quiet_since: Instant::ZERO,
            reports_duplicates: false,
            undo: None,
        }
    }

    /// The same with these rules, as far as the peer allows: to be called before anything is sent.
    #[must_use]
    pub fn with_rules(mut self, rules: &RecoveryConfig) -> Self {
        let rack = rules.rack && self.sack;
        self.rules = RecoveryConfig {
            rack,
            tail_loss_probe: rules.tail_loss_probe && rack,
            ..*rules
        };
        self
    }

    /// The round-trip time was measured by something else than data, as the handshake is.
    pub fn on_rtt_sample(&mut self, now: Instant, rtt: Duration) {
        self.min_rtt.on_sample(now, rtt);
        self.tlp.on_sample();
    }

    /// The pipe: an estimate of what is in the network (RFC 6675 §4 SetPipe()).
    #[inline]
    pub fn in_flight(&self) -> u32 {
        let sums = self.board.sums();
        let present = self.outstanding() - sums.sacked - sums.lost;
        present
            .saturating_sub(self.duplicates.left())
            .saturating_add(sums.in_retransmit)
    }

    /// Bytes on the heap: the records of what is outstanding, and what an episode keeps.
    #[inline]
    pub fn allocated(&self) -> usize {
        let episode = self.episode.as_ref().map_or(0, |episode| {
            size_of::<Episode>() + episode.resent.allocated()
        });
        let undo = self.undo.as_ref().map_or(0, |undo| undo.allocated());
        self.board.allocated() + episode + undo
    }

    /// Gives back memory kept for what may come.
    pub fn shrink(&mut self) {
        self.board.shrink();
        if let Some(undo) = &mut self.undo {
            undo.shrink();
        }
    }

    /// The most payload a segment carries, in bytes.
    #[inline]
    pub fn mss(&self) -> u32 {
        self.mss
    }

    /// SND.UNA.
    #[inline]
    pub fn una(&self) -> SeqNumber {
        self.board.una()
    }

    /// SND.NXT - SND.UNA.
    #[inline]
    pub fn outstanding(&self) -> u32 {
        self.board.outstanding()
    }

    /// How much of what is outstanding is selectively acknowledged.
    #[inline]
    pub fn sacked(&self) -> u32 {
        self.board.sums().sacked
    }

    /// How much of what is outstanding is judged lost, whether sent again since or not.
    #[inline]
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
    #[inline]
    pub fn state(&self) -> CaState {
        self.state
    }

    /// When the segment at SND.UNA was last sent; `None` if nothing is outstanding.
    pub fn oldest_unacked_sent_at(&self) -> Option<Instant> {
        self.board.front().map(|first| first.sent_at)
    }

    /// The one timer that watches what is outstanding, and when it expires: the earliest of the
    /// retransmission, probe and reordering timers (RFC 6298 §5, RFC 8985 §8). `None` if nothing is
    /// outstanding. It changes with everything that is sent or acknowledged.
    #[inline]
    pub fn deadline(&self, rtt: &RttEstimator) -> Option<(Timer, Instant)> {
        if self.outstanding() == 0 {
            return None;
        }
        let timeout = self.timeout(rtt);
        let reorder = self.reorder_deadline().map(|at| (Timer::Reorder, at));
        let probe = self.probe_deadline(rtt);
        // A probe that would come after the timeout takes its place (RFC 8985 §7.2).
        let probe = probe.map(|at| (Timer::TailLossProbe, at.min(timeout)));
        let earlier = reorder.or(probe).filter(|&(_, at)| at <= timeout);
        Some(earlier.unwrap_or((Timer::Retransmit, timeout)))
    }

    /// Whether new data that was just sent may have brought the [`deadline`](Self::deadline)
    /// forward: that which follows puts it off, if anything. The timer starts with the first segment;
    /// and with the second the peer has no reason to hold its acknowledgment back (RFC 8985 §7.2).
    #[inline]
    pub fn may_hasten(&self) -> bool {
        self.board.records() <= 2
    }

    /// When the retransmission timer expires: after the timeout, unless the receiver seems to have
    /// dropped what it had selectively acknowledged (RFC 2018 §8). Then it has half a round trip to
    /// say otherwise, as in Linux.
    #[inline]
    fn timeout(&self, rtt: &RttEstimator) -> Instant {
        let timeout = rtt.timeout_from(self.timeout_from);
        if self.doubts_receiver() {
            let half = rtt.srtt().unwrap_or_default() / 2;
            timeout.min(self.timeout_from + half.max(RENEGING))
        } else {
            timeout
        }
    }

    /// Whether the receiver seems to have dropped what it had selectively acknowledged (RFC 2018 §8):
    /// until the timer has expired or it says otherwise nothing is judged by its word.
    fn doubts_receiver(&self) -> bool {
        self.sacked() > 0 && self.board.front().is_some_and(|front| front.sacked)
    }

    /// Whether the window was reduced, for whatever reason, since this was last asked: the peer is
    /// told by CWR (RFC 3168 §6.1.2).
    #[inline]
    pub fn take_reduced(&mut self) -> bool {
        core::mem::take(&mut self.reduced)
    }

    /// The smallest round-trip time of the last minutes; `None` before the first sample.
    pub fn min_rtt(&self) -> Option<Duration> {
        self.min_rtt.get()
    }

    /// Whether anything ever arrived out of order (RFC 8985 §6.2 step 3).
    pub fn reordering_seen(&self) -> bool {
        self.rack.reordering_seen()
    }

    /// By how much the reordering window is multiplied (RFC 8985 §6.2 step 4).
    pub fn reo_wnd_mult(&self) -> u8 {
        self.rack.reo_wnd_mult()
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

#[cfg(test)]
mod tests;
