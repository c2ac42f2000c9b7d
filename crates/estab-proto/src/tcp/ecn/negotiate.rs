//! What the flags of the two SYNs agree on (RFC 3168 §6.1.1, RFC 9768 §3.1).

use crate::config::{Ecn, TcpConfig};
use crate::congestion::Algorithm;
use crate::tcp::ecn::EcnMode;
use crate::tcp::ecn::marks::Marks;
use crate::wire::EcnCodepoint;
use crate::wire::tcp::{AccEcn, Flags, Segment};

/// A SYN, or a SYN-ACK, that knows nothing of ECN.
const PLAIN: u8 = 0b000;
/// The ECN-setup SYN-ACK of RFC 3168.
const CLASSIC_SYN_ACK: u8 = 0b001;
/// The ECN-setup SYN of RFC 3168.
const CLASSIC_SYN: u8 = 0b011;
/// The SYN that asks for accurate feedback; on a SYN-ACK, a broken peer's reflection of it.
const ACCURATE_SYN: u8 = 0b111;

/// ECN as a handshake has it so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// How marks are reported; it never changes (RFC 9768 §3.1.5).
    pub(crate) mode: EcnMode,
    /// The ECN field of the peer's SYN or SYN-ACK, which accurate feedback reports.
    pub(crate) seen: EcnCodepoint,
    /// Whether data may go out as ECN-capable: not if a SYN without the flags was sent or seen, nor
    /// over a path that changes the field.
    pub(crate) ect: bool,
}

/// What a connection with this configuration asks for.
pub(crate) fn asked(config: &TcpConfig) -> EcnMode {
    match config.ecn {
        Ecn::Classic => EcnMode::Classic,
        Ecn::Accurate => EcnMode::Accurate,
        Ecn::Passive if marks_everything(config) => EcnMode::Classic,
        Ecn::Passive | Ecn::Off => EcnMode::Off,
    }
}

/// Whether control segments and retransmissions are ECN-capable too: so DCTCP has it, which does
/// not run on the open Internet (RFC 8257 §3.6, RFC 8311 §4.3).
pub(crate) fn marks_everything(config: &TcpConfig) -> bool {
    config.congestion == Algorithm::Dctcp
}

/// The ECN field of a SYN or SYN-ACK with these flags.
pub(crate) fn syn_codepoint(config: &TcpConfig, ctl: Flags) -> EcnCodepoint {
    if marks_everything(config) && ctl.ace() != PLAIN {
        EcnCodepoint::Ect0
    } else {
        EcnCodepoint::NotEct
    }
}

/// How many SYNs ask: what a middlebox may have killed is not repeated for ever (RFC 3168 §6.1.1.1,
/// RFC 9768 §3.1.4.1).
pub(super) fn syns_that_ask(asked: EcnMode) -> u8 {
    match asked {
        EcnMode::Off => 0,
        EcnMode::Classic => 1,
        EcnMode::Accurate => 2,
    }
}

/// Whether the SYN of this attempt, 0 being the first, still asks.
pub(super) fn still_asks(asked: EcnMode, attempt: u32) -> bool {
    attempt < u32::from(syns_that_ask(asked))
}

/// The ECN flags of our SYN.
pub(crate) fn syn_flags(config: &TcpConfig, attempt: u32) -> Flags {
    match asked(config) {
        asked if !still_asks(asked, attempt) => Flags::empty(),
        EcnMode::Accurate => Flags::empty().with_ace(ACCURATE_SYN),
        _ => Flags::empty().with_ace(CLASSIC_SYN),
    }
}

/// How an ECN field is reported in the ACE field during the handshake: on the SYN-ACK (RFC 9768
/// table 2) and on the acknowledgement of it (table 3).
pub(crate) fn handshake_ace(seen: EcnCodepoint) -> u8 {
    match seen {
        EcnCodepoint::NotEct => 0b010,
        EcnCodepoint::Ect1 => 0b011,
        EcnCodepoint::Ect0 => 0b100,
        EcnCodepoint::Ce => 0b110,
    }
}

/// The ECN field that `ace` reports, if it reports one.
fn reported(ace: u8) -> Option<EcnCodepoint> {
    match ace {
        0b010 => Some(EcnCodepoint::NotEct),
        0b011 => Some(EcnCodepoint::Ect1),
        0b100 => Some(EcnCodepoint::Ect0),
        0b110 => Some(EcnCodepoint::Ce),
        _ => None,
    }
}

/// Whether a packet sent with `sent` can have arrived as `ace` reports: a path may mark what is
/// ECN-capable, and nothing else (RFC 9768 §3.2.2.3). What reports nothing is believed.
pub(crate) fn is_plausible(sent: EcnCodepoint, ace: u8) -> bool {
    match reported(ace) {
        None => true,
        Some(arrived) => {
            let may_change = ![sent, arrived].contains(&EcnCodepoint::NotEct);
            arrived == sent || (may_change && sent != EcnCodepoint::Ce)
        }
    }
}

impl Agreement {
    /// What a SYN, with nothing or one that asked on our side, leads to.
    pub(crate) fn from_syn(seg: &Segment<'_>, config: &TcpConfig) -> Self {
        let ace = seg.ctl.ace();
        let mode = match config.ecn {
            Ecn::Off => EcnMode::Off,
            // AE says nothing to RFC 3168.
            Ecn::Classic if ace & CLASSIC_SYN == CLASSIC_SYN => EcnMode::Classic,
            Ecn::Classic => EcnMode::Off,
            Ecn::Passive | Ecn::Accurate => match ace {
                PLAIN => EcnMode::Off,
                CLASSIC_SYN => EcnMode::Classic,
                // Combinations not yet defined ask for accurate feedback (RFC 9768 §3.1.3).
                _ => EcnMode::Accurate,
            },
        };
        Self {
            mode,
            seen: seg.ecn,
            ect: mode != EcnMode::Off,
        }
    }

    /// What was agreed with a peer whose SYN only a cookie remembers, by the segment that brought it
    /// back: a count that only accurate feedback can have, or the cookie's own word on the classic
    /// one (RFC 9768 §5.1).
    pub(crate) fn from_cookie(seg: &Segment<'_>, config: &TcpConfig, classic: bool) -> Self {
        let mode = match config.ecn {
            Ecn::Off => EcnMode::Off,
            _ if classic => EcnMode::Classic,
            Ecn::Passive | Ecn::Accurate if seg.ctl.ace() > CLASSIC_SYN_ACK => EcnMode::Accurate,
            _ => EcnMode::Off,
        };
        Self {
            mode,
            seen: EcnCodepoint::NotEct,
            ect: mode != EcnMode::Off,
        }
    }

    /// What a SYN that crossed our own leads to: what both ask for.
    pub(crate) fn from_crossing_syn(seg: &Segment<'_>, config: &TcpConfig, attempt: u32) -> Self {
        let asked = asked(config);
        if asked == EcnMode::Off {
            return Self::default();
        }
        let mut agreed = Self::from_syn(seg, config);
        agreed.ect &= still_asks(asked, attempt);
        agreed
    }

    /// What the SYN-ACK to a SYN of ours agrees to, which was sent `attempt` times before (RFC 9768
    /// §3.1.2).
    pub(crate) fn from_syn_ack(seg: &Segment<'_>, config: &TcpConfig, attempt: u32) -> Self {
        let asked = asked(config);
        let ace = seg.ctl.ace();
        let mode = match asked {
            EcnMode::Off => EcnMode::Off,
            EcnMode::Classic if ace & CLASSIC_SYN == CLASSIC_SYN_ACK => EcnMode::Classic,
            EcnMode::Classic => EcnMode::Off,
            EcnMode::Accurate => match ace {
                PLAIN | ACCURATE_SYN => EcnMode::Off,
                CLASSIC_SYN_ACK => EcnMode::Classic,
                _ => EcnMode::Accurate,
            },
        };
        let sent = syn_codepoint(config, syn_flags(config, 0));
        let honest = mode != EcnMode::Accurate || is_plausible(sent, ace);
        Self {
            mode,
            seen: seg.ecn,
            ect: mode != EcnMode::Off && still_asks(asked, attempt) && honest,
        }
    }

    /// Our SYN-ACK, `repeats` times sent before, goes out again. In the end it has no flags, which
    /// still means accurate feedback on our side, but no ECT (RFC 9768 §3.1.5, §3.2.3.2.2).
    pub(crate) fn take_repetition(&mut self, repeats: u8) {
        self.ect &= self.mode != EcnMode::Accurate || repeats < 2;
    }

    /// The ECN flags of our SYN-ACK.
    pub(crate) fn syn_ack_flags(&self) -> Flags {
        let ace = match self.mode {
            EcnMode::Accurate if self.ect => handshake_ace(self.seen),
            EcnMode::Classic if self.ect => CLASSIC_SYN_ACK,
            _ => PLAIN,
        };
        Flags::empty().with_ace(ace)
    }

    /// The ECN flags of a segment before the handshake is over that is no SYN-ACK: the count as it
    /// begins (RFC 9768 §3.2.2).
    pub(crate) fn first_flags(&self) -> Flags {
        match self.mode {
            EcnMode::Accurate => Flags::empty().with_ace(Marks::new().ace()),
            EcnMode::Off | EcnMode::Classic => Flags::empty(),
        }
    }

    /// The AccECN option of our SYN-ACK, `repeats` times sent before: the counters as they begin. It
    /// is the first suspect when the SYN-ACK stays unanswered.
    pub(crate) fn syn_ack_option(&self, repeats: u8) -> Option<AccEcn> {
        let told = self.mode == EcnMode::Accurate && self.ect && repeats == 0;
        told.then(|| Marks::new().option_now())
    }

    /// The peer repeats its SYN; false if it asks for another feedback than before, which only
    /// breaks something (RFC 9768 §3.1.5). One that asks for nothing any more ends ECT.
    pub(crate) fn take_repeated_syn(&mut self, seg: &Segment<'_>, config: &TcpConfig) -> bool {
        let knows_both = config.ecn != Ecn::Classic;
        match (self.mode, seg.ctl.ace()) {
            (EcnMode::Classic | EcnMode::Accurate, PLAIN) => {
                self.ect = false;
                true
            }
            (EcnMode::Accurate, CLASSIC_SYN) => false,
            (EcnMode::Classic, ACCURATE_SYN) => !knows_both,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests;
