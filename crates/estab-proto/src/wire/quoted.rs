//! The packet an ICMP error quotes.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{RouteOption, ipv4, ipv6_ext, protocol};
use crate::seq::SeqNumber;

/// What an ICMP error tells of the segment it is about: enough to find the connection and to
/// check that the segment is in flight (RFC 5927 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotedTcp {
    /// Where the segment came from: our end, if the quotation is honest.
    pub src: SocketAddr,
    /// Where it went: the end of its source route, if it has one.
    pub dst: SocketAddr,
    /// Its sequence number.
    pub seq: SeqNumber,
}

/// Reads the quotation of a TCP segment in an ICMP or ICMPv6 error.
///
/// Eight bytes of the TCP header suffice (RFC 792); neither lengths nor checksums are required to
/// fit, since the packet is cut and was changed on its way. `None` if it is not TCP, not the first
/// fragment, or cut shorter.
pub fn quoted_tcp(quoted: &[u8]) -> Option<QuotedTcp> {
    let (src, dst, transport) = match quoted.first()? >> 4 {
        4 => quoted_ipv4(quoted)?,
        6 => quoted_ipv6(quoted)?,
        _ => return None,
    };
    let &[s0, s1, d0, d1, seq @ ..] = transport.first_chunk::<8>()?;
    Some(QuotedTcp {
        src: SocketAddr::new(src, u16::from_be_bytes([s0, s1])),
        dst: SocketAddr::new(dst, u16::from_be_bytes([d0, d1])),
        seq: SeqNumber::new(u32::from_be_bytes(seq)),
    })
}

fn quoted_ipv4(quoted: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    let header = quoted.first_chunk::<{ ipv4::HEADER_LEN }>()?;
    let header_len = usize::from(header[0] << 2 & 0x3c);
    let fragment_offset = u16::from_be_bytes([header[6], header[7]]) & 0x1fff;
    if header_len < ipv4::HEADER_LEN || header[9] != protocol::TCP || fragment_offset != 0 {
        return None;
    }
    let src = Ipv4Addr::new(header[12], header[13], header[14], header[15]);
    let next = Ipv4Addr::new(header[16], header[17], header[18], header[19]);
    let options = quoted.get(ipv4::HEADER_LEN..header_len)?;
    let dst = RouteOption::find(options).map_or(next, |route| route.destination(next));
    Some((src.into(), dst.into(), quoted.get(header_len..)?))
}

fn quoted_ipv6(quoted: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    let (&[_, _, _, _, _, _, next_header, _], rest) = quoted.split_first_chunk::<8>()?;
    let (src, rest) = rest.split_first_chunk::<16>()?;
    let (dst, rest) = rest.split_first_chunk::<16>()?;
    let walk = ipv6_ext::walk(next_header, rest).ok()?;
    let first = walk.fragment.is_none_or(|fragment| fragment.offset == 0);
    if walk.protocol != protocol::TCP || !first {
        return None;
    }
    Some((
        Ipv6Addr::from(*src).into(),
        Ipv6Addr::from(*dst).into(),
        walk.payload,
    ))
}

#[cfg(test)]
mod tests;
