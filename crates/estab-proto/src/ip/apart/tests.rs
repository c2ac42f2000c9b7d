#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects
)]

use alloc::vec::Vec;

use bytes::Bytes;

use super::is_segment;
use crate::addr::IpCidr;
use crate::stack::RxMeta;
use crate::stack::testing::{Bench, OWN, PEER, Seg, ip_packet};
use crate::wire::tcp::Flags;
use crate::wire::{IpPacket, protocol};

/// Gives the stack a packet with all after the first `headers` bytes apart.
fn feed(bench: &mut Bench, packet: &[u8], headers: usize) -> Bytes {
    let payload = Bytes::copy_from_slice(&packet[headers..]);
    let meta = RxMeta {
        payload: Some(&payload),
        ..RxMeta::default()
    };
    bench
        .stack
        .handle_packet(bench.now, &packet[..headers], meta);
    payload
}

/// A connection, and a segment for it with 1,000 bytes.
fn connected(bench: &mut Bench) -> (crate::ConnId, Seg) {
    let listener = bench.listen(8);
    let (id, opening) = bench.accepted(listener, 1000);
    let text: Vec<u8> = (0..1000).map(|at| at as u8).collect();
    let mut seg = Seg::new(Flags::ACK, opening.seq, opening.ack).text(&text);
    seg.opts = opening.opts;
    (id, seg)
}

#[test]
fn text_apart_is_kept_where_it_lies() {
    let mut bench = Bench::new();
    let (id, seg) = connected(&mut bench);
    let packet = seg.packet();
    let payload = feed(&mut bench, &packet, packet.len() - 1000);
    assert_eq!(bench.stack.stats().bytes_in, 2 * 52 + 8 + 1052);
    let chunk = bench.stack.take_chunk(id).unwrap().unwrap();
    assert_eq!(chunk, seg.text);
    assert_eq!(chunk.as_ptr(), payload.as_ptr());
}

#[test]
fn a_segment_of_ipv6_may_lie_apart_too() {
    let own = "fd00::2".parse().unwrap();
    let mut bench = Bench::with(|config| config.addrs.push(IpCidr::new(own, 64)));
    bench.listen(8);
    let mut syn = Seg::syn(100);
    syn.src.set_ip("fd00::1".parse().unwrap());
    syn.dst.set_ip(own);
    let syn_ack = bench.ask(&syn);
    let seg = Seg::answer(&syn_ack, Flags::ACK).text(&[5; 999]);
    let packet = seg.packet();
    feed(&mut bench, &packet, packet.len() - 999);
    assert_eq!(bench.output().pop().unwrap().ack, seg.seq + 999);
}

#[test]
fn the_checksum_covers_what_lies_apart() {
    let mut bench = Bench::new();
    let (id, seg) = connected(&mut bench);
    let mut packet = seg.packet();
    *packet.last_mut().unwrap() ^= 1;
    let headers = packet.len() - 1000;
    feed(&mut bench, &packet, headers);
    assert_eq!(bench.stack.stats().drop_tcp_checksum, 1);
    assert_eq!(bench.stack.readable(id), 0);
}

#[test]
fn what_is_cut_elsewhere_is_joined() {
    let mut bench = Bench::new();
    let (id, seg) = connected(&mut bench);
    let packet = seg.packet();
    let headers = packet.len() - 1000;
    for cut in [1, 19, 20, 39, headers - 1, headers + 1, packet.len()] {
        assert!(!is_segment(&packet[..cut], packet.len() - cut) || cut == packet.len());
    }
    feed(&mut bench, &packet, headers + 500);
    assert_eq!(bench.stack.take_chunk(id).unwrap().unwrap(), seg.text);
    assert_eq!(bench.stack.stats().packets_in, 3);
}

#[test]
fn padding_and_fragments_and_what_is_not_tcp_are_joined() {
    let mut bench = Bench::new();
    let (id, seg) = connected(&mut bench);
    let mut padded = seg.packet();
    let headers = padded.len() - 1000;
    padded.extend([9; 7]);
    feed(&mut bench, &padded, headers);
    assert_eq!(bench.stack.take_chunk(id).unwrap().unwrap(), seg.text);

    let mut fragment = seg.packet();
    fragment[6] = 0x20;
    assert!(!is_segment(&fragment[..headers], 1000));

    let udp = ip_packet(PEER.into(), OWN.into(), protocol::UDP, &[0; 100]);
    feed(&mut bench, &udp, 28);
    let answers = bench.packets();
    let is_icmp = |packet: &Vec<u8>| IpPacket::parse(packet).unwrap().protocol() == protocol::ICMP;
    assert!(answers.iter().any(is_icmp), "port unreachable");
}
