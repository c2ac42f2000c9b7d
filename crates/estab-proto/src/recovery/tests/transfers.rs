//! Whole transfers over a lossy link.

use alloc::vec;
use alloc::vec::Vec;

use estab_timer::Duration;
use proptest::prelude::*;

use super::link::{DELAY, Link, MSS, Outcome};
use super::seeded;
use crate::congestion::Algorithm;

const RTT: Duration = Duration::from_millis(2 * DELAY.as_millis() as u64);
const BOTH: [Algorithm; 2] = [Algorithm::NewReno, Algorithm::Cubic];

/// A transfer of `segments` segments of which the first transmissions of `lost` are lost.
fn transfer(segments: u32, algorithm: Algorithm, sack: bool, lost: &[u32]) -> Outcome {
    let mut lost = lost.to_vec();
    let mut drop = |_, offset: u32| {
        let hit = lost.iter().position(|&segment| segment * MSS == offset);
        hit.map(|index| lost.swap_remove(index)).is_some()
    };
    Link::new(u32::MAX - 5, segments * MSS, algorithm, sack, &mut drop).run()
}

#[test]
fn without_loss_nothing_is_sent_again() {
    for algorithm in BOTH {
        for sack in [true, false] {
            let outcome = transfer(500, algorithm, sack, &[]);
            assert_eq!(
                (outcome.sent, outcome.retransmits, outcome.episodes),
                (500, 0, 0)
            );
        }
    }
}

#[test]
fn one_loss_in_a_window_is_repaired_in_a_round_trip() {
    for algorithm in BOTH {
        for sack in [true, false] {
            for segment in [0, 3, 40, 100, 107] {
                let outcome = transfer(300, algorithm, sack, &[segment]);
                assert_eq!(outcome.timeouts, 0, "{segment} {outcome:?}");
                assert_eq!(
                    (outcome.retransmits, outcome.episodes),
                    (1, 1),
                    "{segment} {outcome:?}"
                );
                // The retransmission waits for nothing but its place at the bottleneck.
                assert!(outcome.longest < RTT * 2, "{segment} {outcome:?}");
            }
        }
    }
}

#[test]
fn a_burst_is_repaired_without_timeout_by_sack() {
    for algorithm in BOTH {
        // A third of a window in one go, and every second segment of one.
        let run: Vec<u32> = (100..130).collect();
        let comb: Vec<u32> = (100..160).step_by(2).collect();
        for lost in [run, comb] {
            let outcome = transfer(600, algorithm, true, &lost);
            assert_eq!(outcome.timeouts, 0, "{outcome:?}");
            assert_eq!(outcome.retransmits, 30, "{outcome:?}");
            assert!(outcome.longest < RTT * 4, "{outcome:?}");
        }
    }
}

/// RFC 6582 §3.2 step 3: one hole per round trip.
#[test]
fn a_burst_is_repaired_hole_by_hole_without_sack() {
    for algorithm in BOTH {
        let outcome = transfer(300, algorithm, false, &[100, 102, 104]);
        assert_eq!(
            (outcome.timeouts, outcome.retransmits, outcome.episodes),
            (0, 3, 1),
            "{outcome:?}"
        );
        assert!(
            outcome.longest > RTT * 2 && outcome.longest < RTT * 5,
            "{outcome:?}"
        );
    }
}

/// RFC 3042: a window of four whose first segment is lost has only two segments to make duplicates
/// with, until new data may follow them.
#[test]
fn limited_transmit_makes_the_third_duplicate() {
    for sack in [true, false] {
        let mut drop = |number, _| number == 0;
        let mut link = Link::new(7, 20 * MSS, Algorithm::NewReno, sack, &mut drop);
        link.cc.limit_cwnd(3 * MSS);
        let outcome = link.run();
        assert_eq!(
            (outcome.timeouts, outcome.retransmits),
            (0, 1),
            "{outcome:?}"
        );
    }
}

/// RFC 6675 §4 NextSeg() rule 4: with the end of the data lost as well, the rescue finds it.
#[test]
fn a_lost_tail_is_rescued() {
    let outcome = transfer(60, Algorithm::NewReno, true, &[40, 59]);
    assert_eq!(outcome.timeouts, 0, "{outcome:?}");
    assert_eq!(outcome.retransmits, 2, "{outcome:?}");
}

#[test]
fn a_lost_retransmission_takes_a_timeout() {
    for algorithm in BOTH {
        for sack in [true, false] {
            let outcome = transfer(300, algorithm, sack, &[100, 100]);
            assert_eq!(outcome.timeouts, 1, "{outcome:?}");
            // RFC 6675 §5.1: what was selectively acknowledged is not sent again.
            assert!(!sack || outcome.retransmits == 2, "{outcome:?}");
        }
    }
}

#[test]
fn a_lost_flight_is_sent_again_from_the_left_edge() {
    for sack in [true, false] {
        let lost: Vec<u32> = (0..10).collect();
        let outcome = transfer(50, Algorithm::Cubic, sack, &lost);
        assert_eq!(
            (outcome.timeouts, outcome.retransmits),
            (1, 10),
            "{outcome:?}"
        );
    }
}

#[test]
fn super_segments_recover_like_segments() {
    for sack in [true, false] {
        let run = |burst| {
            let mut lost = Some(105 * MSS);
            let mut drop = |_, offset| lost.take_if(|lost| *lost == offset).is_some();
            let mut link = Link::new(1, 400 * MSS, Algorithm::Cubic, sack, &mut drop);
            link.burst = burst;
            link.run()
        };
        let (single, bursts) = (run(1), run(44));
        assert_eq!((bursts.timeouts, bursts.retransmits), (0, 1), "{bursts:?}");
        assert_eq!(single.retransmits, 1);
        assert!(
            bursts.done_at < single.done_at + RTT,
            "{single:?} {bursts:?}"
        );
    }
}

proptest! {
    #![proptest_config(seeded(160, 5681))]

    /// Everything arrives whatever is lost or late, at every place of the sequence space, and no more is
    /// sent than losses explain.
    #[test]
    fn everything_arrives(
        seed in any::<u64>(),
        percent in 0u64..35,
        sack in any::<bool>(),
        cubic in any::<bool>(),
        chaos in prop_oneof![Just(0), 0u64..30],
        burst in prop::sample::select(vec![1u32, 1, 7, 44]),
        iss in prop::sample::select(vec![0, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX, u32::MAX - 50_000]),
    ) {
        let mut state = seed | 1;
        let mut losses = 0;
        let mut drop = |_, _| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let lost = state % 100 < percent;
            losses += u32::from(lost);
            lost
        };
        let algorithm = if cubic { Algorithm::Cubic } else { Algorithm::NewReno };
        let mut link = Link::new(iss, 400 * MSS + 123, algorithm, sack, &mut drop);
        link.burst = burst;
        link.chaos = chaos;
        let outcome = link.run();
        prop_assert_eq!(outcome.sent, 401 + outcome.retransmits);
        if sack && chaos == 0 {
            // Needless are only rescues, and what a timeout misjudges.
            let explained = losses + outcome.rescues + 20 * outcome.timeouts;
            prop_assert!(outcome.retransmits <= explained, "{:?} {}", outcome, losses);
        }
    }
}
