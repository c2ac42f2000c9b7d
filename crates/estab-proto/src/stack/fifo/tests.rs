use alloc::collections::BTreeSet;

use super::Fifo;

#[test]
fn stale_keys_are_passed_over() {
    let mut fifo = Fifo::new();
    for key in 0..4 {
        fifo.push(key);
    }
    fifo.lost(|key| key != 1);
    assert_eq!(fifo.len(), 3);
    assert_eq!(fifo.pop(|key| key != 1), Some(0));
    assert_eq!(fifo.pop(|key| key != 1), Some(2));
    assert_eq!(fifo.pop(|key| key != 1), Some(3));
    assert_eq!(fifo.pop(|_| true), None);
    assert_eq!(fifo.len(), 0);
}

#[test]
fn the_length_stays_within_twice_the_living() {
    let mut fifo = Fifo::new();
    let mut alive = BTreeSet::new();
    for key in 0..10_000 {
        fifo.push(key);
        alive.insert(key);
        if key % 10 != 0 {
            alive.remove(&key);
            fifo.lost(|key| alive.contains(&key));
        }
        assert_eq!(fifo.len(), alive.len());
        assert!(fifo.queue.len() <= (2 * alive.len()).max(32));
    }
    for &key in &alive.clone() {
        assert_eq!(fifo.pop(|key| alive.contains(&key)), Some(key));
    }
}
