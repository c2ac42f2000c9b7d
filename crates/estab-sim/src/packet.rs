//! The little that nodes look at in a packet.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::{Bytes, BytesMut};

#[cfg(test)]
mod tests;

/// Where the ECN field lies, if `packet` is IP: byte and shift.
fn ecn_field(packet: &[u8]) -> Option<(usize, u8)> {
    match packet.first()? >> 4 {
        4 if packet.len() >= 20 => Some((1, 0)),
        6 if packet.len() >= 40 => Some((1, 4)),
        _ => None,
    }
}

/// Whether the sender declared itself capable of ECN: ECT(0), ECT(1) or, marked already, CE
/// (RFC 3168 §5).
pub(crate) fn is_ect(packet: &[u8]) -> bool {
    ecn_field(packet).is_some_and(|(byte, shift)| (packet[byte] >> shift) & 3 != 0)
}

/// Sets congestion experienced (RFC 3168 §5), and brings the IPv4 header checksum up to date
/// (RFC 1624 §3). A packet that is not IP stays as it is.
pub(crate) fn mark(packet: Bytes) -> Bytes {
    let Some((byte, shift)) = ecn_field(&packet) else {
        return packet;
    };
    let mut packet = BytesMut::from(packet);
    let word = |packet: &[u8], at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    let old = word(&packet, 0);
    packet[byte] |= 3 << shift;
    if packet[0] >> 4 == 4 {
        // HC' = ~(~HC + ~m + m')
        let sum = u32::from(!word(&packet, 10)) + u32::from(!old) + u32::from(word(&packet, 0));
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = (sum & 0xffff) + (sum >> 16);
        packet[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    }
    packet.freeze()
}

/// Source and destination address, and the ports as they stand.
pub(crate) type Flow = (Ipv6Addr, Ipv6Addr, [u8; 4]);

/// The flow of a TCP segment that is the only or the first fragment of its packet, and whether it is
/// nothing but an acknowledgement: no SYN, FIN, RST or URG, and no text.
pub(crate) fn tcp_flow(packet: &[u8]) -> Option<(Flow, bool)> {
    let (source, destination, header, end) = match packet.first()? >> 4 {
        4 => ipv4(packet)?,
        6 => ipv6(packet)?,
        _ => return None,
    };
    let segment = packet.get(header..end)?;
    let (ports, rest) = segment.split_first_chunk::<4>()?;
    let (offset, flags) = (usize::from(rest.get(8)? >> 4) * 4, rest.get(9)?);
    let pure = flags & (ACK | SYN | FIN | RST | URG) == ACK && segment.len() == offset;
    Some(((source, destination, *ports), pure))
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const URG: u8 = 0x20;

/// The protocol number of TCP.
const TCP: u8 = 6;

/// Addresses, and from where to where the segment lies.
type Parsed = (Ipv6Addr, Ipv6Addr, usize, usize);

fn ipv4(packet: &[u8]) -> Option<Parsed> {
    let header = packet.get(..20)?;
    let fragment_offset = u16::from_be_bytes([header[6] & 0x1f, header[7]]);
    if header[9] != TCP || fragment_offset != 0 {
        return None;
    }
    let addr = |at: usize| {
        Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]).to_ipv6_mapped()
    };
    let total = u16::from_be_bytes([header[2], header[3]]);
    let start = usize::from(header[0] & 0xf) * 4;
    Some((addr(12), addr(16), start, usize::from(total)))
}

fn ipv6(packet: &[u8]) -> Option<Parsed> {
    let header = packet.get(..40)?;
    if header[6] != TCP {
        return None;
    }
    let addr = |at: usize| {
        header[at..]
            .first_chunk::<16>()
            .copied()
            .map(Ipv6Addr::from)
    };
    let payload = u16::from_be_bytes([header[4], header[5]]);
    Some((addr(8)?, addr(24)?, 40, 40 + usize::from(payload)))
}
