//! SYN cookies (RFC 4987 §3.6): when the queue of half-open records is full, the SYN-ACK's
//! sequence number is all the memory there is.
//!
//! ```text
//!  31                                          3 2    0
//! +---------------------------------------------+------+
//! | keyed hash of tuple, IRS, time slot, class  | MSS  |
//! +---------------------------------------------+------+
//! ```
//!
//! A cookie holds for its slot of 64 s and the next, and only while the listener overflowed within
//! that time: a guess of 2²⁸ is not worth making when nothing else would be accepted. Window scale
//! SACK and classic ECN travel in the low bits of our timestamp, which the peer echoes; a peer
//! without timestamps gets none of them. Accurate ECN needs no room: the peer's count tells. Nor does
//! a source route: the acknowledgement that brings the cookie back shows it again.

use alloc::sync::Arc;

use estab_timer::{Duration, Instant};

use crate::addr::FourTuple;
use crate::config::TcpConfig;
use crate::seq::{SeqNumber, WindowScale};
use crate::stack::secret::Key;
use crate::stack::tuple::TupleKey;
use crate::stack::{ListenerId, RxMeta, Stack, isn};
use crate::tcp::Handshake;
use crate::tcp::ecn::EcnMode;
use crate::tcp::ecn::negotiate::Agreement;
use crate::tcp::negotiate::{announced_mss, peer_mss, recv_scale, timestamp};
use crate::tcp::source_route::route_of;
use crate::wire::tcp::{Flags, Segment};

/// A time slot, in seconds.
const SLOT_SECS: u64 = 64;

/// How long a cookie may hold: its slot and the next.
const LIFETIME: Duration = Duration::from_secs(2 * SLOT_SECS);

/// The MSS a cookie can name, in bytes: what links in use lead to.
const MSS_CLASSES: [u16; 8] = [128, 536, 1220, 1360, 1400, 1440, 1460, 8940];

/// The bits of a cookie that name the MSS.
const CLASS_BITS: u32 = 3;

/// The bits of our timestamp that carry options: four of window scale, one of SACK, and one of
/// classic ECN.
const OPTION_MASK: u32 = 0x3f;
const SCALE_MASK: u32 = 0x0f;
const NO_SCALE: u32 = 0x0f;
const SACK_BIT: u32 = 0x10;
const ECN_BIT: u32 = 0x20;

/// The hash in a cookie.
fn mac(key: &Key, tuple: &TupleKey, irs: SeqNumber, slot: u64, class: u32) -> u32 {
    let mut input = [0; 36 + 4 + 8 + 1];
    input[..36].copy_from_slice(tuple.bytes());
    input[36..40].copy_from_slice(&irs.to_u32().to_be_bytes());
    input[40..48].copy_from_slice(&slot.to_be_bytes());
    input[48] = class as u8;
    key.prf(&input) as u32
}

/// The cookie for a SYN of `irs` whose peer takes segments of `mss` bytes.
fn encode(key: &Key, tuple: &TupleKey, irs: SeqNumber, now: Instant, mss: u32) -> SeqNumber {
    let fitting = MSS_CLASSES
        .iter()
        .rposition(|&class| u32::from(class) <= mss);
    let class = fitting.unwrap_or(0) as u32;
    let mac = mac(key, tuple, irs, now.as_millis() / 1000 / SLOT_SECS, class);
    SeqNumber::new(mac << CLASS_BITS | class)
}

/// The MSS that `cookie` names, if it is one of ours and still holds.
fn decode(
    key: &Key,
    tuple: &TupleKey,
    irs: SeqNumber,
    now: Instant,
    cookie: SeqNumber,
) -> Option<u16> {
    let class = cookie.to_u32() & ((1 << CLASS_BITS) - 1);
    let slot = now.as_millis() / 1000 / SLOT_SECS;
    [Some(slot), slot.checked_sub(1)]
        .into_iter()
        .flatten()
        .any(|slot| mac(key, tuple, irs, slot, class) << CLASS_BITS | class == cookie.to_u32())
        .then(|| MSS_CLASSES[class as usize])
}

/// A timestamp not later than `clock` that carries the options of `handshake`.
fn encode_options(clock: u32, handshake: &Handshake) -> u32 {
    let scale = handshake
        .snd_wscale
        .map_or(NO_SCALE, |scale| u32::from(scale.shift()));
    let sack = if handshake.sack { SACK_BIT } else { 0 };
    let ecn = match handshake.ecn.mode {
        EcnMode::Classic => ECN_BIT,
        EcnMode::Off | EcnMode::Accurate => 0,
    };
    let value = clock & !OPTION_MASK | scale | sack | ecn;
    if SeqNumber::new(value).after(SeqNumber::new(clock)) {
        value.wrapping_sub(OPTION_MASK + 1)
    } else {
        value
    }
}

impl Stack {
    /// Answers a SYN for which there is no room with a cookie; drops it if not even a completed
    /// handshake would find room.
    pub(super) fn send_cookie(
        &mut self,
        now: Instant,
        id: ListenerId,
        tuple: FourTuple,
        mut handshake: Handshake,
    ) {
        let Some(listener) = self.listeners.get_mut(id) else {
            return;
        };
        if listener.is_full() {
            self.stats.drop_syn += 1;
            return;
        }
        if listener.overflow_at.is_none_or(|at| now - at >= LIFETIME) {
            tracing::warn!(local = %tuple.local, "SYN queue is full: answering with cookies");
        }
        listener.overflow_at = Some(now);
        let key = TupleKey::new(&tuple);
        let mss = peer_mss(handshake.peer_mss, tuple.is_ipv6());
        handshake.iss = encode(&self.secrets.cookie, &key, handshake.irs, now, mss);
        if handshake.ts_recent.is_none() {
            handshake.snd_wscale = None;
            handshake.sack = false;
            if handshake.ecn.mode == EcnMode::Classic {
                handshake.ecn = Agreement::default();
            }
        }
        let mss = announced_mss(&listener.tcp, self.config.mtu, tuple.is_ipv6());
        let mut syn_ack = handshake.syn_ack(now, tuple, &listener.tcp, mss);
        if let Some(ts) = &mut syn_ack.opts.timestamps {
            ts.val = encode_options(ts.val, &handshake);
        }
        self.stats.syn_cookies_sent += 1;
        self.replies.push_control(syn_ack);
    }

    /// An acknowledgement arrives for a listener: returns whether it was taken care of, because it
    /// brought a valid cookie back.
    pub(super) fn cookie_input(
        &mut self,
        now: Instant,
        id: ListenerId,
        tuple: FourTuple,
        seg: &Segment<'_>,
        meta: RxMeta<'_>,
    ) -> bool {
        let Some(listener) = self.listeners.get(id) else {
            return false;
        };
        if !seg.has(Flags::ACK)
            || seg.ctl.intersects(Flags::SYN | Flags::RST)
            || listener.overflow_at.is_none_or(|at| now - at >= LIFETIME)
        {
            return false;
        }
        let tcp = Arc::clone(&listener.tcp);
        let Some(handshake) = self.recall(now, &tuple, seg, &tcp) else {
            self.stats.syn_cookies_refused += 1;
            return false;
        };
        if self.has_room_for(id)
            && let Some(held) = self.establish(now, id, tuple, &handshake, seg, meta)
        {
            self.stats.syn_cookies_accepted += 1;
            self.offer(now, id, held, None);
        }
        true
    }

    /// The handshake that a valid cookie stands for.
    fn recall(
        &self,
        now: Instant,
        tuple: &FourTuple,
        seg: &Segment<'_>,
        tcp: &TcpConfig,
    ) -> Option<Handshake> {
        let key = TupleKey::new(tuple);
        let (iss, irs) = (seg.ack.back(1), seg.seq.back(1));
        let mss = decode(&self.secrets.cookie, &key, irs, now, iss)?;
        let ts_offset = isn::timestamp_offset(&self.secrets, &key);
        let timestamps = tcp.timestamps.then_some(seg.opts.timestamps).flatten();
        let echoed = timestamps.map(|ts| ts.ecr);
        let age = match echoed {
            Some(ecr) => u64::from(timestamp(now, ts_offset).wrapping_sub(ecr)),
            None => 0,
        };
        if age > LIFETIME.as_millis() as u64 + u64::from(OPTION_MASK) {
            return None;
        }
        let options = echoed.unwrap_or(NO_SCALE);
        let scale = options & SCALE_MASK;
        let sent_at = now - Duration::from_millis(age);
        Some(Handshake {
            iss,
            irs,
            peer_mss: Some(mss),
            snd_wscale: (scale != NO_SCALE).then(|| WindowScale::clamped(scale as u8)),
            rcv_wscale: recv_scale(tcp),
            sack: options & SACK_BIT != 0,
            ts_recent: timestamps.map(|ts| ts.val),
            ts_offset,
            syn_wnd: seg.wnd,
            opened_at: sent_at,
            synack_at: sent_at,
            // Without a timestamp nobody knows when the SYN-ACK left: no round-trip sample.
            synack_retries: u8::from(echoed.is_none()),
            ecn: Agreement::from_cookie(seg, tcp, echoed.is_some_and(|it| it & ECN_BIT != 0)),
            route: route_of(seg),
        })
    }
}

#[cfg(test)]
mod tests;
