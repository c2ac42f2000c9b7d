//! All connections together hold no more than the stack may, and everybody gets on.

use std::time::Duration;

use estab_tests::rng::Rng;

use crate::crowd::{Crowd, MSS};

const MIB: usize = 1 << 20;
const MS: Duration = Duration::from_millis(1);

/// What a connection may hold beyond the budget: 8 KiB each way, in blocks that may be twice as long,
/// a segment, and the records of what it has sent.
const RESERVE: usize = 40 << 10;

/// A peer acts at random: fills its window out of order or in order, while the application reads or
/// does not, and writes what nobody acknowledges, or somebody does.
fn act(crowd: &mut Crowd, rng: &mut Rng, peer: usize) {
    let window = crowd.peers[peer].edge - crowd.peers[peer].una;
    match rng.below(10) {
        0..4 if window > MSS => {
            let start = rng.below(u64::from(window)) as u32;
            for n in 0..rng.between(1, 64) as u32 {
                crowd.text(peer, start + n * MSS, MSS);
            }
        }
        4 if window > MSS => {
            let offset = rng.below(u64::from(window)) as u32;
            crowd.text(peer, offset, rng.between(1, 50) as u32);
        }
        // An honest moment: the window grows by use.
        5 | 6 => {
            for _ in 0..rng.between(1, 100) {
                crowd.text(peer, 0, MSS);
                crowd.read(peer, MIB);
                crowd.pass(MS / 10);
            }
        }
        7 => crowd.text(peer, 0, MSS),
        8 => drop(crowd.write(peer, rng.between(1, 300_000) as usize)),
        _ => crowd.acknowledge(peer),
    }
}

#[test]
fn hostile_peers_do_not_exceed_the_budget() {
    for seed in 0..4 {
        let mut rng = Rng::new(seed);
        let (budget, peers) = (8 * MIB, 32);
        let mut crowd = Crowd::new(budget, peers as u16);
        let mut most = 0;
        for _ in 0..3000 {
            let peer = rng.below(peers as u64) as usize;
            act(&mut crowd, &mut rng, peer);
            if rng.chance(0.05) {
                crowd.pass(Duration::from_millis(rng.between(1, 1000)));
            }
            most = most.max(crowd.held());
            let bound = budget + peers * RESERVE;
            assert!(crowd.held() <= bound, "seed {seed}: {}", crowd.held());
        }
        let stats = crowd.host.stack.stats();
        assert!(most > budget * 3 / 4, "seed {seed}: no pressure at {most}");
        assert!(stats.refused_memory_bytes > 0, "seed {seed}");
    }
}

/// Peers that hold everything they can, each in a way of its own, until nothing is left.
fn exhaust(crowd: &mut Crowd, hoarders: std::ops::Range<usize>) {
    let mut rounds = 0;
    while crowd.held() < crowd.host.stack.config().limits.buffer_bytes {
        for peer in hoarders.clone() {
            // The application reads none of it, so the window ends: beyond a hole, then in order.
            let window = crowd.peers[peer].edge - crowd.peers[peer].una;
            let beyond = peer % 2 == 0;
            for n in 0..window / MSS {
                crowd.text(peer, if beyond { (n + 1) * MSS } else { 0 }, MSS);
            }
            crowd.write(peer, MIB);
        }
        rounds += 1;
        if rounds == 10 {
            break;
        }
    }
}

#[test]
fn everybody_gets_on_when_nothing_is_left() {
    let mut crowd = Crowd::new(4 * MIB, 40);
    exhaust(&mut crowd, 0..32);
    assert!(crowd.held() >= 3 * MIB, "{}", crowd.held());
    for peer in 32..40 {
        let (mut received, mut sent, mut steps) = (0, 0, 0);
        while received < 200_000 || sent < 200_000 {
            steps += 1;
            assert!(steps < 5000, "peer {peer}: {received} in, {sent} out");
            crowd.text(peer, 0, MSS);
            received += crowd.read(peer, MIB);
            sent += crowd.write(peer, 10_000);
            crowd.acknowledge(peer);
            crowd.pass(MS);
        }
    }
}

#[test]
fn what_was_refused_comes_again_and_all_is_as_before() {
    let mut crowd = Crowd::new(MIB, 8);
    exhaust(&mut crowd, 0..8);
    assert!(crowd.host.stack.stats().refused_memory_bytes > 0);
    for peer in 0..8 {
        while crowd.read(peer, MIB) > 0 {}
        for _ in 0..5000 {
            crowd.acknowledge(peer);
            crowd.pass(MS);
            crowd.text(peer, 0, MSS);
            crowd.read(peer, MIB);
        }
    }
    for _ in 0..100 {
        (0..8).for_each(|peer| crowd.acknowledge(peer));
        crowd.pass(100 * MS);
    }
    // Short blocks serve again until a connection is quiet.
    crowd.pass(2000 * MS);
    // What may still prove a recovery needless.
    assert!(crowd.held() < 8 * 256, "{}", crowd.held());
}

#[test]
fn who_holds_out_of_order_text_the_longest_gives_way() {
    let mut crowd = Crowd::new(MIB, 12);
    // Peers 0 to 7 leave a hole for ever and fill their first windows behind it.
    for peer in 0..8 {
        let window = crowd.peers[peer].edge - crowd.peers[peer].una;
        for n in 1..window / MSS {
            crowd.text(peer, n * MSS, MSS);
        }
    }
    // The others fill theirs in order, and are not read.
    for peer in 8..12 {
        for _ in 0..40 {
            crowd.text(peer, 0, MSS);
        }
    }
    for peer in 8..12 {
        crowd.write(peer, MIB);
    }
    let stats = crowd.host.stack.stats();
    assert!(stats.pruned_bytes > 0, "{stats:?}");
    assert!(crowd.held() <= MIB + 12 * RESERVE);
}

#[test]
fn a_window_opens_for_what_came_and_not_for_where_it_lies() {
    let mut crowd = Crowd::new(64 * MIB, 1);
    crowd.text(0, 0, MSS);
    crowd.read(0, MIB);
    for _ in 0..1000 {
        let window = crowd.peers[0].edge - crowd.peers[0].una;
        crowd.text(0, window - 1, 1);
    }
    let window = crowd.peers[0].edge - crowd.peers[0].una;
    assert!(window <= 300_000, "{window} bytes for a thousand");
}
