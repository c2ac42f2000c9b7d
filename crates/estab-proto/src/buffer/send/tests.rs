use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::tests::seeded;
use super::{MAX_BLOCK, SendBuffer};

#[test]
fn is_small_and_empty_at_first_and_at_last() {
    assert!(size_of::<SendBuffer>() <= 64);
    let mut buffer = SendBuffer::new();
    assert_eq!((buffer.len(), buffer.allocated()), (0, 0));
    buffer.push_slice(&[0; 10]);
    buffer.push(Bytes::from_static(&[0; 1000]));
    buffer.release(1010);
    assert!(buffer.is_empty());
    buffer.shrink();
    assert_eq!(buffer.allocated(), 0);
    buffer.push_slice(&[0; 10]);
    buffer.clear();
    assert_eq!((buffer.len(), buffer.allocated()), (0, 0));
}

#[test]
fn tiny_pieces_do_not_become_many_blocks() {
    let mut buffer = SendBuffer::new();
    for _ in 0..100_000 {
        buffer.push(Bytes::from_static(b"x"));
    }
    assert_eq!(buffer.len(), 100_000);
    assert!(buffer.slices(0, usize::MAX).count() <= 12);
    assert!(buffer.allocated() <= 200_000);
}

#[test]
fn pieces_are_shared_from_256_bytes_on() {
    let piece = Bytes::from(vec![1; 256]);
    for (len, shared) in [(255, false), (256, true)] {
        let mut buffer = SendBuffer::new();
        buffer.push(piece.slice(..len));
        let slice = buffer.slices(0, len).next().expect("pushed");
        assert_eq!(slice.as_ptr() == piece.as_ptr(), shared);
    }
}

#[test]
fn a_large_piece_is_not_copied() {
    let piece = Bytes::from(vec![1; 100_000]);
    let mut buffer = SendBuffer::new();
    buffer.push_slice(b"head");
    buffer.push(piece.clone());
    let slices: Vec<&[u8]> = buffer.slices(0, usize::MAX).collect();
    assert_eq!(slices[1].as_ptr(), piece.as_ptr());
}

#[test]
fn a_full_segment_gathers_from_few_slices() {
    let mut buffer = SendBuffer::new();
    for _ in 0..64 {
        buffer.push_slice(&[0; 16 * 1024]);
    }
    for offset in (0..900_000).step_by(1460) {
        assert!(buffer.slices(offset, 64_240).count() <= 3 || offset < MAX_BLOCK);
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push(usize),
    PushSlice(usize),
    Release(usize),
    Look(usize, usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let len = || prop_oneof![4 => 0usize..40, 2 => 200usize..3000, 1 => 0usize..150_000];
    let op = prop_oneof![
        3 => len().prop_map(Op::Push),
        3 => len().prop_map(Op::PushSlice),
        4 => len().prop_map(Op::Release),
        3 => (len(), len()).prop_map(|(offset, len)| Op::Look(offset, len)),
    ];
    prop::collection::vec(op, 1..120)
}

proptest! {
    #![proptest_config(seeded(0x9293))]

    #[test]
    fn matches_a_plain_queue(ops in ops()) {
        let (mut buffer, mut model) = (SendBuffer::new(), VecDeque::<u8>::new());
        let mut stream = (0u32..).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8);
        for op in ops {
            match op {
                Op::Push(len) => {
                    let piece: Bytes = stream.by_ref().take(len).collect();
                    model.extend(&piece);
                    buffer.push(piece);
                }
                Op::PushSlice(len) => {
                    let piece: Vec<u8> = stream.by_ref().take(len).collect();
                    model.extend(&piece);
                    buffer.push_slice(&piece);
                }
                Op::Release(len) => {
                    model.drain(..len.min(model.len()));
                    buffer.release(len);
                }
                Op::Look(offset, len) => {
                    let start = offset.min(model.len());
                    let end = (start + len).min(model.len());
                    prop_assert!(buffer.slices(offset, len).all(|slice| !slice.is_empty()));
                    let seen: Vec<u8> = buffer.slices(offset, len).flatten().copied().collect();
                    prop_assert_eq!(seen, model.range(start..end).copied().collect::<Vec<_>>());
                }
            }
            prop_assert_eq!(buffer.len(), model.len());
            prop_assert_eq!(buffer.is_empty(), model.is_empty());
            if model.is_empty() {
                buffer.shrink();
            }
            prop_assert_eq!(buffer.allocated() == 0, model.is_empty());
        }
    }
}
