//! ICMP errors (RFC 792, RFC 4443), as a router or the peer would send them.

use std::net::IpAddr;

use crate::ast::IcmpKind;
use crate::wire::{fold, ip, sum, transport_sum};

const PROTOCOL_ICMPV4: u8 = 1;
const PROTOCOL_ICMPV6: u8 = 58;

/// An ICMP error from `src` to `dst` about the packet `quoted`; `None` if the family has no such
/// error.
pub(crate) fn encode_error(
    src: IpAddr,
    dst: IpAddr,
    kind: IcmpKind,
    mtu: u32,
    quoted: &[u8],
) -> Option<Vec<u8>> {
    let is_v4 = dst.is_ipv4();
    let (kind, code) = if is_v4 { v4(kind) } else { v6(kind)? };
    let mut message = vec![kind, code, 0, 0];
    message.extend(mtu.to_be_bytes());
    message.extend_from_slice(quoted);
    let sum = match is_v4 {
        true => !fold(sum(&message)),
        false => transport_sum(src, dst, PROTOCOL_ICMPV6, &message),
    };
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let protocol = if is_v4 {
        PROTOCOL_ICMPV4
    } else {
        PROTOCOL_ICMPV6
    };
    Some(ip(src, dst, protocol, 0, 64, &message))
}

/// Type and code in ICMPv4.
fn v4(kind: IcmpKind) -> (u8, u8) {
    match kind {
        IcmpKind::NetUnreachable => (3, 0),
        IcmpKind::HostUnreachable => (3, 1),
        IcmpKind::ProtocolUnreachable => (3, 2),
        IcmpKind::PortUnreachable => (3, 3),
        IcmpKind::TooBig => (3, 4),
        IcmpKind::SourceRouteFailed => (3, 5),
        IcmpKind::Prohibited => (3, 13),
        IcmpKind::SourceQuench => (4, 0),
        IcmpKind::TimeExceeded => (11, 0),
        IcmpKind::ParameterProblem => (12, 0),
    }
}

/// Type and code in ICMPv6.
fn v6(kind: IcmpKind) -> Option<(u8, u8)> {
    Some(match kind {
        IcmpKind::NetUnreachable => (1, 0),
        IcmpKind::Prohibited => (1, 1),
        IcmpKind::HostUnreachable => (1, 3),
        IcmpKind::PortUnreachable => (1, 4),
        IcmpKind::SourceRouteFailed => (1, 5),
        IcmpKind::TooBig => (2, 0),
        IcmpKind::TimeExceeded => (3, 0),
        IcmpKind::ParameterProblem => (4, 0),
        IcmpKind::ProtocolUnreachable => (4, 1),
        IcmpKind::SourceQuench => return None,
    })
}
