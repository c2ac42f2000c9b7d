use alloc::vec::Vec;

use super::{Slab, parts};
use crate::stack::ConnId;

#[test]
fn a_key_that_outlives_its_value_finds_nothing() {
    let mut slab = Slab::<ConnId, u32>::default();
    let first = slab.insert(1);
    let second = slab.insert(2);
    assert_eq!(slab.remove(first), Some(1));
    assert_eq!(slab.remove(first), None);
    let third = slab.insert(3);
    assert_eq!(parts(third).0, parts(first).0, "the place is used again");
    assert_ne!(third, first);
    assert_eq!(slab.get(first), None);
    assert_eq!(slab.get_mut(first), None);
    assert!(!slab.contains_key(first));
    assert_eq!((slab.get(second), slab.get(third)), (Some(&2), Some(&3)));
    *slab.get_mut(second).unwrap() = 5;
    assert_eq!(slab.remove(second), Some(5));
    assert_eq!(slab.len(), 1);
}

#[test]
fn no_key_is_the_default_one() {
    let mut slab = Slab::<ConnId, u32>::default();
    for value in 0..10 {
        assert_ne!(slab.insert(value), ConnId::default());
    }
    assert_eq!(slab.get(ConnId::default()), None);
    assert_eq!(slab.remove(ConnId::default()), None);
}

#[test]
fn what_is_there_can_be_counted_up() {
    let mut slab = Slab::<ConnId, u32>::default();
    let keys: Vec<_> = (0..1000).map(|value| slab.insert(value)).collect();
    for key in keys.iter().skip(1).step_by(2) {
        slab.remove(*key);
    }
    let left: Vec<_> = keys.iter().step_by(2).copied().collect();
    assert!(slab.keys().eq(left.iter().copied()));
    assert!(
        slab.iter()
            .map(|(_, &value)| value)
            .eq((0..1000).step_by(2))
    );
    // Freed places come first, the last freed before all others.
    for value in 0..500 {
        slab.insert(value);
    }
    assert_eq!((slab.len(), slab.places.len()), (1000, 1000));
}

#[test]
fn a_secondary_map_goes_through_all_of_them() {
    let mut slab = Slab::<ConnId, ()>::default();
    let mut beside = slotmap::SecondaryMap::new();
    for value in 0..3 {
        beside.insert(slab.insert(()), value);
    }
    assert!(beside.into_iter().map(|(_, value)| value).eq(0..3));
}
