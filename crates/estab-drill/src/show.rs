//! Packets as the language writes them: for the two lines of a difference.

use std::fmt;

use crate::ast::{Body, Ecn, EcnCounter, Packet, Tcp, TcpOption, flag};

/// The letters of the flags, in the order in which they are written.
const LETTERS: [(u16, char); 9] = [
    (flag::FIN, 'F'),
    (flag::SYN, 'S'),
    (flag::RST, 'R'),
    (flag::PSH, 'P'),
    (flag::URG, 'U'),
    (flag::ECE, 'E'),
    (flag::CWR, 'W'),
    (flag::AE, 'A'),
    (flag::ACK, '.'),
];

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(flow) = &self.flow {
            write!(f, "@{flow} ")?;
        }
        if let Some(ecn) = self.ecn {
            write!(f, "[{}] ", ecn_name(ecn))?;
        }
        if let Some(tos) = self.tos {
            write!(f, "(tos {tos:#x}) ")?;
        }
        if let Some(ttl) = self.ttl {
            write!(f, "(ttl {ttl}) ")?;
        }
        match &self.body {
            Body::Tcp(tcp) => tcp.fmt(f),
            Body::Icmp(icmp) => write!(f, "icmp {:?} mtu {}", icmp.kind, icmp.mtu),
        }
    }
}

pub(crate) fn ecn_name(ecn: Ecn) -> &'static str {
    match ecn {
        Ecn::Not => "noecn",
        Ecn::Ect0 => "ect0",
        Ecn::Ect1 => "ect1",
        Ecn::Either => "ect01",
        Ecn::Ce => "ce",
    }
}

impl fmt::Display for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = LETTERS.iter().filter(|(bit, _)| self.flags & bit != 0);
        let letters: String = letters.map(|(_, letter)| *letter).collect();
        f.write_str(if letters.is_empty() { "-" } else { &letters })?;
        let end = self.seq.wrapping_add(self.len);
        write!(f, " {}:{end}({})", self.seq, self.len)?;
        if self.flags & flag::ACK != 0 {
            write!(f, " ack {}", self.ack)?;
        }
        if let Some(window) = self.window {
            write!(f, " win {window}")?;
        }
        if let Some(urgent) = self.urgent {
            write!(f, " urg {urgent}")?;
        }
        match &self.options {
            None => f.write_str(" <...>"),
            Some(options) if options.is_empty() => Ok(()),
            Some(options) => {
                let all: Vec<_> = options.iter().map(ToString::to_string).collect();
                write!(f, " <{}>", all.join(","))
            }
        }
    }
}

impl fmt::Display for TcpOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        match self {
            Self::Eol => f.write_str("eol"),
            Self::Nop => f.write_str("nop"),
            Self::Mss(mss) => write!(f, "mss {mss}"),
            Self::Wscale(shift) => write!(f, "wscale {shift}"),
            Self::SackOk => f.write_str("sackOK"),
            Self::Sack(blocks) => {
                let blocks = blocks
                    .iter()
                    .map(|(left, right)| format!(" {left}:{right}"));
                write!(f, "sack{}", blocks.collect::<String>())
            }
            Self::Timestamps(Some(val), ecr) => write!(f, "TS val {val} ecr {ecr}"),
            Self::Timestamps(None, ecr) => write!(f, "TS val ... ecr {ecr}"),
            Self::FastOpen(cookie) => write!(f, "FO {}", hex(cookie)),
            Self::FastOpenExp(cookie) => write!(f, "FOEXP {}", hex(cookie)),
            Self::Md5(None) => f.write_str("md5"),
            Self::Md5(Some(digest)) => write!(f, "md5 {}", hex(digest)),
            Self::AccEcn(counters) => {
                f.write_str("ECN")?;
                counters.iter().try_for_each(|(counter, value)| {
                    let name = match counter {
                        EcnCounter::E0 => "e0b",
                        EcnCounter::E1 => "e1b",
                        EcnCounter::Ce => "ceb",
                    };
                    write!(f, " {name} {value}")
                })
            }
            Self::Unknown(kind, contents) => write!(f, "option {kind} {}", hex(contents)),
        }
    }
}
