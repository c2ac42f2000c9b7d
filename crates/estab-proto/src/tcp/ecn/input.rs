//! What a segment that arrives means for ECN.

use estab_timer::Timer;

use crate::tcp::connection::{Connection, Ctx, Is};
use crate::tcp::control::Control;
use crate::tcp::ecn::feedback::Report;
use crate::tcp::ecn::negotiate::{
    Agreement, asked, is_plausible, still_asks, syn_codepoint, syns_that_ask,
};
use crate::tcp::ecn::{Ecn, EcnMode, Mode};
use crate::tcp::state::State;
use crate::wire::EcnCodepoint;
use crate::wire::tcp::{Flags, Segment};

/// In its quick phase the receiver acknowledges this many segments more at once after a mark: the
/// sender's window is about to shrink.
const QUICK_AFTER_MARK: u8 = 2;

/// What an acknowledgement says about our packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::tcp) struct Congestion {
    /// The peer reports congestion.
    pub(in crate::tcp) ece: bool,
    /// Bytes newly reported as marked.
    pub(in crate::tcp) bytes: u32,
}

impl Connection {
    /// Takes over what the SYNs agreed on.
    pub(in crate::tcp) fn agree_on_ecn(&mut self, agreed: &Agreement) {
        self.ecn = Ecn::new(agreed, &self.config);
    }

    /// The SYN-ACK to our SYN came: whether a SYN that asks gets through is known now. One with flags
    /// answers such a SYN, even if it was the last that had none.
    pub(in crate::tcp) fn note_trial(&self, ctx: &mut Ctx<'_>, seg: &Segment<'_>) {
        let asked = asked(&self.config);
        if asked == EcnMode::Off || self.is.contains(Is::ECN_HOPELESS) {
            return;
        }
        let peer = self.tuple.remote.ip();
        if still_asks(asked, self.rtt.back_offs()) || seg.ctl.ace() != 0 {
            ctx.trials.answered(peer);
        } else {
            ctx.trials.unanswered(ctx.now, peer, syns_that_ask(asked));
        }
    }

    /// The SYN-ACK to our SYN came: the first packet whose mark and whose option count.
    pub(in crate::tcp) fn take_mark_of_syn_ack(&mut self, ctx: &mut Ctx<'_>, seg: &Segment<'_>) {
        let Some(ecn) = &mut self.ecn else {
            return;
        };
        let Mode::Accurate { marks, told } = &mut ecn.feedback else {
            return;
        };
        let sent = syn_codepoint(&self.config, Flags::ECE);
        ctx.stats.ecn_broken_paths += u64::from(!is_plausible(sent, seg.ctl.ace()));
        told.on_syn_ack(seg.opts.accecn.as_ref());
        if seg.ecn.is_ce() {
            ecn.received_ce += 1;
            marks.on_marked_syn_ack();
        }
    }

    /// Our SYN-ACK is acknowledged: a bare acknowledgement says how it arrived (RFC 9768 table 4),
    /// any other segment must have a count.
    pub(in crate::tcp) fn take_report_on_syn_ack(&mut self, ctx: &mut Ctx<'_>, seg: &Segment<'_>) {
        let Some(ecn) = &mut self.ecn else {
            return;
        };
        let Mode::Accurate { told, .. } = &mut ecn.feedback else {
            return;
        };
        if seg.has(Flags::SYN) {
            // SYNs crossed; the ACE field of a SYN is none.
            return;
        }
        ecn.fresh = false;
        let ace = seg.ctl.ace();
        let is_bare = seg.is_empty() && seg.opts.sack.is_empty();
        let sent = syn_codepoint(&self.config, Flags::ECE);
        if is_bare && ace == 0b110 {
            told.on_marked_syn_ack();
        }
        if ace == 0 || (is_bare && !is_plausible(sent, ace)) {
            ecn.ect = false;
            ctx.stats.ecn_broken_paths += 1;
        }
    }

    /// The peer repeats its SYN in SYN-RECEIVED; false if it contradicts the one before.
    pub(in crate::tcp) fn take_repeated_syn(&mut self, seg: &Segment<'_>) -> bool {
        let Some(ecn) = &mut self.ecn else {
            return true;
        };
        let mut agreed = ecn.agreement();
        let fits = agreed.take_repeated_syn(seg, &self.config);
        ecn.ect = agreed.ect;
        fits
    }

    /// An acceptable segment arrived; its text has not been taken yet. Stands for `segments` plain
    /// ones. True if it is to be acknowledged at once.
    pub(in crate::tcp) fn take_mark(
        &mut self,
        ctx: &mut Ctx<'_>,
        seg: &Segment<'_>,
        segments: u32,
    ) -> bool {
        let Some(ecn) = &mut self.ecn else {
            return false;
        };
        let unacked = self.delayed_ack.pending();
        let ack_due = self.acks_due > 0 || unacked;
        let is_sack = self.is.contains(Is::SACK);
        let marked = seg.ecn.is_ce();
        if marked {
            ecn.received_ce = ecn.received_ce.saturating_add(segments);
            ctx.stats.ce_in += u64::from(segments);
        }
        let len = seg.text.len() as u32;
        let now = match &mut ecn.feedback {
            // Only text can have been sent as ECN-capable (RFC 3168 §6.1.4).
            Mode::Classic(_) if len == 0 => return false,
            Mode::Classic(classic) => {
                let flips = classic.flips(marked);
                if flips && unacked {
                    self.ack_before(ctx);
                }
                self.classic_text(seg)
            }
            Mode::Accurate { marks, .. } => {
                let due = marks.on_segment(seg.ecn, segments, len, unacked);
                if len > 0 && seg.ecn != EcnCodepoint::NotEct {
                    marks.tick(ctx.now, self.rtt.srtt());
                }
                // Without SACK an acknowledgement of an acknowledgement would look like a
                // duplicate.
                let due = due && (len > 0 || is_sack);
                ecn.bare = len == 0 && (ecn.bare || (due && !ack_due));
                due
            }
        };
        if marked {
            self.hurry_after_mark();
        }
        now
    }

    /// A marked segment came: the next ones are acknowledged at once.
    pub(in crate::tcp) fn hurry_after_mark(&mut self) {
        self.delayed_ack.enter_quick(QUICK_AFTER_MARK);
    }

    fn classic_text(&mut self, seg: &Segment<'_>) -> bool {
        let Some(Mode::Classic(classic)) = self.ecn.as_mut().map(|ecn| &mut ecn.feedback) else {
            return false;
        };
        classic.on_text(seg.has(Flags::CWR), seg.ecn.is_ce())
    }

    /// Acknowledges what came before a change of the exact echo, with the old one (RFC 8257 §3.2).
    fn ack_before(&mut self, ctx: &mut Ctx<'_>) {
        let ack = Control {
            tuple: self.tuple,
            seq: self.snd.nxt,
            ack: self.rcv.nxt,
            ctl: Flags::ACK | self.ecn_flags(),
            wnd: self
                .rcv
                .scale
                .to_wire(self.rcv.scale.round_up(self.rcv.wnd())),
            opts: self.plain_options(ctx.now),
            ttl: self.ttl,
            tos: self.control_tos(),
            route: self.route.clone(),
        };
        self.rcv.last_ack_sent = self.rcv.nxt;
        self.figures.segments_out += 1;
        ctx.replies.push_control(ack);
    }

    /// What an acknowledgement between SND.UNA and SND.NXT, which it moves by `advanced`, reports.
    pub(in crate::tcp) fn read_congestion(
        &mut self,
        ctx: &mut Ctx<'_>,
        seg: &Segment<'_>,
        advanced: u32,
    ) -> Congestion {
        let mss = self.snd_mss();
        // With nothing in flight nothing can have been marked.
        let is_idle = self.snd.una == self.snd.nxt;
        // What was selectively acknowledged before was reported before.
        let delivered = advanced.saturating_sub(self.recovery.sacked());
        let (first, nxt) = (self.snd.iss + 1, self.snd.nxt);
        // So all that is outstanding went out as ECN-capable.
        let sent_once = self.recovery.total_retransmits() == 0 && !self.is.contains(Is::FIN_SENT);
        let Some(ecn) = &mut self.ecn else {
            return Congestion::default();
        };
        if seg.has(Flags::SYN) {
            return Congestion::default();
        }
        let report = match &mut ecn.feedback {
            Mode::Classic(_) if seg.has(Flags::ECE) => Report {
                ece: true,
                packets: advanced.div_ceil(mss),
                bytes: advanced,
                cleared: false,
            },
            Mode::Classic(_) => Report::default(),
            Mode::Accurate { told, .. } => {
                let ace = seg.ctl.ace();
                if core::mem::take(&mut ecn.fresh) && ace == 0 {
                    // The path clears the field (RFC 9768 §3.2.2.4).
                    ecn.ect = false;
                    ctx.stats.ecn_broken_paths += 1;
                }
                if seg.ack == first {
                    // Nothing of ours could be marked, and the field may mean something else.
                    return Congestion::default();
                }
                let ts_val = seg.opts.timestamps.map(|ts| ts.val);
                let is_news = advanced > 0
                    || told.is_later(ts_val)
                    || (ts_val.is_none() && !seg.opts.sack.is_empty());
                if !is_news {
                    return Congestion::default();
                }
                let option = seg.opts.accecn.as_ref();
                told.read(ace, option, ts_val, delivered, mss)
            }
        };
        if !ecn.ect || is_idle {
            return Congestion::default();
        }
        let is_stuck = ecn.scrutiny.on_ack(seg.ack, nxt, delivered, report.bytes);
        if !ecn.everything && (is_stuck || (report.cleared && delivered > 0 && sent_once)) {
            self.distrust_path(ctx);
            return Congestion::default();
        }
        if !report.ece {
            return Congestion::default();
        }
        ecn.delivered_ce = ecn.delivered_ce.saturating_add(report.packets);
        ctx.stats.ce_reported += u64::from(report.packets);
        Congestion {
            ece: true,
            bytes: report.bytes,
        }
    }

    /// The path marks everything, or clears the ECN field: nothing of ours is ECN-capable any more,
    /// nor will it be when we next open a connection to this peer (RFC 9768 §3.2.2.3). What arrives
    /// is reported as before.
    fn distrust_path(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(ecn) = &mut self.ecn {
            ecn.ect = false;
        }
        ctx.stats.ecn_broken_paths += 1;
        ctx.trials.broken(ctx.now, self.tuple.remote.ip());
    }

    /// A report of congestion was acted on when the window was one segment already: the next new
    /// data waits a whole retransmission timeout (RFC 3168 §6.1.2).
    pub(in crate::tcp) fn hold_new_data(&mut self, ctx: &Ctx<'_>) {
        if let Some(ecn) = &mut self.ecn {
            ecn.held = true;
            self.timers.arm(Timer::Retransmit, ctx.now + self.rtt.rto());
        }
    }

    /// The retransmission timer expired; true if all it was for was to let new data go.
    pub(in crate::tcp) fn release_new_data(&mut self) -> bool {
        let was_held = self
            .ecn
            .as_mut()
            .is_some_and(|ecn| core::mem::take(&mut ecn.held));
        was_held && self.state != State::SynReceived && self.snd.una == self.snd.nxt
    }
}
