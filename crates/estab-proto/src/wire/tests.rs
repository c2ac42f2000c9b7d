//! No bytes make a parser panic, and what one parser lets through the others agree on.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects
)]

use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

/// A SYN with the options Linux sends, its checksums computed by another program.
pub(crate) const SYN_V4: [u8; 60] = [
    0x45, 0x00, 0x00, 0x3c, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0x26, 0xba, 0x0a, 0x00, 0x00, 0x01,
    0x0a, 0x00, 0x00, 0x02, 0x03, 0xe8, 0x00, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xa0, 0x02, 0xff, 0xff, 0x2f, 0xc5, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x07,
];

/// Three bytes of data with timestamps, its checksum computed by another program.
pub(crate) const DATA_V6: [u8; 75] = [
    0x6b, 0x8a, 0xbc, 0xde, 0x00, 0x23, 0x06, 0xff, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x01, 0xbb, 0xc3, 0x50, 0xff, 0xff, 0xff, 0xfe,
    0x80, 0x00, 0x00, 0x00, 0x80, 0x18, 0x01, 0xf5, 0xef, 0x83, 0x00, 0x00, 0x01, 0x01, 0x08, 0x0a,
    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x6f, 0x64, 0x64,
];

/// Properties are tried on the same values in every run.
pub(crate) fn seeded(seed: u64) -> ProptestConfig {
    ProptestConfig {
        cases: 1024,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    }
}

/// Runs every parser on `bytes`, as a packet and as the inside of one.
fn parse_all(bytes: &[u8]) {
    let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let _ = IpPacket::parse(bytes);
    let _ = Ipv6Packet::parse(bytes);
    if let Ok(packet) = Ipv4Packet::parse(bytes) {
        let _ = packet.has_source_route();
    }
    let _ = Segment::parse(bytes, v4, v4, false).map(|segment| segment.len());
    let _ = TcpOptions::parse_lenient(bytes);
    let _ = Icmpv4::parse(bytes);
    let _ = Icmpv6::parse(bytes, Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
    let _ = quoted_tcp(bytes);
    let _ = Pretty(bytes).to_string();
    for next_header in [0, 6, 43, 44, 60] {
        let _ = ipv6_ext::walk(next_header, bytes);
        let _ = ipv6_ext::walk_reassembled(next_header, bytes);
    }
}

/// Makes the IPv4 header checksum right again, so that a mutation gets past it.
fn repair(packet: &mut [u8]) {
    if packet.len() >= 20 && packet[0] >> 4 == 4 {
        let header_len = usize::from(packet[0] & 0x0f) * 4;
        if (20..=packet.len()).contains(&header_len) {
            packet[10..12].fill(0);
            let sum = Sum::of(&packet[..header_len]).finish();
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
        }
    }
}

fn valid_packet() -> impl Strategy<Value = Vec<u8>> {
    // Fragment, hop-by-hop options with an unknown one, routing header, then TCP.
    let mut extended = DATA_V6.to_vec();
    extended[6] = protocol::HOP_BY_HOP;
    let extensions = [
        [protocol::DESTINATION_OPTIONS, 0, 1, 4, 0, 0, 0, 0],
        [protocol::ROUTING, 0, 0x1e, 2, 0, 0, 0, 0],
        [protocol::FRAGMENT, 0, 4, 0, 0, 0, 0, 0],
        [protocol::TCP, 0, 0, 0, 0, 0, 0, 7],
    ];
    extended.splice(40..40, extensions.into_iter().flatten());
    extended[5] += 32;
    assert!(IpPacket::parse(&extended).is_ok());
    prop_oneof![
        Just(SYN_V4.to_vec()),
        Just(DATA_V6.to_vec()),
        Just(extended),
    ]
}

proptest! {
    #![proptest_config(seeded(0x9293))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        parse_all(&bytes);
    }

    #[test]
    fn mutated_packets_never_panic(
        mut packet in valid_packet(),
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        keep_whole in any::<bool>(),
    ) {
        for (index, value) in mutations {
            let index = index.index(packet.len());
            packet[index] = value;
        }
        if !keep_whole {
            packet.truncate(cut.index(packet.len()));
        }
        repair(&mut packet);
        parse_all(&packet);
        if let Ok(parsed) = IpPacket::parse(&packet) {
            prop_assert!(parsed.payload().len() < packet.len());
            parse_all(parsed.payload());
        }
    }

    #[test]
    fn a_walk_only_moves_forward(
        next_header in prop::sample::select(&[0u8, 6, 43, 44, 59, 60, 255][..]),
        bytes in prop::collection::vec(0u8..64, 0..400),
    ) {
        if let Ok(walk) = ipv6_ext::walk(next_header, &bytes) {
            prop_assert!(bytes.ends_with(walk.payload));
            let walked = bytes.len() - walk.payload.len();
            prop_assert!(walked.is_multiple_of(8));
            prop_assert!(walk.protocol_at == 6 || (walk.protocol_at as usize) < 40 + walked);
        }
    }
}

#[test]
fn every_cut_of_a_valid_packet_is_an_error() {
    for packet in [&SYN_V4[..], &DATA_V6[..]] {
        for len in 0..packet.len() {
            assert!(IpPacket::parse(&packet[..len]).is_err(), "{len}");
        }
    }
}

#[test]
fn errors_say_what_is_wrong() {
    assert_eq!(WireError::BadChecksum.to_string(), "checksum mismatch");
    assert_eq!(
        WireError::Truncated.to_string(),
        "shorter than its fixed header"
    );
}
