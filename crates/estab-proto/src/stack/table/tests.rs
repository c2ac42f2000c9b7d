use alloc::vec::Vec;

use super::{NIL, Table};

/// Spreads over all bits.
fn hash(n: u32) -> u32 {
    (u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

impl<V: Copy> Table<V> {
    /// The length of each chain.
    fn chains(&self) -> Vec<usize> {
        let length = |&first: &u32| {
            let mut at = first;
            let mut length = 0;
            while at != NIL {
                length += 1;
                at = self.entries.get(at as usize).unwrap().next;
            }
            length
        };
        self.cells.iter().map(length).collect()
    }
}

#[test]
fn an_empty_table_holds_nothing() {
    let mut table = Table::<u32>::default();
    assert_eq!(table.find(7, |_| true), None);
    assert_eq!(table.remove(7, |_| true), None);
    assert!(!table.replace(7, 1, |_| true));
}

#[test]
fn at_every_size_everything_is_found() {
    let mut table = Table::default();
    for n in 0..5_000 {
        table.insert(hash(n), n);
        if n < 70 || n % 499 == 0 {
            assert!((0..=n).all(|n| table.find(hash(n), |found| found == n) == Some(n)));
            assert_eq!(table.find(hash(n + 1), |_| true), None);
            assert_eq!(table.chains().iter().sum::<usize>(), n as usize + 1);
        }
    }
    for n in 0..5_000 {
        assert_eq!(table.remove(hash(n), |found| found == n), Some(n));
        assert_eq!(table.find(hash(n), |found| found == n), None);
    }
    assert_eq!(table.chains().iter().sum::<usize>(), 0);
}

#[test]
fn chains_stay_short_whatever_the_number() {
    let mut table = Table::default();
    for n in 0..30_000 {
        table.insert(hash(n), n);
        if [1_000, 1_500, 16_384, 24_000, 29_999].contains(&n) {
            let longest = table.chains().into_iter().max();
            assert!(longest < Some(12), "{longest:?} of {n}");
        }
    }
}

#[test]
fn entries_of_one_hash_are_told_apart_and_replaced() {
    let mut table = Table::default();
    for n in 0..100 {
        table.insert(9, n);
    }
    assert!(table.replace(9, 1000, |found| found == 50));
    assert!(!table.replace(9, 1000, |found| found == 50));
    assert_eq!(table.remove(9, |found| found == 1000), Some(1000));
    assert!((0..100).all(|n| table.find(9, |found| found == n).is_some() == (n != 50)));
}

#[test]
fn places_are_used_again() {
    let mut table = Table::default();
    for round in 0..10 {
        for n in 0..1_000 {
            table.insert(hash(n), n + round);
        }
        for n in 0..1_000 {
            assert_eq!(table.remove(hash(n), |_| true), Some(n + round));
        }
    }
    assert_eq!((table.entries.len(), table.cells.len()), (1_000, 1_000));
}
