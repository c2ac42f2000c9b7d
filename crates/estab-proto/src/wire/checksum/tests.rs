use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::wire::tests::seeded;

/// RFC 1071 §1 to the letter: 16 bits at a time.
fn naive(bytes: &[u8]) -> u16 {
    let mut sum = 0u64;
    for pair in bytes.chunks(2) {
        sum += u64::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[test]
fn the_example_of_rfc_1071() {
    let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    assert_eq!(Sum::of(&bytes).folded(), 0xddf2);
    assert_eq!(Sum::of(&bytes).finish(), 0x220d);
}

#[test]
fn a_header_of_record() {
    let mut header = [
        0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00, 0xc0, 0xa8, 0x00,
        0x01, 0xc0, 0xa8, 0x00, 0xc7,
    ];
    assert_eq!(Sum::of(&header).finish(), 0xb861);
    header[10..12].copy_from_slice(&[0xb8, 0x61]);
    assert_eq!(Sum::of(&header).finish(), 0);
}

#[test]
fn nothing_and_zeros_sum_to_zero() {
    assert_eq!(Sum::of(&[]), Sum::ZERO);
    assert_eq!(Sum::of(&[0; 77]), Sum::ZERO);
    assert_eq!(Sum::ZERO.finish(), 0xffff);
}

#[test]
fn the_largest_packet_of_ones_does_not_overflow() {
    assert_eq!(
        Sum::of(&vec![0xff; 65535]).folded(),
        naive(&vec![0xff; 65535])
    );
    assert_eq!(Sum::of(&vec![0xff; 65534]).folded(), 0xffff);
}

#[test]
fn an_odd_byte_is_the_high_half_of_a_word() {
    assert_eq!(Sum::of(&[0xab]).folded(), 0xab00);
    assert_eq!(
        Sum::of(&[0xab, 0xcd, 0xef]).folded(),
        naive(&[0xab, 0xcd, 0xef, 0])
    );
}

#[test]
fn pseudo_headers_of_both_versions() {
    let v4 = Sum::pseudo(
        Ipv4Addr::new(10, 0, 0, 1).into(),
        Ipv4Addr::new(10, 0, 0, 2).into(),
        6,
        0x1234,
    );
    assert_eq!(
        v4.folded(),
        naive(&[10, 0, 0, 1, 10, 0, 0, 2, 0, 6, 0x12, 0x34])
    );

    let [src, dst] = [
        Ipv6Addr::LOCALHOST,
        Ipv6Addr::new(0xfe80, 1, 2, 3, 4, 5, 6, 0xffff),
    ];
    let mut header = Vec::from(src.octets());
    header.extend(dst.octets());
    header.extend([0, 1, 0x11, 0x70, 0, 0, 0, 58]);
    assert_eq!(
        Sum::pseudo(src.into(), dst.into(), 58, 70_000).folded(),
        naive(&header)
    );
}

proptest! {
    #![proptest_config(seeded(0x1071))]

    #[test]
    fn agrees_with_the_naive_sum_at_any_alignment(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        skip in 0usize..8,
    ) {
        let bytes = &bytes[skip.min(bytes.len())..];
        prop_assert_eq!(Sum::of(bytes).folded(), naive(bytes));
    }

    #[test]
    fn parts_combine_to_the_whole(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(bytes.len() + 1);
        let (a, b) = bytes.split_at(cut);
        let odd = cut % 2 == 1;
        prop_assert_eq!(Sum::of(a).combine(Sum::of(b), odd), Sum::of(&bytes));
        if !odd {
            prop_assert_eq!(Sum::of(a).add_bytes(b), Sum::of(&bytes));
        }
    }

    #[test]
    fn a_complemented_sum_verifies(mut bytes in prop::collection::vec(any::<u8>(), 2..300)) {
        bytes[..2].fill(0);
        let sum = Sum::of(&bytes).finish();
        bytes[..2].copy_from_slice(&sum.to_be_bytes());
        prop_assume!(bytes.iter().any(|byte| *byte != 0));
        prop_assert_eq!(Sum::of(&bytes).finish(), 0);
    }
}
