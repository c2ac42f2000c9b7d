use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;

use crate::addr::IpCidr;
use crate::stack::testing::{Bench, Seg, peer};
use crate::wire::tcp::Flags;
use crate::wire::{IpPacket, Sum, protocol};

#[test]
fn the_checksum_covers_pieces_at_odd_offsets() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    let pieces: [&'static [u8]; 4] = [&[1; 301], &[2; 303], &[3; 305], &[4; 257]];
    for piece in pieces {
        bench
            .stack
            .send(bench.now, id, Bytes::from_static(piece))
            .unwrap();
    }
    // Reading the packets back checks their checksums.
    let out = bench.output();
    let text: Vec<u8> = out.into_iter().flat_map(|seg| seg.text).collect();
    assert_eq!(text, pieces.concat());
}

#[test]
fn the_payload_is_not_copied() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    let data = Bytes::from(vec![5; 1000]);
    bench.stack.send(bench.now, id, data.clone()).unwrap();
    let transmit = bench.stack.poll_transmit(bench.now).unwrap();
    let payload: Vec<&[u8]> = transmit.payload().collect();
    assert_eq!(payload.len(), 1);
    assert_eq!(payload[0].as_ptr(), data.as_ptr());
    let shared = transmit.shared_payload().unwrap();
    assert_eq!((shared.as_ptr(), shared.len()), (data.as_ptr(), 1000));
    assert_eq!(transmit.len(), transmit.header().len() + 1000);
    assert_eq!(transmit.segment_size(), None);
}

#[test]
fn packets_are_whole_and_say_so() {
    let mut bench = Bench::with(|config| (config.tcp.ttl, config.tcp.tos) = (33, 0x28));
    let listener = bench.listen(8);
    bench.feed(&Seg::syn(100).packet());
    let packet = bench.packets().pop().unwrap();
    let IpPacket::V4(ip) = IpPacket::parse(&packet).unwrap() else {
        panic!("IPv4")
    };
    assert!(ip.dont_fragment && ip.ident == 0);
    assert_eq!((ip.ttl, ip.tos), (33, 0x28));
    assert!(bench.stack.accept(listener).is_none());
}

#[test]
fn a_device_that_completes_checksums_gets_the_pseudo_header_sum() {
    let mut bench = Bench::with(|config| config.checksum_offload = true);
    bench.stack.connect(bench.now, peer(9), None, None).unwrap();
    let packet = bench.packets().pop().unwrap();
    let ip = IpPacket::parse(&packet).unwrap();
    let tcp = ip.payload();
    let sum = Sum::pseudo(ip.src(), ip.dst(), protocol::TCP, tcp.len() as u32);
    assert_eq!(u16::from_be_bytes([tcp[16], tcp[17]]), sum.folded());
}

#[test]
fn connections_share_the_device() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let ids = [1, 2].map(|port| bench.accepted(listener, port).0);
    for id in ids {
        bench
            .stack
            .send(bench.now, id, Bytes::from(vec![0; 14_000]))
            .unwrap();
    }
    let ports: Vec<u16> = bench.output().iter().map(|seg| seg.dst.port()).collect();
    assert!(ports.contains(&1) && ports.contains(&2));
    let switches = ports.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(switches <= 2, "bursts, not single segments: {ports:?}");
}

#[test]
fn one_flow_label_for_a_whole_connection() {
    let own = "2001:db8::2".parse().unwrap();
    let mut bench = Bench::with(|config| config.addrs = vec![IpCidr::new(own, 64)]);
    let listener = bench.listen(8);
    let local = SocketAddr::new(own, 80);
    let remote: SocketAddr = "[2001:db8::1]:1000".parse().unwrap();
    let mut syn = Seg::syn(100).to(local);
    syn.src = remote;
    bench.feed(&syn.packet());
    let label = |packet: &[u8]| match IpPacket::parse(packet).unwrap() {
        IpPacket::V6(ip) => ip.flow_label,
        IpPacket::V4(_) => panic!("IPv6"),
    };
    let packet = bench.packets().pop().unwrap();
    let syn_ack = Seg::read(&packet);
    bench.send(&Seg::answer(&syn_ack, Flags::ACK));
    let (id, tuple) = bench.stack.accept(listener).unwrap();
    assert_eq!((tuple.local, tuple.remote), (local, remote));
    bench.stack.send_slice(bench.now, id, b"x").unwrap();
    let data = bench.packets().pop().unwrap();
    assert_ne!(label(&packet), 0);
    assert_eq!(label(&packet), label(&data));
}

#[test]
fn only_neighbours_get_packets_longer_than_a_header_can_say() {
    let mut bench = Bench::with(|config| {
        config.checksum_offload = true;
        config.segmentation = Some(65_535);
        config.link_segmentation = Some(200_000);
    });
    let mut unit = |remote: SocketAddr| {
        let id = bench.stack.connect(bench.now, remote, None, None).unwrap();
        bench.stack.send_unit(id)
    };
    let near = unit(peer(9));
    assert!((190_000..200_000).contains(&near), "{near}");
    let far = unit("192.0.2.1:9".parse().unwrap());
    assert!((60_000..65_535).contains(&far), "{far}");
    // Whole segments of the network: of 536 bytes without the timestamps.
    assert_eq!((near % 524, far % 524), (0, 0));
}
