//! SEGMENT ARRIVES (RFC 9293 §3.10.7), a file a step.
//!
//! Each step returns whether to go on with the next, so that the order reads as one list.

mod ack;
mod fin;
mod paws;
mod reset;
mod sequence;
mod syn;
mod syn_sent;
mod text;
mod urgent;
mod window;

use core::ops::ControlFlow;

use bytes::Bytes;
use estab_timer::{Duration, Timer};

use crate::seq::SeqNumber;
use crate::stack::RxMeta;
use crate::tcp::connection::{Connection, Ctx, Is};
use crate::tcp::control::Control;
use crate::tcp::state::State;
use crate::wire::tcp::{Flags, Segment};

/// Whether the next step is to look at the segment.
type Flow = ControlFlow<()>;

/// At most one challenge ACK, or answer to an invalid segment without data, in this time and per
/// connection: a limit shared between connections would leak who talks to whom
/// (RFC 5961 §7, CVE-2016-5696).
const CHALLENGE_INTERVAL: Duration = Duration::from_millis(500);

/// The segment being processed, as far as it lies in the window.
struct Arrival<'s, 'a> {
    seg: &'s Segment<'a>,
    /// Sequence number of the first byte of `text`.
    seq: SeqNumber,
    text: &'a [u8],
    fin: bool,
    /// The part of the text that came before the window: received already.
    old: Option<(SeqNumber, SeqNumber)>,
    /// Plain segments this one stands for.
    segments: u32,
    /// Bytes of text of each of these but the last, if there are several.
    segment_size: Option<u16>,
    /// The packet that holds `text`, if it may be kept.
    backing: Option<&'a Bytes>,
}

impl Connection {
    /// SEGMENT ARRIVES.
    pub(crate) fn input(&mut self, ctx: &mut Ctx<'_>, seg: &Segment<'_>, meta: RxMeta<'_>) {
        let segments = meta.segments(seg.text.len());
        self.figures.segments_in += u64::from(segments);
        let mut arrival = Arrival {
            seg,
            seq: if seg.has(Flags::SYN) {
                seg.seq + 1
            } else {
                seg.seq
            },
            text: seg.text,
            fin: seg.has(Flags::FIN),
            old: None,
            segments,
            segment_size: meta.segment_size.filter(|_| segments > 1),
            backing: meta.payload.or(meta.backing),
        };
        let _ = match self.state {
            State::Closed | State::Listen | State::TimeWait => Flow::Continue(()),
            State::SynSent => self.input_syn_sent(ctx, &mut arrival),
            _ => self.input_synchronized(ctx, &mut arrival),
        };
    }

    /// RFC 9293 §3.10.7.4: SYN-RECEIVED and the synchronized states.
    fn input_synchronized(&mut self, ctx: &mut Ctx<'_>, arrival: &mut Arrival<'_, '_>) -> Flow {
        self.check_timestamp(ctx, arrival)?; // RFC 7323 §5.3 R1
        self.check_sequence(ctx, arrival)?; // first
        self.note_received(ctx);
        self.check_reset(ctx, arrival)?; // second
        // third: security and compartment belong to MLS systems (RFC 9293 §A.1)
        self.check_syn(ctx, arrival)?; // fourth
        self.take_timestamp(ctx, arrival); // RFC 7323 §5.3 R3
        self.check_ack(ctx, arrival)?; // fifth
        if let Some(route) = arrival.seg.source_route {
            self.take_route(route);
        }
        let due = self.take_mark(ctx, arrival.seg, arrival.segments); // RFC 3168 §6.1.3
        self.take_rest(ctx, arrival)?;
        if due {
            // The text may have asked for an acknowledgement already: it is the same one.
            self.acks_due = self.acks_due.max(1);
        }
        Flow::Continue(())
    }

    /// The steps after the acknowledgement, common to all states that go on that far.
    #[inline]
    fn take_rest(&mut self, ctx: &mut Ctx<'_>, arrival: &mut Arrival<'_, '_>) -> Flow {
        self.check_urgent(arrival); // sixth
        self.take_text(ctx, arrival)?; // seventh
        self.take_fin(arrival); // eighth
        Flow::Continue(())
    }

    /// The peer is alive: keepalive starts over (RFC 9293 MUST-26), and a probe is answered.
    #[inline]
    fn note_received(&mut self, ctx: &Ctx<'_>) {
        self.figures.last_received_at = ctx.now;
        self.persist.on_answer();
        self.rearm_keepalive(ctx.now);
    }

    /// Arms the keepalive timer if the option is on and the connection is in the data phase.
    #[inline]
    pub(super) fn rearm_keepalive(&mut self, now: estab_timer::Instant) {
        match &self.config.keepalive {
            Some(config) if self.state.is_synchronized() || self.state == State::SynReceived => {
                let due = self.keepalive.on_activity(now, config);
                self.timers.arm(Timer::Keepalive, due);
            }
            _ => self.timers.cancel(Timer::Keepalive),
        }
    }

    /// Asks for an acknowledgement at once.
    // RFC 9293: MUST-58, MUST-59.
    pub(super) fn ack_now(&mut self) {
        self.ack_each(1);
    }

    /// Asks for an acknowledgement of each of `segments` at once.
    fn ack_each(&mut self, segments: u32) {
        // A peer with SACK learns all from one ACK; one without counts duplicates.
        let most = if self.is.contains(Is::SACK) { 1 } else { 3 };
        self.acks_due = segments.saturating_add(u32::from(self.acks_due)).min(most) as u8;
    }

    /// Asks for an acknowledgement of `segments` segments that were refused, within the rate limit:
    /// of the first at most.
    fn challenge_ack(&mut self, ctx: &mut Ctx<'_>, segments: u32) {
        let recent = ctx
            .now
            .checked_duration_since(self.challenged_at)
            .is_some_and(|t| t < CHALLENGE_INTERVAL);
        let limited = if recent {
            segments
        } else {
            segments.saturating_sub(1)
        };
        ctx.stats.acks_limited += u64::from(limited);
        if recent {
            return;
        }
        self.challenged_at = ctx.now;
        ctx.stats.challenge_acks += 1;
        self.ack_now();
    }

    /// Answers `seg` with a RST that takes its place from the acknowledgement number
    /// (RFC 9293 §3.5.2); the connection goes on.
    fn reset_segment(&self, ctx: &mut Ctx<'_>, seg: &Segment<'_>) {
        if let Some(mut reset) = Control::reset_for(self.tuple, seg) {
            reset.ttl = self.ttl;
            reset.tos = self.control_tos();
            reset.route = self.route.clone();
            ctx.stats.resets_out += 1;
            ctx.replies.push_control(reset);
        }
    }
}
