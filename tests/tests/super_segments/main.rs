//! A super-segment and the same bytes in segments of one MSS come to the same.
//!
//! A client and a server talk as a seed says, over a path that loses, and do so four times: with
//! plain segments; with a client whose device cuts what it sends; with a server whose device joins
//! what it receives; and with both. Each time both must have sent the same packets at the same
//! moments, byte for byte as the network sees them, and have the same state after every step.

mod offload;
mod world;

use estab_tests::rng::Rng;
use world::{Step, World};

/// Talks tried.
const SEEDS: u64 = 40;

/// Steps of a talk.
const STEPS: usize = 250;

/// What the applications and the path do, the same each time.
fn talk(seed: u64) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    let lossy = rng.chance(0.6);
    let nodelay = rng.chance(0.5);
    (0..STEPS)
        .map(|step| {
            let mut size = |chance| {
                let large = 1 << rng.between(4, 17);
                if rng.chance(chance) {
                    rng.below(large) as usize
                } else {
                    0
                }
            };
            let (client_writes, server_writes, server_reads, client_reads) =
                (size(0.5), size(0.1), 2 * size(0.7), size(0.8));
            Step {
                nodelay: (step == 0).then_some(nodelay),
                client_writes,
                server_writes,
                server_reads,
                client_reads,
                client_ends: step == STEPS * 2 / 3,
                server_ends: step == STEPS * 5 / 6,
                lasts_us: rng.pick(&[10, 300, 5_000, 45_000, 250_000]),
                loss: if lossy && step < STEPS * 3 / 4 {
                    0.02
                } else {
                    0.0
                },
            }
        })
        .collect()
}

fn compare(ipv6: bool, seeds: std::ops::Range<u64>) {
    let mut joined = 0;
    for seed in seeds {
        let steps = talk(seed);
        let plain = World::new(ipv6, false, false, seed).run(&steps);
        for (cuts, joins) in [(true, false), (false, true), (true, true)] {
            let other = World::new(ipv6, cuts, joins, seed).run(&steps);
            joined += other.super_segments;
            for (step, (a, b)) in plain.log.iter().zip(&other.log).enumerate() {
                for (a, b) in a.lines().zip(b.lines()) {
                    assert_eq!(a, b, "seed {seed}, cuts {cuts}, joins {joins}, step {step}");
                }
                assert_eq!(
                    a.len(),
                    b.len(),
                    "seed {seed}, cuts {cuts}, joins {joins}, step {step}"
                );
            }
        }
        assert_eq!(plain.super_segments, 0);
    }
    assert!(joined > 1000, "{joined} super-segments are no proof");
}

#[test]
fn super_segments_change_nothing_over_ipv4() {
    compare(false, 0..SEEDS);
}

#[test]
fn super_segments_change_nothing_over_ipv6() {
    compare(true, SEEDS..2 * SEEDS);
}
