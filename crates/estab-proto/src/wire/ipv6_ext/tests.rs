use alloc::vec::Vec;

use super::*;
use crate::wire::protocol::*;

/// Eight bytes of options with one that nobody knows.
fn unknown_option(next_header: u8, kind: u8) -> [u8; 8] {
    [next_header, 0, 1, 0, kind, 2, 0, 0]
}

fn padding(next_header: u8) -> [u8; 8] {
    [next_header, 0, 0, 1, 3, 0, 0, 0]
}

fn fragment(next_header: u8, offset_and_more: u16) -> [u8; 8] {
    let [high, low] = offset_and_more.to_be_bytes();
    [next_header, 0, high, low, 0, 0, 0x12, 0x34]
}

/// The headers, then a TCP header and `b"data"`.
fn chain(headers: &[[u8; 8]]) -> Vec<u8> {
    let mut bytes = headers.concat();
    bytes.extend([0; 20]);
    bytes.extend(b"data");
    bytes
}

fn report(next_header: u8, bytes: &[u8]) -> Option<Problem> {
    let refusal = walk(next_header, bytes).unwrap_err();
    assert_eq!(refusal.error, WireError::BadExtension);
    refusal.report
}

fn problem(code: u8, pointer: u32) -> Option<Problem> {
    Some(Problem {
        code,
        pointer,
        even_if_multicast: false,
    })
}

#[test]
fn without_extension_headers_nothing_is_walked() {
    for protocol in [TCP, UDP, ICMPV6, NO_NEXT_HEADER, 200] {
        let walk = walk(protocol, b"data").unwrap();
        let expected = Walk {
            protocol,
            payload: b"data",
            protocol_at: 6,
            fragment: None,
        };
        assert_eq!(walk, expected);
    }
}

#[test]
fn headers_are_walked_to_the_transport() {
    let routed = [TCP, 0, 4, 0, 0, 0, 0, 0];
    let bytes = chain(&[padding(DESTINATION_OPTIONS), padding(ROUTING), routed]);
    let walk = walk(HOP_BY_HOP, &bytes).unwrap();
    assert_eq!(
        (walk.protocol, walk.payload.len(), walk.protocol_at),
        (TCP, 24, 40 + 16)
    );
    assert!(walk.payload.ends_with(b"data"));
}

#[test]
fn long_headers_are_walked_whole() {
    let mut bytes = Vec::from([0; 2048]);
    bytes[0] = 59;
    bytes[1] = 255;
    assert_eq!(walk(DESTINATION_OPTIONS, &bytes).unwrap().payload, &[]);
    assert_eq!(report(DESTINATION_OPTIONS, &bytes[..2047]), None);
}

#[test]
fn hop_by_hop_options_stand_first_only() {
    let bytes = chain(&[padding(HOP_BY_HOP), padding(TCP)]);
    assert_eq!(report(DESTINATION_OPTIONS, &bytes), problem(1, 40));
    assert_eq!(report(HOP_BY_HOP, &bytes), problem(1, 40));
    let bytes = chain(&[fragment(HOP_BY_HOP, 0), padding(TCP)]);
    assert_eq!(report(FRAGMENT, &bytes), problem(1, 40));
}

#[test]
fn no_more_than_eight_headers() {
    let eight: Vec<_> = (0..7)
        .map(|_| padding(DESTINATION_OPTIONS))
        .chain([padding(TCP)])
        .collect();
    assert_eq!(
        walk(DESTINATION_OPTIONS, &chain(&eight)).unwrap().protocol,
        TCP
    );
    let nine = [&[padding(DESTINATION_OPTIONS)], &eight[..]].concat();
    assert_eq!(report(DESTINATION_OPTIONS, &chain(&nine)), None);
}

#[test]
fn truncated_headers_are_dropped_in_silence() {
    for next_header in [HOP_BY_HOP, DESTINATION_OPTIONS, ROUTING, FRAGMENT] {
        for len in 0..8 {
            assert_eq!(report(next_header, &padding(TCP)[..len]), None);
        }
    }
    // A length that runs past the end.
    assert_eq!(report(ROUTING, &[TCP, 1, 4, 0, 0, 0, 0, 0]), None);
    assert_eq!(
        report(DESTINATION_OPTIONS, &[TCP, 255, 1, 4, 0, 0, 0, 0]),
        None
    );
}

#[test]
fn unknown_options_are_treated_as_their_type_demands() {
    let skipped = chain(&[unknown_option(TCP, 0b0001_1110)]);
    assert_eq!(walk(DESTINATION_OPTIONS, &skipped).unwrap().protocol, TCP);
    let dropped = chain(&[unknown_option(TCP, 0b0101_1110)]);
    assert_eq!(report(DESTINATION_OPTIONS, &dropped), None);
    let reported = chain(&[
        padding(DESTINATION_OPTIONS),
        unknown_option(TCP, 0b1001_1110),
    ]);
    let even_if_multicast = Some(Problem {
        code: 2,
        pointer: 52,
        even_if_multicast: true,
    });
    assert_eq!(report(HOP_BY_HOP, &reported), even_if_multicast);
    let reported = chain(&[unknown_option(TCP, 0b1101_1110)]);
    assert_eq!(report(HOP_BY_HOP, &reported), problem(2, 44));
}

#[test]
fn options_stay_within_their_header() {
    for options in [[1, 5, 0, 0, 0, 0], [1, 3, 0, 0, 0, 5], [1, 255, 0, 0, 0, 0]] {
        let [a, b, c, d, e, f] = options;
        assert_eq!(
            report(DESTINATION_OPTIONS, &chain(&[[TCP, 0, a, b, c, d, e, f]])),
            None
        );
    }
}

#[test]
fn routing_headers_with_segments_left_are_refused() {
    let bytes = chain(&[padding(ROUTING), [TCP, 0, 4, 1, 0, 0, 0, 0]]);
    assert_eq!(report(HOP_BY_HOP, &bytes), problem(0, 50));
    assert_eq!(
        report(ROUTING, &chain(&[[TCP, 0, 200, 255, 0, 0, 0, 0]])),
        problem(0, 42)
    );
}

#[test]
fn routing_headers_of_type_0_are_refused_always() {
    for segments_left in [0, 1] {
        let bytes = chain(&[[TCP, 0, 0, segments_left, 0, 0, 0, 0]]);
        assert_eq!(report(ROUTING, &bytes), problem(0, 42));
    }
}

#[test]
fn a_fragment_ends_the_walk() {
    let bytes = chain(&[padding(FRAGMENT), fragment(TCP, 1480 | 1)]);
    let walk = walk(HOP_BY_HOP, &bytes).unwrap();
    let header = FragmentHeader {
        offset: 1480,
        more: true,
        ident: 0x1234,
    };
    assert_eq!((walk.protocol, walk.fragment), (TCP, Some(header)));
    assert_eq!((walk.payload.len(), walk.protocol_at), (24, 48));
}

#[test]
fn an_atomic_fragment_is_a_whole_datagram() {
    let bytes = chain(&[fragment(DESTINATION_OPTIONS, 0), padding(TCP)]);
    let found = walk(FRAGMENT, &bytes).unwrap();
    assert_eq!(
        (found.protocol, found.fragment, found.payload.len()),
        (TCP, None, 24)
    );
    // The reserved bits do not make it another kind of fragment.
    let bytes = chain(&[fragment(TCP, 0b110)]);
    assert_eq!(walk(FRAGMENT, &bytes).unwrap().fragment, None);
}

#[test]
fn one_fragment_header_only() {
    let bytes = chain(&[fragment(FRAGMENT, 0), fragment(TCP, 0)]);
    assert_eq!(report(FRAGMENT, &bytes), problem(1, 40));
    assert_eq!(
        walk_reassembled(FRAGMENT, &bytes).unwrap_err().report,
        problem(1, 6)
    );
    assert_eq!(
        walk_reassembled(HOP_BY_HOP, &bytes).unwrap_err().report,
        problem(1, 6)
    );
}

#[test]
fn a_reassembled_part_may_begin_with_destination_options() {
    let bytes = chain(&[padding(TCP)]);
    let walk = walk_reassembled(DESTINATION_OPTIONS, &bytes).unwrap();
    assert_eq!((walk.protocol, walk.payload.len()), (TCP, 24));
}

#[test]
fn a_first_fragment_holds_the_whole_header_chain() {
    let whole = chain(&[fragment(DESTINATION_OPTIONS, 1), padding(TCP)]);
    assert!(walk(FRAGMENT, &whole[..16 + 20]).is_ok());
    for len in 8..16 + 20 {
        assert_eq!(report(FRAGMENT, &whole[..len]), problem(3, 0), "{len}");
    }
    // What its chain is refused for stands.
    let routed = chain(&[fragment(ROUTING, 1), [TCP, 0, 4, 1, 0, 0, 0, 0]]);
    assert_eq!(report(FRAGMENT, &routed), problem(0, 50));
    // Later fragments hold no headers.
    let later = chain(&[fragment(DESTINATION_OPTIONS, 8)]);
    assert_eq!(walk(FRAGMENT, &later[..12]).unwrap().payload.len(), 4);
}
