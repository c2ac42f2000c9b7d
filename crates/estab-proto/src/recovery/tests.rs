mod by_time;
mod frto;
mod fuzz;
mod late;
mod link;
mod rack;
mod rules;
mod samples;
mod sender;
mod sleep;
mod spurious;
mod transfers;

use proptest::test_runner::{Config, RngSeed};

/// So many cases, the same ones each time.
pub(super) fn seeded(cases: u32, seed: u64) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    }
}
