//! SEGMENT ARRIVES, written from RFC 9293 §3.10.7 with RFC 5961, 6191, 7323 and 1337, and from
//! nothing else. It shares no code with the stack.
//!
//! All numbers are distances: of sequence numbers from RCV.NXT, of acknowledgements from SND.NXT,
//! as they were before the segment. So nothing wraps here, whatever it does in the stack.

use std::collections::BTreeSet;

use estab_proto::wire::Flags;
use estab_proto::{ConnectionError, State};

use crate::leniency::Leniency;

/// What is known of a connection before the segment arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    /// The state.
    pub(crate) state: State,
    /// SYN-RECEIVED came from LISTEN (MUST-11).
    pub(crate) passive: bool,
    /// SND.UNA.
    pub(crate) una: i64,
    /// The number before SND.NXT is our FIN.
    pub(crate) fin_sent: bool,
    /// SND.WND.
    pub(crate) snd_wnd: i64,
    /// MAX.SND.WND (RFC 5961 §5.2).
    pub(crate) max_snd_wnd: i64,
    /// The first number that can be acknowledged in a synchronized state: that after ISS.
    pub(crate) first: i64,
    /// SND.WL1.
    pub(crate) wl1: i64,
    /// SND.WL2.
    pub(crate) wl2: i64,
    /// RCV.WND.
    pub(crate) wnd: i64,
    /// Timestamps were agreed.
    pub(crate) timestamps: bool,
    /// Segments without one are refused (RFC 7323 §3.2).
    pub(crate) require_timestamps: bool,
}

impl Model {
    /// The least acknowledgement number that an honest peer may still send (RFC 5961 §5.2).
    pub(crate) fn oldest_ack(&self) -> i64 {
        self.first.max(self.una - self.max_snd_wnd)
    }
}

/// The timestamp of a segment, against TS.Recent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ts {
    Missing,
    Older,
    Same,
    Newer,
}

/// The segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) ctl: Flags,
    pub(crate) seq: i64,
    pub(crate) ack: i64,
    pub(crate) text: i64,
    pub(crate) wnd: i64,
    pub(crate) up: i64,
    pub(crate) ts: Ts,
}

impl Arrival {
    fn has(&self, flags: Flags) -> bool {
        self.ctl.contains(flags)
    }

    fn len(&self) -> i64 {
        self.text + i64::from(self.has(Flags::SYN)) + i64::from(self.has(Flags::FIN))
    }
}

/// The sequence number of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seq {
    /// The number 0 itself.
    Zero,
    /// This far from SND.NXT.
    At(i64),
    /// Beyond everything the connection before ever sent.
    Beyond,
}

/// A segment sent in answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) ctl: Flags,
    pub(crate) seq: Seq,
    /// Only with the ACK bit.
    pub(crate) ack: Option<i64>,
}

/// What is to be seen after the segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) state: State,
    pub(crate) replies: Vec<Reply>,
    /// Bytes more that can be read.
    pub(crate) delivered: i64,
    /// The application was told of urgent data.
    pub(crate) urgent: bool,
    pub(crate) error: Option<ConnectionError>,
    /// SND.NXT − SND.UNA and SND.WND, in the states from ESTABLISHED to LAST-ACK.
    pub(crate) send: Option<(i64, i64)>,
    /// TIME-WAIT began anew.
    pub(crate) restarted: bool,
}

/// Goes through the steps; `false` from a step: the segment is done with.
struct Steps<'a> {
    m: Model,
    s: Arrival,
    out: Outcome,
    /// RCV.NXT.
    nxt: i64,
    /// An acknowledgement is due: one, whatever asks for it.
    ack_due: bool,
    used: &'a mut BTreeSet<Leniency>,
}

/// What must follow when `s` arrives at `m`; the leniencies that had a part in it go into `used`.
pub(crate) fn expect(m: Model, s: Arrival, used: &mut BTreeSet<Leniency>) -> Outcome {
    let out = Outcome {
        state: m.state,
        replies: Vec::new(),
        delivered: 0,
        urgent: false,
        error: None,
        send: None,
        restarted: false,
    };
    let mut steps = Steps {
        m,
        s,
        out,
        nxt: 0,
        ack_due: false,
        used,
    };
    match m.state {
        State::Closed => steps.closed(),
        State::Listen => steps.listen(),
        State::SynSent => steps.syn_sent(),
        State::TimeWait => steps.time_wait(),
        _ => {
            steps.synchronized();
        }
    }
    steps.finish()
}

impl Steps<'_> {
    fn lenient(&mut self, leniency: Leniency) -> bool {
        self.used.insert(leniency);
        true
    }

    fn finish(mut self) -> Outcome {
        use State::*;
        if self.ack_due && self.out.state != Closed {
            self.reply(Flags::ACK, Seq::At(0), Some(self.nxt));
        }
        if matches!(
            self.out.state,
            Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck
        ) {
            self.out.send = Some((-self.m.una, self.m.snd_wnd));
        }
        self.out
    }

    fn reply(&mut self, ctl: Flags, seq: Seq, ack: Option<i64>) {
        self.out.replies.push(Reply { ctl, seq, ack });
    }

    /// A RST that the sender of the segment will believe (§3.5.2).
    fn reset(&mut self) {
        if self.s.has(Flags::ACK) {
            self.reply(Flags::RST, Seq::At(self.s.ack), None);
        } else {
            let ack = self.s.seq + self.s.len();
            self.reply(Flags::RST | Flags::ACK, Seq::Zero, Some(ack));
        }
    }

    /// §3.10.7.1.
    fn closed(&mut self) {
        if !self.s.has(Flags::RST) {
            self.reset();
        }
    }

    /// §3.10.7.2. SND.NXT stands for the ISS to be chosen.
    fn listen(&mut self) {
        if self.s.has(Flags::RST) {
            return;
        }
        if self.s.has(Flags::ACK) {
            return self.reset();
        }
        if !self.s.has(Flags::SYN) {
            return;
        }
        if self.s.has(Flags::FIN) && self.lenient(Leniency::SynWithFin) {
            return;
        }
        self.out.state = State::SynReceived;
        let ack = self.s.seq + 1;
        self.reply(Flags::SYN | Flags::ACK, Seq::At(0), Some(ack));
    }

    /// §3.10.7.3.
    fn syn_sent(&mut self) {
        let acked = self.s.has(Flags::ACK);
        if acked && !(self.m.una < self.s.ack && self.s.ack <= 0) {
            if !self.s.has(Flags::RST) {
                self.reset();
            }
            return;
        }
        if self.s.has(Flags::RST) {
            if acked {
                self.close_with(Some(ConnectionError::Refused));
            }
            return;
        }
        if !self.s.has(Flags::SYN) {
            return;
        }
        self.nxt = self.s.seq + 1;
        self.m.snd_wnd = self.s.wnd;
        if !acked {
            self.out.state = State::SynReceived;
            self.reply(Flags::SYN | Flags::ACK, Seq::At(-1), Some(self.nxt));
            return;
        }
        self.m.una = self.s.ack;
        self.out.state = State::Established;
        self.ack_due = true;
        self.out.delivered = self.s.text;
        self.nxt += self.s.text;
        if self.s.has(Flags::FIN) {
            self.nxt += 1;
            self.out.state = State::CloseWait;
        }
    }

    /// §3.10.7.4.
    fn synchronized(&mut self) -> bool {
        self.repeated_syn()
            && self.timestamp()
            && self.sequence()
            && self.reset_bit()
            && self.syn_bit()
            && self.ack_field()
            && self.text_and_fin()
    }

    fn challenge(&mut self) -> bool {
        self.ack_due = true;
        false
    }

    fn close_with(&mut self, error: Option<ConnectionError>) -> bool {
        self.out.state = State::Closed;
        self.out.error = error;
        self.ack_due = false;
        false
    }

    fn repeated_syn(&mut self) -> bool {
        let s = self.s;
        let is_syn = s.has(Flags::SYN) && !s.ctl.intersects(Flags::ACK | Flags::RST);
        let whole = self.m.passive || s.len() == 1;
        let is_timely = match s.ts {
            _ if !self.m.timestamps => true,
            Ts::Missing => !self.m.require_timestamps,
            ts => ts != Ts::Older,
        };
        if self.m.state == State::SynReceived
            && is_syn
            && s.seq == -1
            && whole
            && (self.m.passive || is_timely)
            && self.lenient(Leniency::RepeatedSyn)
        {
            self.reply(Flags::SYN | Flags::ACK, Seq::At(-1), Some(0));
            return false;
        }
        true
    }

    /// RFC 7323 §3.2 and §5.3 R1, before the window test. A RST is exempt.
    fn timestamp(&mut self) -> bool {
        if !self.m.timestamps || self.s.has(Flags::RST) {
            return true;
        }
        match self.s.ts {
            Ts::Missing if self.m.require_timestamps => false,
            Ts::Missing => self.lenient(Leniency::MissingTimestamp),
            Ts::Older => self.challenge(),
            Ts::Same | Ts::Newer => true,
        }
    }

    /// SYN-RECEIVED out of LISTEN.
    fn is_half_open(&self) -> bool {
        self.m.state == State::SynReceived && self.m.passive
    }

    /// Table 6.
    fn in_window(&self, number: i64) -> bool {
        0 <= number && number < self.m.wnd
    }

    fn is_acceptable(&mut self) -> bool {
        let s = self.s;
        let last = s.seq + s.len() - 1;
        let by_the_letter = match (s.len(), self.m.wnd) {
            (0, 0) => s.seq == 0,
            (0, _) => self.in_window(s.seq),
            (_, 0) => false,
            _ => self.in_window(s.seq) || self.in_window(last),
        };
        if by_the_letter {
            return true;
        }
        let at_edge = s.len() == 0 && self.m.wnd > 0 && s.seq == self.m.wnd;
        if at_edge && !s.has(Flags::RST) && !self.is_half_open() {
            return self.lenient(Leniency::EmptyAtRightEdge);
        }
        if self.m.wnd > 0 && s.seq < 0 && last >= self.m.wnd {
            return self.lenient(Leniency::SpansTheWindow);
        }
        let bare_fin = s.has(Flags::FIN) && s.len() == 1;
        if self.m.wnd == 0 && bare_fin && s.seq == 0 {
            return self.lenient(Leniency::FinAtRightEdge);
        }
        false
    }

    fn sequence(&mut self) -> bool {
        if self.is_acceptable() {
            return true;
        }
        let s = self.s;
        if s.has(Flags::RST) {
            // MUST-66: at a closed window too, one exactly in place counts, whatever it carries.
            return self.m.wnd == 0 && s.seq == 0;
        }
        let crossing = self.m.state == State::SynReceived
            && !self.m.passive
            && s.has(Flags::SYN | Flags::ACK)
            && s.seq == -1
            && s.len() == 1;
        if crossing && self.lenient(Leniency::CrossingSynAck) {
            self.ack_field();
            return false;
        }
        self.ack_due = true;
        // MUST-66: acknowledgements and urgent pointers count at a closed window.
        let at_closed_window = self.m.wnd == 0 && s.seq == 0;
        let stale = s.seq == -1 && s.len() <= 1 && s.has(Flags::ACK) && !self.is_half_open();
        if at_closed_window || (stale && self.lenient(Leniency::OneStaleNumber)) {
            self.ack_field();
        }
        false
    }

    /// RFC 5961 §3.2.
    fn reset_bit(&mut self) -> bool {
        if !self.s.has(Flags::RST) {
            return true;
        }
        if self.s.seq != 0 {
            return self.in_window(self.s.seq) && self.challenge();
        }
        match self.m.state {
            State::SynReceived if self.is_half_open() => {
                self.out.state = State::Listen;
                false
            }
            State::SynReceived => self.close_with(Some(ConnectionError::Refused)),
            State::Closing | State::LastAck => self.close_with(None),
            _ => self.close_with(Some(ConnectionError::Reset)),
        }
    }

    /// RFC 5961 §4.2.
    fn syn_bit(&mut self) -> bool {
        if !self.s.has(Flags::SYN) {
            return true;
        }
        if self.is_half_open() {
            self.out.state = State::Listen;
            return false;
        }
        self.challenge()
    }

    fn ack_field(&mut self) -> bool {
        let s = self.s;
        if !s.has(Flags::ACK) {
            return false;
        }
        if self.m.state == State::SynReceived {
            if !(self.m.una < s.ack && s.ack <= 0) {
                self.reset();
                return false;
            }
            self.out.state = State::Established;
            self.m.una = s.ack;
            self.m.snd_wnd = s.wnd;
            return self.urgent();
        }
        if s.ack > 0 || s.ack < self.m.oldest_ack() {
            return self.challenge();
        }
        if s.ack < self.m.una {
            return self.urgent();
        }
        self.window();
        self.m.una = s.ack;
        if self.m.fin_sent && s.ack == 0 {
            self.out.state = match self.m.state {
                State::FinWait1 => State::FinWait2,
                State::Closing => State::TimeWait,
                State::LastAck => return self.close_with(None),
                same => same,
            };
        } else if self.m.state == State::Closing {
            return s.has(Flags::FIN) && self.lenient(Leniency::FinInClosing);
        }
        self.urgent()
    }

    fn window(&mut self) {
        let (m, s) = (self.m, self.s);
        let by_the_letter = m.wl1 < s.seq || (m.wl1 == s.seq && m.wl2 <= s.ack);
        let newer = s.ack > m.wl2;
        if by_the_letter || (newer && self.lenient(Leniency::WindowOfNewerAck)) {
            self.m.snd_wnd = s.wnd;
        }
    }

    fn urgent(&mut self) -> bool {
        use State::*;
        let listens = matches!(self.out.state, Established | FinWait1 | FinWait2);
        if self.s.has(Flags::URG) && listens && self.s.seq + self.s.up > 0 {
            self.out.urgent = true;
        }
        true
    }

    fn text_and_fin(&mut self) -> bool {
        use State::*;
        let s = self.s;
        let end = s.seq + s.text;
        let fits = end < self.m.wnd
            || (end == self.m.wnd && s.has(Flags::FIN) && {
                self.lenient(Leniency::FinAtRightEdge)
            });
        let fin = s.has(Flags::FIN) && fits && end >= 0;
        if !matches!(self.out.state, Established | FinWait1 | FinWait2) {
            // CLOSE-WAIT and later: text is ignored, a FIN acknowledged again.
            self.ack_due |= fin;
            return false;
        }
        let new = s.seq.max(0)..end.min(self.m.wnd);
        if new.start < new.end {
            self.ack_due = true;
            if new.start == 0 {
                self.nxt = new.end;
                self.out.delivered = new.end;
            }
        }
        if fin {
            self.ack_due = true;
            if end == self.nxt {
                self.nxt += 1;
                self.out.state = match self.out.state {
                    Established => CloseWait,
                    FinWait1 => Closing,
                    _ => TimeWait,
                };
            }
        }
        false
    }

    /// TIME-WAIT: RFC 6191 for a SYN, RFC 1337 for a RST, else as every synchronized state.
    fn time_wait(&mut self) {
        let s = self.s;
        if s.has(Flags::RST) {
            return;
        }
        if s.has(Flags::SYN) && !s.ctl.intersects(Flags::ACK | Flags::FIN) {
            return self.reopen();
        }
        if self.m.timestamps && s.ts == Ts::Older {
            self.ack_due = true;
            return;
        }
        let is_last_fin = s.has(Flags::FIN) && s.seq + s.len() == 0;
        if is_last_fin {
            self.ack_due = true;
            self.out.restarted = true;
            return;
        }
        if !self.is_acceptable() || s.has(Flags::SYN) {
            self.ack_due = true;
            return;
        }
        if s.has(Flags::FIN | Flags::ACK) && self.lenient(Leniency::TimeWaitOtherFin) {
            self.ack_due = true;
        }
        if (s.len() > 0 || s.seq != 0) && self.lenient(Leniency::TimeWaitAnswers) {
            self.ack_due = true;
        }
    }

    /// RFC 6191 §2: the last sequence number is that of the peer's FIN.
    fn reopen(&mut self) {
        let s = self.s;
        let beyond = s.seq > -1;
        let accept = match (self.m.timestamps, s.ts) {
            (true, Ts::Newer) => true,
            (true, Ts::Same | Ts::Missing) => beyond,
            (true, Ts::Older) => false,
            (false, Ts::Missing) => beyond,
            (false, _) => true,
        };
        if accept {
            self.out.state = State::SynReceived;
            self.reply(Flags::SYN | Flags::ACK, Seq::Beyond, Some(s.seq + 1));
        }
    }
}
