use super::*;
use crate::{RtoConfig, RttEstimator};

fn secs(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

/// Sends into a black hole at zero. Returns when R1 was told, when the last retransmission left, and
/// when it was given up, in seconds; at most a day.
fn black_hole(config: &GiveUpConfig, stage: Stage) -> (Option<u64>, u64, Option<u64>) {
    let mut rtt = RttEstimator::new(&RtoConfig::RFC_STRICT);
    let mut progress = Progress::new();
    let (mut now, mut told, mut last) = (Instant::ZERO, None, 0);
    progress.on_transmit(now);
    loop {
        let rto = match stage {
            Stage::Syn => rtt.syn_rto(),
            Stage::Data => rtt.rto(),
        };
        let give_up = progress.give_up_at(config, stage);
        now = give_up.unwrap_or(Instant::NEVER).min(now + rto);
        if now > secs(86_400) {
            return (told, last, None);
        }
        let at = now.as_millis() / 1_000;
        match progress.on_retransmit(now, config, stage) {
            Verdict::Continue => {}
            Verdict::SoftError => assert_eq!(told.replace(at), None, "told once"),
            Verdict::GiveUp => {
                assert_eq!(Some(now), give_up);
                return (told, last, Some(at));
            }
        }
        rtt.back_off();
        last = at;
    }
}

// proves MUST-23, SHLD-10, SHLD-11
#[test]
fn the_defaults_meet_the_rfc() {
    let (modern, strict) = (GiveUpConfig::default(), GiveUpConfig::RFC_STRICT);
    assert_eq!(
        black_hole(&modern, Stage::Syn),
        (Some(7), 123, Some(180)),
        "MUST-23"
    );
    assert_eq!(
        black_hole(&modern, Stage::Data),
        (Some(7), 847, Some(924)),
        "SHLD-10, SHLD-11"
    );
    assert_eq!(black_hole(&strict, Stage::Data), (Some(7), 247, Some(300)));
}

#[test]
fn the_application_sets_its_own_limit() {
    let config = GiveUpConfig {
        user_timeout: UserTimeout::After(Duration::from_secs(20)),
        ..GiveUpConfig::default()
    };
    assert_eq!(black_hole(&config, Stage::Syn), (Some(7), 15, Some(20)));
    assert_eq!(black_hole(&config, Stage::Data), (Some(7), 15, Some(20)));
    let impatient = GiveUpConfig {
        user_timeout: UserTimeout::After(Duration::from_secs(2)),
        ..config
    };
    assert_eq!(black_hole(&impatient, Stage::Data), (None, 1, Some(2)));
}

// proves MUST-21
#[test]
fn the_application_can_wait_for_ever() {
    let config = GiveUpConfig {
        user_timeout: UserTimeout::Never,
        ..GiveUpConfig::default()
    };
    let (told, last, given_up) = black_hole(&config, Stage::Data);
    assert_eq!((told, given_up), (Some(7), None));
    assert!(last > 86_000);
}

#[test]
fn r1_can_be_moved_or_turned_off() {
    let at = |r1| {
        let config = GiveUpConfig {
            r1,
            ..GiveUpConfig::default()
        };
        black_hole(&config, Stage::Data).0
    };
    assert_eq!(at(1), Some(1));
    assert_eq!(at(5), Some(31));
    assert_eq!(at(0), None);
}

#[test]
fn progress_starts_the_wait_over() {
    let config = GiveUpConfig::default();
    let mut progress = Progress::default();
    assert_eq!(progress.since(), None);
    assert_eq!(progress.give_up_at(&config, Stage::Data), None);

    progress.on_transmit(secs(10));
    progress.on_transmit(secs(11));
    assert_eq!(progress.since(), Some(secs(10)), "the oldest counts");
    for at in [12, 14, 18] {
        progress.on_retransmit(secs(at), &config, Stage::Data);
    }
    assert_eq!(progress.retransmissions(), 3);

    progress.on_progress(secs(20), true);
    assert_eq!(progress.retransmissions(), 0);
    assert_eq!(
        progress.give_up_at(&config, Stage::Data),
        Some(secs(20 + 924))
    );
    // R1 is told anew.
    let verdicts = [21, 23, 27].map(|at| progress.on_retransmit(secs(at), &config, Stage::Data));
    let expected = [Verdict::Continue, Verdict::Continue, Verdict::SoftError];
    assert_eq!(verdicts, expected);

    progress.on_progress(secs(30), false);
    assert_eq!(progress, Progress::new());
}
