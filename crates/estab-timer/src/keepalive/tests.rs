use alloc::vec::Vec;

use super::*;

fn secs(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

/// When probes leave after activity at zero, and when the peer is dead, in seconds.
fn silence(config: &KeepaliveConfig) -> (Vec<u64>, u64) {
    let mut keepalive = Keepalive::new();
    let mut at = keepalive.on_activity(Instant::ZERO, config);
    let mut probes = Vec::new();
    while let KeepaliveAction::Probe { next } = keepalive.on_expiry(at, config) {
        probes.push(at.as_millis() / 1_000);
        assert_eq!(keepalive.probes_sent() as usize, probes.len());
        at = next;
    }
    (probes, at.as_millis() / 1_000)
}

#[test]
fn a_dead_peer_is_given_up_exactly_on_schedule() {
    let (probes, dead) = silence(&KeepaliveConfig::default());
    let expected: Vec<u64> = (0..10).map(|probe| 7_200 + 75 * probe).collect();
    assert_eq!(probes, expected);
    assert_eq!(dead, 7_200 + 10 * 75);
}

// proves MUST-27
#[test]
fn every_constant_is_configurable() {
    let config = KeepaliveConfig {
        idle: Duration::from_secs(10),
        interval: Duration::from_secs(5),
        probes: 3,
    };
    assert_eq!(silence(&config), ([10, 15, 20].into(), 25));
}

/// RFC 9293 MUST-29.
// proves MUST-29
#[test]
fn one_lost_probe_is_never_the_end() {
    for probes in [0, 1, 2] {
        let config = KeepaliveConfig {
            probes,
            ..KeepaliveConfig::default()
        };
        assert_eq!(silence(&config).0.len(), 2);
    }
}

#[test]
fn an_answer_to_the_last_probe_starts_over() {
    let config = KeepaliveConfig::default();
    let mut keepalive = Keepalive::default();
    let mut at = keepalive.on_activity(Instant::ZERO, &config);
    for _ in 0..10 {
        let KeepaliveAction::Probe { next } = keepalive.on_expiry(at, &config) else {
            panic!("ten probes");
        };
        at = next;
    }
    let answered = at - Duration::from_nanos(1);
    assert_eq!(
        keepalive.on_activity(answered, &config),
        answered + Duration::from_secs(7_200)
    );
    assert_eq!(keepalive.probes_sent(), 0);
}

#[test]
fn a_late_wake_up_leaves_each_probe_its_interval() {
    let config = KeepaliveConfig::default();
    let mut keepalive = Keepalive::new();
    keepalive.on_activity(Instant::ZERO, &config);
    assert_eq!(
        keepalive.on_expiry(secs(100_000), &config),
        KeepaliveAction::Probe {
            next: secs(100_075)
        }
    );
}
