//! The header before every packet: what was left undone (virtio 1.3 §5.1.6, `struct
//! virtio_net_hdr` of Linux).
//!
//! Ten bytes in the machine's byte order. The kernel is believed where it says that a checksum need
//! not be verified, but not where that would make us read beyond the packet: a header that does not
//! fit its packet is refused.

use std::io::IoSlice;

use crate::device::Received;

/// The length of a header in bytes.
pub(super) const LEN: usize = 10;

/// The checksum is not complete: its field holds the sum of the pseudo-header.
const NEEDS_CSUM: u8 = 1;
/// The checksum was verified.
const DATA_VALID: u8 = 2;

const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
/// Beside the kind: CWR is set, and the segments it is cut into shall have it as the first has.
const GSO_ECN: u8 = 0x80;

const HOP_BY_HOP: u8 = 0;
const TCP: u8 = 6;
/// Where the flags, after the one that is now AccECN's, stand in a TCP header, and CWR in them.
const TCP_FLAGS_AT: usize = 13;
const CWR: u8 = 0x80;
/// Where the data offset stands in a TCP header, and the checksum.
const TCP_OFFSET_AT: usize = 12;
const TCP_CHECKSUM_AT: u16 = 16;
/// The shortest TCP header.
const TCP_LEN: usize = 20;

/// A header, decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) flags: u8,
    pub(super) gso_type: u8,
    /// Bytes of headers, IP's and TCP's: a hint.
    pub(super) hdr_len: u16,
    /// Payload bytes of each segment but the last.
    pub(super) gso_size: u16,
    /// Where the bytes to be summed begin, counted from the packet's start.
    pub(super) csum_start: u16,
    /// Where their checksum goes, counted from `csum_start`.
    pub(super) csum_offset: u16,
}

/// Where things are in a packet.
struct Layout {
    is_ipv6: bool,
    /// Where the TCP header begins; `None` if the packet is not, or not recognisably, TCP's.
    tcp_at: Option<usize>,
}

impl Header {
    pub(super) fn decode(bytes: [u8; LEN]) -> Self {
        let [flags, gso_type, rest @ ..] = bytes;
        let [a, b, c, d, e, f, g, h] = rest;
        let number = |bytes| u16::from_ne_bytes(bytes);
        Self {
            flags,
            gso_type,
            hdr_len: number([a, b]),
            gso_size: number([c, d]),
            csum_start: number([e, f]),
            csum_offset: number([g, h]),
        }
    }

    pub(super) fn encode(self) -> [u8; LEN] {
        let [a, b] = self.hdr_len.to_ne_bytes();
        let [c, d] = self.gso_size.to_ne_bytes();
        let [e, f] = self.csum_start.to_ne_bytes();
        let [g, h] = self.csum_offset.to_ne_bytes();
        [self.flags, self.gso_type, a, b, c, d, e, f, g, h]
    }

    /// What the header says of `packet`, or `None` if it cannot be true.
    pub(super) fn judge(self, packet: &[u8]) -> Option<Received> {
        let mut received = Received::new(packet.len());
        if self.flags & NEEDS_CSUM != 0 {
            let field = usize::from(self.csum_start) + usize::from(self.csum_offset);
            if field + 2 > packet.len() {
                return None;
            }
        }
        if self.flags & (NEEDS_CSUM | DATA_VALID) != 0 {
            // It stayed on this machine, or the network card has looked.
            received = received.checksum_verified();
        }
        let is_ipv6 = match self.gso_type & !GSO_ECN {
            GSO_NONE => return Some(received),
            GSO_TCPV4 => false,
            GSO_TCPV6 => true,
            _ => return None,
        };
        let layout = Layout::of(packet)?;
        let header = layout.tcp_at.and_then(|at| Some(at + tcp_len(packet, at)?));
        // What follows extension headers is found by the stack; the segment size still holds.
        let header = header.unwrap_or(usize::from(self.hdr_len));
        let sound = layout.is_ipv6 == is_ipv6 && self.gso_size > 0 && header < packet.len();
        sound.then(|| received.segment_size(self.gso_size))
    }

    /// The header for a packet of ours, which lies in `slices`: TCP checksums are left to the
    /// kernel, and so is cutting a packet with a `segment_size`.
    pub(super) fn describe(slices: &[IoSlice<'_>], segment_size: Option<u16>) -> Self {
        // The stack's headers lie in one piece.
        let first = slices.first().map_or(&[][..], |first| first);
        let Some(layout) = Layout::of(first) else {
            return Self::default();
        };
        let Some(tcp_at) = layout.tcp_at else {
            return Self::default();
        };
        let mut header = Self {
            flags: NEEDS_CSUM,
            csum_start: tcp_at as u16,
            csum_offset: TCP_CHECKSUM_AT,
            ..Self::default()
        };
        if let Some(size) = segment_size
            && let Some(tcp_len) = tcp_len(first, tcp_at)
        {
            header.gso_type = if layout.is_ipv6 { GSO_TCPV6 } else { GSO_TCPV4 };
            if first[tcp_at + TCP_FLAGS_AT] & CWR != 0 {
                header.gso_type |= GSO_ECN;
            }
            header.hdr_len = (tcp_at + tcp_len) as u16;
            header.gso_size = size;
        }
        header
    }
}

impl Layout {
    /// `None` if `packet` does not begin with an IP header and, where TCP follows it, with its.
    fn of(packet: &[u8]) -> Option<Self> {
        let (is_ipv6, protocol, ip_len) = match packet.first()? >> 4 {
            4 => (false, *packet.get(9)?, usize::from(packet[0] & 0x0f) * 4),
            6 if packet.get(6) == Some(&HOP_BY_HOP) => {
                let len = usize::from(*packet.get(41)?) * 8 + 8;
                (true, *packet.get(40)?, 40 + len)
            }
            6 => (true, *packet.get(6)?, 40),
            _ => return None,
        };
        if packet.len() < ip_len {
            return None;
        }
        let tcp_at = (protocol == TCP).then_some(ip_len);
        if tcp_at.is_some() && packet.len() < ip_len + TCP_LEN {
            return None;
        }
        Some(Self { is_ipv6, tcp_at })
    }
}

/// The length of the TCP header at `at`; `None` if it cannot be as it says.
fn tcp_len(packet: &[u8], at: usize) -> Option<usize> {
    let len = usize::from(packet.get(at + TCP_OFFSET_AT)? >> 4) * 4;
    (len >= TCP_LEN && at + len <= packet.len()).then_some(len)
}

#[cfg(test)]
mod tests;
