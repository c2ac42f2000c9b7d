use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use super::super::MAX_BLOCK;
use super::{Block, KEPT, Queue};

fn bytes_of(queue: &Queue) -> Vec<u8> {
    queue.slices(0, usize::MAX).flatten().copied().collect()
}

fn pop(queue: &mut Queue) -> Option<(Bytes, usize)> {
    queue.pop(Bytes::copy_from_slice)
}

#[test]
fn a_short_flow_needs_one_allocation_and_no_table() {
    let mut queue = Queue::new();
    queue.append(b"hello", 256);
    assert_eq!(queue.allocated(), 256);
    assert_eq!(queue.sealed.capacity(), 0);
    queue.advance(5);
    queue.append(b"world", 256);
    assert_eq!(queue.allocated(), 256, "the same serves again");
    queue.advance(5);
    queue.shrink();
    assert_eq!(queue.allocated(), 0);
}

#[test]
fn the_tail_takes_what_fits_and_the_rest_gets_a_block_of_its_size() {
    let mut queue = Queue::new();
    queue.append(&[1; 200], 256);
    queue.append(&[2; 1000], 256);
    let lengths: Vec<_> = queue.slices(0, usize::MAX).map(<[u8]>::len).collect();
    assert_eq!(lengths, [256, 944]);
    assert_eq!(queue.allocated(), 1200 + 4 * size_of::<Block>());
}

#[test]
fn long_text_is_cut_into_blocks_of_the_largest_size() {
    let mut queue = Queue::new();
    queue.append(&vec![7; 3 * MAX_BLOCK + 1], 256);
    let lengths: Vec<_> = queue.slices(0, usize::MAX).map(<[u8]>::len).collect();
    assert_eq!(lengths, [MAX_BLOCK, MAX_BLOCK, MAX_BLOCK, 1]);
}

#[test]
fn a_shared_piece_leaves_the_room_of_a_tail_little_used() {
    let mut queue = Queue::new();
    queue.append(b"head", 1024);
    queue.push(Bytes::from_static(&[0; 3000]), 3000);
    assert_eq!(queue.tail.capacity(), 1024);
    queue.append(b"more", 1024);
    assert_eq!(queue.len(), 3008);
    // "head" in four bytes, the shared piece, and the tail.
    assert_eq!(queue.allocated(), 4 + 3000 + 1024 + 4 * size_of::<Block>());
}

#[test]
fn a_shared_piece_seals_a_tail_well_used() {
    let mut queue = Queue::new();
    queue.append(&[1; 600], 1024);
    queue.push(Bytes::from_static(&[0; 3000]), 3000);
    assert_eq!(queue.tail.capacity(), 0);
    assert_eq!(queue.charge, 1024 + 3000);
}

#[test]
fn a_full_tail_mostly_gone_starts_anew() {
    let mut queue = Queue::new();
    queue.append(&[1; 1000], 1000);
    queue.advance(900);
    let block = queue.tail.as_ptr();
    queue.append(&[2; 500], 256);
    assert_eq!(queue.tail.as_ptr(), block);
    assert_eq!(queue.len(), 600);
    assert_eq!(bytes_of(&queue)[99..101], [1, 2]);
    assert_eq!(queue.charge, 100);
}

#[test]
fn a_popped_piece_is_charged_what_it_keeps_alive() {
    let mut queue = Queue::new();
    let backing = Bytes::from(vec![5; 4000]);
    queue.push(backing.clone(), 4000);
    queue.advance(2000);
    let (bytes, charge) = pop(&mut queue).expect("queued");
    assert_eq!((bytes.len(), charge), (2000, 4000));
    assert_eq!(bytes.as_ptr(), backing[2000..].as_ptr());

    queue.push(backing.clone(), 4000);
    queue.advance(2001);
    let (bytes, charge) = pop(&mut queue).expect("queued");
    assert_eq!((bytes.len(), charge), (1999, 1999));
    assert_ne!(bytes.as_ptr(), backing[2001..].as_ptr());
    assert_eq!(pop(&mut queue), None);
}

#[test]
fn a_step_beyond_the_end_empties_the_queue() {
    let mut queue = Queue::new();
    queue.append(b"abc", 256);
    assert_eq!(queue.advance(2), 2);
    assert_eq!(queue.advance(2), 1);
    assert_eq!(queue.advance(2), 0);
    assert_eq!(queue.len(), 0);
}

#[test]
fn a_queue_that_never_empties_outlives_the_wrap_of_its_scale() {
    let piece = Bytes::from(vec![9; 1 << 20]);
    let mut queue = Queue::new();
    queue.push(piece.clone(), piece.len());
    for i in 0..5000u32 {
        queue.append(&i.to_be_bytes(), 256);
        queue.push(piece.clone(), piece.len());
        assert_eq!(queue.len(), 2 * piece.len() + 4);
        let between: Vec<u8> = queue.slices(piece.len(), 4).flatten().copied().collect();
        assert_eq!(between, i.to_be_bytes());
        queue.advance(piece.len() + 4);
    }
}

#[test]
fn what_is_kept_is_little() {
    let mut queue = Queue::new();
    for _ in 0..3 {
        queue.append(&[1; 10_000], 20_000);
        assert_eq!(pop(&mut queue).map(|(bytes, _)| bytes.len()), Some(10_000));
        assert_eq!(queue.allocated(), 0, "a long block goes with its last byte");
        queue.push(Bytes::from_static(&[2; 3000]), 3000);
        assert_eq!(queue.advance(3000), 3000);
        assert_eq!(
            queue.allocated(),
            4 * size_of::<Block>(),
            "but for the table"
        );
        queue.shrink();
    }
}

#[test]
fn a_short_tail_is_copied_where_the_caller_says_and_serves_again() {
    let mut queue = Queue::new();
    queue.append(&[7; 3000], 256);
    let block = queue.tail.as_ptr();
    let mut copied = 0;
    let popped = queue.pop(|text| {
        copied = text.len();
        Bytes::copy_from_slice(text)
    });
    assert_eq!(popped, Some((Bytes::from(vec![7; 3000]), 3000)));
    assert_eq!(copied, 3000);
    queue.append(&[8; 3000], 256);
    assert_eq!(queue.tail.as_ptr(), block);

    let mut queue = Queue::new();
    queue.append(&[7; 2 * KEPT], 256);
    let popped = queue.pop(|_| unreachable!("a long one goes as it is"));
    assert_eq!(popped.map(|(bytes, _)| bytes.len()), Some(2 * KEPT));
}

#[test]
fn what_lies_together_is_one_piece() {
    let mut queue = Queue::new();
    for (first, len) in [(0, 300), (300, 400), (700, 256)] {
        let bytes: Vec<u8> = (first..first + len).map(|at: usize| at as u8).collect();
        queue.push(Bytes::from(bytes), len);
    }
    queue.append(&[9; 50], 256);
    queue.advance(100);
    for offset in 0..queue.len() + 2 {
        for len in [1, 2, 199, 200, 300] {
            let mut slices = queue.slices(offset, len);
            let together = slices.next().filter(|slice| slice.len() == len);
            assert_eq!(queue.piece(offset, len), together, "{len} at {offset}");
        }
    }
}
