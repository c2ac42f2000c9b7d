//! What an outgoing packet says in its IP header.

use core::net::IpAddr;

use super::{Ipv4Header, Ipv6Header, ipv4, ipv6};

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

    /// Writes the header of a packet with `payload_len` bytes of payload into the front of `buf`
    /// and returns its length; IPv4's checksum is complete.
    ///
    /// Returns 0 and writes nothing if `buf` is too short, the packet would be too long, or the
    /// addresses are of different versions.
    pub fn emit(&self, payload_len: usize, buf: &mut [u8]) -> usize {
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Ipv4Header {
                src,
                dst,
                protocol: self.protocol,
                ttl: self.hop_limit,
                tos: self.traffic_class,
                ident: self.ident,
                dont_fragment: self.dont_fragment,
                more_fragments: false,
                fragment_offset: 0,
            }
            .emit(payload_len, buf),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Ipv6Header {
                src,
                dst,
                next_header: self.protocol,
                hop_limit: self.hop_limit,
                traffic_class: self.traffic_class,
                flow_label: self.flow_label,
            }
            .emit(payload_len, buf),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests;
