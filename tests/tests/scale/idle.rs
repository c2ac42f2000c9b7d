//! Connections with nothing to do.

use std::time::Duration;

use estab_proto::State;
use estab_tests::crowd::Crowd;

use super::{bytes_for_each, check};

/// What an end may take without the async side.
const AT_MOST: u64 = 600;

/// Enough for the timers.
const COUNT: usize = 28_000;

/// As many have come and rest: the records that are kept for those that wake are there.
const BEFORE: usize = 500;

fn rest(crowd: &mut Crowd, count: usize) {
    let before = crowd.ids.len();
    crowd.open(count);
    for nth in before..before + count {
        crowd.ping(nth);
    }
    crowd.pass(Duration::from_secs(3));
    let all = before + count;
    assert_eq!(crowd.client.counts().dormant, all);
    assert_eq!(crowd.server.counts().dormant, all);
}

fn idle(ipv6: bool) -> Crowd {
    let mut crowd = Crowd::new(COUNT, ipv6, |_| ());
    rest(&mut crowd, COUNT);
    crowd
}

/// The bytes of each end.
fn bytes(ipv6: bool, count: usize) -> u64 {
    let mut crowd = Crowd::new(BEFORE + count, ipv6, |_| ());
    rest(&mut crowd, BEFORE);
    bytes_for_each(2 * count, || rest(&mut crowd, count))
}

#[test]
fn an_idle_connection_is_small() {
    check("idle", AT_MOST, bytes);
}

#[test]
fn idle_connections_wake_nobody() {
    let mut crowd = idle(false);
    let before = crowd.wakeups;
    for stack in [&crowd.client, &crowd.server] {
        assert_eq!(stack.poll_timeout(), None);
        assert_eq!(stack.counts().timers, 0);
    }
    crowd.pass(Duration::from_secs(7 * 86_400));
    assert_eq!(crowd.wakeups, before);
    // And all of them are still there.
    for nth in (0..COUNT).step_by(97) {
        crowd.ping(nth);
    }
    assert_eq!(crowd.client.counts().dormant, COUNT - COUNT.div_ceil(97));
    crowd.close();
    assert_eq!(crowd.server.counts().connections, 0);
    assert_eq!(crowd.client.counts().time_wait, COUNT);
}

#[test]
fn who_looks_at_a_dormant_connection_sees_what_it_was() {
    let mut crowd = Crowd::new(2, true, |_| ());
    crowd.open(2);
    crowd.ping(1);
    let (id, _) = crowd.ids[1];
    let shown = |crowd: &Crowd| {
        let mut info = crowd.client.info(id).expect("it is open");
        let memory = std::mem::take(&mut info.memory);
        (format!("{info:?}"), memory)
    };
    let (awake, large) = shown(&crowd);
    crowd.pass(Duration::from_secs(2));
    assert_eq!(crowd.client.counts().dormant, 2);
    let (dormant, small) = shown(&crowd);
    assert_eq!(awake, dormant);
    assert!(small * 2 < large, "{small} of {large} bytes");
    assert_eq!(crowd.client.state(id), Some(State::Established));
    assert_eq!(crowd.client.counts().dormant, 2, "looking wakes nobody");
}
