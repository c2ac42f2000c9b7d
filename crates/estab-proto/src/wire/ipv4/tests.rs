use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::wire::tests::{SYN_V4, seeded};

/// A packet with these options and payload.
fn packet(options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::from([0; 20]);
    bytes.extend(options);
    let header_len = bytes.len();
    bytes.extend(payload);
    bytes[0] = 0x40 | (header_len / 4) as u8;
    let total_len = bytes.len() as u16;
    bytes[2..4].copy_from_slice(&total_len.to_be_bytes());
    repair(&mut bytes);
    bytes
}

fn repair(bytes: &mut [u8]) {
    let header_len = (usize::from(bytes[0] & 15) * 4).min(bytes.len());
    bytes[10..12].fill(0);
    let sum = Sum::of(&bytes[..header_len]).finish();
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
}

#[test]
fn the_golden_packet() {
    let packet = Ipv4Packet::parse(&SYN_V4).unwrap();
    let expected = Ipv4Packet {
        src: Ipv4Addr::new(10, 0, 0, 1),
        dst: Ipv4Addr::new(10, 0, 0, 2),
        protocol: 6,
        ttl: 64,
        tos: 0,
        ident: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload: &SYN_V4[20..],
    };
    assert_eq!(packet, expected);
    assert!(!packet.is_fragment());
}

#[test]
fn bytes_behind_the_total_length_are_cut() {
    let mut bytes = SYN_V4.to_vec();
    bytes.extend([0xaa; 6]);
    assert_eq!(Ipv4Packet::parse(&bytes).unwrap().payload, &SYN_V4[20..]);
}

#[test]
fn malformed_headers() {
    let with = |at: usize, value: u8| {
        let mut bytes = SYN_V4.to_vec();
        bytes[at] = value;
        repair(&mut bytes);
        Ipv4Packet::parse(&bytes).map(|packet| packet.payload.len())
    };
    assert_eq!(Ipv4Packet::parse(&SYN_V4[..19]), Err(WireError::Truncated));
    assert_eq!(with(0, 0x65), Err(WireError::BadVersion));
    assert_eq!(with(0, 0x44), Err(WireError::BadHeaderLength));
    assert_eq!(with(0, 0x40), Err(WireError::BadHeaderLength));
    assert_eq!(with(3, 61), Err(WireError::BadTotalLength));
    assert_eq!(with(2, 0xff), Err(WireError::BadTotalLength));
    assert_eq!(with(3, 19), Err(WireError::BadTotalLength));
    assert_eq!(with(3, 0), Err(WireError::BadTotalLength));
    assert_eq!(with(3, 20), Ok(0));
    // A header longer than the total length, and longer than the buffer.
    let mut short = packet(&[1; 4], &[]);
    short[3] = 20;
    repair(&mut short);
    assert_eq!(Ipv4Packet::parse(&short), Err(WireError::BadTotalLength));
    assert_eq!(
        Ipv4Packet::parse(&short[..20]),
        Err(WireError::BadHeaderLength)
    );
}

#[test]
fn every_flipped_bit_of_the_header_is_refused() {
    let mut bytes = SYN_V4;
    for bit in 0..160 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Ipv4Packet::parse(&bytes).is_err(), "{bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn fragments_are_told_by_offset_or_more() {
    let mut bytes = SYN_V4;
    bytes[6..8].copy_from_slice(&[0x3f, 0xff]);
    repair(&mut bytes);
    let packet = Ipv4Packet::parse(&bytes).unwrap();
    assert!(packet.is_fragment() && packet.more_fragments && !packet.dont_fragment);
    assert_eq!(packet.fragment_offset, 65528);

    bytes[6..8].copy_from_slice(&[0x00, 0x01]);
    repair(&mut bytes);
    let packet = Ipv4Packet::parse(&bytes).unwrap();
    assert!(packet.is_fragment() && !packet.more_fragments);
    assert_eq!(packet.fragment_offset, 8);
}

#[test]
fn source_routes_are_found_behind_other_options() {
    for kind in [131, 137] {
        let options = [1, 148, 4, 0, 0, kind, 3, 4];
        let bytes = packet(&options, b"data");
        let packet = Ipv4Packet::parse(&bytes).unwrap();
        assert_eq!(
            (packet.options, packet.payload),
            (&options[..], &b"data"[..])
        );
        assert!(packet.has_source_route());
    }
    // Behind the end of the list, and inside another option, they are only bytes.
    for options in [[0, 131, 3, 4], [7, 4, 131, 3]] {
        assert!(
            !Ipv4Packet::parse(&packet(&options, &[]))
                .unwrap()
                .has_source_route()
        );
    }
}

#[test]
fn malformed_options() {
    for options in [[7, 0, 0, 0], [7, 1, 0, 0], [7, 5, 0, 0], [1, 1, 1, 7]] {
        assert_eq!(
            Ipv4Packet::parse(&packet(&options, &[])),
            Err(WireError::BadOption)
        );
    }
}

#[test]
fn nothing_is_emitted_that_does_not_fit() {
    let header = Ipv4Header {
        src: Ipv4Addr::LOCALHOST,
        dst: Ipv4Addr::LOCALHOST,
        protocol: 6,
        ttl: 1,
        tos: 0,
        ident: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
    };
    assert_eq!(header.emit(0, &mut [0; 19]), 0);
    assert_eq!(header.emit(65516, &mut [0; 20]), 0);
    assert_eq!(header.emit(65515, &mut [0; 20]), 20);
}

proptest! {
    #![proptest_config(seeded(0x791))]

    #[test]
    fn headers_survive_the_wire(
        addresses in any::<(u32, u32)>(),
        bytes in any::<(u8, u8, u8)>(),
        ident in any::<u16>(),
        bits in any::<(bool, bool)>(),
        offset in 0u16..8192,
        payload in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let header = Ipv4Header {
            src: addresses.0.into(),
            dst: addresses.1.into(),
            protocol: bytes.0,
            ttl: bytes.1,
            tos: bytes.2,
            ident,
            dont_fragment: bits.0,
            more_fragments: bits.1,
            fragment_offset: offset * 8,
        };
        let mut packet = Vec::from([0; 20]);
        prop_assert_eq!(header.emit(payload.len(), &mut packet), 20);
        packet.extend(&payload);
        let parsed = Ipv4Packet::parse(&packet).unwrap();
        let expected = Ipv4Packet {
            src: header.src,
            dst: header.dst,
            protocol: header.protocol,
            ttl: header.ttl,
            tos: header.tos,
            ident: header.ident,
            dont_fragment: header.dont_fragment,
            more_fragments: header.more_fragments,
            fragment_offset: header.fragment_offset,
            options: &[],
            payload: &payload,
        };
        prop_assert_eq!(parsed, expected);
    }
}
