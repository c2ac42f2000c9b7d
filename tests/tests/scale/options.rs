//! Connections with settings of their own.

use std::time::Duration;

use estab_proto::{ConnId, Instant, Stack};
use estab_tests::crowd::Crowd;
use estab_timer::{KeepaliveConfig, UserTimeout};

use super::bytes_for_each;

const COUNT: usize = 4_000;

/// Puts every connection to rest after `set` was called for it; returns the bytes that each takes more
/// than before.
fn more(crowd: &mut Crowd, set: impl Fn(&mut Stack, Instant, ConnId)) -> u64 {
    let ids = crowd.ids.clone();
    bytes_for_each(COUNT, || {
        for &(id, _) in &ids {
            set(&mut crowd.client, crowd.now, id);
        }
        crowd.pass(Duration::from_secs(2));
    })
}

#[test]
fn a_setting_that_all_have_is_kept_once() {
    let mut crowd = Crowd::new(COUNT, false, |_| ());
    crowd.open(COUNT);
    crowd.pass(Duration::from_secs(2));
    // All were awake at the same time once: what the wheel took for that is not to be counted.
    more(&mut crowd, |stack, now, id| {
        stack.set_nodelay(now, id, true).expect("it is open");
    });
    let bytes = more(&mut crowd, |stack, now, id| {
        let linger = Some(Duration::from_secs(3));
        stack.set_nodelay(now, id, false).expect("it is open");
        stack.set_linger(now, id, linger).expect("it is open");
        let never = UserTimeout::Never;
        stack.set_user_timeout(now, id, never).expect("it is open");
        stack.set_send_buffer(now, id, 1 << 20).expect("it is open");
    });
    println!("settings: {bytes} bytes more");
    assert!(bytes <= 8, "{bytes} bytes");
    let bytes = more(&mut crowd, |stack, now, id| {
        let keepalive = Some(KeepaliveConfig::default());
        stack.set_keepalive(now, id, keepalive).expect("it is open");
    });
    println!("keepalive: {bytes} bytes more");
    assert!(bytes <= 16, "{bytes} bytes");
    assert_eq!(crowd.client.counts().dormant, COUNT);
}
