use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::wire::tests::seeded;

fn timestamps() -> Option<Timestamps> {
    Some(Timestamps {
        val: 0x0102_0304,
        ecr: 0x0506_0708,
    })
}

fn block(left: u32, right: u32) -> SackBlock {
    SackBlock {
        left: SeqNumber::new(left),
        right: SeqNumber::new(right),
    }
}

fn emitted(options: &TcpOptions) -> Vec<u8> {
    let mut buf = [0xee; MAX_LEN];
    let len = options.emit(&mut buf);
    assert_eq!(len, options.encoded_len());
    buf[..len].to_vec()
}

#[test]
fn a_syn_has_the_order_of_linux() {
    let options = TcpOptions {
        mss: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: timestamps(),
        ..TcpOptions::default()
    };
    let bytes = [
        2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7,
    ];
    assert_eq!(emitted(&options), bytes);
    assert_eq!(TcpOptions::parse(&bytes), Ok(options));
}

#[test]
fn an_ordinary_segment_has_timestamps_then_sack_behind_two_nops_each() {
    let mut options = TcpOptions {
        timestamps: timestamps(),
        ..TcpOptions::default()
    };
    let mut bytes = Vec::from([1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(emitted(&options), bytes);
    assert_eq!(TcpOptions::parse(&bytes), Ok(options.clone()));

    options.sack.push(block(0x100, u32::MAX));
    bytes.extend([1, 1, 5, 10, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(emitted(&options), bytes);
    assert_eq!(TcpOptions::parse(&bytes), Ok(options));
}

// proves MUST-68, MUST-69
#[test]
fn each_option_alone_is_padded_in_front() {
    let cases = [
        (TcpOptions::default(), &[][..]),
        (
            TcpOptions {
                mss: Some(536),
                ..TcpOptions::default()
            },
            &[2, 4, 2, 24],
        ),
        (
            TcpOptions {
                sack_permitted: true,
                ..TcpOptions::default()
            },
            &[1, 1, 4, 2],
        ),
        (
            TcpOptions {
                window_scale: Some(14),
                ..TcpOptions::default()
            },
            &[1, 3, 3, 14],
        ),
    ];
    for (options, bytes) in cases {
        assert_eq!(emitted(&options), bytes);
        assert_eq!(TcpOptions::parse(bytes), Ok(options));
    }
}

#[test]
fn the_oldest_sack_blocks_give_way() {
    let sack = [block(1, 2), block(3, 4), block(5, 6), block(7, 8)];
    let mut options = TcpOptions {
        sack: sack.into(),
        ..TcpOptions::default()
    };
    assert_eq!(options.encoded_len(), 36);
    options.timestamps = timestamps();
    assert_eq!(options.encoded_len(), 40);
    let parsed = TcpOptions::parse(&emitted(&options)).unwrap();
    assert_eq!(parsed.sack[..], sack[..3]);

    // Nothing left for SACK: its header is not sent either.
    options.mss = Some(1);
    options.window_scale = Some(1);
    assert_eq!(
        TcpOptions::parse(&emitted(&options)).unwrap().sack[..],
        sack[..2]
    );
}

#[test]
fn a_short_buffer_takes_nothing() {
    let options = TcpOptions {
        timestamps: timestamps(),
        ..TcpOptions::default()
    };
    assert_eq!(options.emit(&mut [0; 11]), 0);
}

// proves MUST-6, MUST-64
#[test]
fn unknown_options_are_skipped_and_unaligned_ones_read() {
    let bytes = [
        254, 5, 9, 9, 9, 3, 3, 2, 30, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1,
    ];
    let (options, malformed) = TcpOptions::parse_lenient(&bytes);
    assert!(!malformed);
    assert_eq!(options.window_scale, Some(2));
    assert_eq!(options.timestamps, timestamps());
}

// proves MUST-4
#[test]
fn nothing_counts_behind_the_end_of_the_list() {
    let bytes = [1, 0, 2, 4, 5, 0xb4, 9];
    assert_eq!(TcpOptions::parse(&bytes), Ok(TcpOptions::default()));
}

#[test]
fn the_last_of_equal_options_counts() {
    let sack = [
        1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4,
    ];
    assert_eq!(TcpOptions::parse(&sack).unwrap().sack[..], [block(3, 4)]);
    let mss = [2, 4, 0, 1, 2, 4, 0, 2];
    assert_eq!(TcpOptions::parse(&mss).unwrap().mss, Some(2));
}

#[test]
fn a_window_scale_is_kept_as_sent() {
    assert_eq!(
        TcpOptions::parse(&[3, 3, 255]).unwrap().window_scale,
        Some(255)
    );
}

#[test]
fn accecn_fills_its_words_with_nops_in_front() {
    let cases: [(usize, &[u8]); 4] = [
        (0, &[1, 1, 172, 2]),
        (1, &[1, 1, 1, 172, 5, 0, 0, 1]),
        (2, &[172, 8, 0, 0, 1, 0, 1, 0]),
        (3, &[1, 172, 11, 0, 0, 1, 0, 1, 0, 2, 3, 4]),
    ];
    for (fields, bytes) in cases {
        let counters = &[1, 0x100, 0x02_0304][..fields];
        let options = TcpOptions {
            accecn: Some(AccEcn::new(AccEcnOrder::E0bFirst, counters)),
            ..TcpOptions::default()
        };
        assert_eq!(emitted(&options), bytes);
        assert_eq!(TcpOptions::parse(bytes), Ok(options));
    }
    let other = [174, 8, 0, 0, 9, 0, 0, 7];
    let accecn = TcpOptions::parse(&other).unwrap().accecn.unwrap();
    assert_eq!(
        (accecn.e1b(), accecn.ceb(), accecn.e0b()),
        (Some(9), Some(7), None)
    );
}

/// No length makes it malformed, except one that breaks the list itself.
#[test]
fn accecn_of_any_length_is_read() {
    for kind in [172, 174] {
        for len in 2..=40u8 {
            let mut bytes = [3; 40];
            bytes[..2].copy_from_slice(&[kind, len]);
            let bytes = &bytes[..usize::from(len)];
            let accecn = TcpOptions::parse(bytes).unwrap().accecn.unwrap();
            assert_eq!(
                accecn.len(),
                2 + 3 * (usize::from(len - 2) / 3).min(3),
                "{len}"
            );
            let cut = &bytes[..bytes.len() - 1];
            assert_eq!(TcpOptions::parse(cut), Err(WireError::BadOption), "{len}");
        }
    }
}

#[test]
fn sack_gives_way_to_accecn() {
    let sack = [block(1, 2), block(3, 4), block(5, 6)];
    let mut options = TcpOptions {
        timestamps: timestamps(),
        sack: sack.as_slice().try_into().unwrap(),
        accecn: Some(AccEcn::new(AccEcnOrder::E0bFirst, &[1, 2])),
        ..TcpOptions::default()
    };
    assert_eq!(options.encoded_len(), 40);
    assert_eq!(
        TcpOptions::parse(&emitted(&options)).unwrap().sack[..],
        sack[..2]
    );
    options.accecn = None;
    assert_eq!(
        TcpOptions::parse(&emitted(&options)).unwrap().sack[..],
        sack[..]
    );
}

/// Every packet carries one: what a rare option costs all is a few bytes.
#[test]
fn the_options_stay_small() {
    let size = core::mem::size_of::<TcpOptions>();
    assert!(size <= 72, "{size} bytes");
}

// proves MUST-7
#[test]
fn what_came_before_a_malformation_is_kept() {
    let malformed: [&[u8]; 14] = [
        // A length of 0 or 1 would never move on.
        &[8, 0],
        &[8, 1],
        &[254, 0, 1, 1],
        &[254, 1, 1, 1],
        // A length past the end, or none.
        &[8, 10, 0, 0],
        &[254, 3],
        &[254, 255, 0, 0],
        &[254],
        // The length of another option.
        &[2, 3, 0],
        &[3, 4, 0, 0],
        &[4, 3, 0],
        &[8, 9, 0, 0, 0, 0, 0, 0, 0],
        &[5, 2],
        &[5, 9, 0, 0, 0, 0, 0, 0, 0],
    ];
    for tail in malformed {
        let mut bytes = Vec::from([2, 4, 1, 2]);
        bytes.extend(tail);
        let (options, malformed) = TcpOptions::parse_lenient(&bytes);
        assert!(malformed, "{tail:?}");
        assert_eq!(
            options,
            TcpOptions {
                mss: Some(0x102),
                ..TcpOptions::default()
            },
            "{tail:?}"
        );
        assert_eq!(
            TcpOptions::parse(&bytes),
            Err(WireError::BadOption),
            "{tail:?}"
        );
    }
}

#[test]
fn more_than_a_header_holds_is_not_read() {
    let mut bytes = [1; 44];
    bytes[40..].copy_from_slice(&[2, 4, 1, 2]);
    assert_eq!(
        TcpOptions::parse_lenient(&bytes),
        (TcpOptions::default(), true)
    );
    assert_eq!(
        TcpOptions::parse_lenient(&[1; 40]),
        (TcpOptions::default(), false)
    );
}

fn any_accecn() -> impl Strategy<Value = AccEcn> {
    let order = prop_oneof![Just(AccEcnOrder::E0bFirst), Just(AccEcnOrder::E1bFirst)];
    (order, prop::collection::vec(any::<u32>(), 0..=3))
        .prop_map(|(order, counters)| AccEcn::new(order, &counters))
}

fn any_options() -> impl Strategy<Value = TcpOptions> {
    let sack = prop::collection::vec((any::<u32>(), any::<u32>()), 0..=4);
    let timestamps = prop::option::of((any::<u32>(), any::<u32>()));
    (
        prop::option::of(any::<u16>()),
        prop::option::of(any::<u8>()),
        any::<bool>(),
        timestamps,
        sack,
        prop::option::of(any_accecn()),
    )
        .prop_map(
            |(mss, window_scale, sack_permitted, timestamps, sack, accecn)| TcpOptions {
                mss,
                window_scale,
                sack_permitted,
                timestamps: timestamps.map(|(val, ecr)| Timestamps { val, ecr }),
                sack: sack
                    .into_iter()
                    .map(|(left, right)| block(left, right))
                    .collect(),
                accecn,
            },
        )
}

proptest! {
    #![proptest_config(seeded(0x2018))]

    #[test]
    fn options_survive_the_wire(options in any_options()) {
        let bytes = emitted(&options);
        prop_assert!(bytes.len() <= MAX_LEN && bytes.len().is_multiple_of(4));
        let parsed = TcpOptions::parse(&bytes).unwrap();
        prop_assert!(options.sack.starts_with(&parsed.sack));
        prop_assert_eq!(TcpOptions { sack: options.sack.clone(), ..parsed }, options);
    }

    #[test]
    fn whatever_parses_says_the_same_when_emitted(
        bytes in prop::collection::vec(prop_oneof![0u8..12, 171u8..175, any::<u8>()], 0..=40),
    ) {
        let (options, malformed) = TcpOptions::parse_lenient(&bytes);
        prop_assert_eq!(TcpOptions::parse(&bytes).is_err(), malformed);
        let again = TcpOptions::parse(&emitted(&options)).unwrap();
        prop_assert!(options.sack.starts_with(&again.sack));
        prop_assert_eq!(TcpOptions { sack: options.sack.clone(), ..again }, options);
    }
}
