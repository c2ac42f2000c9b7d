use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::{RouteOption, SourceRoute};

const SRC: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const DST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

fn hop(n: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, n as u8)
}

fn hops(n: usize) -> Vec<Ipv4Addr> {
    (1..=n).map(hop).collect()
}

#[test]
fn the_option_lists_what_the_destination_field_does_not_say() {
    let route = SourceRoute::loose(&hops(2)).unwrap();
    let mut buf = [0xff; 40];
    assert_eq!(route.emit(DST, &mut buf), 12);
    assert_eq!(route.first_hop(DST), hop(1));
    assert_eq!(buf[..12], [1, 131, 11, 4, 192, 0, 2, 2, 10, 0, 0, 2]);
    let route = SourceRoute::strict(&hops(1)).unwrap();
    assert_eq!(route.emit(DST, &mut buf), 8);
    assert_eq!(buf[..8], [1, 137, 7, 4, 10, 0, 0, 2]);
    assert_eq!(route.emit(DST, &mut buf[..7]), 0);
    let straight = SourceRoute::loose(&[]).unwrap();
    assert_eq!(
        (straight.emit(DST, &mut buf), straight.first_hop(DST)),
        (0, DST)
    );
}

#[test]
fn a_route_goes_there_and_back() {
    for n in 1..=SourceRoute::MAX_HOPS {
        let route = SourceRoute::strict(&hops(n)).unwrap();
        let mut buf = [0; SourceRoute::MAX_OPTION_LEN];
        let len = route.emit(DST, &mut buf);
        assert_eq!(len, 4 + 4 * n);
        let sent = RouteOption::find(&buf[..len]).unwrap();
        assert!(!sent.is_complete());
        assert_eq!(sent.destination(hop(1)), DST);
        assert_eq!(sent.return_route(SRC), None);
        // The routers put themselves in the place of the next hop.
        for (at, hop) in hops(n).iter().enumerate() {
            buf[4 + 4 * at..][..4].copy_from_slice(&hop.octets());
        }
        buf[3] += 4 * n as u8;
        let came = RouteOption::find(&buf[..len]).unwrap();
        assert_eq!(came.destination(DST), DST);
        let back = came.return_route(SRC).unwrap();
        let expected: Vec<_> = hops(n).into_iter().rev().collect();
        assert_eq!((back.hops(), back.is_strict()), (&expected[..], true));
    }
    assert!(SourceRoute::loose(&hops(10)).is_none());
}

#[test]
fn the_source_in_front_of_the_record_is_no_hop() {
    let option = [131, 11, 12, 10, 0, 0, 1, 192, 0, 2, 1, 0];
    let back = RouteOption::find(&option).unwrap().return_route(SRC);
    assert_eq!(back, SourceRoute::loose(&[hop(1)]));
    let option = [131, 7, 8, 10, 0, 0, 1, 0];
    let back = RouteOption::find(&option).unwrap().return_route(SRC);
    assert_eq!(back, SourceRoute::loose(&[]));
}

#[test]
fn malformed_routes_are_none() {
    for option in [
        &[131, 2, 1, 1][..],
        &[131, 4, 5, 0],
        &[131, 7, 3, 1, 2, 3, 4, 0],
        &[131, 7, 0, 1, 2, 3, 4, 0],
        &[131, 7, 5, 1, 2, 3, 4, 0],
        &[131, 6, 8, 1, 2, 3, 0, 0],
        // Two of them.
        &[131, 3, 4, 131, 3, 4, 0, 0],
        &[131, 3, 4, 137, 3, 4, 0, 0],
        &[7, 3, 4, 0],
        &[],
    ] {
        assert_eq!(RouteOption::find(option), None, "{option:?}");
    }
}

/// Whatever the bytes: no panic, and no route beyond the bounds.
#[test]
fn any_bytes_are_survived() {
    let mut state = 1u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let mut found = 0;
    for _ in 0..20_000 {
        let mut option: Vec<u8> = (0..40).map(|_| next()).collect();
        option[0] = 131 + 6 * (next() & 1);
        option[1] = 3 + 4 * (next() & 15);
        option[2] = 4 + 4 * (next() & 15);
        option.truncate(usize::from(next() % 41));
        if let Some(route) = RouteOption::find(&option) {
            route.destination(DST);
            if let Some(back) = route.return_route(SRC) {
                assert!(back.hops().len() <= SourceRoute::MAX_HOPS);
                found += 1;
            }
        }
    }
    assert!(found > 0);
}
