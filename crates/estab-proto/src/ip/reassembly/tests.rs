#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic
)]

mod model;

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::wire::protocol::{TCP, UDP};

const INFO: FragmentInfo = FragmentInfo {
    protocol: UDP,
    traffic_class: 0,
};

fn key(host: u8, ident: u32) -> FragmentKey {
    FragmentKey {
        src: [10, 0, 0, host].into(),
        dst: [10, 0, 0, 254].into(),
        ident,
        protocol: UDP,
    }
}

/// Puts fragments of one datagram in, all at once.
fn put(
    reassembly: &mut Reassembly,
    key: FragmentKey,
    offset: u16,
    more: bool,
    data: &[u8],
) -> Outcome {
    reassembly.insert(Instant::ZERO, key, offset, more, data, INFO)
}

fn dropped(reason: DropReason) -> Outcome {
    Outcome::Dropped(reason)
}

fn complete(payload: &[u8]) -> Outcome {
    Outcome::Complete(Datagram {
        info: INFO,
        payload: payload.to_vec(),
    })
}

fn assert_empty(reassembly: &Reassembly) {
    assert_eq!((reassembly.bytes_held(), reassembly.datagrams()), (0, 0));
    assert!(reassembly.ages.is_empty() && reassembly.sources.is_empty());
}

#[test]
fn fragments_in_any_order() {
    let pieces: [(u16, bool, &[u8]); 3] = [
        (0, true, b"01234567"),
        (8, true, b"89abcdef"),
        (16, false, b"xyz"),
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut reassembly = Reassembly::default();
        let outcomes = order.map(|index| {
            let (offset, more, data) = pieces[index];
            put(&mut reassembly, key(1, 7), offset, more, data)
        });
        let expected = [
            Outcome::Incomplete,
            Outcome::Incomplete,
            complete(b"0123456789abcdefxyz"),
        ];
        assert_eq!(outcomes, expected);
        assert_empty(&reassembly);
    }
}

#[test]
fn every_part_of_the_key_tells_datagrams_apart() {
    let mut reassembly = Reassembly::default();
    let base = key(1, 7);
    let keys = [
        base,
        FragmentKey {
            src: [10, 0, 0, 2].into(),
            ..base
        },
        FragmentKey {
            dst: [10, 0, 0, 2].into(),
            ..base
        },
        FragmentKey { ident: 8, ..base },
        FragmentKey {
            protocol: 1,
            ..base
        },
    ];
    for key in keys {
        assert_eq!(
            put(&mut reassembly, key, 0, true, &[0; 8]),
            Outcome::Incomplete
        );
    }
    for key in keys {
        assert_eq!(
            put(&mut reassembly, key, 8, false, &[0; 1]),
            complete(&[0; 9])
        );
    }
    assert_empty(&reassembly);
}

#[test]
fn an_atomic_fragment_leaves_no_trace() {
    let mut reassembly = Reassembly::default();
    put(&mut reassembly, key(1, 7), 8, false, b"last");
    let held = reassembly.bytes_held();
    assert_eq!(
        put(&mut reassembly, key(1, 7), 0, false, b"atomic"),
        complete(b"atomic")
    );
    assert_eq!(reassembly.bytes_held(), held);
    assert_eq!(
        put(&mut reassembly, key(1, 7), 0, true, b"the rest"),
        complete(b"the restlast")
    );
}

#[test]
fn exact_duplicates_are_tolerated() {
    let mut reassembly = Reassembly::default();
    let held = |reassembly: &mut Reassembly| {
        put(reassembly, key(1, 7), 8, true, b"89abcdef");
        put(reassembly, key(1, 7), 16, false, b"xyz");
        reassembly.bytes_held()
    };
    assert_eq!(held(&mut reassembly), held(&mut reassembly));
    let outcome = put(&mut reassembly, key(1, 7), 0, true, b"01234567");
    assert_eq!(outcome, complete(b"0123456789abcdefxyz"));
}

#[test]
fn a_datagram_with_an_overlap_is_gone_for_good() {
    // Around a piece at 16..32: over its start, its end, inside, around, and the same range with
    // other bytes, or with another idea of what follows.
    let overlapping: [(u16, bool, &[u8]); 7] = [
        (8, true, &[0; 16]),
        (24, true, &[0; 16]),
        (24, false, &[0; 1]),
        (16, true, &[0; 8]),
        (0, true, &[0; 40]),
        (16, true, &[1; 16]),
        (16, false, &[0; 16]),
    ];
    for (offset, more, data) in overlapping {
        let mut reassembly = Reassembly::default();
        put(&mut reassembly, key(1, 7), 16, true, &[0; 16]);
        let empty = reassembly.bytes_held() - 16;
        let outcome = put(&mut reassembly, key(1, 7), offset, more, data);
        assert_eq!(outcome, dropped(DropReason::Overlap), "{offset}");
        assert!(reassembly.bytes_held() < empty);
        // Nothing of it is ever put together, until its time is over.
        for (offset, more) in [(0, true), (16, true), (32, false)] {
            let outcome = put(&mut reassembly, key(1, 7), offset, more, &[0; 16]);
            assert_eq!(outcome, dropped(DropReason::Condemned));
        }
        assert_eq!(reassembly.expire(Instant::from_secs(30)), 1);
        assert_empty(&reassembly);
    }
}

#[test]
fn a_condemned_datagram_holds_no_bytes() {
    let mut reassembly = Reassembly::default();
    put(&mut reassembly, key(1, 7), 8, true, &[0; 4096]);
    put(&mut reassembly, key(1, 7), 8, true, &[1; 8]);
    assert_eq!(reassembly.datagrams(), 1);
    assert!(reassembly.bytes_held() < 1024);
}

#[test]
fn fragments_must_agree_on_the_end() {
    let contradictions: [[(u16, bool, usize); 2]; 3] = [
        // A second end, before and behind the first; data behind the end.
        [(32, false, 8), (16, false, 8)],
        [(16, false, 8), (32, false, 8)],
        [(16, false, 8), (24, true, 8)],
    ];
    for [(offset, more, len), second] in contradictions {
        let mut reassembly = Reassembly::default();
        put(&mut reassembly, key(1, 7), offset, more, &vec![0; len]);
        let (offset, more, len) = second;
        let outcome = put(&mut reassembly, key(1, 7), offset, more, &vec![0; len]);
        assert_eq!(outcome, dropped(DropReason::Overlap));
    }
    // An end that lies before data that came earlier.
    let mut reassembly = Reassembly::default();
    put(&mut reassembly, key(1, 7), 32, true, &[0; 8]);
    let outcome = put(&mut reassembly, key(1, 7), 16, false, &[0; 8]);
    assert_eq!(outcome, dropped(DropReason::Overlap));
}

#[test]
fn what_is_wrong_in_itself_harms_no_datagram() {
    let mut reassembly = Reassembly::default();
    let put = |reassembly: &mut Reassembly, offset, more, len| {
        reassembly.insert(Instant::ZERO, key(1, 7), offset, more, &vec![0; len], INFO)
    };
    assert_eq!(put(&mut reassembly, 8, true, 0), dropped(DropReason::Empty));
    assert_eq!(
        put(&mut reassembly, 8, false, 0),
        dropped(DropReason::Empty)
    );
    for len in [1, 7, 9, 1001] {
        assert_eq!(
            put(&mut reassembly, 0, true, len),
            dropped(DropReason::BadLength)
        );
    }
    // 20 bytes are the IPv4 header's.
    assert_eq!(
        put(&mut reassembly, 65528, true, 8),
        dropped(DropReason::TooLong)
    );
    assert_eq!(
        put(&mut reassembly, 65512, false, 4),
        dropped(DropReason::TooLong)
    );
    assert_empty(&reassembly);
    assert_eq!(put(&mut reassembly, 65512, false, 3), Outcome::Incomplete);
    assert_eq!(
        put(&mut reassembly, 65512, false, 4),
        dropped(DropReason::TooLong)
    );
    assert_eq!(put(&mut reassembly, 0, true, 8), Outcome::Incomplete);
}

#[test]
fn the_longest_datagrams_of_both_versions() {
    let config = ReassemblyConfig {
        max_bytes_per_source: 1 << 20,
        max_bytes: 1 << 20,
        ..Default::default()
    };
    let v6 = FragmentKey {
        src: [0; 16].into(),
        dst: [1; 16].into(),
        ident: 7,
        protocol: 0,
    };
    for (key, len) in [(key(1, 7), 65515), (v6, 65535)] {
        let mut reassembly = Reassembly::new(config);
        let payload: Vec<u8> = (0..len).map(|byte| (byte % 251) as u8).collect();
        for chunk in 0..=len / 1480 {
            let at = chunk * 1480;
            let end = (at + 1480).min(len);
            let outcome = put(
                &mut reassembly,
                key,
                at as u16,
                end < len,
                &payload[at..end],
            );
            assert_eq!(outcome == Outcome::Incomplete, end < len);
            if end == len {
                assert_eq!(outcome, complete(&payload));
            }
        }
        assert_empty(&reassembly);
    }
}

#[test]
fn the_tcp_header_is_in_the_first_fragment() {
    let info = FragmentInfo {
        protocol: TCP,
        traffic_class: 0,
    };
    let mut reassembly = Reassembly::default();
    let mut put =
        |offset, data: &[u8]| reassembly.insert(Instant::ZERO, key(1, 7), offset, true, data, info);
    let mut header = [0; 40];
    header[12] = 10 << 4;
    assert_eq!(put(0, &header[..8]), dropped(DropReason::TinyFirst));
    assert_eq!(put(0, &header[..16]), dropped(DropReason::TinyFirst));
    assert_eq!(put(0, &header[..32]), dropped(DropReason::TinyFirst));
    assert_eq!(put(8, &header), dropped(DropReason::TinyFirst));
    assert_eq!(put(16, &header), dropped(DropReason::TinyFirst));
    assert_eq!(put(40, &header), Outcome::Incomplete);
    assert_eq!(put(0, &header), Outcome::Incomplete);
}

#[test]
fn the_first_fragment_speaks_for_the_datagram() {
    let mut reassembly = Reassembly::default();
    let key = FragmentKey {
        src: [0; 16].into(),
        dst: [1; 16].into(),
        ident: 7,
        protocol: 0,
    };
    let mut put = |offset, more, protocol, traffic_class| {
        let info = FragmentInfo {
            protocol,
            traffic_class,
        };
        reassembly.insert(Instant::ZERO, key, offset, more, &[0; 8], info)
    };
    put(8, false, 1, 0x10);
    let Outcome::Complete(datagram) = put(0, true, UDP, 0x20) else {
        panic!("complete")
    };
    assert_eq!(
        datagram.info,
        FragmentInfo {
            protocol: UDP,
            traffic_class: 0x20
        }
    );
}

#[test]
fn congestion_marks_survive() {
    let outcome = |first: u8, second: u8| {
        let mut reassembly = Reassembly::default();
        let mut put = |offset, more, traffic_class| {
            let info = FragmentInfo {
                protocol: UDP,
                traffic_class,
            };
            reassembly.insert(Instant::ZERO, key(1, 7), offset, more, &[0; 8], info)
        };
        put(0, true, first);
        match put(8, false, second) {
            Outcome::Complete(datagram) => Ok(datagram.info.traffic_class),
            outcome => Err(outcome),
        }
    };
    assert_eq!(outcome(0xb8, 0xb8), Ok(0xb8));
    assert_eq!(outcome(0b10, 0b10), Ok(0b10));
    assert_eq!(outcome(0b10, 0b01), Ok(0b10));
    assert_eq!(outcome(0xb8 | 0b10, 0b11), Ok(0xb8 | 0b11));
    assert_eq!(outcome(0b11, 0b01), Ok(0b11));
    assert_eq!(outcome(0b11, 0b00), Err(dropped(DropReason::BadEcn)));
    assert_eq!(outcome(0b00, 0b11), Err(dropped(DropReason::BadEcn)));
}

#[test]
fn too_many_fragments_condemn() {
    let mut reassembly = Reassembly::default();
    for index in 1..=64 {
        assert_eq!(
            put(&mut reassembly, key(1, 7), index * 8, true, &[0; 8]),
            Outcome::Incomplete
        );
    }
    let outcome = put(&mut reassembly, key(1, 7), 0, true, &[0; 8]);
    assert_eq!(outcome, dropped(DropReason::TooMany));
    let outcome = put(&mut reassembly, key(1, 7), 0, true, &[0; 8]);
    assert_eq!(outcome, dropped(DropReason::Condemned));
}

#[test]
fn time_runs_from_the_first_fragment_that_came() {
    let mut reassembly = Reassembly::default();
    let at = Instant::from_secs;
    assert_eq!(reassembly.next_deadline(), None);
    reassembly.insert(at(1), key(1, 7), 8, true, &[0; 8], INFO);
    reassembly.insert(at(2), key(1, 8), 8, true, &[0; 8], INFO);
    reassembly.insert(at(20), key(1, 7), 16, true, &[0; 8], INFO);
    assert_eq!(reassembly.next_deadline(), Some(at(31)));
    assert_eq!(
        reassembly.expire(Instant::from_nanos(31_000_000_000 - 1)),
        0
    );
    assert_eq!(reassembly.expire(at(31)), 1);
    assert_eq!(reassembly.next_deadline(), Some(at(32)));
    // A fragment that comes too late begins anew even if nobody called `expire`.
    let outcome = reassembly.insert(at(40), key(1, 8), 0, true, &[0; 8], INFO);
    assert_eq!(outcome, Outcome::Incomplete);
    assert_eq!(reassembly.next_deadline(), Some(at(70)));
    assert_eq!(reassembly.expire(at(1000)), 1);
    assert_empty(&reassembly);
}

#[test]
fn the_oldest_datagram_gives_way_to_a_new_one() {
    let config = ReassemblyConfig {
        max_datagrams: 3,
        ..Default::default()
    };
    let mut reassembly = Reassembly::new(config);
    for ident in 0..4 {
        put(&mut reassembly, key(ident as u8, ident), 0, true, &[0; 8]);
    }
    assert_eq!(reassembly.datagrams(), 3);
    assert_eq!(
        put(&mut reassembly, key(1, 1), 8, false, &[0; 8]),
        complete(&[0; 16])
    );
    assert_eq!(
        put(&mut reassembly, key(0, 0), 8, false, &[0; 8]),
        Outcome::Incomplete
    );
}

#[test]
fn a_source_that_floods_drops_its_own() {
    let mut reassembly = Reassembly::default();
    put(&mut reassembly, key(1, 0), 0, true, &[0; 1480]);
    for ident in 0..1000 {
        put(&mut reassembly, key(2, ident), 0, true, &[0; 1480]);
    }
    assert!(reassembly.bytes_held() <= 64 * 1024 + 3 * 1024);
    assert_eq!(
        put(&mut reassembly, key(2, 999), 1480, false, &[0; 1]),
        complete(&[0; 1481])
    );
    assert_eq!(
        put(&mut reassembly, key(2, 0), 1480, false, &[0; 1]),
        Outcome::Incomplete
    );
    assert_eq!(
        put(&mut reassembly, key(1, 0), 1480, false, &[0; 1]),
        complete(&[0; 1481])
    );
}

#[test]
fn many_sources_stay_within_the_total() {
    let config = ReassemblyConfig {
        max_datagrams: 1000,
        ..Default::default()
    };
    let mut reassembly = Reassembly::new(config);
    for host in 0..=255 {
        put(&mut reassembly, key(host, 7), 0, true, &[0; 4096]);
        assert!(reassembly.bytes_held() <= 256 * 1024);
    }
    assert!(reassembly.bytes_held() > 250 * 1024);
    assert_eq!(
        put(&mut reassembly, key(255, 7), 4096, false, &[0; 1]),
        complete(&[0; 4097])
    );
}

#[test]
fn what_can_never_fit_is_refused() {
    let config = ReassemblyConfig {
        max_bytes_per_source: 4096,
        ..Default::default()
    };
    let mut reassembly = Reassembly::new(config);
    let outcome = put(&mut reassembly, key(1, 7), 0, true, &[0; 4096]);
    assert_eq!(outcome, dropped(DropReason::NoRoom));
    assert_empty(&reassembly);
    for limits in [
        ReassemblyConfig {
            max_bytes: 0,
            ..Default::default()
        },
        ReassemblyConfig {
            max_datagrams: 0,
            ..Default::default()
        },
    ] {
        let mut reassembly = Reassembly::new(limits);
        let outcome = put(&mut reassembly, key(1, 7), 0, true, &[0; 8]);
        assert_eq!(outcome, dropped(DropReason::NoRoom));
        assert_empty(&reassembly);
    }
}
