use alloc::collections::BTreeSet;
use core::net::{Ipv4Addr, SocketAddr};

use estab_timer::{Duration, Instant};

use super::{above, flow_label, initial, timestamp_offset};
use crate::addr::FourTuple;
use crate::config::IsnPolicy;
use crate::seq::SeqNumber;
use crate::stack::secret::Secrets;
use crate::stack::tuple::TupleKey;

fn key(host: u8, port: u16) -> TupleKey {
    TupleKey::new(&FourTuple {
        local: SocketAddr::new(Ipv4Addr::new(10, 0, 0, 1).into(), 80),
        remote: SocketAddr::new(Ipv4Addr::new(10, 0, 1, host).into(), port),
    })
}

fn isn(secret: u8, now: Instant, key: &TupleKey) -> u32 {
    initial(&Secrets::new(&[secret; 32]), IsnPolicy::Keyed, now, key).to_u32()
}

// proves MUST-8, SHLD-1
#[test]
fn one_tuple_follows_the_clock() {
    let start = Instant::from_secs(77);
    let first = isn(1, start, &key(1, 1));
    let later = isn(1, start + Duration::from_secs(1), &key(1, 1));
    assert_eq!(later.wrapping_sub(first), 250_000);
}

// proves MUST-9, SHLD-1
#[test]
fn tuples_and_stacks_are_unrelated() {
    let now = Instant::from_secs(77);
    let mut seen = BTreeSet::new();
    for port in 0..1000 {
        assert!(seen.insert(isn(1, now, &key(1, port))));
        assert!(seen.insert(isn(2, now, &key(1, port))));
    }
    // Neighbours do not differ by a constant.
    let steps: BTreeSet<u32> = (0..100)
        .map(|port| isn(1, now, &key(1, port + 1)).wrapping_sub(isn(1, now, &key(1, port))))
        .collect();
    assert_eq!(steps.len(), 100);
}

#[test]
fn a_fixed_number_is_for_tests() {
    let secrets = Secrets::new(&[1; 32]);
    let fixed = initial(
        &secrets,
        IsnPolicy::Fixed(u32::MAX),
        Instant::ZERO,
        &key(1, 1),
    );
    assert_eq!(fixed, SeqNumber::new(u32::MAX));
}

#[test]
fn a_new_incarnation_starts_above_the_old_one() {
    let old_nxt = SeqNumber::new(u32::MAX - 3);
    assert_eq!(above(old_nxt + 10, old_nxt), old_nxt + 10);
    assert!(above(old_nxt.back(10), old_nxt).after(old_nxt + 0xffff));
    assert!(above(old_nxt, old_nxt).after(old_nxt));
}

#[test]
fn timestamps_are_displaced_by_address_pair() {
    let secrets = Secrets::new(&[1; 32]);
    let offset = |host, port| timestamp_offset(&secrets, &key(host, port));
    assert_eq!(offset(1, 1), offset(1, 2));
    assert_ne!(offset(1, 1), offset(2, 1));
}

#[test]
fn flow_labels_are_20_bits_and_never_zero() {
    let secrets = Secrets::new(&[1; 32]);
    let labels: BTreeSet<u32> = (0..1000)
        .map(|port| flow_label(&secrets, &key(1, port)))
        .collect();
    assert!(labels.len() > 990);
    assert!(labels.iter().all(|&label| label > 0 && label < 1 << 20));
}
