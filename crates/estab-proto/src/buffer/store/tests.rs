use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use super::{Kept, PAGE, Queue, Store};

fn drain(store: &mut Store, range: core::ops::Range<u64>) -> Vec<u8> {
    let mut queue = Queue::new();
    store.drain(range, &mut queue, 256);
    queue.slices(0, usize::MAX).flatten().copied().collect()
}

#[test]
fn neighbours_share_a_page_in_any_order() {
    let mut store = Store::default();
    for at in (0..PAGE as u64).rev() {
        store.write(at, &[at as u8], None);
    }
    assert_eq!(store.pages.len(), 1);
    let expected: Vec<u8> = (0..PAGE).map(|at| at as u8).collect();
    assert_eq!(drain(&mut store, 0..PAGE as u64), expected);
    assert_eq!(store.allocated(), 0);
}

#[test]
fn a_page_in_order_to_its_end_moves_without_a_copy() {
    let mut store = Store::default();
    store.write(0, &vec![1; 2 * PAGE], None);
    let page = store.pages[&1].as_ptr();
    let mut queue = Queue::new();
    store.drain(PAGE as u64 + 100..2 * PAGE as u64, &mut queue, 256);
    let (bytes, charge) = queue.pop(Bytes::copy_from_slice).expect("queued");
    assert_eq!(bytes.as_ptr(), page.wrapping_add(100));
    assert_eq!((bytes.len(), charge), (PAGE - 100, PAGE));
}

#[test]
fn a_large_text_is_kept_between_two_short_ones() {
    let mut store = Store::default();
    let backing = Bytes::from(vec![2; 3000]);
    store.write(10, &[1; 10], None);
    store.write(20, &backing, Some(&backing));
    store.write(3020, &[3; 10], None);

    let mut queue = Queue::new();
    store.drain(10..3030, &mut queue, 256);
    let slices: Vec<&[u8]> = queue.slices(0, usize::MAX).collect();
    assert_eq!(slices, [&[1; 10][..], &backing, &[3; 10]]);
    assert_eq!(slices[1].as_ptr(), backing.as_ptr());
    assert_eq!((store.kept.len(), store.charge), (0, 0));
}

#[test]
fn pages_and_whole_backings_are_charged_with_their_entries() {
    let mut store = Store::default();
    let backing = Bytes::from(vec![2; 4000]);
    store.write(0, &[1; 2], None);
    store.write(PAGE as u64, &[1; 2], None);
    store.write(100, &backing[..2500], Some(&backing));
    let entries = 2 * size_of::<(u64, Vec<u8>)>() + size_of::<(u64, Kept)>();
    assert_eq!(store.allocated(), 2 * PAGE + 4000 + entries);
}

#[test]
fn discarding_frees_whole_pages_on_either_side() {
    let mut store = Store::default();
    let backing = Bytes::from(vec![2; 3000]);
    store.write(0, &vec![1; 4 * PAGE], None);
    store.write(5 * PAGE as u64, &backing, Some(&backing));

    store.discard_before(PAGE as u64 + 1);
    assert_eq!(store.pages.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    store.discard_from(5 * PAGE as u64 + 1);
    assert_eq!(store.kept.len(), 1);
    store.discard_from(2 * PAGE as u64 + 1);
    assert_eq!(store.pages.keys().copied().collect::<Vec<_>>(), [1, 2]);
    assert_eq!((store.kept.len(), store.charge), (0, 0));
}
