use bytes::Bytes;

use crate::{Bandwidth, Instant, Loss, Node, Pipe, Queue};

#[test]
fn counters_are_told_in_words() {
    let nodes = [
        Node::Loss(Loss::Exactly(vec![0])),
        Node::Queue(Queue::DropTail { bytes: 2_000 }),
        Node::Rate(Bandwidth::mbit(8)),
    ];
    let mut pipe = Pipe::new(&nodes, 0);
    for _ in 0..5 {
        pipe.push(Instant::ZERO, Bytes::from(vec![0; 1_000]));
    }
    pipe.poll(Instant::from_millis(2)).unwrap();
    assert_eq!(
        pipe.stats().to_string(),
        "5 in, 1 out, 2 inside\n  loss: 4 of 5, 1 lost\n  queue: 2 of 4, 1 overflowed, 1 held, \
         up to 2000 bytes for 2ms"
    );
}

#[test]
fn every_cause_counts_once() {
    let drops = crate::Drops {
        lost: 1,
        overflow: 10,
        early: 100,
        policed: 1_000,
        thinned: 10_000,
        too_large: 100_000,
        outage: 1_000_000,
    };
    assert_eq!(drops.total(), 1_111_111);
    assert_eq!(
        drops.named().iter().map(|(_, count)| count).sum::<u64>(),
        1_111_111
    );
}
