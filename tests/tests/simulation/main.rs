//! A thousand seeds through a link that loses, reorders, duplicates and damages packets.
//!
//! Whatever the weather: the streams are exact, everybody is told how it ended, nothing is left
//! behind, every packet is one a correct stack sends, nobody spins, and the same seed gives the
//! same packets at the same times.
//!
//! A seed that failed is run again, with its settings and packets shown, by
//! `ESTAB_SEED=<seed> cargo test -p estab-tests --test simulation -- --nocapture`; more seeds than
//! usual by `ESTAB_SEEDS=<count>`.

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

mod draw;
mod run;

use run::{Outcome, Run};

/// Seeds run each time, apart from those that failed once.
const SEEDS: u64 = 1_000;

/// Seeds run with dormancy and without.
const DORMANT_SEEDS: u64 = 150;

/// One in so many is run twice to compare.
const REPEATED: u64 = 20;

fn variable(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}={value} is not a number")),
    )
}

/// Plays one seed; a failure tells how to repeat it.
fn play(seed: u64, verbose: bool) -> Outcome {
    let mut run = Run::new(seed);
    let result = panic::catch_unwind(AssertUnwindSafe(|| run.play()));
    if verbose {
        println!("{}", run.describe());
    }
    result.unwrap_or_else(|cause| {
        println!(
            "seed {seed} failed; to repeat it:\n  \
             ESTAB_SEED={seed} cargo test -p estab-tests --test simulation -- --nocapture"
        );
        panic::resume_unwind(cause);
    })
}

#[test]
fn every_seed_comes_to_a_good_end() {
    if let Some(seed) = variable("ESTAB_SEED") {
        println!("seed {seed}: {:?}", play(seed, true));
        return;
    }
    let (mut packets, mut bytes, mut failed) = (0, 0, 0);
    let seeds = variable("ESTAB_SEEDS").unwrap_or(SEEDS);
    for seed in 0..seeds {
        let outcome = play(seed, false);
        if seed % REPEATED == 0 {
            assert_eq!(play(seed, false), outcome, "seed {seed} does not repeat");
        }
        packets += outcome.packets;
        bytes += outcome.bytes;
        failed += outcome.failed;
    }
    println!("{seeds} seeds: {packets} packets, {bytes} bytes, {failed} ends with an error");
}

/// A connection that is put away whenever it has nothing to do for a moment sends the same packets
/// at the same times as one that never is, and tells its application the same.
///
/// One connection a run: whose turn comes first of several with a deadline at the same time is not
/// promised.
#[test]
fn dormancy_shows_in_nothing() {
    for seed in 0..DORMANT_SEEDS {
        let run = |after: Option<Duration>| {
            let mut run = Run::with(seed, |scenario| {
                scenario.opens.truncate(1);
                for config in &mut scenario.configs {
                    config.dormant_after = after;
                }
            });
            run.copies = true;
            run.play_restlessly()
        };
        let awake = run(None);
        for after in [Duration::from_micros(1), Duration::from_millis(100)] {
            assert_eq!(run(Some(after)), awake, "seed {seed} with {after:?}");
        }
    }
}
