use alloc::sync::Arc;

use estab_timer::{Duration, UserTimeout};

use super::{Change, KEPT, Variants};
use crate::config::TcpConfig;

const LINGER: Change = Change::Linger(Some(Duration::from_secs(3)));
const TIMEOUT: Change = Change::UserTimeout(UserTimeout::Never);

#[test]
fn all_that_change_the_same_share_the_outcome() {
    let common = Arc::new(TcpConfig::modern());
    let mut variants = Variants::default();
    let mut configs: [_; 10] = core::array::from_fn(|_| Arc::clone(&common));
    for change in [LINGER, TIMEOUT, Change::SendBuffer(7)] {
        for config in &mut configs {
            variants.change(config, change);
            assert!(change.is_in(config));
        }
    }
    assert!(configs.iter().all(|it| Arc::ptr_eq(it, &configs[0])));
    assert!(!LINGER.is_in(&common) && !TIMEOUT.is_in(&common));
    assert!(LINGER.is_in(&configs[0]));
}

#[test]
fn what_changes_nothing_makes_nothing() {
    let common = Arc::new(TcpConfig::modern());
    let mut config = Arc::clone(&common);
    let mut variants = Variants::default();
    for change in [
        Change::UnsentLimit(common.unsent_limit),
        Change::MaxPacingRate(common.max_pacing_rate),
        Change::Keepalive(common.keepalive),
        Change::Linger(common.linger),
        Change::UserTimeout(common.give_up.user_timeout),
    ] {
        variants.change(&mut config, change);
    }
    assert!(Arc::ptr_eq(&config, &common) && variants.made.is_empty());
}

#[test]
fn few_are_remembered_and_none_is_confused() {
    let common = Arc::new(TcpConfig::modern());
    let mut variants = Variants::default();
    for round in 0..2 {
        for rate in 0..100 {
            let mut config = Arc::clone(&common);
            variants.change(&mut config, Change::MaxPacingRate(Some(rate)));
            assert_eq!(config.max_pacing_rate, Some(rate), "{round}");
            assert!(variants.made.len() <= KEPT);
        }
    }
    assert_eq!(common.max_pacing_rate, None);
}

#[test]
fn a_configuration_of_ones_own_is_changed_in_place() {
    let mut config = Arc::new(TcpConfig::modern());
    let mut variants = Variants::default();
    variants.change(&mut config, LINGER);
    assert!(LINGER.is_in(&config) && variants.made.is_empty());
}
