//! ICMP errors about packets a test has seen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use estab_proto::wire::icmpv4::FRAGMENTATION_NEEDED;
use estab_proto::wire::{Icmpv4, Icmpv6, IpPacket, IpRepr, protocol};

/// Where the routers of these tests are.
pub const ROUTER: (Ipv4Addr, Ipv6Addr) = (
    Ipv4Addr::new(10, 0, 0, 254),
    Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0xfe),
);

/// What a router may say about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Destination unreachable, with this code.
    Unreachable(u8),
    /// The packet is larger than this link takes, in bytes.
    TooBig(u16),
    /// The packet has lived too long.
    TimeExceeded,
    /// Source quench; IPv4 only.
    SourceQuench,
}

/// The packet by which a router tells the sender of `packet` about it.
///
/// # Panics
///
/// If `packet` is no IP packet.
pub fn error(about: &[u8], error: Error) -> Vec<u8> {
    match IpPacket::parse(about).expect("an IP packet").src() {
        IpAddr::V4(to) => icmpv4(about, to, error),
        IpAddr::V6(to) => icmpv6(about, to, error),
    }
}

fn icmpv4(quoted: &[u8], to: Ipv4Addr, error: Error) -> Vec<u8> {
    let message = match error {
        Error::Unreachable(code) => Icmpv4::Unreachable {
            code,
            mtu: 0,
            quoted,
        },
        Error::TooBig(mtu) => Icmpv4::Unreachable {
            code: FRAGMENTATION_NEEDED,
            mtu,
            quoted,
        },
        Error::TimeExceeded => Icmpv4::TimeExceeded { code: 0, quoted },
        Error::SourceQuench => Icmpv4::SourceQuench { quoted },
    };
    let mut buf = [0; 1500];
    let len = message.emit(&mut buf);
    packet(ROUTER.0.into(), to.into(), protocol::ICMP, &buf[..len])
}

fn icmpv6(quoted: &[u8], to: Ipv6Addr, error: Error) -> Vec<u8> {
    let message = match error {
        Error::Unreachable(code) => Icmpv6::Unreachable { code, quoted },
        Error::TooBig(mtu) => Icmpv6::PacketTooBig {
            mtu: mtu.into(),
            quoted,
        },
        Error::TimeExceeded => Icmpv6::TimeExceeded { code: 0, quoted },
        Error::SourceQuench => panic!("ICMPv6 has no source quench"),
    };
    let mut buf = [0; 1500];
    let len = message.emit(ROUTER.1, to, &mut buf);
    packet(ROUTER.1.into(), to.into(), protocol::ICMPV6, &buf[..len])
}

/// `payload` in an IP packet.
pub fn packet(src: IpAddr, dst: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let repr = IpRepr {
        src,
        dst,
        protocol,
        hop_limit: 64,
        traffic_class: 0,
        ident: 0,
        dont_fragment: true,
        flow_label: 0,
    };
    let mut packet = vec![0; repr.header_len()];
    repr.emit(payload.len(), &mut packet);
    packet.extend_from_slice(payload);
    packet
}
