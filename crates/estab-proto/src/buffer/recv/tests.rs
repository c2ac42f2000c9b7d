use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::LARGE;
use super::super::store::PAGE;
use super::super::tests::seeded;
use super::{Inserted, MAX_BLOCK, MAX_RANGES, RecvBuffer};

const CAPACITY: u32 = 65_536;

/// What a range may cost beyond its bytes, when there are as many as there may be.
const RANGE_COST: usize = 64;

fn ranges(buffer: &RecvBuffer) -> Vec<Range<u64>> {
    buffer.ranges().collect()
}

fn read_all(buffer: &mut RecvBuffer) -> Vec<u8> {
    let mut text = vec![0; buffer.readable()];
    assert_eq!(buffer.read(&mut text), text.len());
    text
}

#[test]
fn is_small_and_empty_at_first_and_at_last() {
    assert!(size_of::<RecvBuffer>() <= 104);
    let mut buffer = RecvBuffer::new(CAPACITY);
    assert_eq!((buffer.allocated(), buffer.window()), (0, CAPACITY));
    buffer.insert(3, b"de", None);
    buffer.insert(0, b"abc", None);
    assert_eq!(read_all(&mut buffer), b"abcde");
    buffer.shrink();
    assert_eq!((buffer.allocated(), buffer.window()), (0, CAPACITY));

    buffer.insert(5, b"f", None);
    let chunk = buffer.take_chunk().expect("in order");
    assert!(buffer.allocated() > 0);
    buffer.consumed(chunk.len());
    buffer.shrink();
    assert_eq!((buffer.allocated(), buffer.window()), (0, CAPACITY));
}

#[test]
fn empty_text_allocates_nothing() {
    let mut buffer = RecvBuffer::new(CAPACITY);
    for offset in 0..1_000_000 {
        assert_eq!(buffer.insert(offset, &[], None), Inserted::default());
    }
    assert_eq!(buffer.allocated(), 0);
    assert!(!buffer.has_out_of_order());
}

#[test]
fn in_order_text_advances_and_nothing_else() {
    let mut buffer = RecvBuffer::new(CAPACITY);
    let inserted = buffer.insert(0, b"abc", None);
    assert_eq!(
        inserted,
        Inserted {
            advanced: 3,
            ..Inserted::default()
        }
    );
    assert_eq!(
        (buffer.next(), buffer.held(), buffer.window()),
        (3, 3, CAPACITY - 3)
    );
}

#[test]
fn a_hole_filled_in_part_and_then_in_full() {
    let mut buffer = RecvBuffer::new(CAPACITY);
    let inserted = buffer.insert(4, b"efg", None);
    assert_eq!(
        inserted,
        Inserted {
            out_of_order: true,
            ..Inserted::default()
        }
    );

    let part = buffer.insert(0, b"ab", None);
    assert_eq!(
        part,
        Inserted {
            advanced: 2,
            filled_hole: true,
            ..Inserted::default()
        }
    );
    let rest = buffer.insert(2, b"cd", None);
    assert_eq!(
        rest,
        Inserted {
            advanced: 5,
            filled_hole: true,
            ..Inserted::default()
        }
    );
    assert_eq!(read_all(&mut buffer), b"abcdefg");
}

#[test]
fn the_first_bytes_received_win() {
    let mut buffer = RecvBuffer::new(CAPACITY);
    buffer.insert(2, b"CD", None);
    let over = buffer.insert(0, b"abxxef", None);
    assert_eq!((over.advanced, over.duplicate), (6, Some(2..4)));
    assert_eq!(read_all(&mut buffer), b"abCDef");
}

#[test]
fn a_duplicate_below_rcv_nxt_is_told() {
    let mut buffer = RecvBuffer::new(CAPACITY);
    buffer.insert(0, b"abcdef", None);
    let old = buffer.insert(1, b"bcd", None);
    assert_eq!(
        old,
        Inserted {
            duplicate: Some(1..4),
            ..Inserted::default()
        }
    );
    let partly = buffer.insert(4, b"efgh", None);
    let expected = Inserted {
        advanced: 2,
        duplicate: Some(4..6),
        ..Inserted::default()
    };
    assert_eq!(partly, expected);
}

#[test]
fn large_text_is_kept_and_handed_over_without_a_copy() {
    let mut buffer = RecvBuffer::new(CAPACITY);
    let packet = Bytes::from(vec![7; 3000]);
    buffer.insert(2960, &packet[40..], Some(&packet));
    buffer.insert(0, &packet[40..], Some(&packet));
    for _ in 0..2 {
        let chunk = buffer.take_chunk().expect("in order");
        assert_eq!(chunk.as_ptr(), packet[40..].as_ptr());
    }
    assert!(buffer.allocated() >= 6000, "both keep the packet alive");
    assert_eq!((buffer.held(), buffer.readable()), (5920, 0));
    buffer.consumed(5920);
    buffer.shrink();
    assert_eq!(buffer.allocated(), 0);
}

#[test]
fn little_text_does_not_pin_a_large_buffer() {
    let mut buffer = RecvBuffer::new(CAPACITY);
    let packet = Bytes::from(vec![7; 65_536]);
    buffer.insert(0, &packet[..LARGE], Some(&packet));
    buffer.insert(4000, &packet[..LARGE], Some(&packet));
    assert!(buffer.allocated() < 16_384, "{}", buffer.allocated());
    drop(buffer);
    assert!(packet.is_unique());
}

#[test]
fn a_backing_the_text_does_not_lie_in_is_ignored() {
    let mut buffer = RecvBuffer::new(CAPACITY);
    let packet = Bytes::from(vec![7; 3000]);
    assert_eq!(buffer.insert(0, &[8; 3000], Some(&packet)).advanced, 3000);
    assert!(packet.is_unique());
    assert_eq!(read_all(&mut buffer), [8; 3000]);
}

#[test]
fn a_chunk_leaves_the_window_closed_until_consumed() {
    let mut buffer = RecvBuffer::new(1000);
    buffer.insert(0, &[1; 600], None);
    let chunk = buffer.take_chunk().expect("in order");
    assert_eq!(
        (chunk.len(), buffer.readable(), buffer.window()),
        (600, 0, 400)
    );
    buffer.insert(600, &[1; 400], None);
    assert_eq!(buffer.window(), 0);
    buffer.consumed(100);
    assert_eq!(buffer.window(), 100);
    assert_eq!(read_all(&mut buffer).len(), 400);
    assert_eq!(buffer.window(), 500);
    buffer.consumed(1_000_000);
    buffer.shrink();
    assert_eq!((buffer.window(), buffer.allocated()), (1000, 0));
}

#[test]
fn a_smaller_capacity_closes_the_window_and_drops_nothing() {
    let mut buffer = RecvBuffer::new(1000);
    buffer.insert(0, &[1; 600], None);
    buffer.set_capacity(500);
    assert_eq!(
        (buffer.capacity(), buffer.window(), buffer.held()),
        (500, 0, 600)
    );
    buffer.set_capacity(2000);
    assert_eq!(buffer.window(), 1400);
}

#[test]
fn clearing_and_pruning_free_the_memory_and_keep_rcv_nxt() {
    let mut buffer = RecvBuffer::new(CAPACITY);
    buffer.insert(0, b"abc", None);
    buffer.insert(10, b"def", None);
    buffer.drop_out_of_order();
    assert_eq!((buffer.next(), buffer.has_out_of_order()), (3, false));
    assert_eq!(
        buffer.insert(3, b"defghijkl", None).advanced,
        9,
        "the range is forgotten"
    );
    buffer.insert(20, b"x", None);
    buffer.clear();
    assert_eq!(
        (buffer.next(), buffer.held(), buffer.allocated()),
        (12, 0, 0)
    );
}

/// Every second byte of the window, one to a segment: the dearest way to send it.
#[test]
fn one_byte_segments_cost_no_more_than_the_window_and_their_records() {
    // The window need not begin and end with a page.
    let bound = CAPACITY as usize + MAX_RANGES * RANGE_COST + 2 * PAGE;
    for step in [2, 3, 63] {
        let mut buffer = RecvBuffer::new(CAPACITY);
        for i in 0..u64::from(CAPACITY) / step {
            buffer.insert(1 + i * step, b"x", None);
            assert!(
                buffer.allocated() <= bound,
                "{} after {i}",
                buffer.allocated()
            );
        }
        assert!(ranges(&buffer).len() <= MAX_RANGES);
        for i in 0..u64::from(CAPACITY) {
            let refused = buffer.insert(i, b"y", None).refused;
            assert_eq!(refused, 0, "gap-free data is always taken");
            assert!(
                buffer.allocated() <= bound,
                "{} after {i}",
                buffer.allocated()
            );
        }
        assert_eq!((buffer.readable(), buffer.window()), (CAPACITY as usize, 0));
    }
}

#[test]
fn in_order_one_byte_segments_cost_little_more_than_their_bytes() {
    let mut buffer = RecvBuffer::new(CAPACITY);
    for i in 0..u64::from(CAPACITY) {
        buffer.insert(i, b"x", None);
        let bound = 2 * (i as usize + 1) + 1024;
        assert!(
            buffer.allocated() <= bound,
            "{} after {i}",
            buffer.allocated()
        );
    }
    assert!(buffer.allocated() <= CAPACITY as usize + 1024);
}

/// Fills the table of ranges: 10, 20, … of one byte each.
fn full() -> RecvBuffer {
    let mut buffer = RecvBuffer::new(CAPACITY);
    for i in 1..=MAX_RANGES as u64 {
        assert_eq!(buffer.insert(i * 10, b"x", None).refused, 0);
    }
    buffer
}

// proves RFC2018-8
#[test]
fn at_the_cap_the_furthest_data_is_dropped() {
    let mut buffer = full();
    let last = MAX_RANGES as u64 * 10;
    let before = ranges(&buffer);
    let beyond = buffer.insert(last + 10, b"abc", None);
    let refused = |n| Inserted {
        out_of_order: true,
        refused: n,
        ..Inserted::default()
    };
    assert_eq!(beyond, refused(3));
    assert_eq!(ranges(&buffer), before);

    let nearer = buffer.insert(5, b"abc", None);
    assert_eq!(nearer, refused(1));
    let after = ranges(&buffer);
    assert_eq!(after.len(), MAX_RANGES);
    assert_eq!(after[0], 5..8);
    assert!(!after.contains(&(last..last + 1)), "the furthest made room");

    let again = buffer.insert(last, b"y", None);
    assert_eq!(again, refused(1), "and was forgotten");
}

#[test]
fn at_the_cap_what_meets_a_range_and_what_is_in_order_is_taken() {
    let mut buffer = full();
    let last = MAX_RANGES as u64 * 10;
    let extends = buffer.insert(last + 1, b"abc", None);
    assert_eq!(
        extends,
        Inserted {
            out_of_order: true,
            ..Inserted::default()
        }
    );
    assert_eq!(buffer.insert(0, b"0123456789", None).advanced, 11);
    assert_eq!(
        buffer.insert(last + 10, b"x", None).refused,
        0,
        "there is room again"
    );
}

#[test]
fn all_of_the_furthest_range_makes_room() {
    let mut buffer = full();
    let last = MAX_RANGES as u64 * 10;
    buffer.insert(last + 1, &[b'x'; 9000], None);
    let before = buffer.allocated();
    assert_eq!(buffer.insert(5, b"abc", None).refused, 9001);
    assert!(
        buffer.allocated() + 2 * PAGE <= before,
        "its pages are free"
    );
}

#[test]
fn one_text_joins_every_range() {
    let mut buffer = full();
    let len = MAX_RANGES * 10 + 1;
    let inserted = buffer.insert(0, &vec![b'y'; len], None);
    assert_eq!(
        (inserted.advanced as usize, inserted.duplicate),
        (len, Some(10..11))
    );
    let text = read_all(&mut buffer);
    assert!((0..len).all(|at| (text[at] == b'x') == (at > 0 && at % 10 == 0)));
    buffer.shrink();
    assert_eq!(buffer.allocated(), 0);
}

/// What the buffer should do, on a plain list of bytes.
struct Model {
    bytes: Vec<Option<u8>>,
    next: usize,
    /// Where reading goes on, and what of the bytes before that is not consumed.
    read: usize,
    handed: usize,
    recent: Vec<Range<u64>>,
}

impl Model {
    fn new() -> Self {
        Self {
            bytes: Vec::new(),
            next: 0,
            read: 0,
            handed: 0,
            recent: Vec::new(),
        }
    }

    fn held(&self, at: usize) -> bool {
        self.bytes.get(at).is_some_and(Option::is_some)
    }

    fn insert(&mut self, offset: usize, text: &[u8]) -> Inserted {
        let end = offset + text.len();
        let first = (offset..end).find(|&at| self.held(at));
        let duplicate = first.map(|first| {
            let stop = (first..end).find(|&at| !self.held(at)).unwrap_or(end);
            first as u64..stop as u64
        });
        self.bytes.resize(self.bytes.len().max(end), None);
        for (at, &byte) in (offset..).zip(text) {
            self.bytes[at].get_or_insert(byte);
        }
        let before = self.next;
        while self.held(self.next) {
            self.next += 1;
        }
        let advanced = self.next - before;
        let filled_hole = advanced > 0 && !self.recent.is_empty();
        let (next, begin, stop) = (self.next as u64, offset as u64, end as u64);
        self.recent.retain(|range| {
            let meets = range.start <= stop && begin <= range.end;
            range.start > next && !meets
        });
        if offset > before {
            let start = (0..offset)
                .rev()
                .find(|&at| !self.held(at))
                .map_or(0, |at| at + 1);
            let stop = (offset..).find(|&at| !self.held(at)).unwrap_or(end);
            self.recent.insert(0, start as u64..stop as u64);
        }
        Inserted {
            advanced: advanced as u32,
            duplicate,
            filled_hole,
            out_of_order: offset > before,
            refused: 0,
        }
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let end = self.next.min(self.read + len);
        let taken = self.bytes[self.read..end]
            .iter()
            .map(|byte| byte.unwrap_or(0))
            .collect();
        self.read = end;
        taken
    }
}

#[derive(Clone, Debug)]
enum Op {
    /// Text of some length so far from RCV.NXT, as a slice of a buffer that much longer.
    Insert {
        at: i32,
        len: usize,
        slack: Option<usize>,
    },
    Read(usize),
    Take,
    Consume(usize),
}

/// Operations in units of `scale` bytes and around.
fn ops(scale: usize) -> impl Strategy<Value = Vec<Op>> {
    let near = -(2 * scale as i32)..8 * scale as i32;
    let at =
        prop_oneof![2 => Just(0), 3 => near, 3 => (0..8i32).prop_map(move |i| i * scale as i32)];
    let len = prop_oneof![Just(scale), 1..=2 * scale];
    let slack = prop::option::of(0..3 * scale);
    let op = prop_oneof![
        12 => (at, len, slack).prop_map(|(at, len, slack)| Op::Insert { at, len, slack }),
        2 => (0..6 * scale).prop_map(Op::Read),
        2 => Just(Op::Take),
        2 => (0..6 * scale).prop_map(Op::Consume),
    ];
    prop::collection::vec(op, 1..160)
}

fn check(ops: Vec<Op>, capacity: u32) -> Result<(), TestCaseError> {
    let (mut buffer, mut model) = (RecvBuffer::new(capacity), Model::new());
    let mut right_edge = u64::from(capacity);
    for (i, op) in ops.into_iter().enumerate() {
        match op {
            Op::Insert { at, len, slack } => {
                let start = (model.next as i64 + i64::from(at)).max(0) as usize;
                let end = (start + len).min(model.next + buffer.window() as usize);
                let text: Vec<u8> = (start..end).map(|at| (at * 7 + i * 31) as u8).collect();
                let before = slack.unwrap_or(0) / 2;
                let mut packet = vec![0; before];
                packet.extend(&text);
                packet.resize(text.len() + slack.unwrap_or(0), 0);
                let packet = Bytes::from(packet);
                let backing = slack.map(|_| &packet);
                let slice = &packet[before..before + text.len()];
                let inserted = buffer.insert(start as u64, slice, backing);
                if !text.is_empty() {
                    prop_assert_eq!(inserted, model.insert(start, &text));
                } else {
                    prop_assert_eq!(inserted, Inserted::default());
                }
            }
            Op::Read(len) => {
                let mut text = vec![0; len];
                let n = buffer.peek(&mut text);
                let peeked = text[..n].to_vec();
                prop_assert_eq!(buffer.read(&mut text), n);
                prop_assert_eq!(&text[..n], &peeked[..]);
                prop_assert_eq!(peeked, model.take(len));
            }
            Op::Take => {
                let readable = buffer.readable();
                let chunk = buffer.take_chunk();
                prop_assert_eq!(chunk.is_some(), readable > 0);
                let chunk = chunk.unwrap_or_default();
                prop_assert_eq!(&chunk[..], model.take(chunk.len()));
                model.handed += chunk.len();
            }
            Op::Consume(n) => {
                buffer.consumed(n);
                model.handed -= n.min(model.handed);
            }
        }
        let held = model.next - model.read + model.handed;
        prop_assert_eq!(buffer.next(), model.next as u64);
        prop_assert_eq!(buffer.readable(), model.next - model.read);
        prop_assert_eq!(buffer.held() as usize, held);
        prop_assert_eq!(buffer.window(), capacity.saturating_sub(held as u32));
        prop_assert_eq!(ranges(&buffer), &model.recent[..]);
        prop_assert_eq!(buffer.has_out_of_order(), !model.recent.is_empty());

        let edge = buffer.next() + u64::from(buffer.window());
        prop_assert!(edge >= right_edge, "the right edge moved left");
        right_edge = edge;
        let idle = held == 0 && model.recent.is_empty();
        if idle {
            buffer.shrink();
        }
        prop_assert_eq!(buffer.allocated() == 0, idle);
        let bound = 2 * capacity as usize + MAX_BLOCK + model.recent.len() * 2 * RANGE_COST;
        prop_assert!(
            buffer.allocated() <= bound + 16_384,
            "allocated {}",
            buffer.allocated()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(seeded(0x2883))]

    #[test]
    fn matches_a_list_of_bytes_with_tiny_segments(ops in ops(4)) {
        check(ops, 60)?;
    }

    #[test]
    fn matches_a_list_of_bytes_with_full_segments(ops in ops(1460)) {
        check(ops, 30_000)?;
    }

    #[test]
    fn matches_a_list_of_bytes_with_large_segments(ops in ops(6000)) {
        check(ops, 65_536)?;
    }
}
