//! What goes into loss recovery with each acknowledgment, and what comes out of it.

use estab_timer::{Duration, Instant};

use super::CaState;
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
    /// Whether the sender was in fast recovery before or after this acknowledgment.
    pub in_recovery: bool,
    /// The state before this acknowledgment.
    pub prior_state: CaState,
    /// The state after it.
    pub state: CaState,
    /// Whether it was a duplicate (RFC 5681 §2; with SACK, RFC 6675 §2).
    pub duplicate: bool,
    /// Whether its first block reported a duplicate arrival (RFC 2883).
    pub dsack: bool,
}
