#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use estab_timer::Duration;

use crate::addr::IpCidr;
use crate::stack::testing::{Bench, OWN, PEER, ip_packet};
use crate::wire::{Icmpv4, Icmpv6, IpPacket, icmpv4, icmpv6, protocol};

fn echo(dst: IpAddr, data: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 8 + data.len()];
    Icmpv4::EchoRequest {
        ident: 3,
        seq: 4,
        data,
    }
    .emit(&mut body);
    ip_packet(PEER.into(), dst, protocol::ICMP, &body)
}

#[test]
fn an_echo_request_is_answered() {
    let mut bench = Bench::new();
    bench.feed(&echo(OWN.into(), b"payload"));
    let reply = bench.packets().pop().unwrap();
    let IpPacket::V4(ip) = IpPacket::parse(&reply).unwrap() else {
        panic!("IPv4")
    };
    assert_eq!((ip.src, ip.dst, ip.ident), (OWN, PEER, 0));
    let message = Icmpv4::parse(ip.payload).unwrap();
    assert_eq!(
        message,
        Icmpv4::EchoReply {
            ident: 3,
            seq: 4,
            data: b"payload"
        }
    );
}

#[test]
fn an_echo_request_to_everyone_or_to_no_one_here_is_not() {
    let mut bench = Bench::with(|config| config.any_ip = true);
    for dst in ["10.0.0.255", "255.255.255.255", "224.0.0.1", "8.8.8.8"] {
        bench.feed(&echo(dst.parse().unwrap(), b""));
    }
    assert!(bench.packets().is_empty());
    let mut silent = Bench::with(|config| config.echo_replies = false);
    silent.feed(&echo(OWN.into(), b""));
    assert!(silent.packets().is_empty());
}

#[test]
fn an_echo_reply_is_cut_to_the_device() {
    let mut bench = Bench::new();
    bench.feed(&echo(OWN.into(), &[7; 4000]));
    assert_eq!(bench.packets().pop().unwrap().len(), 1500);
}

#[test]
fn an_ipv6_echo_request_is_answered() {
    let own = "2001:db8::2".parse().unwrap();
    let peer = "2001:db8::1".parse().unwrap();
    let mut bench = Bench::with(|config| config.addrs = vec![IpCidr::new(IpAddr::V6(own), 64)]);
    let mut body = [0; 10];
    Icmpv6::EchoRequest {
        ident: 3,
        seq: 4,
        data: b"hi",
    }
    .emit(peer, own, &mut body);
    bench.feed(&ip_packet(peer.into(), own.into(), protocol::ICMPV6, &body));
    let reply = bench.packets().pop().unwrap();
    let IpPacket::V6(ip) = IpPacket::parse(&reply).unwrap() else {
        panic!("IPv6")
    };
    let message = Icmpv6::parse(ip.payload, ip.src, ip.dst).unwrap();
    assert_eq!(
        message,
        Icmpv6::EchoReply {
            ident: 3,
            seq: 4,
            data: b"hi"
        }
    );
}

#[test]
fn other_transports_are_unreachable() {
    let mut bench = Bench::new();
    let datagram = ip_packet(
        PEER.into(),
        OWN.into(),
        protocol::UDP,
        &[0, 1, 0, 2, 0, 8, 0, 0],
    );
    for (packet, expected) in [
        (datagram, icmpv4::PORT_UNREACHABLE),
        (
            ip_packet(PEER.into(), OWN.into(), 132, &[0; 12]),
            icmpv4::PROTOCOL_UNREACHABLE,
        ),
    ] {
        bench.feed(&packet);
        let report = bench.packets().pop().unwrap();
        let ip = IpPacket::parse(&report).unwrap();
        let Ok(Icmpv4::Unreachable { code, quoted, .. }) = Icmpv4::parse(ip.payload()) else {
            panic!("unreachable");
        };
        assert_eq!((code, quoted), (expected, packet.as_slice()));
    }
    assert_eq!(bench.stack.stats().drop_ip_protocol, 2);
}

#[test]
fn an_unknown_ipv6_header_is_a_parameter_problem() {
    let own = "2001:db8::2".parse::<core::net::Ipv6Addr>().unwrap();
    let peer = "2001:db8::1".parse::<core::net::Ipv6Addr>().unwrap();
    let mut bench = Bench::with(|config| config.addrs = vec![IpCidr::new(IpAddr::V6(own), 64)]);
    bench.feed(&ip_packet(peer.into(), own.into(), 132, &[0; 12]));
    let report = bench.packets().pop().unwrap();
    let IpPacket::V6(ip) = IpPacket::parse(&report).unwrap() else {
        panic!("IPv6")
    };
    let message = Icmpv6::parse(ip.payload, ip.src, ip.dst).unwrap();
    assert!(matches!(
        message,
        Icmpv6::ParameterProblem {
            code: 1,
            pointer: 6,
            ..
        }
    ));
    let udp = [0, 1, 0, 2, 0, 8, 0, 0];
    bench.feed(&ip_packet(peer.into(), own.into(), protocol::UDP, &udp));
    let report = bench.packets().pop().unwrap();
    let IpPacket::V6(ip) = IpPacket::parse(&report).unwrap() else {
        panic!("IPv6")
    };
    let message = Icmpv6::parse(ip.payload, ip.src, ip.dst).unwrap();
    assert!(
        matches!(message, Icmpv6::Unreachable { code, .. } if code == icmpv6::PORT_UNREACHABLE)
    );
}

#[test]
fn errors_are_limited_per_destination_and_in_all() {
    let mut bench = Bench::with(|config| config.limits.icmp_errors_per_second = 100);
    let from = |host: u32| {
        let src = core::net::Ipv4Addr::from_bits(0x0a01_0000 + host);
        ip_packet(
            src.into(),
            OWN.into(),
            protocol::UDP,
            &[0, 1, 0, 2, 0, 8, 0, 0],
        )
    };
    for _ in 0..1000 {
        bench.feed(&from(1));
    }
    let to_one = bench.packets().len();
    assert!((6..20).contains(&to_one), "{to_one}");
    let mut to_all = 0;
    for host in 0..5000 {
        bench.feed(&from(host));
        bench.now += Duration::from_micros(200);
        to_all += bench.packets().len();
    }
    assert!(to_all < 250, "{to_all} in a second, after a burst");
    assert!(to_all > 150, "{to_all}");
}
