use alloc::vec::Vec;

use slotmap::KeyData;

use super::{BURST, ReadyList};
use crate::stack::ConnId;

fn id(n: u64) -> ConnId {
    ConnId::from(KeyData::from_ffi(n | 1 << 32))
}

#[test]
fn connections_take_turns_of_a_burst() {
    let mut ready = ReadyList::default();
    ready.push(id(1));
    ready.push(id(2));
    let mut turns = Vec::new();
    for _ in 0..3 * BURST {
        turns.push(ready.front().unwrap());
        ready.spend(1);
    }
    for (turn, chunk) in turns.chunks(BURST as usize).enumerate() {
        let expected = id(1 + turn as u64 % 2);
        assert!(chunk.iter().all(|&id| id == expected), "{turn}");
    }
}

#[test]
fn a_super_segment_is_a_turn_of_its_own() {
    let mut ready = ReadyList::default();
    ready.push(id(1));
    ready.push(id(2));
    ready.spend(44);
    assert_eq!(ready.front(), Some(id(2)));
    ready.pop();
    assert_eq!(ready.front(), Some(id(1)));
    ready.pop();
    assert_eq!(ready.front(), None);
    ready.spend(BURST);
}

#[test]
fn the_dead_are_swept_out() {
    let mut ready = ReadyList::default();
    for n in 0..1000 {
        ready.push(id(n));
        ready.sweep(1, |id| id == self::id(7));
        assert!(ready.queue.len() <= 64);
    }
    ready.sweep(1, |_| true);
    assert_eq!(ready.front(), Some(id(7)));
}
