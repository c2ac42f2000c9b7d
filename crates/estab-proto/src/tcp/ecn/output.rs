//! What ECN puts on a segment that is sent.

use estab_timer::Instant;

use crate::tcp::connection::{Connection, Is};
use crate::tcp::ecn::negotiate::{
    asked, handshake_ace, marks_everything, syn_codepoint, syn_flags,
};
use crate::tcp::ecn::{Ecn, EcnMode, Mode};
use crate::tcp::state::State;
use crate::wire::EcnCodepoint;
use crate::wire::tcp::{AccEcn, Flags};

impl Connection {
    /// This active open does not ask, since its peer is known not to answer. Gives whether it would
    /// have: not on a network that was made for ECN, as DCTCP's.
    pub(crate) fn forgo_ecn(&mut self) -> bool {
        let forgoes = asked(&self.config) != EcnMode::Off && !marks_everything(&self.config);
        self.is.set(Is::ECN_HOPELESS, forgoes);
        forgoes
    }

    /// The ECN flags of our SYN, or of our SYN-ACK in SYN-RECEIVED.
    pub(in crate::tcp) fn syn_ecn_flags(&self) -> Flags {
        if self.state == State::SynSent && self.is.contains(Is::ECN_HOPELESS) {
            return Flags::empty();
        }
        if self.state == State::SynSent {
            return syn_flags(&self.config, self.rtt.back_offs());
        }
        let agreed = self.ecn.as_ref().map(|ecn| ecn.agreement());
        agreed.map_or(Flags::empty(), |agreed| agreed.syn_ack_flags())
    }

    /// Our SYN-ACK goes out without flags in the end: then nothing of ours is ECN-capable.
    pub(in crate::tcp) fn note_syn_sent(&mut self) {
        let repeats = self.rtt.back_offs().min(255) as u8;
        if let (State::SynReceived, Some(ecn)) = (self.state, &mut self.ecn) {
            let mut agreed = ecn.agreement();
            agreed.take_repetition(repeats);
            ecn.ect = agreed.ect;
        }
    }

    /// The traffic class of a SYN or SYN-ACK with these flags.
    pub(in crate::tcp) fn syn_tos(&self, ctl: Flags) -> u8 {
        syn_codepoint(&self.config, ctl).on(self.tos)
    }

    /// The ECN flags of a segment without SYN: the echo, or the count.
    pub(in crate::tcp) fn ecn_flags(&self) -> Flags {
        let Some(ecn) = &self.ecn else {
            return Flags::empty();
        };
        match &ecn.feedback {
            Mode::Classic(classic) if classic.echo => Flags::ECE,
            Mode::Classic(_) => Flags::empty(),
            Mode::Accurate { marks, .. } => Flags::empty().with_ace(marks.ace()),
        }
    }

    /// The same of a segment without text: the acknowledgement that ends our active open tells how
    /// the SYN-ACK arrived (RFC 9768 §3.2.2.1).
    pub(in crate::tcp) fn ecn_flags_of_ack(&self, has_sack: bool) -> Flags {
        match &self.ecn {
            Some(ecn) if !has_sack && self.ends_handshake(ecn) => {
                Flags::empty().with_ace(handshake_ace(ecn.seen))
            }
            _ => self.ecn_flags(),
        }
    }

    /// Whether all we have done is to open actively, so that the peer may still be waiting for the
    /// end of the handshake.
    fn ends_handshake(&self, ecn: &Ecn) -> bool {
        matches!(ecn.feedback, Mode::Accurate { .. })
            && !self.is_passive()
            && self.snd.nxt == self.snd.iss + 1
            && self.rcv.nxt == self.rcv.irs + 1
    }

    /// The AccECN option of the next segment that may have one, if it has room beside `blocks` SACK
    /// blocks: two of them come first (RFC 9768 §3.2.3.3).
    pub(in crate::tcp) fn accecn_option(&self, blocks: usize) -> Option<AccEcn> {
        let Mode::Accurate { marks, .. } = &self.ecn.as_ref()?.feedback else {
            return None;
        };
        let option = marks.option()?;
        let sack = match blocks.min(2) {
            0 => 0,
            blocks => 4 + 8 * blocks,
        };
        let timestamps = if self.ts.is_some() { 12 } else { 0 };
        (timestamps + sack + option.len().next_multiple_of(4) <= 40).then_some(option)
    }

    /// Whether the acknowledgement that is due goes without SACK blocks.
    pub(in crate::tcp) fn is_ack_bare(&self) -> bool {
        self.ecn.as_ref().is_some_and(|ecn| ecn.bare)
    }

    /// A segment leaves, with the option or not.
    pub(in crate::tcp) fn note_ecn_sent(&mut self, now: Instant, option: bool) {
        if let Some(ecn) = &mut self.ecn {
            ecn.bare = false;
        }
        if let Some(Mode::Accurate { marks, .. }) = self.ecn.as_mut().map(|ecn| &mut ecn.feedback) {
            marks.on_sent(now, option);
        }
    }

    /// The window was reduced: the peer is told, so that it stops its echo (RFC 3168 §6.1.2).
    pub(in crate::tcp) fn owe_cwr(&mut self) {
        if let Some(Mode::Classic(classic)) = self.ecn.as_mut().map(|ecn| &mut ecn.feedback) {
            classic.cwr_due = true;
        }
    }

    /// CWR, if it is due, for new data: never for what is sent again (RFC 3168 §6.1.2).
    pub(in crate::tcp) fn take_cwr(&mut self) -> Flags {
        let mut flags = Flags::empty();
        if let Some(Mode::Classic(classic)) = self.ecn.as_mut().map(|ecn| &mut ecn.feedback) {
            flags.set(Flags::CWR, core::mem::take(&mut classic.cwr_due));
        }
        flags
    }

    /// Whether the next new data has the CWR bit, as a signal or as part of a count. A device that
    /// cuts a super-segment clears it on all but the first piece.
    pub(in crate::tcp) fn sends_cwr_bit(&self) -> bool {
        self.ecn.as_ref().is_some_and(|ecn| match &ecn.feedback {
            Mode::Classic(classic) => classic.cwr_due,
            Mode::Accurate { marks, .. } => marks.ace() & 0b010 != 0,
        })
    }

    /// Whether new data waits for the retransmission timer.
    pub(in crate::tcp) fn holds_new_data(&self) -> bool {
        self.ecn.as_ref().is_some_and(|ecn| ecn.held)
    }

    /// The traffic class of new data with text.
    pub(in crate::tcp) fn data_tos(&self) -> u8 {
        match &self.ecn {
            Some(ecn) if ecn.ect => EcnCodepoint::Ect0.on(self.tos),
            _ => self.tos,
        }
    }

    /// The traffic class of everything else after the SYN (RFC 3168 §6.1.4 to §6.1.6).
    pub(in crate::tcp) fn control_tos(&self) -> u8 {
        match &self.ecn {
            Some(ecn) if ecn.ect && ecn.everything => EcnCodepoint::Ect0.on(self.tos),
            _ => self.tos,
        }
    }
}
