//! Every flow gets on, whatever disturbs it: processors that are busy, ends that stop for a while,
//! readers that come late, small buffers, and a device that drops.
//!
//! The kernel's sockets are one end, over a TUN. What is drawn at random comes from a seed, which a
//! failure names; `ESTAB_PROGRESS_SEEDS=1000-1200` runs other ones.

mod flow;
mod scene;
mod server;
mod watch;

use std::env;
use std::ops::RangeInclusive;
use std::time::Duration;

use estab_netns::isolated_for;
use estab_tests::kernel;

/// What a loaded machine may take for it.
const LIMIT: Duration = Duration::from_secs(600);

/// Which seeds to run.
const VARIABLE: &str = "ESTAB_PROGRESS_SEEDS";

fn seeds(default: RangeInclusive<u64>) -> RangeInclusive<u64> {
    let Ok(asked) = env::var(VARIABLE) else {
        return default;
    };
    let number = |text: &str| text.parse().expect("a seed is a number");
    match asked.split_once('-') {
        Some((first, last)) => number(first)..=number(last),
        None => number(&asked)..=number(&asked),
    }
}

#[test]
fn every_flow_gets_on() {
    isolated_for(LIMIT, || {
        kernel::raise_file_limit();
        for seed in seeds(0..=7) {
            scene::play(seed);
        }
    });
}
