//! A connection as the script numbers it, and as it is on the wire.
//!
//! Scripts count both directions from numbers of their own. What the peer sends goes out as it is
//! written; what the stack sends is displaced by the difference between its initial sequence number
//! and the script's, and its timestamps likewise.

use std::net::SocketAddr;

use crate::ast::{Ecn, Packet, Tcp, TcpOption, flag};
use crate::pattern;
use crate::wire::TcpPacket;

/// One connection of a script.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    /// The stack's end.
    pub(crate) local: SocketAddr,
    /// The peer's end.
    pub(crate) remote: SocketAddr,
    /// The peer's initial sequence number.
    irs: Option<u32>,
    /// The stack's initial sequence number, and what to add to the script's.
    iss: Option<(u32, u32)>,
    /// The peer began anew: the stack may too.
    may_begin_anew: bool,
    /// The stack's timestamps: the script's value and the real one of each seen.
    timestamps: Vec<(u32, u32)>,
}

impl Flow {
    /// A connection nothing was sent on.
    pub(crate) fn new(local: SocketAddr, remote: SocketAddr) -> Self {
        Self {
            local,
            remote,
            irs: None,
            iss: None,
            may_begin_anew: false,
            timestamps: Vec::new(),
        }
    }

    /// Whether a packet of the stack belongs here.
    pub(crate) fn has_sent(&self, packet: &TcpPacket) -> bool {
        (packet.src, packet.dst) == (self.local, self.remote)
    }

    /// What to add to the script's numbers of the stack's direction.
    fn displacement(&self) -> u32 {
        self.iss.map_or(0, |(_, displacement)| displacement)
    }

    /// The packet that the script's peer sends.
    pub(crate) fn inbound(&mut self, packet: &Packet, tcp: &Tcp) -> TcpPacket {
        let is_syn = tcp.flags & flag::SYN != 0;
        if is_syn {
            self.may_begin_anew |= self.irs != Some(tcp.seq);
            if tcp.flags & flag::ACK != 0 && self.irs.is_none() {
                self.irs = Some(tcp.seq);
            }
        }
        let offset = match self.irs {
            Some(irs) if !is_syn => tcp.seq.wrapping_sub(irs).wrapping_sub(1),
            _ => 0,
        };
        let displace = |number: u32| number.wrapping_add(self.displacement());
        let has_ack = tcp.flags & flag::ACK != 0;
        let options = tcp.options.iter().flatten();
        TcpPacket {
            src: self.remote,
            dst: self.local,
            tos: packet.tos.unwrap_or(0) & !3 | ecn_bits(packet),
            ttl: packet.ttl.unwrap_or(255),
            flags: tcp.flags,
            seq: tcp.seq,
            ack: if has_ack { displace(tcp.ack) } else { 0 },
            window: tcp.window.unwrap_or(u16::MAX),
            urgent: tcp.urgent.unwrap_or(0),
            options: options
                .map(|option| match option {
                    TcpOption::Timestamps(val, ecr) => {
                        TcpOption::Timestamps(*val, self.real_timestamp(*ecr))
                    }
                    TcpOption::Sack(blocks) => {
                        let blocks = blocks.iter();
                        TcpOption::Sack(blocks.map(|(l, r)| (displace(*l), displace(*r))).collect())
                    }
                    other => other.clone(),
                })
                .collect(),
            payload: pattern::bytes(offset, tcp.len as usize),
        }
    }

    /// A segment of the stack that an ICMP error quotes: sequence number and length as the script
    /// has them.
    pub(crate) fn quoted(&self, seq: u32, len: u32) -> TcpPacket {
        TcpPacket {
            src: self.local,
            dst: self.remote,
            tos: 0,
            ttl: 63,
            flags: flag::ACK,
            seq: seq.wrapping_add(self.displacement()),
            ack: self.irs.map_or(0, |irs| irs.wrapping_add(1)),
            window: u16::MAX,
            urgent: 0,
            options: Vec::new(),
            payload: vec![0; len as usize],
        }
    }

    /// The stack's timestamp that stands behind one of the script.
    fn real_timestamp(&self, written: u32) -> u32 {
        let exact = self.timestamps.iter().rev().find(|(w, _)| *w == written);
        match (exact, self.timestamps.first()) {
            (Some((_, real)), _) => *real,
            (None, Some((first, real))) if written != 0 => {
                real.wrapping_add(written.wrapping_sub(*first))
            }
            _ => written,
        }
    }

    /// Takes note of a packet of the stack that `expected` stands for: the first ones settle what
    /// the script's numbers mean.
    pub(crate) fn learn(&mut self, actual: &TcpPacket, expected: &Tcp) {
        let is_syn = actual.flags & expected.flags & flag::SYN != 0;
        if is_syn && (self.iss.is_none() || self.may_begin_anew) {
            let displacement = actual.seq.wrapping_sub(expected.seq);
            self.iss = Some((actual.seq, displacement));
            if actual.flags & flag::ACK != 0 {
                self.irs = Some(actual.ack.wrapping_sub(1));
                self.may_begin_anew = false;
            }
        }
        let written = expected.options.iter().flatten().find_map(timestamp);
        let real = actual.options.iter().find_map(timestamp);
        if let (Some(written), Some(real)) = (written, real) {
            self.timestamps.push((written, real));
        }
    }

    /// A packet of the stack in the script's numbers.
    pub(crate) fn written(&self, actual: &TcpPacket) -> Packet {
        let options = actual.options.iter().map(|option| match option {
            TcpOption::Timestamps(Some(real), ecr) => {
                TcpOption::Timestamps(Some(self.written_timestamp(*real)), *ecr)
            }
            other => other.clone(),
        });
        let seq = match actual.flags & flag::RST != 0 && actual.seq == 0 {
            // The answer to a segment without an acknowledgement (RFC 9293 §3.10.7.1).
            true => 0,
            false => actual.seq.wrapping_sub(self.displacement()),
        };
        let has_urgent = actual.flags & flag::URG != 0 || actual.urgent != 0;
        Packet {
            flow: None,
            ecn: Some(match actual.tos & 3 {
                0 => Ecn::Not,
                1 => Ecn::Ect1,
                2 => Ecn::Ect0,
                _ => Ecn::Ce,
            }),
            tos: Some(actual.tos),
            ttl: Some(actual.ttl),
            body: crate::ast::Body::Tcp(Tcp {
                flags: actual.flags,
                seq,
                len: actual.payload.len() as u32,
                ack: actual.ack,
                window: Some(actual.window),
                urgent: has_urgent.then_some(actual.urgent),
                options: Some(options.collect()),
            }),
        }
    }

    fn written_timestamp(&self, real: u32) -> u32 {
        match self.timestamps.first() {
            Some((written, first)) => written.wrapping_add(real.wrapping_sub(*first)),
            None => real,
        }
    }

    /// Where in the stack's stream a number of the wire lies; `None` before the handshake.
    pub(crate) fn offset(&self, seq: u32) -> Option<u32> {
        let (iss, _) = self.iss?;
        Some(seq.wrapping_sub(iss).wrapping_sub(1))
    }
}

fn timestamp(option: &TcpOption) -> Option<u32> {
    match option {
        TcpOption::Timestamps(val, _) => *val,
        _ => None,
    }
}

fn ecn_bits(packet: &Packet) -> u8 {
    match packet.ecn {
        None => packet.tos.unwrap_or(0) & 3,
        Some(Ecn::Not) => 0,
        Some(Ecn::Ect1) => 1,
        Some(Ecn::Ect0 | Ecn::Either) => 2,
        Some(Ecn::Ce) => 3,
    }
}
