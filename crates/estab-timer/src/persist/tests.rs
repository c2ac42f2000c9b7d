use alloc::vec::Vec;

use super::*;

const CONFIG: PersistConfig = PersistConfig {
    min: Duration::from_millis(200),
    max: Duration::from_secs(60),
};

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// When the first `count` probes leave if the window shuts at zero, in milliseconds.
fn schedule(rto: Duration, count: usize) -> Vec<u64> {
    let mut persist = Persist::new();
    let mut at = persist.start(Instant::ZERO, rto, &CONFIG);
    let mut probes = Vec::new();
    for _ in 0..count {
        probes.push(at.as_millis());
        at = persist.on_probe_sent(at, &CONFIG);
    }
    probes
}

// proves SHLD-30
#[test]
fn gaps_double_up_to_the_cap() {
    assert_eq!(CONFIG, PersistConfig::default());
    assert_eq!(
        schedule(Duration::from_secs(1), 9),
        [1, 3, 7, 15, 31, 63, 123, 183, 243].map(|secs| secs * 1_000)
    );
}

#[test]
fn the_first_gap_is_the_timeout_within_bounds() {
    assert_eq!(schedule(Duration::from_millis(5), 3), [200, 600, 1_400]);
    assert_eq!(schedule(Duration::from_millis(300), 3), [300, 900, 2_100]);
    assert_eq!(schedule(Duration::from_secs(100), 2), [60_000, 120_000]);
}

#[test]
fn answers_keep_the_schedule_but_not_the_count() {
    let mut persist = Persist::new();
    assert!(!persist.active());
    let first = persist.start(ms(0), Duration::from_secs(1), &CONFIG);
    assert!(persist.active());
    assert_eq!(persist.unanswered_since(), None);
    let second = persist.on_probe_sent(first, &CONFIG);
    let third = persist.on_probe_sent(second, &CONFIG);
    assert_eq!(persist.probes_out(), 2);
    assert_eq!(persist.unanswered_since(), Some(ms(1_000)));

    persist.on_answer();
    assert_eq!(persist.probes_out(), 0);
    assert_eq!(persist.unanswered_since(), None);
    assert_eq!(third, ms(7_000));
    assert_eq!(persist.on_probe_sent(third, &CONFIG), ms(15_000));
    assert_eq!(persist.unanswered_since(), Some(third));
}

/// RFC 9293 MUST-37: six hours of a shut window, every probe answered.
// proves MUST-37
#[test]
fn an_answering_peer_is_never_given_up() {
    let mut persist = Persist::new();
    let mut at = persist.start(ms(0), Duration::from_millis(200), &CONFIG);
    let mut probes = 0;
    while at < Instant::from_secs(6 * 3_600) {
        let next = persist.on_probe_sent(at, &CONFIG);
        assert_eq!(persist.unanswered_since(), Some(at));
        persist.on_answer();
        assert_eq!(persist.unanswered_since(), None);
        probes += 1;
        at = next;
    }
    // Eight on the way to the cap, then one a minute.
    assert_eq!(probes, 367);
}

#[test]
fn stopping_forgets_the_back_off() {
    let mut persist = Persist::new();
    let at = persist.start(ms(0), Duration::from_secs(1), &CONFIG);
    persist.on_probe_sent(at, &CONFIG);
    persist.stop();
    assert!(!persist.active());
    assert_eq!(persist, Persist::default());
    assert_eq!(
        persist.start(ms(0), Duration::from_secs(1), &CONFIG),
        ms(1_000)
    );
}

#[test]
fn absurd_constants_neither_stop_nor_storm() {
    let none = PersistConfig {
        min: Duration::ZERO,
        max: Duration::ZERO,
    };
    let mut persist = Persist::new();
    assert_eq!(persist.start(ms(0), Duration::ZERO, &none), ms(1));
    assert!(persist.active());
    assert_eq!(persist.on_probe_sent(ms(1), &none), ms(2));

    let all = PersistConfig {
        min: Duration::MAX,
        max: Duration::MAX,
    };
    assert_eq!(persist.start(ms(0), Duration::MAX, &all), Instant::NEVER);
    assert!(persist.on_probe_sent(ms(0), &all) > Instant::from_secs(4_000));
    assert!(size_of::<Persist>() <= 16);
}
