use alloc::vec::Vec;

use bytes::Bytes;

use super::Recent;
use crate::stack::testing::{Bench, Seg};
use crate::stack::{ConnId, RxMeta};
use crate::wire::Ipv4Packet;
use crate::wire::tcp::Flags;

/// A stack with a connection, and the segment that opened it.
fn connected() -> (Bench, ConnId, Seg) {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, opening) = bench.accepted(listener, 1000);
    (bench, id, opening)
}

/// A packet whose header was changed, and is sound all the same.
fn changed(mut packet: Vec<u8>, at: usize, to: u8) -> Vec<u8> {
    packet[at] = to;
    packet[10..12].fill(0);
    let sum = crate::wire::Sum::of(&packet[..20]).finish();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// All kinds of packets, most of the flow.
fn packets(opening: &Seg) -> Vec<Vec<u8>> {
    let seg = |at: u32, len: usize| {
        let mut seg = Seg::new(Flags::ACK, opening.seq + at, opening.ack).text(&[7; 1460][..len]);
        seg.opts = opening.opts.clone();
        seg.packet()
    };
    let mut bad_ip = seg(0, 100);
    bad_ip[11] ^= 1;
    let mut bad_tcp = seg(0, 100);
    bad_tcp[60] ^= 1;
    let mut padded = seg(0, 100);
    padded.extend([0; 6]);
    let mut cut = seg(100, 100);
    cut.truncate(120);
    let mut other = Seg::new(Flags::ACK, 5, 5).port(2000).text(b"?");
    other.opts = opening.opts.clone();
    Vec::from([
        seg(0, 0),
        bad_ip,
        bad_tcp,
        padded,
        cut,
        other.packet(),
        seg(100, 1400),
        changed(seg(1500, 100), 6, 0x20),
        changed(seg(1500, 100), 1, 0x03),
        changed(seg(1500, 100), 9, 17),
        changed(seg(1500, 100), 8, 1),
        Seg::syn(7).packet(),
        seg(1600, 1),
        seg(2000, 1000),
        seg(1601, 399),
        seg(3000, 10),
        Seg::new(Flags::RST, opening.seq + 3010, 0).packet(),
        seg(3010, 10),
    ])
}

#[test]
fn what_is_predicted_comes_to_the_same() {
    let (mut one, id, opening) = connected();
    let (mut other, other_id, _) = connected();
    assert_eq!(id, other_id);
    let mut predicted = 0;
    for (nth, packet) in packets(&opening).iter().enumerate() {
        predicted += u32::from(one.stack.predict(packet, 0).is_some());
        other.stack.recent = Recent::default();
        one.feed(packet);
        other.feed(packet);
        assert_eq!(one.packets(), other.packets(), "{nth}");
        assert_eq!(one.events(), other.events(), "{nth}");
        let both = [&mut one, &mut other].map(|bench| {
            let mut stats = *bench.stack.stats();
            stats.flow_lookups = 0;
            (
                alloc::format!("{stats:?}"),
                alloc::format!("{:?}", bench.stack.info(id)),
            )
        });
        assert_eq!(both[0], both[1], "{nth}");
    }
    assert_eq!(predicted, 12);
}

#[test]
fn nothing_is_predicted_of_an_address_that_is_gone() {
    let (mut bench, _, opening) = connected();
    let packet = &packets(&opening)[0];
    bench.feed(packet);
    assert!(bench.stack.predict(packet, 0).is_some());
    let ip = Ipv4Packet::parse(packet).unwrap();
    assert!(bench.stack.remove_addr(ip.dst.into()));
    assert!(bench.stack.predict(packet, 0).is_none());
    bench.feed(packet);
    assert_eq!(bench.stack.stats().drop_ip_destination, 1);
}

#[test]
fn text_that_lies_apart_is_predicted_too() {
    let (mut bench, id, opening) = connected();
    bench.feed(&packets(&opening)[0]);
    let packet = &packets(&opening)[6];
    let (headers, text) = packet.split_at(packet.len() - 1400);
    assert!(bench.stack.predict(headers, 1400).is_some());
    assert!(bench.stack.predict(headers, 0).is_none());
    let text = Bytes::copy_from_slice(text);
    let meta = RxMeta {
        payload: Some(&text),
        ..RxMeta::default()
    };
    bench.stack.handle_packet(bench.now, headers, meta);
    assert_eq!(bench.stack.info(id).unwrap().segments_in, 3);
}
