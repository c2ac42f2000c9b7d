use super::*;

const RMSS: u32 = 1_460;
/// A full-sized segment with timestamps.
const FULL: u32 = 1_448;

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// Past its quick phase.
fn settled() -> DelayedAck {
    DelayedAck::new(&DelayedAckConfig {
        quick_segments: 0,
        ..DelayedAckConfig::default()
    })
}

// proves SHLD-19
#[test]
fn every_second_full_segment_is_acknowledged_at_once() {
    let mut acks = settled();
    for round in 0..10 {
        let first = acks.on_segment(ms(round), FULL, RMSS, 1);
        assert_eq!(first, AckDecision::At(ms(round + 40)));
        assert!(acks.pending());
        assert_eq!(acks.on_segment(ms(round), FULL, RMSS, 1), AckDecision::Now);
        acks.on_ack_sent();
        assert!(!acks.pending());
    }
}

#[test]
fn the_delay_runs_from_the_first_segment() {
    let mut acks = settled();
    for millis in [0, 10, 20, 30] {
        let decision = acks.on_segment(ms(millis), 100, RMSS, 1);
        assert_eq!(decision, AckDecision::At(ms(40)));
    }
    acks.on_ack_sent();
    assert_eq!(
        acks.on_segment(ms(41), 100, RMSS, 1),
        AckDecision::At(ms(81))
    );
}

#[test]
fn small_segments_count_by_bytes() {
    let mut acks = settled();
    for _ in 0..29 {
        assert_ne!(acks.on_segment(ms(0), 100, RMSS, 1), AckDecision::Now);
    }
    // 29 * 100 + 20 = 2 * 1460.
    assert_ne!(acks.on_segment(ms(0), 19, RMSS, 1), AckDecision::Now);
    assert_eq!(acks.on_segment(ms(0), 1, RMSS, 1), AckDecision::Now);
}

#[test]
fn segments_of_a_peer_with_a_small_mss_are_full() {
    let mut acks = settled();
    assert_ne!(acks.on_segment(ms(0), 536, 536, 1), AckDecision::Now);
    assert_eq!(acks.on_segment(ms(0), 536, 536, 1), AckDecision::Now);
    acks.on_ack_sent();
    // So small that the allowance for options would swallow it.
    assert_ne!(acks.on_segment(ms(0), 48, 48, 1), AckDecision::Now);
    assert_eq!(acks.on_segment(ms(0), 48, 48, 1), AckDecision::Now);
}

#[test]
fn joined_segments_count_as_many() {
    for (len, segments, at_once) in [
        (FULL * 44, 44, true),
        (FULL * 2, 2, true),
        (FULL + 100, 2, false),
        (200, 2, false),
        (FULL, 1, false),
    ] {
        let now = settled().on_segment(ms(0), len, RMSS, segments) == AckDecision::Now;
        assert_eq!(now, at_once, "{len} bytes in {segments} segments");
    }
}

#[test]
fn a_decision_holds_until_the_ack_is_sent() {
    let mut acks = settled();
    acks.on_segment(ms(0), FULL * 2, RMSS, 2);
    assert_eq!(acks.on_segment(ms(0), 1, RMSS, 1), AckDecision::Now);
    assert_eq!(acks.on_segment(ms(1), 1, RMSS, 1), AckDecision::Now);
    acks.on_ack_sent();
    assert_ne!(acks.on_segment(ms(2), 1, RMSS, 1), AckDecision::Now);
}

#[test]
fn the_first_sixteen_segments_are_acknowledged_at_once() {
    let mut acks = DelayedAck::new(&DelayedAckConfig::default());
    for _ in 0..16 {
        assert_eq!(acks.on_segment(ms(0), 10, RMSS, 1), AckDecision::Now);
        acks.on_ack_sent();
    }
    assert_eq!(acks.on_segment(ms(0), 10, RMSS, 1), AckDecision::At(ms(40)));
    acks.on_ack_sent();

    // A batch counts in full.
    acks.enter_quick(2);
    assert_eq!(acks.on_segment(ms(0), 30, RMSS, 3), AckDecision::Now);
    acks.on_ack_sent();
    assert_eq!(acks.on_segment(ms(0), 10, RMSS, 1), AckDecision::At(ms(40)));
}

#[test]
fn idleness_starts_the_quick_phase_again() {
    let config = DelayedAckConfig {
        quick_segments: 1,
        ..DelayedAckConfig::default()
    };
    let mut acks = DelayedAck::new(&config);
    let mut decide = |millis| {
        let decision = acks.on_segment(ms(millis), 10, RMSS, 1);
        acks.on_ack_sent();
        decision
    };
    assert_eq!(decide(0), AckDecision::Now);
    assert_eq!(decide(999), AckDecision::At(ms(1_039)));
    assert_eq!(decide(1_999), AckDecision::Now);
    assert_eq!(decide(2_000), AckDecision::At(ms(2_040)));
}

#[test]
fn an_interactive_connection_waits_for_its_answers() {
    let mut acks = DelayedAck::new(&DelayedAckConfig::default());
    acks.set_interactive(true);
    assert_eq!(acks.on_segment(ms(0), 10, RMSS, 1), AckDecision::At(ms(40)));
    acks.on_ack_sent();
    // After idleness too.
    assert_eq!(
        acks.on_segment(ms(9_000), 10, RMSS, 1),
        AckDecision::At(ms(9_040))
    );
    // But not for two full segments.
    assert_eq!(
        acks.on_segment(ms(9_001), FULL * 2, RMSS, 2),
        AckDecision::Now
    );
    acks.on_ack_sent();
    // No answer in time: the quick phase, still unused, is back.
    acks.on_timeout();
    assert_eq!(acks.on_segment(ms(9_100), 10, RMSS, 1), AckDecision::Now);
}

/// RFC 9293 MUST-40.
// proves MUST-40, RFC5681-4.2
#[test]
fn no_configuration_delays_for_half_a_second() {
    let mut acks = DelayedAck::new(&DelayedAckConfig {
        delay: Duration::MAX,
        quick_segments: 0,
        idle: Duration::MAX,
    });
    let AckDecision::At(at) = acks.on_segment(ms(0), 1, RMSS, 1) else {
        panic!("one byte is acknowledged late");
    };
    assert!(at < ms(500));
}

#[test]
fn without_a_delay_everything_is_acknowledged_at_once() {
    let mut acks = DelayedAck::new(&DelayedAckConfig {
        delay: Duration::ZERO,
        quick_segments: 0,
        ..DelayedAckConfig::default()
    });
    assert_eq!(acks.on_segment(ms(0), 1, RMSS, 1), AckDecision::Now);
}

#[test]
fn absurd_values_do_not_overflow() {
    let mut acks = settled();
    acks.on_segment(Instant::NEVER, u32::MAX, 0, u32::MAX);
    acks.on_segment(Instant::ZERO, u32::MAX, u32::MAX, u32::MAX);
    assert!(acks.pending());
    assert!(size_of::<DelayedAck>() <= 40);
}
