extern crate std;

use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;
use core::cmp::Ordering;
use core::ops::Range;

use proptest::prelude::*;

use super::super::tests::seeded;
use super::{Assembler, ENTRY_COST, Place};

std::thread_local! {
    /// The comparisons of stream offsets made by the trees of this thread.
    static COMPARISONS: Cell<u64> = const { Cell::new(0) };
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        COMPARISONS.set(COMPARISONS.get() + 1);
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Place {}

/// Extents as a list, the most recent first.
#[derive(Default)]
struct Model(Vec<Range<u64>>);

impl Model {
    fn insert(&mut self, range: Range<u64>) -> (Vec<Range<u64>>, Option<Range<u64>>) {
        let held = |at: u64| self.0.iter().any(|extent| extent.contains(&at));
        let gaps = runs(range.clone(), |at| !held(at));
        let duplicate = runs(range.clone(), held).into_iter().next();

        let mut whole = range;
        self.0.retain(|extent| {
            let meets = extent.start <= whole.end && whole.start <= extent.end;
            if meets {
                whole = whole.start.min(extent.start)..whole.end.max(extent.end);
            }
            !meets
        });
        self.0.insert(0, whole);
        (gaps, duplicate)
    }

    fn take(&mut self, choose: impl Fn(&Range<u64>) -> i64) -> Option<Range<u64>> {
        let i = (0..self.0.len()).min_by_key(|&i| choose(&self.0[i]))?;
        Some(self.0.remove(i))
    }
}

/// The maximal runs of `range` on which `is` holds.
fn runs(range: Range<u64>, is: impl Fn(u64) -> bool) -> Vec<Range<u64>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    for at in range.filter(|&at| is(at)) {
        match runs.last_mut() {
            Some(last) if last.end == at => last.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

#[derive(Clone, Debug)]
enum Op {
    Insert(u64, u64),
    PopFirst,
    PopLast,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        20 => (0u64..150, 1u64..8).prop_map(|(at, len)| Op::Insert(at, len)),
        1 => (0u64..150, 1u64..60).prop_map(|(at, len)| Op::Insert(at, len)),
        2 => Just(Op::PopFirst),
        2 => Just(Op::PopLast),
    ];
    prop::collection::vec(op, 1..150)
}

proptest! {
    #![proptest_config(seeded(0x2018))]

    #[test]
    fn matches_a_list(ops in ops()) {
        let (mut assembler, mut model) = (Assembler::default(), Model::default());
        for op in ops {
            match op {
                Op::Insert(at, len) => {
                    let range = at..at + len;
                    let apart = model.0.iter().all(|e| e.end < range.start || range.end < e.start);
                    prop_assert_eq!(assembler.is_apart(&range), apart);
                    let mut gaps = Vec::new();
                    let duplicate = assembler.insert(range.clone(), |gap| gaps.push(gap));
                    prop_assert_eq!((gaps, duplicate), model.insert(range));
                }
                Op::PopFirst => {
                    let first = model.take(|extent| extent.start as i64);
                    prop_assert_eq!(assembler.first(), first.clone());
                    prop_assert_eq!(assembler.pop_first(), first);
                }
                Op::PopLast => {
                    let last = model.take(|extent| -(extent.start as i64));
                    prop_assert_eq!(assembler.last(), last.clone());
                    prop_assert_eq!(assembler.pop_last(), last);
                }
            }
            prop_assert_eq!(assembler.by_recency().collect::<Vec<_>>(), &model.0[..]);
            prop_assert_eq!(assembler.len(), model.0.len());
            prop_assert_eq!(assembler.is_empty(), model.0.is_empty());
        }
    }
}

#[test]
fn a_duplicate_makes_its_extent_the_most_recent() {
    let mut assembler = Assembler::default();
    for start in [10, 20, 30] {
        assembler.insert(start..start + 5, |_| {});
    }
    assert_eq!(assembler.insert(11..13, |_| panic!("no gap")), Some(11..13));
    let order: Vec<_> = assembler.by_recency().collect();
    assert_eq!(order, vec![10..15, 30..35, 20..25]);
}

#[test]
fn the_records_are_charged_by_slot_and_by_entry() {
    let mut assembler = Assembler::default();
    assert_eq!(assembler.allocated(), 0);
    for start in [10, 20, 30] {
        assembler.insert(start..start + 5, |_| {});
    }
    assert_eq!(assembler.slots.capacity(), 4);
    assert_eq!(assembler.allocated(), 4 * 24 + 3 * ENTRY_COST);
}

#[test]
fn slots_are_used_again() {
    let mut assembler = Assembler::default();
    for round in 0..1000u64 {
        for i in 0..4 {
            assembler.insert(round * 100 + i * 10..round * 100 + i * 10 + 1, |_| {});
        }
        while assembler.pop_first().is_some() {}
    }
    assert_eq!(assembler.slots.len(), 4);
}

/// The most comparisons that one insertion into `n` extents makes: before, after, between and
/// over one of them, at seventeen places among them.
fn worst_insertion(n: u64) -> u64 {
    let filled = || {
        let mut assembler = Assembler::default();
        // Even ones up, then odd ones down: neither order is kind to the tree.
        for i in (0..n).step_by(2).chain((0..n).filter(|i| i % 2 == 1).rev()) {
            assembler.insert(i * 10 + 10..i * 10 + 12, |_| {});
        }
        assembler
    };
    let mut worst = 0;
    for i in (0..=n).step_by(n as usize / 16) {
        let at = i * 10 + 10;
        for range in [
            at - 5..at - 4,
            at - 1..at,
            at..at + 2,
            at + 1..at + 3,
            at + 2..at + 10,
        ] {
            let mut assembler = filled();
            COMPARISONS.set(0);
            assembler.insert(range, |_| {});
            worst = worst.max(COMPARISONS.get());
        }
    }
    worst
}

#[test]
fn an_insertion_among_many_extents_costs_little_more_than_among_few() {
    let (few, many) = (worst_insertion(16), worst_insertion(1024));
    assert!(
        many <= 4 * few,
        "{many} comparisons among 1024 extents, {few} among 16"
    );
    assert!(many < 256, "{many} comparisons");
}
