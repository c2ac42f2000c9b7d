//! Building the planned segment and taking note of it.

use estab_timer::{Duration, Instant, Stage, Timer};

use crate::recovery::{Retransmit, Supply};
use crate::seq::SeqNumber;
use crate::tcp::connection::{Connection, Ctx, Is, Notices};
use crate::tcp::negotiate::{Handshake, syn_options, syn_window};
use crate::tcp::output::data::NewData;
use crate::tcp::output::options::blocks_within;
use crate::tcp::output::{Plan, SegmentOut};
use crate::tcp::state::State;
use crate::wire::EcnCodepoint;
use crate::wire::tcp::{AccEcn, Flags, Segment, TcpOptions};

/// Unsent bytes that are few: a super-segment's.
const LITTLE: u32 = 1 << 16;

/// A round trip so long that waiting for an acknowledgement would be felt.
const LONG: Duration = Duration::from_millis(1);

impl Connection {
    /// Puts the next segment into `out`, if one may be sent now; whether there is one.
    pub(crate) fn transmit(&mut self, ctx: &mut Ctx<'_>, out: &mut SegmentOut) -> bool {
        self.restart_after_idle(ctx.now);
        if self.recovery.take_reduced() {
            self.owe_cwr();
        }
        let Some(plan) = self.plan() else {
            return false;
        };
        match plan {
            Plan::Syn => self.emit_syn(ctx, out),
            Plan::Retransmit(lost) => self.emit_retransmission(ctx, &lost, out),
            Plan::New(new) => self.emit_new(ctx, new, out),
            Plan::Probe => self.emit_probe(ctx, out),
            Plan::Ack => {
                let due = self.acks_due;
                let accecn = self.next_accecn_option();
                self.emit(ctx, self.snd.nxt, Flags::empty(), 0..0, accecn, out);
                self.acks_due = due - 1;
            }
        }
        self.figures.segments_out += u64::from(out.segments());
        true
    }

    /// Nothing was sent for longer than an RTO: cwnd says nothing of the path any more
    /// (RFC 5681 §4.1).
    #[inline]
    fn restart_after_idle(&mut self, now: Instant) {
        if self.snd.una != self.snd.nxt || self.unsent() == 0 {
            return;
        }
        let idle = now.saturating_duration_since(self.figures.last_data_sent_at);
        if idle > self.rtt.rto() {
            self.cc.on_idle(now, idle, self.rtt.rto());
            self.recovery.forget_episode();
        }
    }

    fn emit_syn(&mut self, ctx: &mut Ctx<'_>, out: &mut SegmentOut) {
        let now = ctx.now;
        self.is.remove(Is::SYN_DUE);
        self.acks_due = 0;
        self.figures.last_data_sent_at = now;
        self.progress.on_transmit(now);
        self.timers.arm(Timer::Retransmit, now + self.rtt.syn_rto());
        self.rearm_user_timeout();
        let offset = self.ts.as_ref().map_or(0, |ts| ts.offset);
        self.note_syn_sent();
        let ecn = self.syn_ecn_flags();
        let (ack, ctl, opts) = if self.state == State::SynSent {
            let opts = syn_options(&self.config, self.advertised_mss, now, offset);
            (SeqNumber::default(), Flags::SYN, opts)
        } else {
            let opts = self.handshake(now).options(now, self.advertised_mss);
            (self.rcv.nxt, Flags::SYN | Flags::ACK, opts)
        };
        *out = SegmentOut {
            header: Segment {
                src_port: self.tuple.local.port(),
                dst_port: self.tuple.remote.port(),
                seq: self.snd.iss,
                ack,
                ctl: ctl | ecn,
                wnd: syn_window(&self.config),
                opts,
                ..Segment::default()
            },
            offset: 0,
            len: 0,
            segment_size: None,
            ttl: self.ttl,
            tos: self.syn_tos(ecn),
        };
    }

    /// What the peer's SYN agreed to, for our SYN-ACK.
    fn handshake(&self, now: Instant) -> Handshake {
        let scaled = self.rcv.scale.shift() > 0 || self.snd.scale.shift() > 0;
        Handshake {
            iss: self.snd.iss,
            irs: self.rcv.irs,
            peer_mss: None,
            snd_wscale: scaled.then_some(self.snd.scale),
            rcv_wscale: self.rcv.scale,
            sack: self.is.contains(Is::SACK),
            ts_recent: self.ts.as_ref().map(|ts| ts.recent),
            ts_offset: self.ts.as_ref().map_or(0, |ts| ts.offset),
            syn_wnd: syn_window(&self.config),
            opened_at: now,
            synack_at: now,
            synack_retries: self.rtt.back_offs().min(255) as u8,
            ecn: self
                .ecn
                .as_ref()
                .map_or_else(Default::default, |ecn| ecn.agreement()),
            route: None,
        }
    }

    #[inline]
    fn emit_new(&mut self, ctx: &mut Ctx<'_>, new: NewData, out: &mut SegmentOut) {
        let now = ctx.now;
        let seq = self.snd.nxt;
        let start = (seq - self.snd.buffer_start()) as usize;
        let mut ctl = Flags::empty();
        ctl.set(Flags::FIN, new.fin);
        let full = new.full;
        let accecn = self.next_accecn_option();
        let text = start..start + new.len as usize;
        self.emit(ctx, seq, ctl, text, accecn, out);
        if new.len > 0 {
            out.tos = self.data_tos();
            out.header.ctl |= self.take_cwr();
        }
        // No longer than IP can say, since it is less than the whole.
        out.segment_size = (new.len > full).then_some(full as u16);
        self.is.remove(Is::OVERRIDE);
        self.is
            .set(Is::FIN_SENT, self.is.contains(Is::FIN_SENT) || new.fin);
        let len = new.len + u32::from(new.fin);
        self.snd.nxt += len;
        let is_bulk = new.len >= full && self.unsent() < LITTLE;
        let runs_dry = is_bulk && self.recovery.min_rtt().is_some_and(|rtt| rtt >= LONG);
        if runs_dry || self.config.unsent_limit.is_some() {
            // Nothing need be acknowledged before more is written.
            self.notices |= Notices::WRITABLE;
        }
        // Recovery cuts a super-segment at the MSS; with less than that in a segment it is told each.
        let size = out
            .segment_size
            .map(u32::from)
            .filter(|&size| size < self.snd_mss())
            .unwrap_or(len.max(1));
        for offset in (0..len).step_by(size as usize) {
            self.recovery
                .on_sent(now, seq + offset, size.min(len - offset));
        }
        if !self.recovery.note_use(now, &self.cc) {
            let supply = self.supply(full);
            // Asked for only where it counts.
            let rto = match supply {
                Supply::Exhausted => self.rtt.rto(),
                Supply::Plenty | Supply::Buffered => Duration::MAX,
            };
            self.recovery
                .validate_window(now, rto, supply, &mut self.cc);
        }
        self.figures.bytes_sent += u64::from(new.len);
        self.figures.last_data_sent_at = now;
        self.await_ack(now, self.recovery.may_hasten());
        if !self.has_unsent() {
            self.snd.up = None;
        }
        self.note_sent(now, len);
    }

    fn emit_retransmission(&mut self, ctx: &mut Ctx<'_>, lost: &Retransmit, out: &mut SegmentOut) {
        let now = ctx.now;
        let len = lost.len;
        let start = (lost.seq - self.snd.buffer_start()) as usize;
        let end = start + len as usize;
        let held = self.send.len();
        let fin = self.is.contains(Is::FIN_SENT) && end > held;
        let mut ctl = Flags::empty();
        ctl.set(Flags::FIN, fin);
        let text = start.min(held)..end.min(held);
        self.emit_whole(ctx, lost.seq, ctl, text, out);
        self.recovery.on_retransmitted(now, lost.seq, len);
        self.figures.bytes_retransmitted += out.len as u64;
        self.figures.bytes_sent += out.len as u64;
        self.figures.last_data_sent_at = now;
        ctx.stats.retransmits += 1;
        self.trace(|| tracing::debug!(seq = lost.seq.to_u32(), len, "retransmission"));
        self.await_ack(now, true);
        self.note_sent(now, len);
    }

    /// A segment with as many SACK blocks as leave room for all the text: what was sent whole is sent
    /// again whole. An acknowledgement that wants more of them follows.
    fn emit_whole(
        &mut self,
        ctx: &mut Ctx<'_>,
        seq: SeqNumber,
        ctl: Flags,
        text: core::ops::Range<usize>,
        out: &mut SegmentOut,
    ) {
        let (acks_due, dsack) = (self.acks_due, self.dsack);
        let mut opts = self.options(ctx.now, None);
        let blocks = opts.sack.len();
        let spare = self.snd_mss().saturating_sub(text.len() as u32);
        opts.sack.truncate(blocks_within(spare));
        let reported = opts.sack.len();
        self.emit_with(ctx, seq, ctl, text, opts, out);
        if reported < blocks {
            self.acks_due = acks_due;
            // A duplicate is reported by the first block, and only once (RFC 2883 §4).
            self.dsack = dsack.filter(|_| reported == 0);
        }
    }

    /// A probe of the window or of the peer's life (RFC 9293 §3.8.6.1, §3.8.4): no data, and a
    /// number that was acknowledged already, which the peer must answer with its window.
    // RFC 9293: SHLD-12.
    fn emit_probe(&mut self, ctx: &mut Ctx<'_>, out: &mut SegmentOut) {
        self.is.remove(Is::PROBE_DUE);
        let seq = self.snd.nxt.back(1);
        self.emit(ctx, seq, Flags::empty(), 0..0, None, out);
    }

    /// A segment with the acknowledgement, window and options of this moment.
    #[inline]
    fn emit(
        &mut self,
        ctx: &mut Ctx<'_>,
        seq: SeqNumber,
        ctl: Flags,
        text: core::ops::Range<usize>,
        accecn: Option<AccEcn>,
        out: &mut SegmentOut,
    ) {
        let opts = self.options(ctx.now, accecn);
        self.emit_with(ctx, seq, ctl, text, opts, out);
    }

    #[inline]
    fn emit_with(
        &mut self,
        ctx: &mut Ctx<'_>,
        seq: SeqNumber,
        mut ctl: Flags,
        text: core::ops::Range<usize>,
        opts: TcpOptions,
        out: &mut SegmentOut,
    ) {
        ctl |= Flags::ACK;
        if !text.is_empty() {
            // RFC 9293: MUST-61, SHLD-27.
            ctl.set(Flags::PSH, text.end == self.send.len());
            if self.delayed_ack.pending() {
                self.delayed_ack.set_interactive(true);
            }
        }
        let mut up = 0;
        if let Some(mark) = self.snd.up.filter(|mark| mark.after(seq)) {
            ctl |= Flags::URG;
            up = (mark - seq).min(u32::from(u16::MAX)) as u16;
        }
        ctl |= match text.is_empty() {
            true => self.ecn_flags_of_ack(!opts.sack.is_empty()),
            false => self.ecn_flags(),
        };
        self.note_ecn_sent(ctx.now, opts.accecn.is_some());
        let wnd = self.select_window();
        self.dsack = None;
        self.acks_due = 0;
        self.delayed_ack.on_ack_sent();
        self.timers.cancel(Timer::DelayedAck);
        self.rcv.last_ack_sent = self.rcv.nxt;
        *out = SegmentOut {
            header: Segment {
                src_port: self.tuple.local.port(),
                dst_port: self.tuple.remote.port(),
                seq,
                ack: self.rcv.nxt,
                ctl,
                wnd,
                up,
                ecn: EcnCodepoint::NotEct,
                source_route: None,
                opts,
                malformed_options: false,
                text: &[],
            },
            offset: text.start,
            len: text.len(),
            segment_size: None,
            ttl: self.ttl,
            tos: self.control_tos(),
        };
    }

    /// RFC 6298 §5.1: a timer runs whenever something is out. It is looked at only if it may have to
    /// fire sooner: one that fires too soon finds out.
    #[inline]
    fn await_ack(&mut self, now: Instant, sooner: bool) {
        if sooner {
            self.arm_loss_timer(now);
        }
        if self.progress.on_transmit(now) {
            self.rearm_user_timeout();
        }
    }

    /// Keeps the user timeout in step with what is unacknowledged.
    #[inline]
    pub(in crate::tcp) fn rearm_user_timeout(&mut self) {
        let stage = if self.state.is_synchronized() {
            Stage::Data
        } else {
            Stage::Syn
        };
        match self.progress.give_up_at(&self.config.give_up, stage) {
            Some(at) => self.timers.arm(Timer::UserTimeout, at),
            None => self.timers.cancel(Timer::UserTimeout),
        }
    }
}
