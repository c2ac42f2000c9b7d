//! Connections with nothing to do.

use std::time::Duration;

use estab_proto::State;
use estab_tests::crowd::Crowd;

use super::bytes_for_each;

/// Both ends of as many connections as fill the tables well.
const COUNT: usize = 28_000;

/// What an end may take without the async side.
const AT_MOST: u64 = 700;

fn idle(ipv6: bool) -> Crowd {
    let mut crowd = Crowd::new(COUNT, ipv6, |_| ());
    crowd.open(COUNT);
    for nth in 0..COUNT {
        crowd.ping(nth);
    }
    crowd.pass(Duration::from_secs(3));
    crowd
}

#[test]
fn an_idle_connection_is_small() {
    for ipv6 in [false, true] {
        let bytes = bytes_for_each(2 * COUNT, || {
            let crowd = idle(ipv6);
            assert_eq!(crowd.client.counts().dormant, COUNT);
            assert_eq!(crowd.server.counts().dormant, COUNT);
            crowd
        });
        println!("idle, IPv{}: {bytes} bytes", if ipv6 { 6 } else { 4 });
        assert!(bytes <= AT_MOST, "{bytes} bytes");
    }
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
