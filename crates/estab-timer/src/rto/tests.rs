use alloc::vec::Vec;

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn strict() -> RttEstimator {
    RttEstimator::new(&RtoConfig::RFC_STRICT)
}

/// No floor: the formula itself.
fn bare() -> RttEstimator {
    RttEstimator::new(&RtoConfig {
        min: Duration::ZERO,
        ..RtoConfig::RFC_STRICT
    })
}

// proves RFC6298-2(2.1)
#[test]
fn it_starts_at_one_second() {
    let rtt = RttEstimator::new(&RtoConfig::default());
    assert_eq!(rtt.rto(), ms(1_000));
    assert_eq!(rtt.srtt(), None);
    assert_eq!(rtt.rttvar(), None);
    assert_eq!(rtt.min_rtt(), None);
    assert_eq!(rtt.latest(), None);
    assert_eq!(rtt.snapshot(), None);
    assert_eq!(rtt.back_offs(), 0);
    assert!(size_of::<RttEstimator>() <= 56);
}

// proves RFC6298-2(2.2)
#[test]
fn the_first_sample_sets_both() {
    let mut rtt = bare();
    rtt.on_sample(ms(100));
    assert_eq!(rtt.srtt(), Some(ms(100)));
    assert_eq!(rtt.rttvar(), Some(ms(50)));
    assert_eq!(rtt.rto(), ms(300));
}

/// Worked by hand from §2.3.
// proves MUST-18, RFC6298-2(2.3)
#[test]
fn the_formula_uses_the_old_srtt() {
    let mut rtt = bare();
    rtt.on_sample(ms(100));
    // RTTVAR = 3/4 * 50 + 1/4 * |100 - 180| = 57.5; SRTT = 7/8 * 100 + 1/8 * 180 = 110.
    // With the new SRTT the variation would be 3/4 * 50 + 1/4 * |110 - 180| = 55.
    rtt.on_sample(ms(180));
    assert_eq!(rtt.rttvar(), Some(Duration::from_micros(57_500)));
    assert_eq!(rtt.srtt(), Some(ms(110)));
    assert_eq!(rtt.rto(), ms(340));
    // RTTVAR = 3/4 * 57.5 + 1/4 * |110 - 30| = 63.125; SRTT = 7/8 * 110 + 1/8 * 30 = 100.
    rtt.on_sample(ms(30));
    assert_eq!(rtt.rttvar(), Some(Duration::from_micros(63_125)));
    assert_eq!(rtt.srtt(), Some(ms(100)));
    assert_eq!(rtt.rto(), Duration::from_micros(352_500));
    assert_eq!(rtt.min_rtt(), Some(ms(30)));
    assert_eq!(rtt.latest(), Some(ms(30)));
    rtt.on_sample(ms(90));
    assert_eq!(rtt.min_rtt(), Some(ms(30)));
    assert_eq!(rtt.latest(), Some(ms(90)));
}

// proves RFC6298-1
#[test]
fn integers_follow_the_real_formula() {
    let (mut rtt, mut srtt, mut rttvar) = (bare(), 0.0_f64, 0.0_f64);
    for i in 0..1_000_u64 {
        // 20 to 70 ms, up and down in odd steps.
        let sample = 20_000_000 + i * i * 7_919 % 50_000_000;
        let real = sample as f64;
        (srtt, rttvar) = if i == 0 {
            (real, real / 2.0)
        } else {
            let rttvar = 0.75 * rttvar + 0.25 * (srtt - real).abs();
            (0.875 * srtt + 0.125 * real, rttvar)
        };
        rtt.on_sample(Duration::from_nanos(sample));
        assert!((rtt.srtt().unwrap().as_nanos() as f64 - srtt).abs() < 20.0);
        assert!((rtt.rttvar().unwrap().as_nanos() as f64 - rttvar).abs() < 20.0);
    }
}

// proves RFC6298-4
#[test]
fn a_steady_path_keeps_the_granularity() {
    let mut rtt = bare();
    for _ in 0..100 {
        rtt.on_sample(ms(80));
    }
    assert_eq!(rtt.srtt(), Some(ms(80)));
    assert_eq!(rtt.rto(), ms(81));
}

// proves RFC6298-2(2.4)
#[test]
fn the_two_floors_differ() {
    for (path, clamped, above) in [(500, 1_000, 700), (3_000, 3_001, 3_200)] {
        let (mut strict, mut modern) = (strict(), RttEstimator::new(&RtoConfig::default()));
        for _ in 0..100 {
            strict.on_sample(ms(path));
            modern.on_sample(ms(path));
        }
        assert_eq!(strict.rto(), ms(clamped));
        assert_eq!(modern.rto(), ms(above));
    }
}

// proves MUST-19, RFC6298-5(5.5)-(5.6), RFC6298-2(2.5)
#[test]
fn back_off_doubles_up_to_the_maximum() {
    let mut rtt = strict();
    let schedule: Vec<u64> = (0..10)
        .map(|_| {
            let rto = rtt.rto().as_secs();
            rtt.back_off();
            rto
        })
        .collect();
    assert_eq!(schedule, [1, 2, 4, 8, 16, 32, 64, 120, 120, 120]);
    assert_eq!(rtt.base_rto(), ms(1_000));
    for _ in 0..1_000 {
        rtt.back_off();
    }
    assert_eq!(rtt.rto(), ms(120_000));
    assert_eq!(rtt.back_offs(), 255);
}

#[test]
fn the_maximum_bounds_the_formula_too() {
    let mut rtt = strict();
    rtt.on_sample(ms(100_000));
    assert_eq!(rtt.base_rto(), ms(120_000));
    assert_eq!(rtt.rto(), ms(120_000));
}

/// RFC 9293 §3.8.3: SYNs for three minutes.
#[test]
fn syns_go_out_for_three_minutes() {
    let mut rtt = strict();
    let mut at = Duration::ZERO;
    let mut sent = Vec::from([0]);
    while at < Duration::from_secs(180) {
        at += rtt.syn_rto();
        rtt.back_off();
        sent.push(at.as_secs());
    }
    assert_eq!(sent, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
}

#[test]
fn a_tiny_timeout_backs_off_to_the_maximum_too() {
    let mut rtt = RttEstimator::new(&RtoConfig {
        granularity: Duration::from_micros(1),
        min: Duration::ZERO,
        ..RtoConfig::RFC_STRICT
    });
    for _ in 0..50 {
        rtt.on_sample(Duration::ZERO);
    }
    assert_eq!(rtt.srtt(), Some(Duration::from_nanos(1)));
    assert_eq!(rtt.rto(), Duration::from_nanos(1_001));
    for _ in 0..40 {
        rtt.back_off();
    }
    assert_eq!(rtt.rto(), ms(120_000));
}

/// Karn: the doubled timeout holds until a valid sample, and only that.
#[test]
fn back_off_is_kept_until_a_valid_sample() {
    let mut rtt = bare();
    rtt.on_sample(ms(100));
    rtt.back_off();
    rtt.back_off();
    assert_eq!(rtt.rto(), ms(1_200));
    assert_eq!(rtt.back_offs(), 2);
    assert_eq!(rtt.base_rto(), ms(300));
    rtt.on_sample(ms(100));
    assert_eq!(rtt.back_offs(), 0);
    // RTTVAR = 3/4 * 50.
    assert_eq!(rtt.rto(), ms(250));

    rtt.back_off();
    rtt.reset_back_off();
    assert_eq!(rtt.rto(), ms(250));
}

#[test]
fn a_lost_handshake_starts_data_at_three_seconds() {
    let mut rtt = strict();
    rtt.back_off();
    rtt.on_handshake_loss();
    assert_eq!(rtt.rto(), ms(3_000));
    rtt.back_off();
    assert_eq!(rtt.rto(), ms(6_000));
    rtt.on_sample(ms(100));
    assert_eq!(rtt.rto(), ms(1_000));
}

#[test]
fn a_lost_handshake_with_a_sample_keeps_it() {
    let mut rtt = strict();
    rtt.back_off();
    rtt.on_sample(ms(600));
    rtt.on_handshake_loss();
    assert_eq!(rtt.rto(), ms(1_800));
}

#[test]
fn a_longer_initial_timeout_survives_a_lost_handshake() {
    let mut rtt = RttEstimator::new(&RtoConfig {
        initial: ms(5_000),
        ..RtoConfig::default()
    });
    rtt.on_handshake_loss();
    assert_eq!(rtt.rto(), ms(5_000));
}

/// RFC 7323 §4.2: with ten samples a round trip, ten of them move the average about as far as one.
#[test]
fn many_samples_in_a_round_trip_weigh_as_one() {
    let (mut one, mut ten) = (bare(), bare());
    one.on_sample(ms(100));
    ten.on_sample(ms(100));
    one.on_sample(ms(200));
    for _ in 0..10 {
        ten.on_sample_of(10, ms(200));
    }
    let (one, ten) = (one.srtt().unwrap(), ten.srtt().unwrap());
    assert_eq!(one, Duration::from_micros(112_500));
    // 200 - 100 * (79/80)^10.
    assert_eq!(ten.as_micros(), 111_819);

    let mut zero = bare();
    zero.on_sample(ms(100));
    zero.on_sample_of(0, ms(200));
    assert_eq!(zero.srtt(), Some(one));
}

/// RFC 4015 §3.1: the spike that fooled the timer is taken into account.
#[test]
fn a_spurious_timeout_widens_the_estimate() {
    let mut rtt = bare();
    for _ in 0..100 {
        rtt.on_sample(ms(100));
    }
    let before = rtt.snapshot().unwrap();
    rtt.back_off();
    rtt.on_sample_after_spurious(before, ms(400));
    assert_eq!(rtt.srtt(), Some(ms(400)));
    assert_eq!(rtt.rttvar(), Some(ms(200)));
    assert_eq!(rtt.rto(), ms(1_200));

    // A short sample does not shrink what was known: SRTT + 2G, RTTVAR.
    rtt.on_sample_after_spurious(before, ms(10));
    assert_eq!(rtt.srtt(), Some(ms(102)));
    assert_eq!(rtt.rttvar(), Some(ms(5)));
}

#[test]
fn absurd_values_do_not_overflow() {
    let mut rtt = RttEstimator::new(&RtoConfig {
        initial: Duration::MAX,
        min: Duration::MAX,
        max: Duration::ZERO,
        syn_max: Duration::MAX,
        granularity: Duration::MAX,
        floor: RtoFloor::Variance,
    });
    let longest = Duration::from_micros(u64::from(u32::MAX));
    assert_eq!(rtt.rto(), longest);
    for _ in 0..300 {
        rtt.on_sample_of(u32::MAX, Duration::MAX);
        rtt.on_sample(Duration::ZERO);
        rtt.back_off();
        assert_eq!(rtt.rto(), longest);
        assert_eq!(rtt.syn_rto(), longest);
        let before = rtt.snapshot().unwrap();
        rtt.on_sample_after_spurious(before, Duration::MAX);
    }
}
