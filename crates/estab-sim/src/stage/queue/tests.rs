//! Queues in front of a transmitter, as a pipe shows them.

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use crate::{Bandwidth, Node, Pipe, Queue};

/// 1 ms to a packet of 1500 bytes.
const RATE: Bandwidth = Bandwidth::mbit(12);

fn pipe(queue: Queue) -> Pipe {
    Pipe::new(&[Node::Queue(queue), Node::Rate(RATE)], 0)
}

/// An IPv4 packet of 1500 bytes with this ECN field.
fn packet(ecn: u8) -> Bytes {
    let mut packet = vec![0; 1500];
    (packet[0], packet[1]) = (0x45, ecn);
    packet.into()
}

fn millis(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

#[test]
fn drop_tail_drops_what_does_not_fit_and_nothing_else() {
    let mut pipe = pipe(Queue::DropTail { bytes: 4_499 });
    for _ in 0..5 {
        pipe.push(Instant::ZERO, packet(1));
    }
    // One is being sent, two wait; a short one still fits.
    assert_eq!(pipe.queued_bytes(), 3_000);
    assert_eq!(pipe.stats().dropped().overflow, 2);
    pipe.push(Instant::ZERO, Bytes::from(vec![0; 1_499]));
    assert_eq!(pipe.queued_bytes(), 4_499);
    assert_eq!(pipe.stats().dropped().overflow, 2);
    // What leaves at a moment makes room for what comes at it.
    pipe.push(millis(1), packet(1));
    assert_eq!(pipe.stats().dropped().overflow, 2);
    pipe.advance(millis(100));
    let stats = pipe.stats().node("queue").unwrap();
    assert_eq!((stats.marked, stats.dropped.early), (0, 0));
    assert_eq!(stats.peak_bytes, 4_499);
    assert_eq!(stats.longest_wait, Duration::from_millis(3));
}

#[test]
fn without_a_queue_an_idle_transmitter_takes_one_packet() {
    let mut pipe = pipe(Queue::DropTail { bytes: 0 });
    for at in [0, 0, 1, 1, 5] {
        pipe.push(millis(at), packet(0));
    }
    pipe.advance(millis(10));
    assert_eq!(pipe.stats().dropped().overflow, 2);
    assert_eq!(pipe.stats().arrived, 3);
}

#[test]
fn a_threshold_marks_what_finds_more_than_that() {
    let queue = Queue::Threshold {
        bytes: 9_000,
        threshold: 3_000,
    };
    let mut pipe = pipe(queue);
    for number in 0..8 {
        // Every other one is capable of ECN; the last does not fit.
        pipe.push(Instant::ZERO, packet(if number % 2 == 0 { 2 } else { 0 }));
    }
    let arrived: Vec<u8> = std::iter::from_fn(|| pipe.poll(millis(100)))
        .map(|packet| packet[1])
        .collect();
    assert_eq!(arrived, [2, 0, 2, 0, 3, 0, 3]);
    assert_eq!(pipe.stats().marked(), 2);
    assert_eq!(pipe.stats().dropped().overflow, 1);
}

/// Twice as much as fits, for two seconds.
fn overload(ecn: bool, field: u8) -> Pipe {
    let mut pipe = pipe(Queue::codel(10_000_000, ecn));
    for number in 0..4_000 {
        pipe.push(Instant::from_micros(number * 500), packet(field));
    }
    pipe.advance(Instant::from_secs(100));
    pipe
}

#[test]
fn codel_marks_instead_of_dropping_where_it_may() {
    let dropping = overload(true, 0).stats().clone();
    assert!(dropping.dropped().early > 20, "{dropping:?}");
    assert_eq!(dropping.marked(), 0);
    let unasked = overload(false, 1).stats().clone();
    assert_eq!(unasked.dropped(), dropping.dropped());
    assert_eq!(unasked.marked(), 0);

    let mut marking = overload(true, 1);
    assert_eq!(marking.stats().dropped().total(), 0);
    let marks = marking.stats().marked();
    assert!(marks > 20);
    let seen = std::iter::from_fn(|| marking.poll(Instant::from_secs(100)))
        .filter(|packet| packet[1] == 3)
        .count();
    assert_eq!(seen as u64, marks);
}

#[test]
fn codel_drops_at_its_limit_too() {
    let mut pipe = pipe(Queue::codel(3_000, true));
    for _ in 0..4 {
        pipe.push(Instant::ZERO, packet(1));
    }
    assert_eq!(pipe.stats().dropped().overflow, 1);
    pipe.advance(millis(10));
    assert_eq!(pipe.stats().arrived, 3);
}
