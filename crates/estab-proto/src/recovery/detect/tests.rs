use estab_timer::Instant;

use super::*;
use crate::recovery::scoreboard::tests::VIEW;

/// The edge after these segments of a hundred bytes were selectively acknowledged, with an MSS of
/// a hundred.
fn edge(sacked: &[(u32, u32)]) -> Option<u32> {
    let mut board = Scoreboard::new(SeqNumber::new(0));
    for _ in 0..20 {
        board.push(Instant::ZERO, 100, 100);
    }
    for &(left, right) in sacked {
        board.sack(
            SeqNumber::new(left * 100),
            SeqNumber::new(right * 100),
            100,
            &VIEW,
        );
    }
    lost_edge(&board, 100).map(SeqNumber::to_u32)
}

/// RFC 6675 §4 IsLost(): more than two segments' bytes, or three ranges, above.
#[test]
fn the_edge_is_below_three_segments_or_three_ranges() {
    assert_eq!(edge(&[]), None);
    assert_eq!(edge(&[(5, 7)]), None);
    assert_eq!(edge(&[(5, 8)]), Some(500));
    assert_eq!(edge(&[(5, 6), (8, 9)]), None);
    assert_eq!(edge(&[(5, 7), (8, 9)]), Some(500));
    assert_eq!(edge(&[(5, 6), (8, 10)]), Some(500));
    assert_eq!(edge(&[(3, 4), (5, 6), (8, 9)]), Some(300));
    assert_eq!(edge(&[(1, 4), (5, 6), (8, 9), (12, 13)]), Some(500));
    assert_eq!(edge(&[(1, 2), (17, 20)]), Some(1700));
}

// proves RFC5681-3.2#2, RFC9937-6.2#1
#[test]
fn duplicates_leave_the_network_one_segment_each() {
    let mut duplicates = Duplicates::default();
    for _ in 0..3 {
        assert!(!duplicates.enough());
        duplicates.add();
        duplicates.depart(100, 250);
    }
    assert!(duplicates.enough());
    assert_eq!((duplicates.count(), duplicates.left()), (3, 250));
    // The retransmission itself was not counted by a duplicate.
    duplicates.absorb(100, 100);
    assert_eq!((duplicates.count(), duplicates.left()), (0, 250));
    duplicates.absorb(180, 100);
    assert_eq!(duplicates.left(), 170);
    duplicates.absorb(u32::MAX, 100);
    assert_eq!(duplicates.left(), 0);
    duplicates.depart(100, 250);
    duplicates.reset();
    assert_eq!((duplicates.count(), duplicates.left()), (0, 0));
}
