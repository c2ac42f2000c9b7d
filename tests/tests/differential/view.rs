//! What a host sent, taken apart by a parser of its own.

use std::fmt::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::packet::{TCP, checksum, pseudo_checksum};
use crate::target::{HOST, six};

/// A packet, its addresses as probes name them.
pub(crate) struct Packet<'a> {
    /// To whom.
    pub(crate) dst: Ipv4Addr,
    ttl: u8,
    tos: u8,
    /// What is in it.
    pub(crate) body: Body<'a>,
}

/// What a packet holds.
pub(crate) enum Body<'a> {
    /// A segment.
    Tcp(Segment<'a>),
    /// An ICMP message, from its type on.
    Icmp(&'a [u8]),
}

/// A TCP segment.
pub(crate) struct Segment<'a> {
    /// The host's port.
    pub(crate) port: u16,
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
    options: &'a [u8],
    /// Value and echo.
    pub(crate) timestamps: Option<(u32, u32)>,
    /// The data.
    pub(crate) text: &'a [u8],
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) << 16 | u32::from(u16_at(bytes, at + 2))
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` for what is neither TCP nor ICMP over IPv4, nor TCP over IPv6.
    ///
    /// # Panics
    ///
    /// If a checksum is wrong or the packet is not the host's.
    pub(crate) fn parse(packet: &'a [u8]) -> Option<Self> {
        match packet[0] >> 4 {
            4 => Self::parse_v4(packet),
            6 => Self::parse_v6(packet),
            _ => None,
        }
    }

    fn parse_v6(packet: &'a [u8]) -> Option<Self> {
        let (header, payload) = packet.split_at_checked(40)?;
        if header[6] != TCP {
            // The kernel's router solicitations, among others.
            return None;
        }
        let addr = |at: usize| {
            let octets: [u8; 16] = header[at..at + 16].try_into().expect("sixteen bytes");
            Ipv6Addr::from(octets)
        };
        let (src, dst) = (addr(8), addr(24));
        assert_eq!(src, six(HOST), "the source");
        let sum = pseudo_checksum(src.into(), dst.into(), TCP, payload);
        assert_eq!(sum, 0, "TCP checksum");
        Some(Self {
            dst: Ipv4Addr::from_bits(dst.to_bits() as u32),
            ttl: header[7],
            tos: header[0] << 4 | header[1] >> 4,
            body: Body::Tcp(Segment::parse(payload)),
        })
    }

    fn parse_v4(packet: &'a [u8]) -> Option<Self> {
        let header_len = usize::from(packet[0] & 15) * 4;
        assert_eq!(checksum(&[&packet[..header_len]]), 0, "IP checksum");
        let payload = &packet[header_len..];
        let body = match packet[9] {
            1 => {
                assert_eq!(checksum(&[payload]), 0, "ICMP checksum");
                Body::Icmp(payload)
            }
            6 => {
                let addr = |at: usize| Ipv4Addr::from(u32_at(packet, at)).into();
                let sum = pseudo_checksum(addr(12), addr(16), TCP, payload);
                assert_eq!(sum, 0, "TCP checksum");
                Body::Tcp(Segment::parse(payload))
            }
            _ => return None,
        };
        let addr = |at: usize| Ipv4Addr::from(u32_at(packet, at));
        assert_eq!(addr(12), HOST, "the source");
        Some(Self {
            dst: addr(16),
            ttl: packet[8],
            tos: packet[1],
            body,
        })
    }
}

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ttl != 64 {
            write!(f, "ttl{} ", self.ttl)?;
        }
        if let Body::Icmp(message) = self.body {
            write!(f, "icmp {} {}", message[0], message[1])?;
            if message[0] == 0 {
                write!(f, " d{}", message.len() - 8)?;
            } else if message[0] == 3 && message[1] == 4 || message[0] == 12 {
                write!(f, " word {:#x}", u32_at(message, 4))?;
            }
        } else if self.tos != 0 {
            write!(f, "tos{} ", self.tos)?;
        }
        Ok(())
    }
}

impl<'a> Segment<'a> {
    fn parse(bytes: &'a [u8]) -> Self {
        let header_len = usize::from(bytes[12] >> 4) * 4;
        let options = &bytes[20..header_len];
        let timestamps = items(options)
            .find(|option| option[0] == 8)
            .map(|option| (u32_at(option, 2), u32_at(option, 6)));
        Self {
            port: u16_at(bytes, 0),
            seq: u32_at(bytes, 4),
            ack: u32_at(bytes, 8),
            flags: bytes[13],
            wnd: u16_at(bytes, 14),
            up: u16_at(bytes, 18),
            options,
            timestamps,
            text: &bytes[header_len..],
        }
    }

    /// SEG.LEN.
    pub(crate) fn len(&self) -> u32 {
        self.text.len() as u32 + u32::from(self.flags & 1) + u32::from(self.flags >> 1 & 1)
    }

    /// The control bits, a letter each.
    pub(crate) fn letters(&self) -> String {
        let letters = "FSRPAUEC".chars().enumerate();
        letters
            .filter(|(bit, _)| self.flags >> bit & 1 != 0)
            .map(|(_, letter)| letter)
            .collect()
    }

    /// The options in order, numbers counted from the peer's first ones.
    pub(crate) fn options(&self, peer_iss: u32, timestamp: u32) -> String {
        let mut text = String::new();
        for option in items(self.options) {
            let _ = match option[0] {
                0 => write!(text, " eol"),
                1 => write!(text, " nop"),
                2 => write!(text, " mss{}", u16_at(option, 2)),
                3 => write!(text, " ws"),
                4 => write!(text, " sok"),
                5 => option[2..].chunks(8).try_for_each(|block| {
                    let edge = |at| u32_at(block, at).wrapping_sub(peer_iss);
                    write!(text, " sb{}-{}", edge(0), edge(4))
                }),
                8 => {
                    let ecr = u32_at(option, 6);
                    let shown = if ecr == 0 {
                        -1
                    } else {
                        ecr.wrapping_sub(timestamp) as i32
                    };
                    write!(text, " ts({shown})")
                }
                kind => write!(text, " option{kind}"),
            };
        }
        text
    }
}

/// The options one after another.
fn items(mut options: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let kind = *options.first()?;
        let len = if kind < 2 { 1 } else { usize::from(options[1]) };
        let (option, rest) = options.split_at(len);
        options = rest;
        Some(option)
    })
}
