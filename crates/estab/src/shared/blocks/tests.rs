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
        let (size, used) = blocks
            .used
            .iter()
            .enumerate()
            .find_map(|(size, used)| Some((size, lock(used).pop_back()?)))
            .unwrap();
        assert!(len <= BLOCK >> size && len > BLOCK >> (size + 1), "{len}");
        drop(used);
    }
    // No more than a block at once.
    assert_eq!(copy(&blocks, &vec![7; BLOCK + 1]).len(), BLOCK);
}

#[test]
fn only_so_much_is_kept() {
    let blocks = Blocks::default();
    let text = vec![7; BLOCK];
    let copies: Vec<_> = (0..2 * KEPT / BLOCK)
        .map(|_| copy(&blocks, &text))
        .collect();
    assert_eq!(lock(&blocks.used[0]).len(), KEPT / BLOCK);
    drop(copies);
}

#[test]
fn of_free_blocks_a_later_one_is_used() {
    let blocks = Blocks::default();
    let text = vec![7; BLOCK];
    let mut copies: Vec<_> = (0..16).map(|_| copy(&blocks, &text)).collect();
    let places: Vec<_> = copies.iter().map(|copy| copy.as_ptr()).collect();
    let in_use = copies.split_off(9);
    drop(copies);
    // Of the nine that are free, the eighth.
    assert_eq!(copy(&blocks, &text).as_ptr(), places[7]);
    // One that stays in use does not hide those behind it.
    drop(in_use);
    let slow = copy(&blocks, &text);
    for _ in 0..40 {
        assert!(places.contains(&copy(&blocks, &text).as_ptr()));
    }
    drop(slow);
}
