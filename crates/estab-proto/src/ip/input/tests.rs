#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::addr::IpCidr;
use crate::stack::testing::{Bench, OWN, PEER, Seg, ip_packet};
use crate::wire::tcp::Flags;
use crate::wire::{Icmpv6, IpPacket, Ipv4Header, Ipv6Header, protocol};

fn v4(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A SYN with other addresses.
fn syn(src: &str, dst: &str) -> Seg {
    let mut seg = Seg::syn(1);
    seg.src.set_ip(v4(src));
    seg.dst.set_ip(v4(dst));
    seg
}

// proves MUST-57, MUST-63
#[test]
fn martians_get_no_answer() {
    let mut bench = Bench::new();
    bench.listen(8);
    let sources = [
        "10.0.0.2",
        "127.0.0.1",
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.5",
        "255.255.255.255",
        "10.0.0.255",
    ];
    for src in sources {
        bench.ask_in_vain(&syn(src, "10.0.0.2"));
    }
    assert_eq!(bench.stack.stats().drop_ip_source, sources.len() as u64);
    let destinations = [
        "10.0.0.255",
        "255.255.255.255",
        "224.0.0.1",
        "10.0.0.3",
        "127.0.0.1",
    ];
    for dst in destinations {
        bench.ask_in_vain(&syn("10.0.0.1", dst));
    }
    assert_eq!(
        bench.stack.stats().drop_ip_destination,
        destinations.len() as u64
    );
    assert_eq!(bench.stack.counts().half_open, 0);
}

#[test]
fn land_is_dropped() {
    let mut bench = Bench::new();
    bench.listen(8);
    let mut seg = Seg::syn(1);
    seg.src = seg.dst;
    bench.ask_in_vain(&seg);
    assert_eq!(bench.stack.stats().drop_ip_source, 1);
}

#[test]
fn broken_headers_are_counted() {
    let mut bench = Bench::new();
    let good = Seg::syn(1).packet();
    let mut bad_sum = good.clone();
    bad_sum[10] ^= 1;
    bench.feed(&bad_sum);
    assert_eq!(bench.stack.stats().drop_ip_checksum, 1);
    let broken: [&[u8]; 5] = [&[], &[0x45], &good[..30], &[0x15; 40], &[0; 60]];
    for packet in broken {
        bench.feed(packet);
    }
    assert_eq!(bench.stack.stats().drop_ip_malformed, 5);
    assert_eq!(bench.stack.stats().packets_in, 6);
    assert!(bench.packets().is_empty());
}

/// An IPv4 header with options, and a checksum that fits, before `payload`.
fn with_options(options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut packet = ip_packet(PEER.into(), OWN.into(), protocol::TCP, &[]);
    packet.extend_from_slice(options);
    let header_len = packet.len();
    packet[0] = 0x40 | (header_len / 4) as u8;
    let total = (header_len + payload.len()) as u16;
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    packet[10..12].fill(0);
    let sum = crate::wire::Sum::of(&packet).finish();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

// proves MUST-50
#[test]
fn source_routes_are_refused_and_other_options_ignored() {
    let mut bench = Bench::new();
    bench.listen(8);
    let tcp = Seg::syn(1).packet()[20..].to_vec();
    for kind in [131, 137] {
        bench.feed(&with_options(&[kind, 7, 4, 10, 0, 0, 9, 0], &tcp));
        assert!(bench.packets().is_empty());
    }
    assert_eq!(bench.stack.stats().drop_ip_source_route, 2);
    bench.feed(&with_options(&[7, 7, 4, 0, 0, 0, 0, 0], &tcp));
    assert_eq!(bench.output().len(), 1);
}

/// The packet in fragments of `size` bytes.
fn fragments(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let payload = &packet[20..];
    let pieces = payload.chunks(size);
    let last = pieces.len() - 1;
    pieces
        .enumerate()
        .map(|(n, piece)| {
            let mut header = [0; 20];
            Ipv4Header {
                src: PEER,
                dst: OWN,
                protocol: protocol::TCP,
                ttl: 64,
                tos: 0,
                ident: 77,
                dont_fragment: false,
                more_fragments: n < last,
                fragment_offset: (n * size) as u16,
            }
            .emit(piece.len(), &mut header);
            [&header, piece].concat()
        })
        .collect()
}

#[test]
fn a_segment_in_fragments_arrives_whole() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, ack) = bench.accepted(listener, 1000);
    let text: Vec<u8> = (0..1000u32).map(|n| n as u8).collect();
    let mut pieces = fragments(&ack.text(&text).packet(), 256);
    pieces.reverse();
    for piece in &pieces {
        bench.feed(piece);
    }
    let mut buf = vec![0; 2000];
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(1000));
    assert_eq!(&buf[..1000], text);
    let stats = bench.stack.stats();
    assert_eq!(
        (stats.fragments_in, stats.reassembled, stats.drop_fragment),
        (5, 1, 0)
    );
    assert_eq!(bench.stack.counts().reassembly_bytes, 0);
}

#[test]
fn tiny_and_overlapping_fragments_are_dropped() {
    let mut bench = Bench::new();
    bench.listen(8);
    for piece in fragments(&Seg::syn(1).packet(), 8) {
        bench.feed(&piece);
    }
    assert!(bench.packets().is_empty());
    let mut pieces = fragments(&Seg::syn(1).text(&[0; 100]).packet(), 48);
    let overlap = fragments(&Seg::syn(1).text(&[1; 100]).packet(), 40).swap_remove(1);
    pieces.insert(1, overlap);
    for piece in &pieces {
        bench.feed(piece);
    }
    assert!(bench.packets().is_empty());
    assert!(bench.stack.stats().drop_fragment >= 2);
    assert_eq!(bench.stack.counts().half_open, 0);
}

const OWN6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
const PEER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

fn bench6() -> Bench {
    Bench::with(|config| config.addrs = vec![IpCidr::new(OWN6.into(), 64)])
}

fn syn6() -> Seg {
    let mut seg = Seg::syn(1).to(SocketAddr::new(OWN6.into(), 80));
    seg.src.set_ip(PEER6.into());
    seg
}

/// A SYN behind extension headers: `next` is what the fixed header says.
fn extended(next: u8, headers: &[u8]) -> Vec<u8> {
    let tcp = &syn6().packet()[40..];
    ip_packet(PEER6.into(), OWN6.into(), next, &[headers, tcp].concat())
}

#[test]
fn extension_headers_are_walked() {
    let mut bench = bench6();
    bench.listen(8);
    let hop_by_hop = [protocol::DESTINATION_OPTIONS, 0, 1, 4, 0, 0, 0, 0];
    let destination = [protocol::TCP, 0, 1, 4, 0, 0, 0, 0];
    bench.feed(&extended(
        protocol::HOP_BY_HOP,
        &[hop_by_hop, destination].concat(),
    ));
    let answers = bench.output();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].ctl, Flags::SYN | Flags::ACK);
}

#[test]
fn bad_extension_headers_are_reported_within_limits() {
    let mut bench = bench6();
    bench.listen(8);
    // A routing header of type 0 with one hop left.
    let routing = [protocol::TCP, 0, 0, 1, 0, 0, 0, 0];
    bench.feed(&extended(protocol::ROUTING, &routing));
    let report = bench.packets().pop().expect("a parameter problem");
    let IpPacket::V6(ip) = IpPacket::parse(&report).unwrap() else {
        panic!("IPv6")
    };
    let message = Icmpv6::parse(ip.payload, ip.src, ip.dst).unwrap();
    assert!(matches!(
        message,
        Icmpv6::ParameterProblem {
            code: 0,
            pointer: 42,
            ..
        }
    ));
    for _ in 0..100 {
        bench.feed(&extended(protocol::ROUTING, &routing));
    }
    assert!(bench.packets().len() < 20);
    assert_eq!(bench.stack.stats().drop_ip_extension, 101);
    assert!(bench.stack.stats().icmp_limited > 80);
}

#[test]
fn ipv6_fragments_are_put_together() {
    let mut bench = bench6();
    bench.listen(8);
    let tcp = syn6().text(&[9; 100]).packet()[40..].to_vec();
    let fragment = |offset: u16, more: bool, piece: &[u8]| {
        let field = (offset | u16::from(more)).to_be_bytes();
        let header = [protocol::TCP, 0, field[0], field[1], 0, 0, 0, 5];
        ip_packet(
            PEER6.into(),
            OWN6.into(),
            protocol::FRAGMENT,
            &[&header, piece].concat(),
        )
    };
    bench.feed(&fragment(64, false, &tcp[64..]));
    bench.feed(&fragment(0, true, &tcp[..64]));
    assert_eq!(bench.output().len(), 1);
    // Not a multiple of eight: the sender is told.
    bench.feed(&fragment(0, true, &tcp[..63]));
    let report = bench.packets().pop().expect("a parameter problem");
    let IpPacket::V6(ip) = IpPacket::parse(&report).unwrap() else {
        panic!("IPv6")
    };
    let message = Icmpv6::parse(ip.payload, ip.src, ip.dst).unwrap();
    assert!(matches!(
        message,
        Icmpv6::ParameterProblem {
            code: 0,
            pointer: 4,
            ..
        }
    ));
}

#[test]
fn nothing_follows_no_next_header() {
    let mut bench = bench6();
    let mut packet = vec![0; 40];
    Ipv6Header {
        src: PEER6,
        dst: OWN6,
        next_header: protocol::NO_NEXT_HEADER,
        hop_limit: 1,
        traffic_class: 0,
        flow_label: 0,
    }
    .emit(4, &mut packet);
    packet.extend_from_slice(b"junk");
    bench.feed(&packet);
    assert!(bench.packets().is_empty());
}

#[test]
fn a_time_to_live_of_one_is_good_enough() {
    let mut bench = Bench::new();
    bench.listen(8);
    let tcp = Seg::syn(1).packet()[20..].to_vec();
    let mut header = [0; 20];
    Ipv4Header {
        src: Ipv4Addr::new(10, 0, 0, 1),
        dst: OWN,
        protocol: protocol::TCP,
        ttl: 1,
        tos: 0,
        ident: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
    }
    .emit(tcp.len(), &mut header);
    bench.feed(&[&header, tcp.as_slice()].concat());
    assert_eq!(bench.output().len(), 1);
}
