#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use alloc::vec::Vec;

use estab_timer::Duration;

use crate::stack::testing::{Bench, OWN, PEER, Seg, peer};
use crate::wire::{Icmpv4, Ipv4Header, Ipv4Packet, protocol};

#[test]
fn a_narrow_path_is_tried_anew_after_ten_minutes() {
    let mut bench = Bench::new();
    bench.stack.connect(bench.now, peer(9), None, None).unwrap();
    let syn = bench.packets().pop().unwrap();
    let mut body = [0; 576];
    let message = Icmpv4::Unreachable {
        code: 4,
        mtu: 1400,
        quoted: &syn,
    };
    let len = message.emit(&mut body);
    let router = core::net::Ipv4Addr::new(10, 9, 9, 9);
    bench.feed(&crate::stack::testing::ip_packet(
        router.into(),
        OWN.into(),
        protocol::ICMP,
        &body[..len],
    ));
    assert_eq!(bench.stack.ip.path_mtu(PEER.into()), 1400);
    assert_eq!(bench.stack.stats().path_mtu_lowered, 1);
    bench.sleep(Duration::from_secs(599));
    assert_eq!(bench.stack.ip.path_mtu(PEER.into()), 1400);
    bench.sleep(Duration::from_secs(2));
    assert_eq!(bench.stack.ip.path_mtu(PEER.into()), 1500);
}

#[test]
fn what_stays_incomplete_is_forgotten() {
    let mut bench = Bench::new();
    let packet = Seg::syn(1).text(&[0; 100]).packet();
    let mut header = [0; 20];
    Ipv4Header {
        src: PEER,
        dst: OWN,
        protocol: protocol::TCP,
        ttl: 64,
        tos: 0,
        ident: 1,
        dont_fragment: false,
        more_fragments: true,
        fragment_offset: 0,
    }
    .emit(48, &mut header);
    let mut fragment = header.to_vec();
    fragment.extend_from_slice(&packet[20..68]);
    bench.feed(&fragment);
    assert!(bench.stack.counts().reassembly_bytes > 0);
    let mut told = Vec::new();
    while let Some(due) = bench.stack.poll_timeout() {
        bench.now = due;
        bench.stack.handle_timeout(due);
        told.append(&mut bench.packets());
    }
    let counts = bench.stack.counts();
    assert_eq!((counts.reassembly_bytes, counts.timers), (0, 0));
    assert_eq!(bench.stack.stats().drop_fragment, 1);
    // The sender learns of it, with what it sent (RFC 1122 §3.3.2).
    assert_eq!(told.len(), 1);
    let ip = Ipv4Packet::parse(&told[0]).unwrap();
    let Ok(Icmpv4::TimeExceeded { code: 1, quoted }) = Icmpv4::parse(ip.payload) else {
        panic!("{:?}", told[0]);
    };
    assert_eq!(quoted[..8], fragment[..8]);
    assert_eq!(quoted[12..28], fragment[12..28]);
}
