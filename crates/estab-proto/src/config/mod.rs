//! Everything that can be set, per stack and per connection.
//!
//! [`StackConfig`] holds what a stack has once; [`TcpConfig`] what each connection has, taken from
//! the stack's default unless the open brings its own. [`TcpConfig::modern`] behaves like a
//! current Linux on the wire; [`TcpConfig::rfc_strict`] keeps to the letter of the RFCs where the
//! two differ (see each field).

mod ecn;
mod recovery;
pub(crate) mod variants;

use alloc::vec::Vec;
use core::net::IpAddr;
use estab_timer::{
    DelayedAckConfig, Duration, FinWait2Config, GiveUpConfig, KeepaliveConfig, PersistConfig,
    RtoConfig, RtoFloor, TimeWaitConfig,
};

pub use ecn::Ecn;
pub use recovery::RecoveryConfig;

use crate::addr::IpCidr;
use crate::congestion::{Algorithm, Pacing};
pub use crate::wire::SourceRoute;

/// What a stack has once.
#[derive(Clone, Debug)]
pub struct StackConfig {
    /// The stack's own addresses.
    pub addrs: Vec<IpCidr>,
    /// Accept packets for every destination address, so that listeners on any address see the
    /// original destination (transparent proxies, VPN and tun2socks apps).
    pub any_ip: bool,
    /// The device's MTU in bytes, IP header included: at least 68 for IPv4 and 1280 for IPv6.
    pub mtu: u32,
    /// The device completes TCP checksums: the checksum field of what is transmitted holds only the
    /// sum of the pseudo-header.
    pub checksum_offload: bool,
    /// The device cuts super-segments of up to this many bytes, IP header included, into segments
    /// of [`Transmit::segment_size`](crate::Transmit::segment_size); `None`: it does not. Without
    /// effect unless `checksum_offload` is set.
    pub segmentation: Option<u32>,
    /// The same for peers in a network of [`addrs`](Self::addrs), if it is more. Such a packet may be
    /// longer than an IP header can say: then an IPv4 header says 0, as Linux takes it from 6.3 on, and
    /// an IPv6 packet is a jumbogram (RFC 2675). Without effect unless `segmentation` is set.
    pub link_segmentation: Option<u32>,
    /// Answer ICMP echo requests.
    pub echo_replies: bool,
    /// Take TCP segments that came along an IPv4 source route which ends here, and answer along its
    /// reverse (RFC 9293 MUST-53). Off by default, as in Linux: such packets are dropped, because
    /// whoever names the route sees the answers, whatever address it forged (RFC 7126 §4.3). Those
    /// that are to go on from here are dropped in any case. IPv6 has no source routes (RFC 5095).
    pub source_routes: bool,
    /// Caps on everything a peer can make grow.
    pub limits: Limits,
    /// How initial sequence numbers are chosen.
    pub isn: IsnPolicy,
    /// First and last local port that `connect` may pick (RFC 6056 §3.2).
    pub ephemeral_ports: (u16, u16),
    /// The defaults of each connection.
    pub tcp: TcpConfig,
    /// After how long without anything to do a connection is kept in a few hundred bytes instead of
    /// more than a thousand, until it is needed again; waking it costs some thousand instructions.
    /// While many open, a 256th of it is enough for those that came first. Nothing else tells the
    /// difference. A connection under BBR, or an algorithm of the user's, is not kept so. `None`: never.
    pub dormant_after: Option<Duration>,
}

impl StackConfig {
    /// Bytes of the longest packet to an address that the device cuts, if it cuts any.
    pub(crate) fn longest_to(&self, remote: IpAddr) -> Option<u32> {
        let longest = self.segmentation.filter(|_| self.checksum_offload)?;
        let is_near = || self.addrs.iter().any(|cidr| cidr.contains(remote));
        let near = self.link_segmentation;
        Some(
            near.filter(|&near| near > longest && is_near())
                .unwrap_or(longest),
        )
    }
}

impl Default for StackConfig {
    fn default() -> Self {
        Self {
            addrs: Vec::new(),
            any_ip: false,
            mtu: 1500,
            checksum_offload: false,
            segmentation: None,
            link_segmentation: None,
            echo_replies: true,
            source_routes: false,
            limits: Limits::default(),
            isn: IsnPolicy::Keyed,
            ephemeral_ports: (1024, 65535),
            tcp: TcpConfig::modern(),
            dormant_after: Some(Duration::from_secs(1)),
        }
    }
}

/// How initial sequence numbers are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsnPolicy {
    /// A 4 µs clock plus a keyed hash of the four-tuple (RFC 6528).
    #[default]
    Keyed,
    /// Always this number: for tests of the wrap. Predictable and therefore unsafe on a network.
    Fixed(u32),
}

/// Caps on everything a peer can make grow. Each refusal is counted in [`Stats`](crate::Stats).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Connections with a full TCB.
    pub max_connections: usize,
    /// Half-open records over all listeners; beyond it SYN cookies take over.
    pub max_half_open: usize,
    /// How often a listener's SYN-ACK is sent again, after 1 s and then twice as long each time,
    /// before the attempt is forgotten.
    pub syn_ack_retries: u8,
    /// TIME-WAIT records; beyond it the oldest is dropped.
    pub max_time_wait: usize,
    /// Packets waiting in the reply queue (RST, SYN-ACK, ICMP); beyond it replies are dropped.
    pub max_replies: usize,
    /// Bytes of memory that the buffers of all connections may hold together: text, and the records
    /// of what is outstanding. The default is 512 MiB; give it what the machine can spare, divided
    /// by the number of stacks.
    ///
    /// From three quarters of it on windows grow no further and no connection may take more than its
    /// share: what is announced from then on is small, writes wait, and text beyond the share is
    /// dropped as if it had been lost on the way. At the limit each one may still hold 8 KiB each
    /// way, so that all get on; nothing more is taken beyond a hole, and those that have held text
    /// there for the longest lose it. Announced windows are never taken back. What
    /// is refused is counted in
    /// [`Stats::refused_memory_bytes`](crate::Stats::refused_memory_bytes) and
    /// [`Stats::pruned_bytes`](crate::Stats::pruned_bytes), what is held is
    /// [`Counts::buffer_bytes`](crate::Counts::buffer_bytes).
    pub buffer_bytes: usize,
    /// Bytes held for reassembly of IP fragments.
    pub max_reassembly_bytes: usize,
    /// ICMP errors sent per second over all destinations (RFC 4443 §2.4 (f), RFC 1812 §4.3.2.8).
    pub icmp_errors_per_second: u32,
    /// RSTs sent per second in answer to segments that belong to no connection.
    pub resets_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1 << 20,
            max_half_open: 4096,
            syn_ack_retries: 5,
            max_time_wait: 32_768,
            max_replies: 4096,
            buffer_bytes: 512 << 20,
            max_reassembly_bytes: 256 << 10,
            icmp_errors_per_second: 1000,
            resets_per_second: 1000,
        }
    }
}

/// Sizes of one direction's buffer, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferConfig {
    /// The size a connection starts with. Nothing is allocated until bytes arrive.
    pub initial: u32,
    /// The size up to which autotuning may grow it; equal to `initial`, autotuning is off. No
    /// receive window is wider than 1 GiB (RFC 7323 §2.3).
    pub max: u32,
}

/// What each connection has.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TcpConfig {
    /// Receive buffer: what the advertised window is made of.
    pub recv_buffer: BufferConfig,
    /// Send buffer: bytes accepted from the application and not yet acknowledged.
    pub send_buffer: BufferConfig,
    /// How many bytes of the send buffer may wait for their first transmission, in bytes; `None`,
    /// the default: all. A limit keeps what is written close to what the network takes, so that the
    /// application decides late what to send next. Linux calls it `TCP_NOTSENT_LOWAT`.
    pub unsent_limit: Option<u32>,
    /// Switch Nagle's algorithm off (RFC 9293 MUST-17).
    pub nodelay: bool,
    /// Largest segment to announce and send, beside what the MTU allows; `None`: the MTU alone.
    pub max_segment: Option<u16>,
    /// Offer and accept window scaling (RFC 7323 §2).
    pub window_scaling: bool,
    /// Offer and accept timestamps (RFC 7323 §3).
    pub timestamps: bool,
    /// Drop segments without a timestamp once timestamps are agreed (RFC 7323 §3.2). Off by
    /// default, as in Linux: old peers leave them out of some segments.
    pub require_timestamps: bool,
    /// Offer and accept selective acknowledgements (RFC 2018).
    pub sack: bool,
    /// Time-to-live or hop limit of the connection's packets, 1 to 255 (RFC 9293 MUST-49).
    pub ttl: u8,
    /// The Diffserv field, shifted as in the header: the low two bits are ECN's and ignored
    /// (RFC 9293 MUST-48).
    pub tos: u8,
    /// Probe an idle peer (RFC 9293 §3.8.4); `None`, the default, is off (MUST-25).
    pub keepalive: Option<KeepaliveConfig>,
    /// What becomes of unsent bytes when the handle is dropped; `None`: they are still sent.
    /// `Some(0)`: reset at once; `Some(t)`: reset if not all is acknowledged after `t`.
    pub linger: Option<Duration>,
    /// Retransmission timeout (RFC 6298).
    pub rto: RtoConfig,
    /// Delayed and quick acknowledgements (RFC 9293 §3.8.6.3).
    pub delayed_ack: DelayedAckConfig,
    /// R1, R2 and the user timeout (RFC 9293 §3.8.3).
    pub give_up: GiveUpConfig,
    /// MSL, hence TIME-WAIT (RFC 9293 §3.4.2).
    pub time_wait: TimeWaitConfig,
    /// How long a connection nobody holds any more waits in FIN-WAIT-2 for the peer's FIN.
    pub fin_wait_2: FinWait2Config,
    /// First zero-window probe's floor and the cap of the back-off (RFC 9293 §3.8.6.1).
    pub persist: PersistConfig,
    /// The congestion control algorithm.
    pub congestion: Algorithm,
    /// Leave the first slow start when the queue grows, before it overflows (RFC 9406).
    pub hystart: bool,
    /// CUBIC's fast convergence (RFC 9438 §4.7): a window that is smaller at a loss than it was at
    /// the one before leaves more than it must to others, who seem to have joined. On by default;
    /// without it a sender that is alone on a path whose rate has fallen is back at its share sooner.
    pub fast_convergence: bool,
    /// Whether segments leave spread over the round trip.
    pub pacing: Pacing,
    /// The most to send at, in bytes per second, where sending is paced; `None`: no bound.
    pub max_pacing_rate: Option<u64>,
    /// The rules by which losses are found and repaired.
    pub recovery: RecoveryConfig,
    /// Explicit congestion notification (RFC 3168, RFC 9768).
    pub ecn: Ecn,
    /// The hops that the segments of an active open go by, over IPv4 (RFC 9293 MUST-51); `None`: the
    /// way the network takes. Without effect on listeners, whose connections answer along the route
    /// by which the peer came if [`StackConfig::source_routes`] is set. Most routers drop
    /// source-routed packets (RFC 7126 §4.3).
    pub source_route: Option<SourceRoute>,
}

impl TcpConfig {
    /// The default: what a current Linux shows on the wire.
    pub fn modern() -> Self {
        Self {
            recv_buffer: BufferConfig {
                initial: 128 << 10,
                max: 256 << 20,
            },
            send_buffer: BufferConfig {
                initial: 256 << 10,
                max: 256 << 20,
            },
            unsent_limit: None,
            nodelay: false,
            max_segment: None,
            window_scaling: true,
            timestamps: true,
            require_timestamps: false,
            sack: true,
            ttl: 64,
            tos: 0,
            keepalive: None,
            linger: None,
            rto: RtoConfig::default(),
            delayed_ack: DelayedAckConfig::default(),
            give_up: GiveUpConfig::default(),
            time_wait: TimeWaitConfig::default(),
            fin_wait_2: FinWait2Config::default(),
            persist: PersistConfig::default(),
            congestion: Algorithm::default(),
            hystart: true,
            fast_convergence: true,
            pacing: Pacing::default(),
            max_pacing_rate: None,
            recovery: RecoveryConfig::default(),
            ecn: Ecn::default(),
            source_route: None,
        }
    }

    /// The letter of the RFCs: an RTO of at least 1 s (RFC 6298 §2.4), an MSL of 2 minutes
    /// (RFC 9293 §3.4.2), R2 of 5 minutes (§3.9.1.1), no segment without its timestamp, losses told by
    /// counting (RFC 6675) and by the retransmission timer alone (RFC 6298).
    pub fn rfc_strict() -> Self {
        let mut config = Self::modern();
        config.rto.min = Duration::from_secs(1);
        config.rto.floor = RtoFloor::Clamp;
        config.time_wait.msl = Duration::from_secs(120);
        config.give_up = GiveUpConfig::RFC_STRICT;
        config.require_timestamps = true;
        config.recovery = RecoveryConfig::RFC_STRICT;
        config
    }
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self::modern()
    }
}
