use super::*;

fn copy(blocks: &Blocks, text: &[u8]) -> Bytes {
    let (a, b) = text.split_at(text.len() / 3);
    blocks.copy(&[IoSlice::new(a), IoSlice::new(b)], text.len())
}

#[test]
fn a_block_is_used_again_once_nobody_has_it() {
    let blocks = Blocks::default();
    let text: Vec<u8> = (0..BLOCK).map(|i| i as u8).collect();
    let first = copy(&blocks, &text);
    assert_eq!(first, text);
    let place = first.as_ptr();
    let part = first.slice(100..);
    drop(first);
    let second = copy(&blocks, &text);
    assert_ne!(second.as_ptr(), place, "still in use");
    drop(part);
    assert_eq!(copy(&blocks, &text[1..]).as_ptr(), place);
}

#[test]
fn a_block_is_used_for_half_at_least() {
    let blocks = Blocks::default();
    for len in [4097, 8192, 8193, 30_000, 32_768, 32_769, 65_535, 65_536] {
        let text = vec![7; len];
        assert_eq!(copy(&blocks, &text).len(), len);
        let size = (0..SIZES).find(|&size| lock(&blocks.sizes[size]).lent.pop_back().is_some());
        let size = size.unwrap();
        assert!(len <= BLOCK >> size && len > BLOCK >> (size + 1), "{len}");
    }
    // No more than a block at once.
    assert_eq!(copy(&blocks, &vec![7; BLOCK + 1]).len(), BLOCK);
}

#[test]
fn of_what_is_free_only_so_much_is_kept() {
    let blocks = Blocks::default();
    let text = vec![7; BLOCK];
    let copies: Vec<_> = (0..2 * KEPT / BLOCK)
        .map(|_| copy(&blocks, &text))
        .collect();
    drop(copies);
    drop(copy(&blocks, &text));
    assert_eq!(lock(&blocks.sizes[0]).free.len(), KEPT / BLOCK - 1);
}

#[test]
fn the_block_freed_last_is_used_first() {
    let blocks = Blocks::default();
    let text = vec![7; BLOCK];
    let mut copies: Vec<_> = (0..16).map(|_| copy(&blocks, &text)).collect();
    let places: Vec<_> = copies.iter().map(|copy| copy.as_ptr()).collect();
    let in_use = copies.split_off(9);
    drop(copies);
    assert_eq!(copy(&blocks, &text).as_ptr(), places[8]);
    assert_eq!(copy(&blocks, &text).as_ptr(), places[8]);
    drop(in_use);
}

#[test]
fn a_block_that_stays_in_use_does_not_hide_those_behind_it() {
    let blocks = Blocks::default();
    let text = vec![7; BLOCK];
    let slow = copy(&blocks, &text);
    let mut in_use = VecDeque::new();
    for _ in 0..1000 {
        in_use.push_back(copy(&blocks, &text));
        if in_use.len() > 8 {
            in_use.pop_front();
        }
    }
    let size = lock(&blocks.sizes[0]);
    assert!(
        size.lent.len() + size.free.len() < 40,
        "{}",
        size.lent.len()
    );
    drop(slow);
}

#[test]
fn memory_that_is_not_used_is_given_back() {
    let blocks = Blocks::default();
    let text = vec![7; BLOCK];
    let copies: Vec<_> = (0..16).map(|_| copy(&blocks, &text)).collect();
    assert!(blocks.age());
    drop(copies);
    // They were used since.
    assert!(blocks.age());
    let free = || lock(&blocks.sizes[0]).free.len();
    assert_eq!(free(), 16);
    let two = [copy(&blocks, &text), copy(&blocks, &text)];
    assert!(blocks.age());
    assert_eq!(free(), 0);
    drop(two);
    assert!(blocks.age());
    assert_eq!(free(), 2);
    assert!(!blocks.age());
}

#[test]
fn a_block_to_be_filled_is_used_again_too() {
    let blocks = Blocks::default();
    let mut filled = blocks.empty(5000);
    assert_eq!((filled.len(), filled.capacity()), (0, 8192));
    let place = filled.as_ptr();
    filled.extend_from_slice(&[7; 8192]);
    let text = filled.freeze();
    let other = blocks.empty(5000);
    assert_ne!(other.as_ptr(), place, "still in use");
    drop(text);
    assert_eq!(copy(&blocks, &[1; 8000]).as_ptr(), place);
    drop(other);
}
