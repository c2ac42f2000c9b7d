//! What the two SYNs agree on: MSS, window scale, timestamps, SACK (RFC 9293 §3.7.1, RFC 7323,
//! RFC 2018).

use alloc::sync::Arc;

use estab_timer::Instant;

use crate::addr::FourTuple;
use crate::config::TcpConfig;
use crate::seq::{SeqNumber, WindowScale, WireWindow};
use crate::tcp::control::Control;
use crate::tcp::ecn::negotiate::{Agreement, syn_codepoint};
use crate::tcp::source_route::route_of;
use crate::wire::SourceRoute;
use crate::wire::tcp::{Flags, Segment, TcpOptions, Timestamps};

/// Length of a TCP header without options.
pub(crate) const TCP_HEADER: u32 = 20;
/// Length of the timestamps option with its padding, carried by every segment once agreed.
pub(crate) const TIMESTAMPS_LEN: u32 = 12;
/// The smallest payload a segment is cut to, whatever MSS the peer names: a peer that asks for
/// less would multiply our work per byte (CVE-2019-11479).
pub(crate) const MIN_SEND_MSS: u32 = 48;

/// The timestamp clock: 1 ms ticks, displaced per address pair (RFC 7323 §5.4, §7.1).
pub(crate) fn timestamp(now: Instant, offset: u32) -> u32 {
    (now.as_millis() as u32).wrapping_add(offset)
}

/// Whether a peer's echo can be of a timestamp that we sent from `first` on: only who saw one can
/// tell (RFC 7323 §7.1).
pub(crate) fn is_echo(ecr: u32, offset: u32, first: Instant, now: Instant) -> bool {
    let first = timestamp(first, offset);
    ecr.wrapping_sub(first) <= timestamp(now, offset).wrapping_sub(first)
}

/// Length of an IP header without options or extensions.
pub(crate) const fn ip_header(ipv6: bool) -> u32 {
    if ipv6 { 40 } else { 20 }
}

/// The MSS to announce: what fits the device's MTU with bare headers (RFC 9293 MUST-67: options
/// are not taken off here).
pub(crate) fn announced_mss(config: &TcpConfig, mtu: u32, ipv6: bool) -> u16 {
    let fits = mtu
        .saturating_sub(ip_header(ipv6) + TCP_HEADER)
        .min(u32::from(u16::MAX));
    let wanted = config
        .max_segment
        .map_or(fits, |limit| fits.min(u32::from(limit)));
    wanted.max(MIN_SEND_MSS) as u16
}

/// The peer's MSS, or what stands for it when it sent none (RFC 9293 MUST-15).
pub(crate) fn peer_mss(option: Option<u16>, ipv6: bool) -> u32 {
    match option {
        // An MSS of zero says nothing.
        Some(mss) if mss > 0 => u32::from(mss),
        _ if ipv6 => 1220,
        _ => 536,
    }
}

/// The shift we announce: fixed by the largest buffer the connection may ever have, because it
/// cannot change later (RFC 7323 §2.2).
pub(crate) fn recv_scale(config: &TcpConfig) -> WindowScale {
    WindowScale::for_window(config.recv_buffer.max.max(config.recv_buffer.initial))
}

/// The window field of a SYN, which is never scaled (RFC 7323 §2.2).
pub(crate) fn syn_window(config: &TcpConfig) -> WireWindow {
    WindowScale::NONE.to_wire(config.recv_buffer.initial)
}

/// The options of our first SYN: all we can do.
// RFC 9293: MUST-14, SHLD-5, MAY-3.
pub(crate) fn syn_options(
    config: &TcpConfig,
    mss: u16,
    now: Instant,
    ts_offset: u32,
) -> TcpOptions {
    TcpOptions {
        mss: Some(mss),
        window_scale: config.window_scaling.then(|| recv_scale(config).shift()),
        sack_permitted: config.sack,
        timestamps: config.timestamps.then(|| Timestamps {
            val: timestamp(now, ts_offset),
            ecr: 0,
        }),
        ..TcpOptions::default()
    }
}

/// What is known of a connection between its SYN and the acknowledgement of ours.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    /// Our initial sequence number.
    pub(crate) iss: SeqNumber,
    /// The peer's.
    pub(crate) irs: SeqNumber,
    /// The peer's MSS option.
    pub(crate) peer_mss: Option<u16>,
    /// The peer's shift; `None` unless both sides offer scaling.
    pub(crate) snd_wscale: Option<WindowScale>,
    /// Our shift, in force only together with the peer's.
    pub(crate) rcv_wscale: WindowScale,
    /// Both sides offer SACK.
    pub(crate) sack: bool,
    /// The peer's latest timestamp; `None` unless both sides offer timestamps.
    pub(crate) ts_recent: Option<u32>,
    /// Displacement of our timestamp clock.
    pub(crate) ts_offset: u32,
    /// The window field of the peer's SYN.
    pub(crate) syn_wnd: WireWindow,
    /// When the SYN arrived.
    pub(crate) opened_at: Instant,
    /// When our SYN-ACK was last sent.
    pub(crate) synack_at: Instant,
    /// How often it was sent again.
    pub(crate) synack_retries: u8,
    /// What the ECN flags agree on.
    pub(crate) ecn: Agreement,
    /// The way back that the peer's SYN showed.
    pub(crate) route: Option<Arc<SourceRoute>>,
}

impl Handshake {
    /// What `seg`, a SYN, and our configuration agree on.
    pub(crate) fn from_syn(
        now: Instant,
        seg: &Segment<'_>,
        iss: SeqNumber,
        ts_offset: u32,
        config: &TcpConfig,
    ) -> Self {
        let scaling = config
            .window_scaling
            .then_some(seg.opts.window_scale)
            .flatten();
        let timestamps = config.timestamps.then_some(seg.opts.timestamps).flatten();
        Self {
            iss,
            irs: seg.seq,
            peer_mss: seg.opts.mss,
            snd_wscale: scaling.map(WindowScale::clamped),
            rcv_wscale: recv_scale(config),
            sack: config.sack && seg.opts.sack_permitted,
            ts_recent: timestamps.map(|ts| ts.val),
            ts_offset,
            syn_wnd: seg.wnd,
            opened_at: now,
            synack_at: now,
            synack_retries: 0,
            ecn: Agreement::from_syn(seg, config),
            route: route_of(seg),
        }
    }

    /// The options of our SYN-ACK: what was offered, as far as we do it too.
    pub(crate) fn options(&self, now: Instant, mss: u16) -> TcpOptions {
        TcpOptions {
            mss: Some(mss),
            window_scale: self.snd_wscale.map(|_| self.rcv_wscale.shift()),
            sack_permitted: self.sack,
            timestamps: self.ts_recent.map(|ecr| Timestamps {
                val: timestamp(now, self.ts_offset),
                ecr,
            }),
            accecn: self.ecn.syn_ack_option(self.synack_retries),
            ..TcpOptions::default()
        }
    }

    /// Our SYN-ACK, announcing `mss`.
    pub(crate) fn syn_ack(
        &self,
        now: Instant,
        tuple: FourTuple,
        config: &TcpConfig,
        mss: u16,
    ) -> Control {
        let ecn = self.ecn.syn_ack_flags();
        Control {
            tuple,
            seq: self.iss,
            ack: self.irs + 1,
            ctl: Flags::SYN | Flags::ACK | ecn,
            wnd: syn_window(config),
            opts: self.options(now, mss),
            ttl: config.ttl,
            tos: syn_codepoint(config, ecn).on(config.tos),
            route: self.route.clone(),
        }
    }
}
