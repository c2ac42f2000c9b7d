use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::recovery::tests::seeded;

#[test]
fn touching_ranges_join() {
    let at = SeqNumber::new;
    let mut ranges = Ranges::default();
    ranges.insert(at(10), at(20));
    ranges.insert(at(30), at(40));
    ranges.insert(at(50), at(60));
    ranges.insert(at(20), at(30));
    let all = |ranges: &Ranges| -> Vec<(u32, u32)> {
        ranges
            .0
            .iter()
            .map(|range| (range.left.to_u32(), range.right.to_u32()))
            .collect()
    };
    assert_eq!(all(&ranges), [(10, 40), (50, 60)]);
    ranges.insert(at(5), at(100));
    assert_eq!(all(&ranges), [(5, 100)]);
    ranges.trim(at(60));
    assert_eq!(all(&ranges), [(60, 100)]);
    ranges.trim(at(100));
    assert!(ranges.0.is_empty());
    ranges.clear();
    assert_eq!(ranges.0.capacity(), 0);
}

#[test]
fn there_is_a_most_ranges() {
    let mut ranges = Ranges::default();
    for i in 0..MAX_RANGES as u32 {
        assert!(!ranges.is_full());
        ranges.insert(SeqNumber::new(i * 4), SeqNumber::new(i * 4 + 2));
    }
    assert!(ranges.is_full());
}

proptest! {
    #![proptest_config(seeded(256, 2883))]

    /// Ranges say what a set of numbers says.
    #[test]
    fn ranges_are_a_set(
        base in prop::sample::select(vec![0, 0x7fff_ffff, 0x8000_0000, u32::MAX - 30]),
        steps in prop::collection::vec((0usize..60, 1usize..9, any::<bool>()), 1..40),
    ) {
        let at = |offset: usize| SeqNumber::new(base) + offset as u32;
        let (mut ranges, mut set, mut una) = (Ranges::default(), [false; 70], 0);
        for (left, len, trim) in steps {
            if trim && left > una && left < una + 6 {
                una = left;
                set[..una].fill(false);
                ranges.trim(at(una));
            } else if left >= una {
                set[left..left + len].fill(true);
                ranges.insert(at(left), at(left + len));
            }
            for offset in una..70 {
                let covering = ranges.covering(at(offset));
                prop_assert_eq!(covering.is_some(), set[offset]);
                if let Some(range) = covering {
                    prop_assert!(offset + 1 >= 70 || set[offset + 1] == range.right.after(at(offset + 1)));
                }
                let gap = (offset..70).find(|&i| !set[i]);
                prop_assert_eq!(ranges.gap(at(offset), at(70)).map(|gap| gap.left), gap.map(at));
            }
            prop_assert_eq!(ranges.highest(), set.iter().rposition(|&held| held).map(|last| at(last + 1)));
        }
    }
}
