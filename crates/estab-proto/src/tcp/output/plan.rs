//! The order in which things are sent.

use crate::recovery::Retransmit;
use crate::tcp::connection::{Connection, Is};
use crate::tcp::output::data::NewData;
use crate::tcp::state::State;

/// The next segment, decided and not yet built.
#[derive(Clone, Debug)]
pub(in crate::tcp) enum Plan {
    /// SYN, or SYN-ACK in SYN-RECEIVED.
    Syn,
    /// What recovery found lost.
    Retransmit(Retransmit),
    /// Bytes never sent, or the FIN.
    New(NewData),
    /// An empty segment at SND.NXT − 1 that the peer must answer.
    Probe,
    /// An acknowledgement alone.
    Ack,
}

impl Connection {
    #[inline]
    pub(in crate::tcp) fn plan(&self) -> Option<Plan> {
        match self.state {
            State::Closed | State::Listen => return None,
            State::SynSent => return self.is.contains(Is::SYN_DUE).then_some(Plan::Syn),
            State::SynReceived if self.is.contains(Is::SYN_DUE) => return Some(Plan::Syn),
            State::SynReceived | State::TimeWait => {}
            _ => {
                if let Some(probe) = self.next_probe() {
                    return Some(probe);
                }
                if let Some(text) = self.next_text() {
                    return Some(text);
                }
                if self.is.contains(Is::PROBE_DUE) {
                    return Some(Plan::Probe);
                }
            }
        }
        (self.acks_due > 0).then_some(Plan::Ack)
    }

    /// What was lost, or else what was never sent, as far as the windows and the pacer let it.
    #[inline]
    fn next_text(&self) -> Option<Plan> {
        if self.is_held() {
            return None;
        }
        if let Some(lost) = self.in_window(self.recovery.next_retransmit(&self.cc)) {
            return Some(Plan::Retransmit(lost));
        }
        if let Some(new) = self.next_data() {
            return Some(Plan::New(new));
        }
        self.in_window(self.recovery.next_rescue(&self.cc))
            .map(Plan::Retransmit)
    }

    /// The tail loss probe, if one is due: new data whatever the congestion window and Nagle's
    /// algorithm say, else the last segment once more (RFC 8985 §7.3).
    #[inline]
    fn next_probe(&self) -> Option<Plan> {
        if !self.recovery.is_probe_due() {
            return None;
        }
        let (unsent, usable) = (self.unsent(), self.snd.usable());
        let full = self.text_room();
        let len = unsent.min(full);
        let fin = self.fin_due() && len == unsent && usable > len;
        if (len > 0 || fin) && len <= usable && !self.holds_new_data() {
            return Some(Plan::New(NewData { len, fin, full }));
        }
        self.in_window(self.recovery.next_probe())
            .map(Plan::Retransmit)
    }

    /// What recovery wants retransmitted, as far as the peer's window lets it: one pulled back lets
    /// only the oldest segment out, which doubles as a probe (RFC 9293 SHLD-16, SHLD-17).
    // RFC 9293: MAY-7.
    #[inline]
    fn in_window(&self, lost: Option<Retransmit>) -> Option<Retransmit> {
        let edge = self.snd.una + self.snd.wnd;
        lost.filter(|lost| lost.seq == self.snd.una || (lost.seq + lost.len).before_eq(edge))
    }
}
