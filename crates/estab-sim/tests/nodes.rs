//! What each node does to many packets, within the bounds that statistics allow.

use std::time::Duration;

use bytes::Bytes;
use estab_sim::{Bandwidth, Instant, Loss, Node, Pipe};

/// Sends `count` packets of `len` bytes, one each `gap`, each with its number at the front, through
/// a pipe; returns number and exact time of what arrives, and the pipe.
fn send(
    nodes: &[Node],
    seed: u64,
    count: u64,
    gap: Duration,
    len: usize,
) -> (Vec<(u64, Instant)>, Pipe) {
    let mut pipe = Pipe::new(nodes, seed);
    let mut arrived = Vec::new();
    let mut now = Instant::ZERO;
    let mut take = |pipe: &mut Pipe, now| {
        while let Some((at, packet)) = pipe.poll_timed(now) {
            let number = packet[..8].try_into().map(u64::from_be_bytes);
            arrived.push((number.unwrap(), at));
        }
    };
    for number in 0..count {
        let mut packet = vec![0; len.max(8)];
        packet[..8].copy_from_slice(&number.to_be_bytes());
        pipe.push(now, Bytes::from(packet));
        take(&mut pipe, now);
        now += gap;
    }
    take(&mut pipe, Instant::NEVER);
    (arrived, pipe)
}

const GAP: Duration = Duration::from_micros(10);

/// Whether `hits` of `n` fits a probability: within five standard deviations.
fn fits(hits: u64, n: u64, p: f64) -> bool {
    let (n, hits) = (n as f64, hits as f64);
    let deviation = (n * p * (1.0 - p)).sqrt();
    (hits - n * p).abs() <= 5.0 * deviation + 0.5
}

#[test]
fn a_gigabit_holds_over_a_million_packets() {
    let nodes = [
        Node::Rate(Bandwidth::gbit(1)),
        Node::Delay(Duration::from_millis(10)),
    ];
    // A little more than fits, so that there is never a gap.
    let (arrived, _) = send(&nodes, 0, 1_000_000, Duration::from_nanos(11_999), 1500);
    assert_eq!(arrived.len(), 1_000_000);
    for (number, at) in arrived {
        let expected = Duration::from_micros(12) * (number as u32 + 1) + Duration::from_millis(10);
        assert_eq!(at, Instant::ZERO + expected);
    }
}

#[test]
fn a_rate_is_exact_within_a_packet_over_any_span() {
    let rate = Bandwidth::bit(7_654_321);
    let (arrived, _) = send(
        &[Node::Rate(rate)],
        0,
        2_000,
        Duration::from_micros(100),
        1_234,
    );
    for (first, rest) in arrived.windows(300).map(|span| (span[0], &span[1..])) {
        for (packets, (_, at)) in (1u64..).zip(rest) {
            let (took, ideal) = (*at - first.1, rate.time_of(packets * 1_234));
            assert!(
                took.abs_diff(ideal) <= Duration::from_nanos(1),
                "{packets}: {took:?} {ideal:?}"
            );
        }
    }
}

#[test]
fn uniform_loss_loses_as_many_as_it_should() {
    let n = 100_000;
    for seed in 0..5 {
        for p in [0.001, 0.01, 0.05, 0.5] {
            let (_, pipe) = send(&[Node::Loss(Loss::Uniform(p))], seed, n, GAP, 8);
            let lost = pipe.stats().dropped().lost;
            assert!(fits(lost, n, p), "seed {seed}: {lost} of {n} at {p}");
        }
    }
}

#[test]
fn losses_are_independent() {
    let n = 500_000;
    let p = 0.1;
    let (arrived, _) = send(&[Node::Loss(Loss::Uniform(p))], 5, n, GAP, 8);
    // After a packet that arrived, the next is lost as often as any.
    let pairs = arrived
        .windows(2)
        .filter(|pair| pair[1].0 != pair[0].0 + 1)
        .count();
    assert!(fits(pairs as u64, arrived.len() as u64 - 1, p));
}

/// The lengths of the runs of lost packets.
fn bursts(arrived: &[(u64, Instant)]) -> Vec<u64> {
    let gaps = arrived.windows(2).map(|pair| pair[1].0 - pair[0].0 - 1);
    gaps.filter(|gap| *gap > 0).collect()
}

#[test]
fn gilbert_elliott_loses_in_bursts_of_the_right_length() {
    let n = 1_000_000;
    for (seed, rate, length) in [(1, 0.01, 3.0), (2, 0.05, 10.0), (3, 0.02, 1.5)] {
        let (arrived, pipe) = send(&[Node::Loss(Loss::bursts(rate, length))], seed, n, GAP, 8);
        let lost = pipe.stats().dropped().lost as f64 / n as f64;
        assert!((lost / rate - 1.0).abs() < 0.1, "{lost} for {rate}");
        let bursts = bursts(&arrived);
        let mean = bursts.iter().sum::<u64>() as f64 / bursts.len() as f64;
        assert!((mean / length - 1.0).abs() < 0.1, "{mean} for {length}");
        // Lengths are geometric: of those at least as long, 1/length end here.
        for at_least in 1..=4 {
            let longer = bursts.iter().filter(|burst| **burst >= at_least).count() as u64;
            let ending = bursts.iter().filter(|burst| **burst == at_least).count() as u64;
            assert!(
                fits(ending, longer, 1.0 / length),
                "{ending} of {longer} at {at_least}"
            );
        }
    }
}

#[test]
fn gilbert_elliott_may_lose_in_good_and_pass_in_bad_times() {
    let loss = Loss::GilbertElliott {
        p: 0.01,
        r: 0.03,
        h: 0.4,
        k: 0.99,
    };
    let n = 1_000_000;
    let (_, pipe) = send(&[Node::Loss(loss)], 11, n, GAP, 8);
    // A quarter of the time is bad.
    let expected = 0.75 * 0.01 + 0.25 * 0.6;
    let lost = pipe.stats().dropped().lost as f64 / n as f64;
    assert!(
        (lost / expected - 1.0).abs() < 0.05,
        "{lost} for {expected}"
    );
}

#[test]
fn listed_packets_are_lost_and_no_others() {
    let loss = Loss::Exactly(vec![7, 0, 3, 3, 99]);
    let (arrived, _) = send(&[Node::Loss(loss)], 0, 20, GAP, 8);
    let numbers: Vec<u64> = arrived.iter().map(|(number, _)| *number).collect();
    let expected: Vec<u64> = (0..20)
        .filter(|number| ![0, 3, 7].contains(number))
        .collect();
    assert_eq!(numbers, expected);
}

#[test]
fn jitter_is_even_and_keeps_the_order() {
    let most = Duration::from_millis(4);
    // Sparse: no packet waits for the one before it.
    let (arrived, _) = send(
        &[Node::Jitter(most)],
        1,
        100_000,
        Duration::from_millis(4),
        8,
    );
    let delays: Vec<Duration> = arrived
        .iter()
        .map(|(number, at)| *at - Instant::from_millis(4 * number))
        .collect();
    assert!(delays.iter().all(|delay| *delay <= most));
    for quarter in 1..4 {
        let below = delays
            .iter()
            .filter(|delay| **delay < Duration::from_millis(quarter))
            .count();
        assert!(
            fits(below as u64, 100_000, quarter as f64 / 4.0),
            "{below} {quarter}"
        );
    }
    // Dense: they queue up behind the late ones.
    let (arrived, _) = send(&[Node::Jitter(most)], 1, 10_000, GAP, 8);
    assert!(arrived.is_sorted());
    assert_eq!(arrived.len(), 10_000);
}

#[test]
fn reordering_holds_back_as_many_as_it_should() {
    let (n, p, delay) = (100_000, 0.02, Duration::from_micros(55));
    let (arrived, pipe) = send(
        &[Node::Reorder {
            probability: p,
            delay,
        }],
        4,
        n,
        GAP,
        8,
    );
    let late = |(number, at): &&(u64, Instant)| *at - Instant::from_micros(10 * number) == delay;
    let held = arrived.iter().filter(late).count() as u64;
    assert!(fits(held, n, p));
    assert_eq!(pipe.stats().node("reorder").unwrap().reordered, held);
    assert_eq!(arrived.len() as u64, n);
    // Each late one is overtaken by the five behind it, unless they are late too.
    let overtaken = arrived
        .windows(2)
        .filter(|pair| pair[1].0 < pair[0].0)
        .count();
    assert!(overtaken > 1_500);
}

#[test]
fn duplicates_come_right_behind() {
    let (n, p) = (100_000, 0.03);
    let (arrived, pipe) = send(&[Node::Duplicate(p)], 8, n, GAP, 8);
    let twice = arrived.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
    assert_eq!(twice, pipe.stats().duplicated());
    assert_eq!(arrived.len() as u64, n + twice);
    assert!(fits(twice, n, p));
}

#[test]
fn corruption_flips_one_bit_anywhere() {
    let (n, p) = (50_000, 0.2);
    let mut pipe = Pipe::new(&[Node::Corrupt(p)], 6);
    let mut places = [0u64; 32 * 8];
    for _ in 0..n {
        pipe.push(Instant::ZERO, Bytes::from_static(&[0x5a; 32]));
        let packet = pipe.poll(Instant::ZERO).unwrap();
        let changed: Vec<usize> = (0..256)
            .filter(|bit| packet[bit / 8] >> (bit % 8) & 1 != 0x5a >> (bit % 8) & 1)
            .collect();
        assert!(changed.len() <= 1);
        changed.iter().for_each(|bit| places[*bit] += 1);
    }
    let corrupted = places.iter().sum();
    assert_eq!(pipe.stats().nodes[0].corrupted, corrupted);
    assert!(fits(corrupted, n, p));
    assert!(
        places
            .iter()
            .all(|count| fits(*count, corrupted, 1.0 / 256.0))
    );
    pipe.push(Instant::ZERO, Bytes::new());
    assert_eq!(pipe.poll(Instant::ZERO).unwrap(), "");
}

#[test]
fn a_policer_passes_its_burst_and_then_its_rate() {
    let (rate, burst) = (Bandwidth::mbit(8), 5_000);
    // 1,000 bytes each 100 µs: ten times the rate.
    let node = Node::Police { rate, burst };
    let (arrived, pipe) = send(&[node], 0, 100_000, Duration::from_micros(100), 1_000);
    assert!(arrived[..5].iter().map(|(number, _)| *number).eq(0..5));
    for span in arrived.windows(50) {
        let bytes = 1_000 * span.len() as u64;
        let time = span[49].1 - span[0].1;
        assert!(bytes <= burst + rate.bytes_in(time) + 1);
    }
    // The burst, then a packet a millisecond.
    assert!(
        (10_003..=10_005).contains(&arrived.len()),
        "{}",
        arrived.len()
    );
    assert_eq!(
        pipe.stats().dropped().policed,
        100_000 - arrived.len() as u64
    );

    // After a rest the burst is there again.
    let mut pipe = Pipe::new(&[Node::Police { rate, burst }], 0);
    for at in [0, 0, 10, 10] {
        pipe.push(Instant::from_secs(at), Bytes::from(vec![0; 3_000]));
    }
    assert_eq!(pipe.stats().arrived, 2);
}

#[test]
fn a_black_hole_swallows_what_is_longer() {
    for (len, passes) in [(1_400, 1), (1_401, 0)] {
        let (arrived, pipe) = send(&[Node::BlackHole { mtu: 1_400 }], 0, 1, GAP, len);
        assert_eq!(arrived.len(), passes);
        assert_eq!(pipe.stats().dropped().too_large, 1 - passes as u64);
    }
}

#[test]
fn outages_begin_and_end_on_time() {
    let micros = Duration::from_micros;
    let spans = vec![micros(0)..micros(20), micros(50)..micros(80)];
    let (arrived, pipe) = send(&[Node::Outage(spans)], 0, 10, GAP, 8);
    let numbers: Vec<u64> = arrived.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [2, 3, 4, 8, 9]);
    assert_eq!(pipe.stats().dropped().outage, 5);
}

#[test]
fn a_stall_holds_what_comes_until_its_end() {
    let micros = Duration::from_micros;
    // Two spans that meet, and one by itself.
    let spans = vec![
        micros(20)..micros(40),
        micros(35)..micros(45),
        micros(70)..micros(80),
    ];
    let (arrived, pipe) = send(&[Node::Stall(spans)], 0, 10, GAP, 8);
    let times: Vec<u64> = arrived.iter().map(|(_, at)| at.as_micros()).collect();
    assert_eq!(times, [0, 10, 45, 45, 45, 50, 60, 80, 80, 90]);
    assert!(arrived.is_sorted());
    assert_eq!(pipe.stats().dropped().total(), 0);
}
