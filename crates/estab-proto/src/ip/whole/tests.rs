#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use crate::stack::RxMeta;
use crate::stack::testing::{Bench, OWN, PEER, Seg, ip_packet};
use crate::wire::{IpPacket, Ipv4Header, protocol};

fn fragment(ident: u16, offset: usize, more: bool, tos: u8, piece: &[u8]) -> Vec<u8> {
    let mut header = [0; 20];
    Ipv4Header {
        src: PEER,
        dst: OWN,
        protocol: protocol::TCP,
        ttl: 64,
        tos,
        ident,
        dont_fragment: false,
        more_fragments: more,
        fragment_offset: offset as u16,
    }
    .emit(piece.len(), &mut header);
    [&header, piece].concat()
}

#[test]
fn a_segment_in_fragments_becomes_a_packet_that_was_never_cut() {
    let mut bench = Bench::new();
    bench.listen(8);
    let tcp = Seg::syn(1).text(&[7; 1000]).packet()[20..].to_vec();
    let last = fragment(77, 512, false, 0x28, &tcp[512..]);
    assert_eq!(bench.stack.reassemble(bench.now, &last), None);
    let first = fragment(77, 0, true, 0x28, &tcp[..512]);
    let whole = bench.stack.reassemble(bench.now, &first).unwrap();
    let IpPacket::V4(ip) = IpPacket::parse(&whole).unwrap() else {
        panic!("IPv4")
    };
    assert!(!ip.is_fragment());
    assert_eq!((ip.src, ip.dst, ip.tos), (PEER, OWN, 0x28));
    assert_eq!(ip.payload, tcp);
    assert!(bench.output().is_empty());

    let meta = RxMeta {
        backing: Some(&whole),
        ..RxMeta::default()
    };
    bench.stack.handle_packet(bench.now, &whole, meta);
    assert_eq!(bench.output().len(), 1);
    let stats = bench.stack.stats();
    assert_eq!((stats.fragments_in, stats.reassembled), (2, 1));
    assert_eq!(stats.packets_in, 3);
}

#[test]
fn a_datagram_too_long_for_a_header_is_dropped() {
    let mut bench = Bench::new();
    bench.listen(8);
    // 65,520 bytes of payload and a header make more than 2^16 - 1.
    let piece = [0; 1456];
    let whole: Vec<_> = (0..45)
        .filter_map(|n| {
            let packet = fragment(7, n * 1456, n < 44, 0, &piece);
            bench.stack.reassemble(bench.now, &packet)
        })
        .collect();
    assert!(whole.is_empty());
    assert!(bench.stack.stats().drop_fragment > 0);
}

#[test]
fn what_is_no_fragment_is_handled_as_ever() {
    let mut bench = Bench::new();
    bench.listen(8);
    let syn = Seg::syn(1).packet();
    assert_eq!(bench.stack.reassemble(bench.now, &syn), None);
    assert_eq!(bench.output().len(), 1);
    // Nor is what is not for us, or makes no sense.
    let mut foreign = fragment(1, 0, true, 0, &[0; 64]);
    foreign[19] ^= 1;
    assert_eq!(bench.stack.reassemble(bench.now, &foreign), None);
    assert_eq!(bench.stack.reassemble(bench.now, &[]), None);
    let stats = bench.stack.stats();
    assert_eq!((stats.packets_in, stats.fragments_in), (3, 0));
    assert_eq!(stats.drop_ip_checksum + stats.drop_ip_malformed, 2);
}

#[test]
fn an_ipv6_datagram_keeps_its_class_and_loses_the_fragment_header() {
    let (own, peer): (Ipv6Addr, Ipv6Addr) =
        ("fd00::2".parse().unwrap(), "fd00::1".parse().unwrap());
    let mut bench = Bench::with(|config| {
        config.addrs.push(crate::IpCidr::new(own.into(), 64));
    });
    let piece = |offset: u16, more: bool, next: u8, bytes: &[u8]| {
        let field = (offset | u16::from(more)).to_be_bytes();
        let header = [next, 0, field[0], field[1], 0, 0, 0, 5];
        let payload = [&header, bytes].concat();
        let mut packet = ip_packet(peer.into(), own.into(), protocol::FRAGMENT, &payload);
        packet[0] = 0x62;
        packet[1] = 0x85;
        packet
    };
    let tcp: Vec<u8> = (0..100).collect();
    let first = piece(0, true, protocol::TCP, &tcp[..64]);
    assert_eq!(bench.stack.reassemble(bench.now, &first), None);
    let last = piece(64, false, protocol::TCP, &tcp[64..]);
    let whole = bench.stack.reassemble(bench.now, &last).unwrap();
    let IpPacket::V6(ip) = IpPacket::parse(&whole).unwrap() else {
        panic!("IPv6")
    };
    assert_eq!((ip.src, ip.dst), (peer, own));
    assert_eq!((ip.traffic_class, ip.next_header), (0x28, protocol::TCP));
    assert_eq!(whole[1] & 0xf, 5);
    assert_eq!(ip.payload, tcp);

    // A fragment header inside fragments would go round and round.
    let nested = piece(0, false, protocol::FRAGMENT, &tcp[..64]);
    assert_eq!(bench.stack.reassemble(bench.now, &nested), None);
    assert_eq!(bench.stack.stats().drop_ip_extension, 1);
}
