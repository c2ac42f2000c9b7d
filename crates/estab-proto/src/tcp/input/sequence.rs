//! First check: the sequence number (RFC 9293 §3.10.7.4, §3.4).

use super::{Arrival, Flow};
use crate::error::ConnectionError;
use crate::seq::SeqNumber;
use crate::tcp::connection::{Connection, Ctx, Is};
use crate::tcp::state::State;
use crate::tcp::tcb::ReceiveSequence;
use crate::wire::tcp::{Flags, Segment};

impl Connection {
    #[inline]
    pub(super) fn check_sequence(
        &mut self,
        ctx: &mut Ctx<'_>,
        arrival: &mut Arrival<'_, '_>,
    ) -> Flow {
        let seg = arrival.seg;
        if is_acceptable(&self.rcv, seg) {
            arrival.trim_to(&self.rcv);
            return Flow::Continue(());
        }
        if seg.has(Flags::RST) {
            ctx.stats.drop_tcp_rst += 1;
            return Flow::Break(());
        }
        ctx.stats.drop_tcp_sequence += u64::from(arrival.segments);
        self.answer_unacceptable(ctx, seg);
        if self.carries_news_all_the_same(seg) {
            self.note_received(ctx);
            // A window probe may come marked (RFC 3168 §6.1.6).
            if seg.seq == self.rcv.nxt && self.take_mark(ctx, seg, 1) {
                self.acks_due = self.acks_due.max(1);
            }
            let due = self.acks_due.max(1);
            let flow = self.check_ack(ctx, arrival);
            // Refused twice, it still gets one answer.
            self.acks_due = self.acks_due.min(due);
            flow?;
            self.check_urgent(arrival);
        }
        Flow::Break(())
    }

    /// The acknowledgement an unacceptable segment gets.
    fn answer_unacceptable(&mut self, ctx: &mut Ctx<'_>, seg: &Segment<'_>) {
        if seg.has(Flags::SYN) && self.state == State::SynReceived && seg.seq == self.rcv.irs {
            // The peer repeats its SYN: it did not get ours.
            if seg.has(Flags::ACK) {
                return;
            }
            if self.take_repeated_syn(seg) {
                self.is |= Is::SYN_DUE | Is::SYN_RETRANSMITTED;
            } else {
                self.reset_peer(ctx);
                self.finish(ctx, Some(ConnectionError::Reset));
            }
            return;
        }
        if seg.text.is_empty() && !seg.has(Flags::FIN) {
            self.challenge_ack(ctx, 1);
        } else {
            self.note_old_text(seg);
            self.ack_now();
        }
    }

    /// Reports the text of a segment that is refused, as far as it came before.
    pub(super) fn note_old_text(&mut self, seg: &Segment<'_>) {
        let end = seg.seq + seg.text.len() as u32;
        if !seg.text.is_empty() && seg.seq.before(self.rcv.nxt) {
            self.note_duplicate((seg.seq, end.min(self.rcv.nxt)));
        }
    }

    /// The next acknowledgement says what came twice (RFC 2883 §4): the latest of it, with what came
    /// right before and lies beside it, as if they had been one segment.
    pub(super) fn note_duplicate(&mut self, (left, right): (SeqNumber, SeqNumber)) {
        if self.is.contains(Is::SACK) {
            self.dsack = Some(match self.dsack {
                Some((before, end)) if end == left => (before, right),
                Some((start, after)) if right == start => (left, after),
                _ => (left, right),
            });
        }
    }

    /// Whether the acknowledgement of an unacceptable segment counts nevertheless: text against a
    /// closed window (RFC 9293 MUST-66), and a segment whose only stale number is the last one,
    /// as in crossing probes, keepalives and simultaneous opens (RFC 9293 §A.2).
    fn carries_news_all_the_same(&self, seg: &Segment<'_>) -> bool {
        seg.has(Flags::ACK)
            && ((self.rcv.wnd() == 0 && seg.seq == self.rcv.nxt)
                || (seg.seq == self.rcv.nxt.back(1) && seg.len() <= 1))
    }
}

/// The four cases of RFC 9293 table 6, with three leniencies that no peer can use against us:
///
/// - an empty segment exactly at the right edge, which is all that a peer can send that filled our
///   window and lost a segment of it;
/// - a segment that spans the whole window;
/// - a bare FIN at a closed window, which takes no buffer.
fn is_acceptable(rcv: &ReceiveSequence, seg: &Segment<'_>) -> bool {
    let (wnd, len) = (rcv.wnd(), seg.len());
    match (len, wnd) {
        (0, 0) => seg.seq == rcv.nxt,
        (0, _) if seg.has(Flags::RST) => seg.seq.within(rcv.nxt, wnd),
        (0, _) => seg.seq.within(rcv.nxt, wnd + 1),
        (_, 0) => {
            seg.seq == rcv.nxt
                && (seg.has(Flags::RST) || (seg.text.is_empty() && seg.has(Flags::FIN)))
        }
        _ => overlaps(seg.seq, len, rcv.nxt, wnd),
    }
}

/// Whether `[seq, seq + len)` and `[start, start + wnd)` share a number.
fn overlaps(seq: SeqNumber, len: u32, start: SeqNumber, wnd: u32) -> bool {
    seq.within(start, wnd) || start.within(seq, len)
}

impl Arrival<'_, '_> {
    /// Cuts off what lies outside the window.
    #[inline]
    pub(super) fn trim_to(&mut self, rcv: &ReceiveSequence) {
        if self.seq.before(rcv.nxt) {
            let old = (rcv.nxt - self.seq) as usize;
            if old > self.text.len() {
                // The FIN too came before.
                self.fin = false;
            } else {
                self.old = Some((self.seq, rcv.nxt));
            }
            self.text = self.text.get(old..).unwrap_or_default();
            self.seq = rcv.nxt;
        }
        let room = if self.seq.before_eq(rcv.edge) {
            rcv.edge - self.seq
        } else {
            0
        };
        if self.text.len() > room as usize {
            self.text = self.text.get(..room as usize).unwrap_or_default();
            self.fin = false;
        }
    }
}
