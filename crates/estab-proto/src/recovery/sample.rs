//! What goes into loss recovery with each acknowledgment, and what comes out of it.

use estab_timer::{Duration, Instant, RttSnapshot};

use super::{CaState, RateSample, Spurious};
use crate::SeqNumber;
use crate::wire::tcp::SackBlock;

/// What an acceptable segment with the ACK bit says to the sender.
#[derive(Clone, Copy, Debug)]
pub struct AckInput<'a> {
    /// When the segment was read from the device.
    pub now: Instant,
    /// SEG.ACK, from SND.UNA to SND.NXT; an ACK outside is ignored.
    pub ack: SeqNumber,
    /// The SACK option's blocks, as received: nothing about them is trusted.
    pub sack: &'a [SackBlock],
    /// Whether the segment carries data, a SYN or a FIN.
    pub text: bool,
    /// Whether the segment changed SND.WND.
    pub window_changed: bool,
    /// The round-trip time by the echoed timestamp (RFC 7323 §4), which holds for retransmitted
    /// data too.
    pub ts_rtt: Option<Duration>,
    /// TSecr as ticks of our 1 ms clock, which wrap: which transmission the segment answers
    /// (RFC 3522 §3.2). `None` without timestamps, or if nothing was echoed.
    pub ts_echo: Option<u32>,
    /// The smoothed round-trip time, which bounds the reordering window (RFC 8985 §6.2 step 4).
    pub srtt: Option<Duration>,
    /// Whether the peer reports congestion: ECE (RFC 3168 §6.1.2), or newly marked packets by
    /// accurate ECN (RFC 9768). Never on a SYN.
    pub ece: bool,
    /// How many bytes the peer newly reports as marked.
    pub ce_bytes: u32,
}

impl AckInput<'static> {
    /// A bare acknowledgment of everything below `ack` that arrived at `now`.
    pub fn new(now: Instant, ack: SeqNumber) -> Self {
        Self {
            now,
            ack,
            sack: &[],
            text: false,
            window_changed: false,
            ts_rtt: None,
            ts_echo: None,
            srtt: None,
            ece: false,
            ce_bytes: 0,
        }
    }
}

/// What one acknowledgment meant: the view that loss recovery and congestion control share.
///
/// All quantities are sequence numbers (bytes, and one for a FIN).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AckSample {
    /// When the acknowledgment arrived.
    pub now: Instant,
    /// How far SND.UNA advanced.
    pub newly_acked: u32,
    /// What was selectively acknowledged for the first time.
    pub newly_sacked: u32,
    /// What was found lost.
    pub newly_lost: u32,
    /// The pipe before this acknowledgment.
    pub prior_in_flight: u32,
    /// The pipe after it (RFC 6675 §4).
    pub in_flight: u32,
    /// The round-trip time, if this acknowledgment measures one without ambiguity
    /// (Karn's algorithm, RFC 6298 §3).
    pub rtt: Option<Duration>,
    /// All that was delivered since the connection opened, by cumulative, selective or duplicate
    /// acknowledgments.
    pub delivered: u64,
    /// Whether the flight filled the congestion window, so that the window may grow (RFC 9438 §5.8).
    pub is_cwnd_limited: bool,
    /// Whether the window was being reduced before or after this acknowledgment, for a loss or a
    /// report of congestion, or was restored by it: then it does not grow.
    pub in_recovery: bool,
    /// The state before this acknowledgment.
    pub prior_state: CaState,
    /// The state after it.
    pub state: CaState,
    /// Whether it was a duplicate (RFC 5681 §2; with SACK, RFC 6675 §2).
    pub duplicate: bool,
    /// Whether its first block reported a duplicate arrival (RFC 2883).
    pub dsack: bool,
    /// Whether something sent once was overtaken on its way (RFC 8985 §6.2 step 3).
    pub reordered: bool,
    /// Whether the peer reported congestion (RFC 3168 §6.1.2, RFC 9768).
    pub ece: bool,
    /// How many bytes the peer newly reported as marked.
    pub ce_bytes: u32,
    /// The smallest round-trip time of the last minutes.
    pub min_rtt: Option<Duration>,
    /// Whether it proved the last episode of recovery needless.
    pub spurious: Option<Spurious>,
    /// Whether it ends just where a selective acknowledgment begins: the receiver has dropped what it
    /// held (RFC 2018 §8), unless it says better soon.
    pub reneged: bool,
    /// The round-trip estimate of before a timeout that proved spurious, if `rtt` is the first one of
    /// data sent since: both make the new estimate (RFC 4015 §3.1 step 11).
    pub estimate_before: Option<RttSnapshot>,
    /// How fast the path delivers, if the controller
    /// [wants to know](crate::congestion::CongestionControl::wants_rate) and something arrived.
    pub rate: Option<RateSample>,
}

impl AckSample {
    /// A sample at `now` that says nothing: what tests of a
    /// [`CongestionControl`](crate::congestion::CongestionControl) fill in.
    pub fn new(now: Instant) -> Self {
        Self {
            now,
            newly_acked: 0,
            newly_sacked: 0,
            newly_lost: 0,
            prior_in_flight: 0,
            in_flight: 0,
            rtt: None,
            delivered: 0,
            is_cwnd_limited: false,
            in_recovery: false,
            prior_state: CaState::Open,
            state: CaState::Open,
            duplicate: false,
            dsack: false,
            reordered: false,
            ece: false,
            ce_bytes: 0,
            min_rtt: None,
            spurious: None,
            reneged: false,
            estimate_before: None,
            rate: None,
        }
    }
}
