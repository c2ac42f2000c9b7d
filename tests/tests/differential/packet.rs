//! Packets made byte by byte, so that they may be wrong, with a codec of their own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IP protocol numbers.
pub(crate) const ICMP: u8 = 1;
/// TCP's.
pub(crate) const TCP: u8 = 6;

/// An IPv4 header to be put before a payload.
#[derive(Clone, Debug)]
pub(crate) struct Ip {
    /// Source address.
    pub(crate) src: Ipv4Addr,
    /// Destination address.
    pub(crate) dst: Ipv4Addr,
    /// Protocol.
    pub(crate) protocol: u8,
    /// Identification.
    pub(crate) ident: u16,
    /// Options, a multiple of four bytes.
    pub(crate) options: Vec<u8>,
    /// Time to live.
    pub(crate) ttl: u8,
    /// Added to the version nibble.
    pub(crate) version: u8,
    /// In place of the header length in words.
    pub(crate) ihl: Option<u8>,
    /// Added to the total length.
    pub(crate) total: i32,
    /// Whether to spoil the checksum.
    pub(crate) bad_sum: bool,
}

impl Ip {
    /// A plain header.
    pub(crate) fn new(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8) -> Self {
        Self {
            src,
            dst,
            protocol,
            ident: 0,
            options: Vec::new(),
            ttl: 64,
            version: 4,
            ihl: None,
            total: 0,
            bad_sum: false,
        }
    }

    /// The packet; `offset` in bytes and `more` make it a fragment.
    pub(crate) fn packet(&self, offset: usize, more: bool, payload: &[u8]) -> Vec<u8> {
        let header_len = 20 + self.options.len();
        let ihl = self.ihl.unwrap_or((header_len / 4) as u8);
        let total = (header_len + payload.len()) as i32 + self.total;
        let mut packet = vec![self.version << 4 | ihl, 0];
        packet.extend((total as u16).to_be_bytes());
        packet.extend(self.ident.to_be_bytes());
        packet.extend(((offset / 8) as u16 | u16::from(more) << 13).to_be_bytes());
        packet.extend([self.ttl, self.protocol, 0, 0]);
        packet.extend(self.src.octets());
        packet.extend(self.dst.octets());
        packet.extend(&self.options);
        let sum = checksum(&[&packet]) ^ u16::from(self.bad_sum);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet.extend(payload);
        packet
    }
}

/// A plain IPv6 packet.
pub(crate) fn ipv6(
    src: Ipv6Addr,
    dst: Ipv6Addr,
    protocol: u8,
    hops: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([protocol, hops]);
    packet.extend(src.octets());
    packet.extend(dst.octets());
    packet.extend(payload);
    packet
}

/// The checksum of a payload with the pseudo-header of its addresses.
pub(crate) fn pseudo_checksum(src: IpAddr, dst: IpAddr, protocol: u8, payload: &[u8]) -> u16 {
    let octets = |addr: IpAddr| match addr {
        IpAddr::V4(addr) => addr.octets().to_vec(),
        IpAddr::V6(addr) => addr.octets().to_vec(),
    };
    let len = (payload.len() as u16).to_be_bytes();
    checksum(&[&octets(src), &octets(dst), &[0, protocol], &len, payload])
}

/// The Internet checksum of the concatenation of `parts`, each but the last of even length.
pub(crate) fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for word in parts.iter().flat_map(|part| part.chunks(2)) {
        sum += u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A TCP segment to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Tcp {
    /// Source and destination port.
    pub(crate) ports: (u16, u16),
    /// SEG.SEQ.
    pub(crate) seq: u32,
    /// SEG.ACK.
    pub(crate) ack: u32,
    /// The control bits.
    pub(crate) flags: u8,
    /// The window field.
    pub(crate) wnd: u16,
    /// The urgent pointer.
    pub(crate) up: u16,
    /// The options; padded with ends of the list.
    pub(crate) options: Vec<u8>,
    /// In place of the header length in words.
    pub(crate) data_offset: Option<u8>,
    /// The data.
    pub(crate) text: Vec<u8>,
    /// Whether to spoil the checksum.
    pub(crate) bad_sum: bool,
}

impl Tcp {
    /// The bytes, between these two addresses.
    pub(crate) fn bytes(&self, src: IpAddr, dst: IpAddr) -> Vec<u8> {
        let mut options = self.options.clone();
        options.resize(options.len().next_multiple_of(4), 0);
        let words = self.data_offset.unwrap_or((5 + options.len() / 4) as u8);
        let mut bytes = Vec::new();
        bytes.extend(self.ports.0.to_be_bytes());
        bytes.extend(self.ports.1.to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        bytes.extend([words << 4, self.flags]);
        bytes.extend(self.wnd.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(self.up.to_be_bytes());
        bytes.extend(options);
        bytes.extend(&self.text);
        let sum = pseudo_checksum(src, dst, TCP, &bytes) ^ u16::from(self.bad_sum);
        bytes[16..18].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

/// An ICMP message: type, code, the second word, the rest.
pub(crate) fn icmp(kind: u8, code: u8, word: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(word.to_be_bytes());
    bytes.extend(rest);
    let sum = checksum(&[&bytes]);
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// The `len` bytes of a stream from `from` on: what either side writes.
pub(crate) fn pattern(from: u32, len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|at| b'a' + (from.wrapping_add(at) % 23) as u8)
        .collect()
}
