//! What an outgoing packet says in its IP header.

use core::net::IpAddr;

use super::ipv6::JUMBO_LEN;
use super::{Ipv4Header, Ipv6Header, ipv4, ipv6};

/// What the field for a length can say.
const MAX_LEN: usize = u16::MAX as usize;

/// The header of either version.
enum Header {
    V4(Ipv4Header),
    V6(Ipv6Header),
}

/// The header of an outgoing packet of either version.
///
/// `src` and `dst` are of the same version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRepr {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// The protocol of the payload.
    pub protocol: u8,
    /// Time to live or hop limit.
    pub hop_limit: u8,
    /// Type of service or traffic class: DSCP above, ECN in the two low bits.
    pub traffic_class: u8,
    /// IPv4 identification; IPv6 has none.
    pub ident: u16,
    /// IPv4's DF bit; IPv6 is never fragmented on its way.
    pub dont_fragment: bool,
    /// IPv6 flow label, 20 bits; IPv4 has none.
    pub flow_label: u32,
}

impl IpRepr {
    /// The length of the header in bytes: 20 or 40.
    pub fn header_len(&self) -> usize {
        match self.dst {
            IpAddr::V4(_) => ipv4::HEADER_LEN,
            IpAddr::V6(_) => ipv6::HEADER_LEN,
        }
    }

    /// The length of the header of a super-segment with `payload_len` bytes behind it: 20 or 40, and
    /// 48 if it is a jumbogram.
    pub fn long_header_len(&self, payload_len: usize) -> usize {
        match self.dst {
            IpAddr::V6(_) if payload_len > MAX_LEN => ipv6::HEADER_LEN.saturating_add(JUMBO_LEN),
            _ => self.header_len(),
        }
    }

    /// Writes the header of a packet with `payload_len` bytes of payload into the front of `buf`
    /// and returns its length; IPv4's checksum is complete.
    ///
    /// Returns 0 and writes nothing if `buf` is too short, the packet would be too long, or the
    /// addresses are of different versions.
    pub fn emit(&self, payload_len: usize, buf: &mut [u8]) -> usize {
        match self.header() {
            Some(Header::V4(header)) => header.emit(payload_len, buf),
            Some(Header::V6(header)) => header.emit(payload_len, buf),
            None => 0,
        }
    }

    /// Like [`emit`](Self::emit), for a super-segment, which may be longer than a packet. What the
    /// field for the length cannot say is 0 there: IPv4 leaves it to whoever took the packet to know,
    /// IPv6 has a jumbogram (RFC 2675).
    pub fn emit_long(&self, payload_len: usize, buf: &mut [u8]) -> usize {
        match self.header() {
            Some(Header::V4(header)) if payload_len > MAX_LEN - ipv4::HEADER_LEN => {
                header.emit_long(buf)
            }
            Some(Header::V6(header)) if payload_len > MAX_LEN => {
                header.emit_jumbo(payload_len, buf)
            }
            _ => self.emit(payload_len, buf),
        }
    }

    #[inline]
    fn header(&self) -> Option<Header> {
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Some(Header::V4(Ipv4Header {
                src,
                dst,
                protocol: self.protocol,
                ttl: self.hop_limit,
                tos: self.traffic_class,
                ident: self.ident,
                dont_fragment: self.dont_fragment,
                more_fragments: false,
                fragment_offset: 0,
            })),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Some(Header::V6(Ipv6Header {
                src,
                dst,
                next_header: self.protocol,
                hop_limit: self.hop_limit,
                traffic_class: self.traffic_class,
                flow_label: self.flow_label,
            })),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
