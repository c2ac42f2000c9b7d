//! Whole transfers over a lossy link with loss told by time: what each kind of loss costs
//! (RFC 8985, RFC 9937).

use alloc::vec;

use estab_timer::Duration;
use proptest::prelude::*;

use super::link::{DELAY, Link, MSS, Outcome};
use super::seeded;
use crate::SeqNumber;
use crate::config::RecoveryConfig;
use crate::congestion::Algorithm;
use crate::recovery::Recovery;

const RTT: Duration = Duration::from_millis(2 * DELAY.as_millis() as u64);
const BOTH: [Algorithm; 2] = [Algorithm::NewReno, Algorithm::Cubic];
const ISS: u32 = u32::MAX - 5;

/// A transfer of `segments` segments of which the transmissions of `lost` are lost, as often as they
/// are listed.
fn transfer(segments: u32, algorithm: Algorithm, lost: &[u32]) -> Outcome {
    arranged(segments, algorithm, lost, |_| {})
}

fn arranged(
    segments: u32,
    algorithm: Algorithm,
    lost: &[u32],
    arrange: impl FnOnce(&mut Link<'_>),
) -> Outcome {
    let mut lost = lost.to_vec();
    let mut drop = |_, offset: u32| {
        let hit = lost.iter().position(|&segment| segment * MSS == offset);
        hit.map(|index| lost.swap_remove(index)).is_some()
    };
    let mut link = modern(ISS, segments * MSS, algorithm, &mut drop);
    arrange(&mut link);
    link.run()
}

/// A link whose sender follows all the rules, and whose receiver reports duplicates.
fn modern<'a>(
    iss: u32,
    total: u32,
    algorithm: Algorithm,
    drop: &'a mut dyn FnMut(u32, u32) -> bool,
) -> Link<'a> {
    let mut link = Link::new(iss, total, algorithm, true, drop);
    link.recovery =
        Recovery::new(SeqNumber::new(iss), MSS, true).with_rules(&RecoveryConfig::MODERN);
    link.measure();
    link.report_duplicates();
    link
}

#[test]
fn without_loss_nothing_is_sent_again() {
    for algorithm in BOTH {
        let outcome = transfer(500, algorithm, &[]);
        assert_eq!(
            (outcome.sent, outcome.retransmits, outcome.reductions),
            (500, 0, 0),
            "{outcome:?}"
        );
    }
}

#[test]
fn one_loss_in_a_window_costs_one_round_trip() {
    for algorithm in BOTH {
        for segment in [0, 3, 40, 100, 107] {
            let outcome = transfer(300, algorithm, &[segment]);
            let found = (outcome.timeouts, outcome.retransmits, outcome.reductions);
            assert_eq!(found, (0, 1, 1), "{segment} {outcome:?}");
            assert!(outcome.longest < RTT * 2, "{segment} {outcome:?}");
        }
    }
}

/// The last segment is repaired by the probe itself, the last two by what its acknowledgment tells.
// proves RFC8985-7.2, RFC8985-7.3#3
#[test]
fn a_lost_tail_is_repaired_without_timeout() {
    for algorithm in BOTH {
        // After two round trips of silence, each half as long again because of the queue, it takes
        // this many to repair: the probe, what it shows lost, and then what slow start takes from an
        // empty network.
        for (lost, rounds) in [(vec![59], 1), (vec![58, 59], 2), ((55..60).collect(), 4)] {
            let retransmits = lost.len() as u32;
            let clean = transfer(60, algorithm, &[]);
            let outcome = transfer(60, algorithm, &lost);
            assert_eq!(outcome.timeouts, 0, "{lost:?} {outcome:?}");
            assert_eq!(
                (outcome.probes, outcome.retransmits),
                (1, retransmits),
                "{lost:?} {outcome:?}"
            );
            assert!(
                outcome.done_at < clean.done_at + RTT * 7 / 2 + RTT * rounds,
                "{lost:?} {outcome:?} {clean:?}"
            );
        }
        // The probe is lost as well: then the timeout is the last resort.
        let outcome = transfer(60, algorithm, &[59, 59]);
        assert_eq!((outcome.timeouts, outcome.probes), (1, 1), "{outcome:?}");
    }
}

// proves RFC8985-6.2step5#2
#[test]
fn a_lost_retransmission_costs_a_round_trip_more() {
    for algorithm in BOTH {
        for times in 2..=4 {
            let once = transfer(600, algorithm, &[100]);
            let outcome = transfer(600, algorithm, &vec![100; times]);
            assert_eq!(outcome.timeouts, 0, "{outcome:?}");
            assert_eq!(outcome.retransmits, times as u32, "{outcome:?}");
            assert!(
                outcome.longest < once.longest + (RTT * 3 / 2) * times as u32,
                "{once:?} {outcome:?}"
            );
        }
    }
}

/// Nothing gets through for a while, shorter than the timeout.
#[test]
fn an_outage_costs_at_most_one_timeout() {
    for algorithm in BOTH {
        for ms in [1, 2, 5, 10, 30, 60, 100, 200, 290] {
            for start in [1, 130, 260, 330, 500] {
                let outcome = arranged(800, algorithm, &[], |link| {
                    let start = Duration::from_millis(start);
                    link.outage = Some((start, start + Duration::from_millis(ms)));
                });
                let (lost, case) = (outcome.lost, (start, ms, &outcome));
                assert!(outcome.timeouts <= 1, "{case:?}");
                assert!(outcome.retransmits <= lost + outcome.probes, "{case:?}");
                assert!(outcome.reductions <= 1 + outcome.timeouts, "{case:?}");
            }
        }
    }
}

/// Segments overtaken by an eighth of a round trip: the first time may cost a reduction, which is
/// taken back; then they are waited for.
// proves RFC8985-3.3.2#2, RFC8985-6.2step3
#[test]
fn reordering_costs_nothing_once_seen() {
    for algorithm in BOTH {
        let outcome = arranged(800, algorithm, &[], |link| {
            link.late = |number| match number % 50 {
                7 => RTT / 8,
                _ => Duration::ZERO,
            };
        });
        assert_eq!(outcome.timeouts, 0, "{outcome:?}");
        assert!(outcome.episodes <= 1, "{outcome:?}");
        assert!(outcome.retransmits <= 1, "{outcome:?}");
        assert!(outcome.reductions <= 1, "{outcome:?}");
    }
}

proptest! {
    #![proptest_config(seeded(160, 8985))]

    /// Everything arrives whatever is lost or late, at every place of the sequence space, under all the
    /// rules and any selection of them, and nothing is sent beyond the window.
    // proves RFC9937-3, RFC9937-5
    #[test]
    fn everything_arrives(
        seed in any::<u64>(),
        percent in 0u64..35,
        cubic in any::<bool>(),
        chaos in prop_oneof![Just(0), 0u64..30],
        burst in prop::sample::select(vec![1u32, 1, 7, 44]),
        timestamps in any::<bool>(),
        sack in any::<bool>(),
        rules in 0u8..32,
        iss in prop::sample::select(vec![0, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX, u32::MAX - 50_000]),
    ) {
        let mut state = seed | 1;
        // Without SACK most losses take a timeout, and the timeout stays backed off without a sample.
        let percent = if sack { percent } else { percent / 4 };
        let mut drop = |_, _| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % 100 < percent
        };
        let algorithm = if cubic { Algorithm::Cubic } else { Algorithm::NewReno };
        let mut link = modern(iss, 400 * MSS + 123, algorithm, &mut drop);
        let rules = RecoveryConfig {
            rack: rules & 1 == 0,
            tail_loss_probe: rules & 2 == 0,
            prr: rules & 4 == 0,
            frto: rules & 8 == 0,
            undo: rules & 16 == 0,
        };
        link.recovery = Recovery::new(SeqNumber::new(iss), MSS, sack).with_rules(&rules);
        link.measure();
        link.burst = burst;
        link.chaos = chaos;
        link.timestamps = timestamps;
        let outcome = link.run();
        prop_assert_eq!(outcome.sent, 401 + outcome.retransmits);
    }
}
