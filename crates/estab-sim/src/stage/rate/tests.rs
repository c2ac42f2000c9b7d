use estab_timer::Duration;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

#[test]
fn a_million_packets_at_a_gigabit_take_twelve_seconds() {
    let mut clock = LineClock::new(Bandwidth::gbit(1));
    let mut at = Instant::from_secs(1);
    for _ in 0..1_000_000 {
        at = clock.send(at, 1500);
    }
    assert_eq!(at, Instant::from_secs(13));
}

/// A rate that divides nothing, and packets asked for late by the rounding each time.
#[test]
fn a_million_packets_at_an_odd_rate_do_not_drift() {
    let rate = Bandwidth::bit(999_999_937);
    let mut clock = LineClock::new(rate);
    let mut at = Instant::ZERO;
    for _ in 0..1_000_000 {
        at = clock.send(at, 1499);
    }
    assert_eq!(at - Instant::ZERO, rate.time_of(1_499_000_000));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x5136),
        ..ProptestConfig::default()
    })]

    #[test]
    fn packets_without_a_gap_take_the_time_of_their_bits(
        rate in 1u64..2_000_000_000,
        start in 0u64..1_000_000_000_000,
        lens in prop::collection::vec(0usize..70_000, 1..100),
    ) {
        let rate = Bandwidth::bit(rate);
        let start = Instant::from_nanos(start);
        let mut clock = LineClock::new(rate);
        let (mut at, mut sum) = (start, 0);
        for len in lens {
            at = clock.send(at, len);
            sum += len as u64;
            prop_assert_eq!(at - start, rate.time_of(sum));
        }
        // After a gap it begins anew.
        let later = at + Duration::from_nanos(5);
        prop_assert_eq!(clock.send(later, 1000) - later, rate.time_of(1000));
    }
}
