use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::{Bandwidth, Loss, Queue};

/// Any node, or queue with its rate.
fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let probability = prop_oneof![Just(0.0), 0.0..0.5, Just(1.0)];
    let millis = |limit: u64| (0..limit * 1000).prop_map(Duration::from_micros);
    let rate = || (10_000u64..100_000_000).prop_map(Bandwidth::bit);
    let queue = prop_oneof![
        (0u64..20_000).prop_map(|bytes| Queue::DropTail { bytes }),
        (0u64..20_000).prop_map(|bytes| Queue::Threshold {
            bytes,
            threshold: bytes / 2
        }),
        (0u64..90_000, any::<bool>()).prop_map(|(bytes, ecn)| Queue::CoDel {
            bytes,
            target: Duration::from_millis(1),
            interval: Duration::from_millis(10),
            ecn,
        }),
    ];
    let node = prop_oneof![
        rate().prop_map(|rate| vec![Node::Rate(rate)]),
        (queue, rate()).prop_map(|(queue, rate)| vec![Node::Queue(queue), Node::Rate(rate)]),
        millis(100).prop_map(|time| vec![Node::Delay(time)]),
        millis(100).prop_map(|time| vec![Node::Jitter(time)]),
        probability
            .clone()
            .prop_map(|p| vec![Node::Loss(Loss::Uniform(p))]),
        (0.0..0.3, 1.0..5.0).prop_map(|(p, n)| vec![Node::Loss(Loss::bursts(p, n))]),
        (probability.clone(), millis(50))
            .prop_map(|(probability, delay)| vec![Node::Reorder { probability, delay }]),
        probability.clone().prop_map(|p| vec![Node::Duplicate(p)]),
        probability.prop_map(|p| vec![Node::Corrupt(p)]),
        (rate(), 0u64..10_000).prop_map(|(rate, burst)| vec![Node::Police { rate, burst }]),
        (1u32..5, millis(20)).prop_map(|(keep_one_in, within)| vec![Node::ThinAcks {
            keep_one_in,
            within,
        }]),
        (0u64..1500).prop_map(|mtu| vec![Node::BlackHole { mtu }]),
        (millis(50), millis(50))
            .prop_map(|(from, span)| vec![Node::Outage(vec![from..from + span])]),
        prop::collection::vec((millis(50), millis(50)), 0..3).prop_map(|spans| {
            let span = |(from, span)| from..from + span;
            vec![Node::Stall(spans.into_iter().map(span).collect())]
        }),
    ];
    prop::collection::vec(node, 0..6).prop_map(|nodes| nodes.concat())
}

/// Packets with the time since the one before.
fn packets() -> impl Strategy<Value = Vec<(Duration, Bytes)>> {
    let gap = prop_oneof![Just(0), 0u64..20_000_000];
    let packet = (gap, 0usize..1500, any::<bool>(), 0u8..4);
    let packet = packet.prop_map(|(gap, len, ack, ecn)| {
        let mut packet = vec![0x45; len.max(40)];
        packet[1] = ecn;
        if ack {
            packet.truncate(40);
            packet[2..4].copy_from_slice(&[0, 40]);
            packet[6..10].copy_from_slice(&[0, 0, 64, 6]);
            packet[20..40].copy_from_slice(&[0; 20]);
            (packet[32], packet[33]) = (0x50, 0x10);
        }
        (Duration::from_nanos(gap), Bytes::from(packet))
    });
    prop::collection::vec(packet, 0..150)
}

fn assert_conserved(stats: &Stats) {
    for node in &stats.nodes {
        assert_eq!(
            node.entered + node.duplicated,
            node.left + node.dropped.total() + node.held,
            "{node:?}"
        );
    }
    assert_eq!(
        stats.pushed + stats.duplicated(),
        stats.delivered + stats.dropped().total() + stats.inside(),
        "{stats:?}"
    );
    for (node, next) in stats.nodes.iter().zip(stats.nodes.iter().skip(1)) {
        assert_eq!(node.left, next.entered);
    }
}

/// Everything that arrives, with the exact times; polled at every deadline, at every push, or not
/// before the end.
fn run(
    nodes: &[Node],
    seed: u64,
    packets: &[(Duration, Bytes)],
    prompt: bool,
) -> Vec<(Instant, Bytes)> {
    let mut pipe = Pipe::new(nodes, seed);
    let mut arrived = Vec::new();
    let mut now = Instant::ZERO;
    for (gap, packet) in packets {
        let next = now + *gap;
        while prompt && pipe.next_deadline().is_some_and(|at| at <= next) {
            poll_at_deadline(&mut pipe, &mut arrived);
        }
        now = next;
        pipe.push(now, packet.clone());
        assert_conserved(pipe.stats());
    }
    while prompt && pipe.next_deadline().is_some() {
        poll_at_deadline(&mut pipe, &mut arrived);
    }
    arrived.extend(std::iter::from_fn(|| pipe.poll_timed(Instant::NEVER)));
    assert_conserved(pipe.stats());
    assert_eq!(pipe.stats().inside(), 0);
    assert_eq!(pipe.queued_bytes(), 0);
    assert_eq!(pipe.next_deadline(), None);
    arrived
}

/// Polls when the pipe says, and checks that what comes then was not due before.
fn poll_at_deadline(pipe: &mut Pipe, arrived: &mut Vec<(Instant, Bytes)>) {
    let deadline = pipe.next_deadline().unwrap();
    while let Some((at, packet)) = pipe.poll_timed(deadline) {
        assert_eq!(at, deadline, "told too late");
        arrived.push((at, packet));
        assert_conserved(pipe.stats());
    }
    assert!(pipe.next_deadline().is_none_or(|next| next > deadline));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x8289),
        ..ProptestConfig::default()
    })]

    #[test]
    fn packets_are_conserved_and_lateness_changes_nothing(
        nodes in nodes(),
        packets in packets(),
        seed in any::<u64>(),
    ) {
        let prompt = run(&nodes, seed, &packets, true);
        let late = run(&nodes, seed, &packets, false);
        prop_assert!(prompt == late);
        prop_assert!(prompt.is_sorted_by_key(|(at, _)| *at));
    }

    #[test]
    fn order_is_kept_where_nothing_reorders(
        nodes in nodes(),
        gaps in prop::collection::vec(0u64..5_000_000, 0..200),
        seed in any::<u64>(),
    ) {
        let keeps = |node: &Node| !matches!(node, Node::Reorder { .. } | Node::Corrupt(_));
        let nodes: Vec<Node> = nodes.into_iter().filter(keeps).collect();
        let numbered = |(number, gap)| {
            let packet: [u8; 4] = u32::to_be_bytes(number);
            (Duration::from_nanos(gap), Bytes::copy_from_slice(&packet))
        };
        let packets: Vec<_> = (0..).zip(gaps).map(numbered).collect();
        let arrived = run(&nodes, seed, &packets, false);
        prop_assert!(arrived.is_sorted_by_key(|(_, packet)| packet.clone()));
    }
}

#[test]
fn time_that_goes_back_counts_as_the_latest() {
    let mut pipe = Pipe::new(&[Node::Delay(Duration::from_millis(5))], 0);
    pipe.push(Instant::from_millis(10), Bytes::from_static(b"1"));
    pipe.push(Instant::from_millis(3), Bytes::from_static(b"2"));
    assert_eq!(pipe.next_deadline(), Some(Instant::from_millis(15)));
    assert!(pipe.poll(Instant::from_millis(15)).is_some());
    assert!(pipe.poll(Instant::ZERO).is_some());
}

#[test]
fn an_empty_pipe_passes_everything_at_once() {
    let mut pipe = Pipe::new(&[], 0);
    pipe.push(Instant::from_secs(1), Bytes::from_static(b"1"));
    assert_eq!(pipe.next_deadline(), Some(Instant::from_secs(1)));
    assert_eq!(pipe.poll(Instant::from_secs(1)).unwrap(), "1");
}

#[test]
#[should_panic(expected = "directly before a rate")]
fn a_queue_far_from_its_rate_is_refused() {
    let queue = Node::Queue(Queue::DropTail { bytes: 1 });
    Pipe::new(
        &[queue, Node::Duplicate(0.0), Node::Rate(Bandwidth::bit(1))],
        0,
    );
}

/// The same on every machine and in every version: a seed names a run.
#[test]
fn a_seed_names_a_run() {
    let nodes = [
        Node::Loss(Loss::bursts(0.05, 3.0)),
        Node::Queue(Queue::codel(40_000, true)),
        Node::Rate(Bandwidth::bit(9_999_991)),
        Node::Jitter(Duration::from_millis(7)),
        Node::Reorder {
            probability: 0.03,
            delay: Duration::from_millis(9),
        },
        Node::Duplicate(0.02),
        Node::Corrupt(0.04),
    ];
    let packets: Vec<_> = (0..5_000u64)
        .map(|number| {
            let gap = Duration::from_nanos(number * 7_919 % 2_000_003);
            let packet = vec![(number % 251) as u8; 40 + (number * 31 % 1_400) as usize];
            (gap, Bytes::from(packet))
        })
        .collect();
    let hash = |seed| {
        // FNV-1a over times and bytes.
        let arrived = run(&nodes, seed, &packets, false);
        let bytes = arrived.iter().flat_map(|(at, packet)| {
            at.as_nanos()
                .to_be_bytes()
                .into_iter()
                .chain(packet.iter().copied())
        });
        bytes.fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    assert_eq!([hash(1), hash(2)], [0xaded4db28eec535c, 0xf59cef6009089f79]);
}
