//! Packets as bytes, written and read by a codec of this crate's own.
//!
//! It shares nothing with the stack's: an error in one cannot hide itself in the other. Reading is
//! strict, for what it reads was written by the stack under test.

mod icmp;
mod tcp;

use std::net::{IpAddr, SocketAddr};

use crate::ast::TcpOption;

pub(crate) use icmp::encode_error;
pub(crate) use tcp::option_bytes;

const PROTOCOL_TCP: u8 = 6;

/// A TCP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TcpPacket {
    /// Sender.
    pub(crate) src: SocketAddr,
    /// Receiver.
    pub(crate) dst: SocketAddr,
    /// Diffserv and ECN bits.
    pub(crate) tos: u8,
    /// Time to live or hop limit.
    pub(crate) ttl: u8,
    /// Flag bits, AE included.
    pub(crate) flags: u16,
    /// Sequence number.
    pub(crate) seq: u32,
    /// Acknowledgement number.
    pub(crate) ack: u32,
    /// Window field.
    pub(crate) window: u16,
    /// Urgent pointer.
    pub(crate) urgent: u16,
    /// Options, padding included.
    pub(crate) options: Vec<TcpOption>,
    /// Payload.
    pub(crate) payload: Vec<u8>,
}

impl TcpPacket {
    /// The packet's bytes, checksums complete. Options are padded with zeros.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut segment = tcp::encode(self);
        let sum = transport_sum(self.src.ip(), self.dst.ip(), PROTOCOL_TCP, &segment);
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        let (src, dst) = (self.src.ip(), self.dst.ip());
        ip(src, dst, PROTOCOL_TCP, self.tos, self.ttl, &segment)
    }

    /// Reads a packet; the error says what is wrong with it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let header = IpHeader::decode(bytes)?;
        if header.protocol != PROTOCOL_TCP {
            return Err(format!(
                "a packet of IP protocol {}, not TCP",
                header.protocol
            ));
        }
        let segment = &bytes[header.len..];
        if transport_sum(header.src, header.dst, PROTOCOL_TCP, segment) != 0 {
            return Err("a wrong TCP checksum".into());
        }
        tcp::decode(&header, segment)
    }
}

/// What matters of an IP header.
struct IpHeader {
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    tos: u8,
    ttl: u8,
    len: usize,
}

impl IpHeader {
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        match bytes.first().map(|first| first >> 4) {
            Some(4) if bytes.len() >= 20 => Self::decode_v4(bytes),
            Some(6) if bytes.len() >= 40 => Self::decode_v6(bytes),
            _ => Err("a packet that is neither IPv4 nor IPv6".into()),
        }
    }

    fn decode_v4(bytes: &[u8]) -> Result<Self, String> {
        if bytes[0] != 0x45 {
            return Err("an IPv4 header with options".into());
        }
        if usize::from(be16(bytes, 2)) != bytes.len() {
            return Err("a wrong IPv4 total length".into());
        }
        if fold(sum(&bytes[..20])) != 0xffff {
            return Err("a wrong IPv4 header checksum".into());
        }
        if be16(bytes, 6) & 0x3fff != 0 {
            return Err("an IPv4 fragment".into());
        }
        let addr = |at: usize| IpAddr::from(<[u8; 4]>::try_from(&bytes[at..at + 4]).unwrap());
        Ok(Self {
            src: addr(12),
            dst: addr(16),
            protocol: bytes[9],
            tos: bytes[1],
            ttl: bytes[8],
            len: 20,
        })
    }

    fn decode_v6(bytes: &[u8]) -> Result<Self, String> {
        if usize::from(be16(bytes, 4)) != bytes.len() - 40 {
            return Err("a wrong IPv6 payload length".into());
        }
        let addr = |at: usize| IpAddr::from(<[u8; 16]>::try_from(&bytes[at..at + 16]).unwrap());
        Ok(Self {
            src: addr(8),
            dst: addr(24),
            protocol: bytes[6],
            tos: (be16(bytes, 0) >> 4) as u8,
            ttl: bytes[7],
            len: 40,
        })
    }
}

/// An IP header in front of `payload`.
fn ip(src: IpAddr, dst: IpAddr, protocol: u8, tos: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(40 + payload.len());
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            packet.extend([0x45, tos]);
            packet.extend((20 + payload.len() as u16).to_be_bytes());
            // No identification, and DF: nothing here is ever cut.
            packet.extend([0, 0, 0x40, 0, ttl, protocol, 0, 0]);
            packet.extend(src.octets());
            packet.extend(dst.octets());
            let sum = !fold(sum(&packet));
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        (src, dst) => {
            let octets = |addr| match addr {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
                IpAddr::V6(v6) => v6.octets(),
            };
            packet.extend([0x60 | tos >> 4, tos << 4, 0, 0]);
            packet.extend((payload.len() as u16).to_be_bytes());
            packet.extend([protocol, ttl]);
            packet.extend(octets(src));
            packet.extend(octets(dst));
        }
    }
    packet.extend_from_slice(payload);
    packet
}

/// The checksum of a transport segment: to be written where its field is still zero, or zero where
/// the field is right.
fn transport_sum(src: IpAddr, dst: IpAddr, protocol: u8, segment: &[u8]) -> u16 {
    let addrs = match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => sum(&src.octets()) + sum(&dst.octets()),
        (IpAddr::V6(src), IpAddr::V6(dst)) => sum(&src.octets()) + sum(&dst.octets()),
        _ => 0,
    };
    !fold(addrs + u64::from(protocol) + segment.len() as u64 + sum(segment))
}

fn sum(bytes: &[u8]) -> u64 {
    bytes
        .chunks(2)
        .map(|pair| u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0)))
        .sum()
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from(be16(bytes, at)) << 16 | u32::from(be16(bytes, at + 2))
}

#[cfg(test)]
mod tests;
