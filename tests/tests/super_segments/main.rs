//! A super-segment and the same bytes in segments of one MSS come to the same.
//!
//! A client and a server talk as a seed says, with settings, over a path that loses, duplicates,
//! delays and marks, and do so six times: with plain segments; with a client whose device cuts what
//! it sends; with a server whose device joins what it receives; with both; and with neither or both
//! where payload is handed over apart from its headers. Each time both must
//! have sent the same packets at the same moments, byte for byte as the network sees them, and have
//! the same state after every step: so every rule that counts segments counts a super-segment as what
//! it stands for.
//!
//! `ESTAB_SUPER_SEGMENT_SEEDS=1000-2000` tries others.

mod offload;
mod scene;
mod world;

use std::env;

use scene::Scene;
use world::World;

/// Talks tried over each family.
const SEEDS: u64 = 60;

/// Names other seeds, `FIRST-LAST`.
const OTHERS: &str = "ESTAB_SUPER_SEGMENT_SEEDS";

/// Holds one talk in all ways, of which in two payload is handed over apart from its headers; returns how many super-segments there were.
fn compare(seed: u64, ipv6: bool) -> usize {
    let scene = Scene::draw(seed, ipv6);
    let plain = World::new(&scene, false, false, false).run(&scene.steps);
    assert_eq!(plain.super_segments, 0);
    let mut super_segments = 0;
    for (cuts, joins, apart) in [
        (true, false, false),
        (false, true, false),
        (true, true, false),
        (false, false, true),
        (true, true, true),
    ] {
        let other = World::new(&scene, cuts, joins, apart).run(&scene.steps);
        super_segments += other.super_segments;
        for (step, (a, b)) in plain.log.iter().zip(&other.log).enumerate() {
            let told =
                format!("seed {seed}, cuts {cuts}, joins {joins}, apart {apart}, step {step}");
            for (a, b) in a.lines().zip(b.lines()) {
                assert_eq!(a, b, "{told}");
            }
            assert_eq!(a.len(), b.len(), "{told}");
        }
    }
    super_segments
}

fn compare_all(ipv6: bool) {
    let seeds = match env::var(OTHERS) {
        Ok(others) => {
            let (first, last) = others.split_once('-').expect("FIRST-LAST");
            let bound = |number: &str| number.parse().expect("a number");
            bound(first)..=bound(last)
        }
        Err(_) => 1..=SEEDS,
    };
    for seed in seeds {
        assert!(compare(seed, ipv6) > 10, "seed {seed} proves nothing");
    }
}

#[test]
fn super_segments_change_nothing_over_ipv4() {
    compare_all(false);
}

#[test]
fn super_segments_change_nothing_over_ipv6() {
    compare_all(true);
}
