#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::addr::IpCidr;
use crate::error::{ConnectionError, SoftError};
use crate::event::Event;
use crate::stack::ConnId;
use crate::stack::testing::{Bench, OWN, Seg, ip_packet, peer};
use crate::tcp::State;
use crate::wire::tcp::Flags;
use crate::wire::{Icmpv4, Icmpv6, protocol};

const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 7, 7, 7);

/// An ICMP message to us.
fn icmp(message: &Icmpv4<'_>) -> Vec<u8> {
    let mut body = vec![0; 600];
    let len = message.emit(&mut body);
    ip_packet(ROUTER.into(), OWN.into(), protocol::ICMP, &body[..len])
}

fn unreachable(code: u8, quoted: &[u8]) -> Vec<u8> {
    icmp(&Icmpv4::Unreachable {
        code,
        mtu: 0,
        quoted,
    })
}

fn too_big(mtu: u16, quoted: &[u8]) -> Vec<u8> {
    icmp(&Icmpv4::Unreachable {
        code: 4,
        mtu,
        quoted,
    })
}

/// A bench in SYN-SENT, and its SYN.
fn opening() -> (Bench, ConnId, Vec<u8>) {
    let mut bench = Bench::new();
    let id = bench.stack.connect(bench.now, peer(9), None, None).unwrap();
    let syn = bench.packets().pop().unwrap();
    (bench, id, syn)
}

/// A bench with data in flight: the first segment of it.
fn sending() -> (Bench, ConnId, Vec<u8>) {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    bench.events();
    bench.stack.send_slice(bench.now, id, &[7; 2896]).unwrap();
    let first = bench.packets().swap_remove(0);
    (bench, id, first)
}

// proves SHLD-26
#[test]
fn hard_errors_end_an_open() {
    for (code, error) in [
        (2, ConnectionError::Refused),
        (3, ConnectionError::Refused),
        (9, ConnectionError::NetworkUnreachable),
        (10, ConnectionError::HostUnreachable),
        (13, ConnectionError::HostUnreachable),
    ] {
        let (mut bench, id, syn) = opening();
        bench.feed(&unreachable(code, &syn[..28]));
        assert_eq!(
            bench.events().last(),
            Some(&Event::Closed(id, Some(error))),
            "{code}"
        );
    }
}

// proves MUST-47, MUST-56, SHLD-25
#[test]
fn soft_errors_are_told_and_nothing_more() {
    for (code, error) in [
        (0, SoftError::NetworkUnreachable),
        (1, SoftError::HostUnreachable),
        (5, SoftError::HostUnreachable),
    ] {
        let (mut bench, id, syn) = opening();
        bench.feed(&unreachable(code, &syn));
        assert_eq!(bench.events(), [Event::SoftError(id, error)]);
        assert_eq!(bench.stack.state(id), Some(State::SynSent));
    }
    let (mut bench, id, syn) = opening();
    bench.feed(&icmp(&Icmpv4::TimeExceeded {
        code: 0,
        quoted: &syn,
    }));
    assert_eq!(
        bench.events(),
        [Event::SoftError(id, SoftError::TimeExceeded)]
    );
    bench.feed(&icmp(&Icmpv4::ParameterProblem {
        code: 0,
        pointer: 1,
        quoted: &syn,
    }));
    assert_eq!(
        bench.events(),
        [Event::SoftError(id, SoftError::ParameterProblem)]
    );
}

#[test]
fn hard_errors_are_soft_once_the_connection_stands() {
    let (mut bench, id, data) = sending();
    bench.feed(&unreachable(3, &data));
    assert_eq!(
        bench.events(),
        [Event::SoftError(id, SoftError::PortUnreachable)]
    );
    assert_eq!(bench.stack.state(id), Some(State::Established));
}

#[test]
fn a_quotation_of_nothing_in_flight_is_not_believed() {
    let (mut bench, id, data) = sending();
    for (at, byte) in [(24, 1), (27, 0x80), (21, 1), (23, 1), (15, 1), (19, 1)] {
        let mut forged = data.clone();
        forged[at] ^= byte;
        bench.feed(&unreachable(3, &forged));
        bench.feed(&too_big(576, &forged));
    }
    let unrelated = bench.stack.stats().drop_icmp_unrelated;
    // The quoted sequence number may still be in flight after a small change.
    assert!(unrelated >= 10, "{unrelated}");
    assert_eq!(bench.stack.state(id), Some(State::Established));
    let (mut bench, _, syn) = opening();
    let mut forged = syn.clone();
    forged[27] ^= 1;
    bench.feed(&unreachable(3, &forged));
    assert_eq!(bench.events(), []);
    assert_eq!(bench.stack.stats().drop_icmp_unrelated, 1);
}

#[test]
fn a_narrow_path_cuts_segments_and_sends_again_at_once() {
    let (mut bench, id, data) = sending();
    let before = bench.stack.info(id).unwrap();
    bench.feed(&too_big(1000, &data));
    let after = bench.stack.info(id).unwrap();
    assert_eq!((after.path_mtu, after.snd_mss), (1000, 1000 - 40 - 12));
    assert_eq!(after.cwnd / after.snd_mss, before.cwnd / before.snd_mss);
    let out = bench.output();
    assert!(!out.is_empty());
    assert!(out.iter().all(|seg| seg.text.len() <= 948));
    assert_eq!(out[0].seq, Seg::read(&data).seq);
    // Higher again: not by ICMP.
    bench.feed(&too_big(1400, &data));
    assert_eq!(bench.stack.info(id).unwrap().path_mtu, 1000);
    // A connection opened now knows.
    let other = bench
        .stack
        .connect(bench.now, peer(77), None, None)
        .unwrap();
    assert_eq!(bench.stack.info(other).unwrap().path_mtu, 1000);
}

#[test]
fn every_connection_to_the_host_learns_of_a_narrow_path() {
    let (mut bench, _, data) = sending();
    let other = bench.stack.connect(bench.now, peer(9), None, None).unwrap();
    let syn = bench.output().pop().unwrap();
    let mut syn_ack = Seg::answer(&syn, Flags::SYN | Flags::ACK);
    syn_ack.seq = 1;
    syn_ack.opts.mss = Some(1460);
    bench.send(&syn_ack);
    bench.feed(&too_big(1000, &data));
    bench.output();
    bench
        .stack
        .send_slice(bench.now, other, &[1; 3000])
        .unwrap();
    let out = bench.output();
    assert!(out.iter().all(|seg| seg.text.len() <= 960), "{out:?}");
}

#[test]
fn an_absurdly_narrow_path_is_bounded() {
    let (mut bench, id, data) = sending();
    bench.feed(&too_big(68, &data));
    assert_eq!(bench.stack.info(id).unwrap().path_mtu, 552);
    let (mut bench, id, data) = sending();
    bench.feed(&too_big(0, &data));
    assert_eq!(
        bench.stack.info(id).unwrap().path_mtu,
        1492,
        "the next plateau"
    );
}

#[test]
fn no_error_ends_a_half_open_attempt() {
    let mut bench = Bench::new();
    bench.listen(8);
    bench.feed(&Seg::syn(100).packet());
    let syn_ack = bench.packets().pop().unwrap();
    for code in [0, 1, 3] {
        bench.feed(&unreachable(code, &syn_ack));
    }
    assert_eq!(bench.stack.counts().half_open, 1);
    assert_eq!(bench.stack.stats().drop_icmp_unrelated, 0);
    let mut forged = syn_ack.clone();
    forged[27] ^= 1;
    bench.feed(&unreachable(3, &forged));
    assert_eq!(bench.stack.stats().drop_icmp_unrelated, 1);
}

// proves MUST-55
#[test]
fn what_is_never_acted_on_is_counted() {
    let (mut bench, id, data) = sending();
    let cwnd = bench.stack.info(id).unwrap().cwnd;
    bench.feed(&icmp(&Icmpv4::SourceQuench { quoted: &data }));
    bench.feed(&icmp(&Icmpv4::Other {
        kind: 5,
        code: 1,
        rest: &[0; 40],
    }));
    bench.feed(&icmp(&Icmpv4::Other {
        kind: 13,
        code: 0,
        rest: &[0; 16],
    }));
    bench.feed(&icmp(&Icmpv4::EchoReply {
        ident: 1,
        seq: 1,
        data: b"",
    }));
    assert!(bench.packets().is_empty());
    assert_eq!(bench.stack.stats().drop_icmp_ignored, 4);
    assert_eq!(bench.stack.info(id).unwrap().cwnd, cwnd);
    bench.feed(&ip_packet(
        ROUTER.into(),
        OWN.into(),
        protocol::ICMP,
        &[3, 3, 0],
    ));
    assert_eq!(bench.stack.stats().drop_icmp_malformed, 1);
}

#[test]
fn ipv6_errors_mean_the_same() {
    let own: Ipv6Addr = "2001:db8::2".parse().unwrap();
    let router: Ipv6Addr = "2001:db8::99".parse().unwrap();
    let setup = || {
        let mut bench = Bench::with(|config| config.addrs = vec![IpCidr::new(IpAddr::V6(own), 64)]);
        let remote = "[2001:db8::1]:9".parse().unwrap();
        let id = bench.stack.connect(bench.now, remote, None, None).unwrap();
        let syn = bench.packets().pop().unwrap();
        (bench, id, syn)
    };
    let packet = |message: &Icmpv6<'_>| {
        let mut body = vec![0; 600];
        let len = message.emit(router, own, &mut body);
        ip_packet(router.into(), own.into(), protocol::ICMPV6, &body[..len])
    };
    let (mut bench, id, syn) = setup();
    bench.feed(&packet(&Icmpv6::Unreachable {
        code: 0,
        quoted: &syn,
    }));
    bench.feed(&packet(&Icmpv6::Unreachable {
        code: 3,
        quoted: &syn,
    }));
    assert_eq!(bench.stack.state(id), Some(State::SynSent));
    bench.feed(&packet(&Icmpv6::PacketTooBig {
        mtu: 1279,
        quoted: &syn,
    }));
    assert_eq!(bench.stack.info(id).unwrap().path_mtu, 1500);
    bench.feed(&packet(&Icmpv6::PacketTooBig {
        mtu: 1300,
        quoted: &syn,
    }));
    assert_eq!(bench.stack.info(id).unwrap().path_mtu, 1300);
    bench.feed(&packet(&Icmpv6::Unreachable {
        code: 4,
        quoted: &syn,
    }));
    let refused = Some(ConnectionError::Refused);
    assert_eq!(bench.events().last(), Some(&Event::Closed(id, refused)));
    let (mut bench, id, syn) = setup();
    bench.feed(&packet(&Icmpv6::Unreachable {
        code: 1,
        quoted: &syn,
    }));
    let barred = Some(ConnectionError::HostUnreachable);
    assert_eq!(bench.events().last(), Some(&Event::Closed(id, barred)));
}
