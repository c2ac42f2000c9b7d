use std::vec::Vec;

use super::*;

fn again<T: Dormant + PartialEq + core::fmt::Debug + Copy>(values: &[T]) -> usize {
    let mut to = Writer::default();
    values.iter().for_each(|value| value.dormant(&mut to));
    let (bytes, _) = to.finish();
    let mut from = Reader::new(&bytes);
    let read: Vec<T> = values.iter().map(|_| T::wake(&mut from)).collect();
    assert_eq!(read, values);
    assert!(from.is_empty());
    bytes.len()
}

#[test]
fn numbers_of_every_length_come_back() {
    let mut values: Vec<u64> = (0..64).flat_map(|n| [1 << n, (1 << n) - 1]).collect();
    values.push(u64::MAX);
    again(&values);
    assert_eq!(again(&[0_u64, 127]), 2);
    again(&[0_u32, u32::MAX]);
    again(&[0_u16, u16::MAX]);
    again(&[0_u8, u8::MAX]);
    again(&[true, false]);
}

#[test]
fn sequence_numbers_take_little_near_one_another_and_come_back_however_far() {
    let at = |n: u32| SeqNumber::new(n);
    assert_eq!(again(&[at(7), at(8), at(6), at(u32::MAX)]), 4);
    again(&[at(0), at(1 << 31), at(u32::MAX), at((1 << 31) - 1), at(0)]);
}

#[test]
fn points_in_time_come_back_never_and_the_ends_too() {
    let at = Instant::from_nanos;
    let ends = [
        0,
        1,
        1 << 62,
        1 << 63,
        (1 << 63) + 1,
        u64::MAX - 1,
        u64::MAX,
    ];
    for first in ends {
        for second in ends {
            again(&[at(first), at(second), at(first)]);
        }
    }
    let near = Instant::from_secs(100_000);
    let far = again(&[near]);
    assert_eq!(again(&[near, near, near]), far + 2);
}

#[test]
fn what_is_made_of_others_comes_back() {
    again(&[
        None,
        Some((1_u8, Some(Duration::from_nanos(1_234_567_890_123)))),
    ]);
    again(&[
        (WindowScale::NONE, 3_u16, true),
        (WindowScale::MAX, 9, false),
    ]);
}

#[test]
fn reading_beyond_the_end_gives_zeroes() {
    let mut from = Reader::new(&[0x80]);
    assert_eq!(u64::wake(&mut from), 0);
    assert_eq!(u64::wake(&mut from), 0);
}
