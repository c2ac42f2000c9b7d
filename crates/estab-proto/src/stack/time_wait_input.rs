//! SEGMENT ARRIVES for a TIME-WAIT record (RFC 9293 §3.10.7.4, RFC 6191, RFC 1337).

use estab_timer::Instant;

use crate::addr::FourTuple;
use crate::seq::SeqNumber;
use crate::stack::Stack;
use crate::stack::time_wait::{TimeWait, TimeWaitId};
use crate::wire::tcp::{Flags, Segment};

/// What to do with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing.
    Ignore,
    /// Send the last ACK again, and start 2 MSL anew.
    AckFin,
    /// Send the last ACK again, unless one was sent a moment ago.
    Ack,
    /// Open the next incarnation.
    Reopen,
}

impl Stack {
    /// A segment arrives for a four-tuple in TIME-WAIT.
    pub(super) fn time_wait_input(
        &mut self,
        now: Instant,
        id: TimeWaitId,
        tuple: FourTuple,
        seg: &Segment<'_>,
    ) {
        let listener = self.listeners.find(tuple.local);
        let Some(record) = self.time_waits.get_mut(id) else {
            return;
        };
        if seg.has(Flags::RST) {
            // It may be an old duplicate's doing: the wait goes on (RFC 1337 §3, F1).
            self.stats.time_wait_resets_ignored += 1;
            return;
        }
        match judge(record, seg, listener.is_some()) {
            Verdict::Ignore => {}
            Verdict::AckFin => {
                self.ack_time_wait(now, id);
                self.restart_time_wait(now, id);
            }
            Verdict::Ack if record.may_ack(now) => self.ack_time_wait(now, id),
            Verdict::Ack => self.stats.acks_limited += 1,
            Verdict::Reopen => {
                let old_nxt = record.snd_nxt;
                self.stats.time_wait_reused += 1;
                self.end_time_wait(now, id);
                if let Some(listener) = listener {
                    self.listen_input(now, listener, tuple, seg, Some(old_nxt));
                }
            }
        }
    }
}

fn judge(record: &TimeWait, seg: &Segment<'_>, has_listener: bool) -> Verdict {
    if seg.has(Flags::SYN) && !seg.ctl.intersects(Flags::ACK | Flags::FIN) {
        let reopen = has_listener && may_reopen(record, seg);
        return if reopen {
            Verdict::Reopen
        } else {
            Verdict::Ignore
        };
    }
    if is_old(record, seg) {
        return Verdict::Ack;
    }
    let is_fin = seg.has(Flags::FIN) && seg.seq + seg.len() == record.rcv_nxt;
    if is_fin {
        Verdict::AckFin
    } else if seg.is_empty() && seg.seq == record.rcv_nxt {
        // A bare ACK in place: answering it could make two ends in TIME-WAIT talk for ever.
        Verdict::Ignore
    } else {
        Verdict::Ack
    }
}

/// Whether the segment's timestamp is older than what was seen (RFC 7323 §5.3).
fn is_old(record: &TimeWait, seg: &Segment<'_>) -> bool {
    match (record.recent(), seg.opts.timestamps) {
        (Some(recent), Some(ts)) => before(ts.val, recent),
        _ => false,
    }
}

/// Whether a SYN may open a new incarnation: RFC 6191 §2, whose "last sequence number" is that of
/// the peer's FIN.
// RFC 9293: SHLD-4, MAY-2.
fn may_reopen(record: &TimeWait, seg: &Segment<'_>) -> bool {
    let beyond_fin = seg.seq.after_eq(record.rcv_nxt);
    match (record.recent(), seg.opts.timestamps) {
        (Some(recent), Some(ts)) if ts.val != recent => before(recent, ts.val),
        (None, Some(_)) => true,
        _ => beyond_fin,
    }
}

/// Whether timestamp `a` is older than `b`, modulo 2³².
fn before(a: u32, b: u32) -> bool {
    SeqNumber::new(a).before(SeqNumber::new(b))
}

#[cfg(test)]
mod tests;
