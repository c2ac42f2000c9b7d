//! A packet read by the textbook, without any code of the stack under test.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const ACK: u8 = 0x10;

/// A segment's fields as numbers.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    /// AE, CWR and ECE as one number.
    pub(super) ace: u8,
    /// The ECN field of the IP header.
    pub(super) ecn: u8,
    pub(super) wnd: u16,
    pub(super) options: Options,
    pub(super) options_len: usize,
    pub(super) text: Vec<u8>,
}

/// The options found.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) mss: Option<u16>,
    pub(super) shift: Option<u8>,
    pub(super) sack_permitted: bool,
    pub(super) sack: Vec<(u32, u32)>,
    pub(super) tsval: Option<u32>,
    pub(super) accecn: bool,
}

/// What an IP packet holds.
pub(super) enum Packet {
    Tcp {
        src: SocketAddr,
        dst: SocketAddr,
        view: View,
    },
    Icmp,
}

impl View {
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Text, SYN and FIN.
    pub(super) fn len(&self) -> u64 {
        self.text.len() as u64 + u64::from(self.has(SYN)) + u64::from(self.has(FIN))
    }
}

/// Reads a packet and checks everything that needs no memory of earlier ones. One that was sent is
/// read `strict`; of one that was received, options count up to a malformation, and nobody minds
/// a hop limit of 0.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn read(packet: &[u8], strict: bool) -> Result<Packet, String> {
    let ((src, dst, protocol, payload), ecn) = match packet.first().map(|first| first >> 4) {
        Some(4) => (read_ipv4(packet, strict)?, packet[1] & 3),
        Some(6) => (read_ipv6(packet, strict)?, packet[1] >> 4 & 3),
        _ => return Err("no IP version".into()),
    };
    let pseudo = pseudo_header(src, dst, protocol, payload.len());
    match protocol {
        1 if checksum(&[payload]) == 0 => Ok(Packet::Icmp),
        58 if checksum(&[&pseudo, payload]) == 0 => Ok(Packet::Icmp),
        6 => {
            if payload.len() < 20 {
                return Err("short TCP header".into());
            }
            if checksum(&[&pseudo, payload]) != 0 {
                return Err("TCP checksum".into());
            }
            let src = SocketAddr::new(src, word(payload, 0));
            let dst = SocketAddr::new(dst, word(payload, 2));
            Ok(Packet::Tcp {
                src,
                dst,
                view: View {
                    ecn,
                    ..read_tcp(payload, strict)?
                },
            })
        }
        other => Err(format!("checksum or protocol {other}")),
    }
}

type Ip<'a> = (IpAddr, IpAddr, u8, &'a [u8]);

fn read_ipv4(packet: &[u8], strict: bool) -> Result<Ip<'_>, String> {
    let len = 4 * usize::from(packet[0] & 15);
    if packet[0] >> 4 != 4 || len < 20 || packet.len() < len {
        return Err("IPv4 header length".into());
    }
    if checksum(&[&packet[..len]]) != 0 {
        return Err("IPv4 header checksum".into());
    }
    if usize::from(word(packet, 2)) != packet.len() {
        return Err("IPv4 total length".into());
    }
    if word(packet, 6) & 0xbfff != 0 {
        return Err("IPv4 fragment or reserved bit".into());
    }
    if strict && packet[8] == 0 {
        return Err("IPv4 TTL 0".into());
    }
    let addr = |at| IpAddr::V4(Ipv4Addr::from(long(packet, at)));
    let end = match packet[20..len] {
        [] => addr(16),
        // A source route: one that begins ends with where the packet ends, one that is complete has
        // brought it there. Nothing else is sent.
        [1, 131 | 137, size, 4, ..] if usize::from(size) == len - 21 && len > 24 => addr(len - 4),
        [131 | 137, size, pointer, ..] if !strict && pointer > size => addr(16),
        _ => return Err("IPv4 options".into()),
    };
    Ok((addr(12), end, packet[9], &packet[len..]))
}

fn read_ipv6(packet: &[u8], strict: bool) -> Result<Ip<'_>, String> {
    if packet.len() < 40 || usize::from(word(packet, 4)) + 40 != packet.len() {
        return Err("IPv6 payload length".into());
    }
    if strict && packet[7] == 0 {
        return Err("IPv6 hop limit 0".into());
    }
    let addr = |at: usize| {
        let octets: [u8; 16] = packet[at..at + 16].try_into().expect("16 bytes");
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    Ok((addr(8), addr(24), packet[6], &packet[40..]))
}

fn read_tcp(tcp: &[u8], strict: bool) -> Result<View, String> {
    let header_len = usize::from(tcp[12] >> 4) * 4;
    if header_len < 20 || header_len > tcp.len() {
        return Err("TCP data offset".into());
    }
    if tcp[12] & 0x0e != 0 {
        return Err("TCP reserved bits".into());
    }
    let mut options = Options::default();
    let fault = options.read(&tcp[20..header_len]);
    if strict {
        fault?;
    }
    Ok(View {
        seq: long(tcp, 4),
        ack: long(tcp, 8),
        flags: tcp[13] & 0x3f,
        ace: (tcp[12] & 1) << 2 | tcp[13] >> 6,
        ecn: 0,
        wnd: word(tcp, 14),
        options,
        options_len: header_len - 20,
        text: tcp[header_len..].to_vec(),
    })
}

impl Options {
    fn read(&mut self, mut rest: &[u8]) -> Result<(), String> {
        while let Some(&kind) = rest.first() {
            match kind {
                0 if rest.iter().all(|byte| *byte == 0) => break,
                1 => {
                    rest = &rest[1..];
                    continue;
                }
                _ => {}
            }
            let len = usize::from(*rest.get(1).ok_or("option cut off")?);
            if len < 2 || len > rest.len() {
                return Err(format!("option {kind} of length {len}"));
            }
            match (kind, len) {
                (2, 4) => self.mss = Some(word(rest, 2)),
                (3, 3) => self.shift = Some(rest[2]),
                (4, 2) => self.sack_permitted = true,
                (5, 10 | 18 | 26 | 34) => {
                    self.sack = (2..len)
                        .step_by(8)
                        .map(|at| (long(rest, at), long(rest, at + 4)))
                        .collect();
                }
                (8, 10) => self.tsval = Some(long(rest, 2)),
                (172 | 174, 2 | 5 | 8 | 11) => self.accecn = true,
                _ => return Err(format!("option {kind} of length {len}")),
            }
            rest = &rest[len..];
        }
        Ok(())
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from(word(bytes, at)) << 16 | u32::from(word(bytes, at + 2))
}

fn pseudo_header(src: IpAddr, dst: IpAddr, protocol: u8, len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for addr in [src, dst] {
        match addr {
            IpAddr::V4(addr) => bytes.extend(addr.octets()),
            IpAddr::V6(addr) => bytes.extend(addr.octets()),
        }
    }
    bytes.extend((len as u32).to_be_bytes());
    bytes.extend([0, 0, 0, protocol]);
    bytes
}

/// RFC 1071, a word at a time; 0 if a packet with its checksum is right.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u64;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
