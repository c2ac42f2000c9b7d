//! A snapshot of one connection, in the manner of Linux's `TCP_INFO`.

use estab_timer::{Duration, Instant};

use crate::addr::FourTuple;
use crate::recovery::CaState;
use crate::tcp::{EcnMode, State};

/// What STATUS returns (RFC 9293 §3.9.1.6): a copy of the TCB's figures at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Info {
    /// Both endpoints.
    pub tuple: FourTuple,
    /// The connection's state.
    pub state: State,
    /// Loss recovery's state.
    pub ca_state: CaState,
    /// Smoothed round-trip time; `None` before the first sample.
    pub rtt: Option<Duration>,
    /// Round-trip time variation; `None` before the first sample.
    pub rttvar: Option<Duration>,
    /// The smallest round-trip time of the last minutes; `None` before the first sample.
    pub min_rtt: Option<Duration>,
    /// The retransmission timeout in force, back-off included.
    pub rto: Duration,
    /// Consecutive timeouts without progress.
    pub back_offs: u32,
    /// Congestion window in bytes.
    pub cwnd: u32,
    /// Slow-start threshold in bytes; `u32::MAX` while no loss was seen.
    pub ssthresh: u32,
    /// Bytes believed to be on the way (RFC 6675's pipe).
    pub in_flight: u32,
    /// Bytes outstanding that are judged lost, whether sent again since or not.
    pub lost: u32,
    /// Bytes outstanding that are selectively acknowledged.
    pub sacked: u32,
    /// Bytes outstanding of which a retransmission is in flight.
    pub retransmitted: u32,
    /// Whether anything ever arrived out of order (RFC 8985 §6.2 step 3).
    pub reordering_seen: bool,
    /// By how much RACK's reordering window is multiplied (RFC 8985 §6.2 step 4); 1 at first.
    pub reo_wnd_mult: u8,
    /// The rate at which data is sent, in bytes per second; `None` if that is as fast as the windows
    /// let it.
    pub pacing_rate: Option<u64>,
    /// How fast the path delivered in the last round trip of which that can be told, in bytes per
    /// second; `None` before the first.
    pub delivery_rate: Option<u64>,
    /// Whether the application, not the path, limited that rate.
    pub delivery_rate_app_limited: bool,
    /// Bytes that arrived, by all kinds of acknowledgement.
    pub delivered: u64,
    /// Bytes sent and not yet acknowledged: SND.NXT − SND.UNA.
    pub unacked: u32,
    /// Bytes queued and not yet sent.
    pub unsent: usize,
    /// Segments retransmitted so far.
    pub retransmits: u64,
    /// Payload bytes retransmitted so far.
    pub bytes_retransmitted: u64,
    /// The peer's window in bytes: SND.WND.
    pub snd_wnd: u32,
    /// Our window in bytes: RCV.WND.
    pub rcv_wnd: u32,
    /// Shift of the peer's window field; 0 unless both sides offered scaling.
    pub snd_wscale: u8,
    /// Shift of our window field.
    pub rcv_wscale: u8,
    /// Effective send MSS: payload bytes of a full segment, options taken off.
    pub snd_mss: u32,
    /// The MSS we announced.
    pub advertised_mss: u32,
    /// The path MTU in use.
    pub path_mtu: u32,
    /// Timestamps are in use (RFC 7323).
    pub timestamps: bool,
    /// Selective acknowledgements are in use (RFC 2018).
    pub sack: bool,
    /// How marks are reported (RFC 3168, RFC 9768).
    pub ecn: EcnMode,
    /// Segments sent that the peer reported as marked; with classic feedback, those that
    /// acknowledgements with ECE covered.
    pub delivered_ce: u32,
    /// Segments that arrived marked.
    pub received_ce: u32,
    /// Payload bytes sent and acknowledged.
    pub bytes_acked: u64,
    /// Payload bytes sent, retransmissions included.
    pub bytes_sent: u64,
    /// In-order payload bytes received.
    pub bytes_received: u64,
    /// Segments sent, retransmissions and pure ACKs included.
    pub segments_out: u64,
    /// Segments received.
    pub segments_in: u64,
    /// Duplicate data reports (D-SACK) received (RFC 2883).
    pub dsacks: u64,
    /// Retransmission timeouts that proved spurious (RFC 5682, RFC 3522); stops at 65,535.
    pub spurious_timeouts: u16,
    /// Reductions of the congestion window taken back because nothing was lost (RFC 4015); stops at
    /// 65,535.
    pub reductions_undone: u16,
    /// In-order bytes the application has not read yet.
    pub readable: usize,
    /// Current receive buffer capacity in bytes.
    pub recv_capacity: u32,
    /// Heap bytes charged to this connection, its record included.
    pub memory: usize,
    /// When the connection was opened (the SYN was sent or received).
    pub opened_at: Instant,
    /// When a segment with data was last sent.
    pub last_data_sent_at: Option<Instant>,
    /// When a segment with data was last received.
    pub last_data_received_at: Option<Instant>,
    /// When any acceptable segment was last received.
    pub last_received_at: Instant,
}
