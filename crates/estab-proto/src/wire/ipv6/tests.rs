use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::wire::tests::{DATA_V6, seeded};

#[test]
fn the_golden_packet() {
    let addr = |host| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host);
    let expected = Ipv6Packet {
        src: addr(1),
        dst: addr(2),
        next_header: 6,
        hop_limit: 255,
        traffic_class: 0xb8,
        flow_label: 0xabcde,
        payload: &DATA_V6[40..],
    };
    assert_eq!(Ipv6Packet::parse(&DATA_V6), Ok(expected));
}

#[test]
fn bytes_behind_the_payload_length_are_cut() {
    let mut bytes = DATA_V6.to_vec();
    bytes.extend([0xaa; 6]);
    assert_eq!(Ipv6Packet::parse(&bytes).unwrap().payload, &DATA_V6[40..]);
    bytes[5] = 0;
    assert_eq!(Ipv6Packet::parse(&bytes).unwrap().payload, &[]);
}

#[test]
fn malformed_headers() {
    let mut bytes = DATA_V6;
    assert_eq!(Ipv6Packet::parse(&[]), Err(WireError::Truncated));
    assert_eq!(Ipv6Packet::parse(&bytes[..39]), Err(WireError::Truncated));
    bytes[5] += 1;
    assert_eq!(Ipv6Packet::parse(&bytes), Err(WireError::BadTotalLength));
    bytes[4] = 0xff;
    assert_eq!(Ipv6Packet::parse(&bytes), Err(WireError::BadTotalLength));
    bytes[0] = 0x45;
    assert_eq!(Ipv6Packet::parse(&bytes), Err(WireError::BadVersion));
}

#[test]
fn nothing_is_emitted_that_does_not_fit() {
    let header = Ipv6Header {
        src: Ipv6Addr::LOCALHOST,
        dst: Ipv6Addr::LOCALHOST,
        next_header: 6,
        hop_limit: 64,
        traffic_class: 0,
        flow_label: 0,
    };
    assert_eq!(header.emit(0, &mut [0; 39]), 0);
    assert_eq!(header.emit(65536, &mut [0; 40]), 0);
    assert_eq!(header.emit(65535, &mut [0; 40]), 40);
}

proptest! {
    #![proptest_config(seeded(0x8200))]

    #[test]
    fn headers_survive_the_wire(
        addresses in any::<(u128, u128)>(),
        bytes in any::<(u8, u8, u8)>(),
        flow_label in any::<u32>(),
        payload in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let header = Ipv6Header {
            src: addresses.0.into(),
            dst: addresses.1.into(),
            next_header: bytes.0,
            hop_limit: bytes.1,
            traffic_class: bytes.2,
            flow_label,
        };
        let mut packet = Vec::from([0; 40]);
        prop_assert_eq!(header.emit(payload.len(), &mut packet), 40);
        packet.extend(&payload);
        let expected = Ipv6Packet {
            src: header.src,
            dst: header.dst,
            next_header: header.next_header,
            hop_limit: header.hop_limit,
            traffic_class: header.traffic_class,
            flow_label: flow_label & 0xf_ffff,
            payload: &payload,
        };
        prop_assert_eq!(Ipv6Packet::parse(&packet), Ok(expected));
    }
}

#[test]
fn a_jumbogram_says_its_length_behind_the_header() {
    let header = Ipv6Header {
        src: Ipv6Addr::LOCALHOST,
        dst: Ipv6Addr::LOCALHOST,
        next_header: protocol::TCP,
        hop_limit: 64,
        traffic_class: 0,
        flow_label: 0,
    };
    let mut buf = [0xee; 60];
    assert_eq!(header.emit_jumbo(65_536, &mut buf), 48);
    // RFC 2675 §2: no length, hop-by-hop options next, and in them all that follows the header.
    assert_eq!(buf[4..8], [0, 0, protocol::HOP_BY_HOP, 64]);
    assert_eq!(buf[40..48], [protocol::TCP, 0, 0xc2, 4, 0, 1, 0, 8]);
    assert_eq!(buf[48..], [0xee; 12]);
    assert_eq!(header.emit_jumbo(65_535, &mut buf), 0);
    assert_eq!(header.emit_jumbo(65_536, &mut buf[..47]), 0);
    assert_eq!(header.emit_jumbo(usize::MAX, &mut buf), 0);
}
