#![allow(clippy::arithmetic_side_effects)]

use proptest::prelude::*;

use super::*;
use crate::wire::tests::seeded;

fn v4(host: u8) -> IpAddr {
    [192, 0, 2, host].into()
}

fn v6(host: u16) -> IpAddr {
    [0x2001, 0xdb8, 0, 0, 0, 0, 0, host].into()
}

fn paths(config: PathMtuConfig) -> PathMtu {
    PathMtu::new(config, [7; 16])
}

fn lower(paths: &mut PathMtu, dst: IpAddr, mtu: u16) -> u16 {
    paths.lower(Instant::ZERO, dst, mtu)
}

#[test]
fn an_mtu_is_lowered_and_never_raised() {
    let mut paths = paths(PathMtuConfig::default());
    assert_eq!((paths.get(v4(1)), paths.get(v6(1))), (1500, 1500));
    assert_eq!(lower(&mut paths, v4(1), 1500), 1500);
    assert_eq!(lower(&mut paths, v4(1), 9000), 1500);
    assert!(paths.is_empty());
    assert_eq!(lower(&mut paths, v4(1), 1400), 1400);
    assert_eq!(lower(&mut paths, v4(1), 1450), 1400);
    assert_eq!(lower(&mut paths, v4(1), 1300), 1300);
    assert_eq!(
        (paths.get(v4(1)), paths.get(v4(2)), paths.len()),
        (1300, 1500, 1)
    );
}

#[test]
fn floors() {
    let mut paths = paths(PathMtuConfig::default());
    assert_eq!(lower(&mut paths, v4(1), 551), 552);
    assert_eq!(lower(&mut paths, v4(2), 68), 552);
    assert_eq!(lower(&mut paths, v4(3), 1), 552);
    // An IPv6 link cannot be that narrow: the message is wrong.
    for mtu in [0, 68, 1279] {
        assert_eq!(lower(&mut paths, v6(1), mtu), 1500);
    }
    assert_eq!(paths.len(), 3);
    assert_eq!(lower(&mut paths, v6(1), 1280), 1280);
}

#[test]
fn without_an_mtu_the_plateaus_are_tried_in_turn() {
    let mut paths = paths(PathMtuConfig {
        link_mtu: 9000,
        ..PathMtuConfig::default()
    });
    for plateau in [8166, 4352, 2002, 1492, 1006, 552, 552] {
        assert_eq!(lower(&mut paths, v4(1), 0), plateau);
    }
}

#[test]
fn a_link_below_the_floor_keeps_its_mtu() {
    let mut paths = paths(PathMtuConfig {
        link_mtu: 500,
        ..PathMtuConfig::default()
    });
    assert_eq!(lower(&mut paths, v4(1), 400), 500);
    assert_eq!(lower(&mut paths, v4(1), 0), 500);
    assert!(paths.is_empty());
}

#[test]
fn the_links_mtu_returns_with_age() {
    let mut paths = paths(PathMtuConfig::default());
    let at = Instant::from_secs;
    assert_eq!(paths.next_deadline(), None);
    paths.lower(at(0), v4(1), 1400);
    paths.lower(at(10), v4(2), 1400);
    assert_eq!(paths.next_deadline(), Some(at(600)));
    // The same message again renews the entry; a larger MTU does not.
    paths.lower(at(20), v4(1), 1400);
    paths.lower(at(30), v4(2), 1450);
    assert_eq!(paths.next_deadline(), Some(at(610)));
    assert_eq!(paths.expire(at(609)), 0);
    assert_eq!(paths.expire(at(610)), 1);
    assert_eq!((paths.get(v4(1)), paths.get(v4(2))), (1400, 1500));
    assert_eq!(paths.expire(at(10_000)), 1);
    assert!(paths.is_empty() && paths.order.is_empty());
}

#[test]
fn the_oldest_entry_gives_way() {
    let mut paths = paths(PathMtuConfig {
        max_entries: 2,
        ..PathMtuConfig::default()
    });
    lower(&mut paths, v4(1), 1400);
    lower(&mut paths, v4(2), 1400);
    lower(&mut paths, v4(1), 1300);
    lower(&mut paths, v4(3), 1400);
    assert_eq!(
        [v4(1), v4(2), v4(3)].map(|dst| paths.get(dst)),
        [1300, 1500, 1400]
    );
}

proptest! {
    #![proptest_config(seeded(0x1191))]

    #[test]
    fn within_bounds_and_only_downwards(
        messages in prop::collection::vec((0u8..20, any::<bool>(), any::<u16>(), 0u64..100), 1..200),
        max_entries in 1usize..10,
    ) {
        let mut paths = paths(PathMtuConfig { max_entries, ..PathMtuConfig::default() });
        let mut now = 0;
        for (host, is_v6, mtu, wait) in messages {
            now += wait;
            let now = Instant::from_secs(now);
            paths.expire(now);
            let (dst, floor) = if is_v6 { (v6(host.into()), 1280) } else { (v4(host), 552) };
            let before = paths.get(dst);
            let after = paths.lower(now, dst, mtu);
            prop_assert!(after <= before && after >= floor);
            prop_assert_eq!(paths.get(dst), after);
            prop_assert!(paths.len() <= max_entries);
            prop_assert_eq!(paths.len(), paths.order.len());
            prop_assert!(paths.next_deadline().is_none_or(|deadline| deadline > now));
        }
    }
}
