//! SEGMENT ARRIVES for a half-open record (RFC 9293 §3.10.7.4 as far as it concerns SYN-RECEIVED
//! after a passive OPEN).

use alloc::boxed::Box;
use alloc::sync::Arc;

use estab_timer::{Duration, Instant};

use crate::addr::FourTuple;
use crate::config::TcpConfig;
use crate::seq::SeqNumber;
use crate::stack::demux::Slot;
use crate::stack::recent::Recent;
use crate::stack::settle::Held;
use crate::stack::syn_queue::{HalfOpen, HalfOpenId};
use crate::stack::{ListenerId, RxMeta, Stack};
use crate::tcp::negotiate::{is_echo, syn_window};
use crate::tcp::{Connection, Control, Ctx, Handshake, State};
use crate::wire::EcnCodepoint;
use crate::wire::tcp::{Flags, Segment};

/// The least time between two challenge ACKs of one record (RFC 5961 §7).
const CHALLENGE_INTERVAL: Duration = Duration::from_millis(500);

/// What to do with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The peer did not get our SYN-ACK.
    Repeat,
    /// The peer gave the attempt up, or began a new one: back to LISTEN.
    Forget,
    /// Tell the peer where we are, within the rate limit.
    Challenge(Why),
    /// Nothing.
    Drop(Why),
    /// It acknowledges what was never sent; the record stays.
    Reset,
    /// The handshake is complete.
    Open,
}

/// The counter of a dropped segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Sequence,
    Paws,
    MissingTimestamp,
    Rst,
    NoAck,
    Ack,
}

impl Stack {
    /// A segment arrives for a half-open record.
    pub(super) fn half_open_input(
        &mut self,
        now: Instant,
        id: HalfOpenId,
        tuple: FourTuple,
        seg: &Segment<'_>,
        meta: RxMeta<'_>,
    ) {
        let Some(record) = self.syn_queue.get(id) else {
            return;
        };
        let Some(listener) = self.listeners.get(record.listener) else {
            return;
        };
        match judge(now, &record.handshake, &listener.tcp, seg) {
            Verdict::Repeat => self.repeat_half_open(now, id, tuple, seg),
            Verdict::Forget => {
                let is_reset = seg.has(Flags::RST);
                self.stats.resets_in += u64::from(is_reset);
                self.stats.drop_tcp_syn += u64::from(!is_reset);
                self.stats.failed_opens += 1;
                self.remove_half_open(id);
            }
            Verdict::Challenge(why) => {
                self.count_drop(why);
                self.challenge(now, id);
            }
            Verdict::Drop(why) => self.count_drop(why),
            Verdict::Reset => {
                self.count_drop(Why::Ack);
                self.reset(tuple, seg);
            }
            Verdict::Open => self.complete_handshake(now, id, tuple, seg, meta),
        }
    }

    /// The peer repeats its SYN: it gets the SYN-ACK again. If it asks for another feedback of marks
    /// than before, it is broken, and gets a RST (RFC 9768 §3.1.5).
    fn repeat_half_open(
        &mut self,
        now: Instant,
        id: HalfOpenId,
        tuple: FourTuple,
        seg: &Segment<'_>,
    ) {
        let Some(record) = self.syn_queue.get_mut(id) else {
            return;
        };
        let Some(listener) = self.listeners.get(record.listener) else {
            return;
        };
        record.resent = true;
        record.handshake.take_route(seg);
        if record.handshake.ecn.take_repeated_syn(seg, &listener.tcp) {
            self.send_syn_ack(now, id);
        } else {
            self.stats.drop_tcp_syn += 1;
            self.stats.failed_opens += 1;
            self.remove_half_open(id);
            self.reset(tuple, seg);
        }
    }

    /// The last segment of the handshake: the record becomes a connection, unless there is no room
    /// for one; then the segment counts as lost, and the peer will send another.
    fn complete_handshake(
        &mut self,
        now: Instant,
        id: HalfOpenId,
        tuple: FourTuple,
        seg: &Segment<'_>,
        meta: RxMeta<'_>,
    ) {
        let Some(record) = self.syn_queue.get(id) else {
            return;
        };
        let (listener, mut handshake) = (record.listener, record.handshake.clone());
        if record.resent {
            // Which SYN-ACK is acknowledged cannot be told (Karn).
            handshake.synack_retries = handshake.synack_retries.max(1);
        }
        if self.has_room_for(listener)
            && let Some(held) = self.establish(now, listener, tuple, &handshake, seg, meta)
        {
            self.take_half_open(id);
            self.offer(now, listener, held, Some(Slot::HalfOpen(id)));
        }
    }

    /// Whether a listener may complete a handshake; if not, that is counted.
    pub(super) fn has_room_for(&mut self, listener: ListenerId) -> bool {
        let full = self
            .listeners
            .get(listener)
            .is_none_or(|listener| listener.is_full());
        let room = !full && self.conns.len() < self.config.limits.max_connections;
        self.stats.accept_overflows += u64::from(!room);
        room
    }

    /// Makes the connection of a completed handshake and gives it the segment that completed it,
    /// which may carry data and even a FIN; `None` if the connection does not take it.
    pub(super) fn establish(
        &mut self,
        now: Instant,
        listener: ListenerId,
        tuple: FourTuple,
        handshake: &Handshake,
        seg: &Segment<'_>,
        meta: RxMeta<'_>,
    ) -> Option<Box<Held>> {
        let tcp = Arc::clone(&self.listeners.get(listener)?.tcp);
        let path_mtu = self.ip.path_mtu(tuple.remote.ip());
        let conn = Connection::passive(now, tuple, handshake, tcp, path_mtu, self.config.mtu);
        let mut held = self.conns.place(Held::new(conn, now));
        let mut ctx = Ctx {
            now,
            stats: &mut self.stats,
            replies: &mut self.replies,
            share: self.budget.share(),
            trials: &mut self.ecn_trials,
        };
        held.conn.input(&mut ctx, seg, meta);
        if matches!(held.conn.state(), State::SynReceived | State::Closed) {
            self.conns.recycle(held);
            return None;
        }
        Some(held)
    }

    /// Puts a fresh connection into its listener's accept queue; it gets its four-tuple from `before`.
    pub(super) fn offer(
        &mut self,
        now: Instant,
        listener: ListenerId,
        mut held: Box<Held>,
        before: Option<Slot>,
    ) {
        self.stats.passive_opens += 1;
        held.accept_from = Some(listener);
        let tuple = held.conn.tuple();
        let id = self.hold_placed(held, before);
        self.recent = Recent::new(id, &tuple);
        self.push_accept(listener, id);
        self.settle(now, id);
    }

    /// Sends a record's challenge ACK (RFC 5961 §3, §4).
    fn challenge(&mut self, now: Instant, id: HalfOpenId) {
        let Some(record) = self.syn_queue.get_mut(id) else {
            return;
        };
        let at = record.challenged_at;
        if at != Instant::NEVER && now - at < CHALLENGE_INTERVAL {
            self.stats.acks_limited += 1;
            return;
        }
        record.challenged_at = now;
        let Some(listener) = self.listeners.get(record.listener) else {
            return;
        };
        let ack = record.challenge_ack(now, &listener.tcp);
        self.stats.challenge_acks += 1;
        self.replies.push_control(ack);
    }

    fn count_drop(&mut self, why: Why) {
        let stats = &mut self.stats;
        *match why {
            Why::Sequence => &mut stats.drop_tcp_sequence,
            Why::Paws => &mut stats.drop_tcp_paws,
            Why::MissingTimestamp => &mut stats.drop_tcp_missing_timestamp,
            Why::Rst => &mut stats.drop_tcp_rst,
            Why::NoAck => &mut stats.drop_tcp_no_ack,
            Why::Ack => &mut stats.drop_tcp_ack,
        } += 1;
    }
}

impl HalfOpen {
    /// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>.
    fn challenge_ack(&self, now: Instant, tcp: &TcpConfig) -> Control {
        let handshake = &self.handshake;
        let mut opts = handshake.options(now, 0);
        // What belongs to a SYN alone.
        (opts.mss, opts.window_scale, opts.sack_permitted) = (None, None, false);
        opts.accecn = None;
        let scale = handshake
            .snd_wscale
            .map_or_else(Default::default, |_| handshake.rcv_wscale);
        // Rounded up: the right edge of the SYN-ACK must not move left.
        let wnd = scale.to_wire(scale.round_up(u32::from(syn_window(tcp).0)));
        Control {
            tuple: self.key.tuple(),
            seq: handshake.iss + 1,
            ack: handshake.irs + 1,
            ctl: Flags::ACK | handshake.ecn.first_flags(),
            wnd,
            opts,
            ttl: tcp.ttl,
            tos: EcnCodepoint::NotEct.on(tcp.tos),
            route: handshake.route.clone(),
        }
    }
}

/// The checks of RFC 9293 §3.10.7.4 in their order, PAWS before them (RFC 7323 §5.3).
fn judge(now: Instant, handshake: &Handshake, tcp: &TcpConfig, seg: &Segment<'_>) -> Verdict {
    let rcv_nxt = handshake.irs + 1;
    let wnd = u32::from(syn_window(tcp).0);
    let in_window = seg.seq.within(rcv_nxt, wnd.max(1));
    if seg.has(Flags::RST) {
        return match in_window {
            true if seg.seq == rcv_nxt => Verdict::Forget,
            true => Verdict::Challenge(Why::Rst),
            false => Verdict::Drop(Why::Rst),
        };
    }
    if seg.has(Flags::SYN) && seg.seq == handshake.irs && !seg.has(Flags::ACK) {
        return Verdict::Repeat;
    }
    if let Some(verdict) = judge_timestamp(now, handshake, tcp, seg) {
        return verdict;
    }
    if !in_window && (seg.is_empty() || !rcv_nxt.within(seg.seq, seg.len())) {
        return Verdict::Challenge(Why::Sequence);
    }
    if seg.has(Flags::SYN) {
        return Verdict::Forget;
    }
    if !seg.has(Flags::ACK) {
        return Verdict::Drop(Why::NoAck);
    }
    if seg.ack != handshake.iss + 1 {
        return Verdict::Reset;
    }
    Verdict::Open
}

/// What a segment's timestamp, or the lack of one, says against it.
fn judge_timestamp(
    now: Instant,
    handshake: &Handshake,
    tcp: &TcpConfig,
    seg: &Segment<'_>,
) -> Option<Verdict> {
    let recent = handshake.ts_recent?;
    let Some(ts) = seg.opts.timestamps else {
        return tcp
            .require_timestamps
            .then_some(Verdict::Drop(Why::MissingTimestamp));
    };
    if SeqNumber::new(ts.val).before(SeqNumber::new(recent)) {
        return Some(Verdict::Challenge(Why::Paws));
    }
    let echoes_ours = is_echo(ts.ecr, handshake.ts_offset, handshake.opened_at, now);
    (seg.has(Flags::ACK) && !echoes_ours).then_some(Verdict::Challenge(Why::Ack))
}

#[cfg(test)]
mod tests;
