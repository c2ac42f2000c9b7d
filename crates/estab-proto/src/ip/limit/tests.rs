#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use estab_timer::{Duration, Instant};

use super::Bucket;
use crate::stack::secret::Secrets;

/// Tokens had by asking `times` times, `gap` apart.
fn taken(bucket: &mut Bucket, secrets: &mut Secrets, times: u32, gap: Duration) -> u32 {
    let mut now = Instant::from_secs(1);
    (0..times)
        .map(|_| {
            now += gap;
            u32::from(bucket.take(now, secrets))
        })
        .sum()
}

#[test]
fn the_rate_holds_on_average() {
    let mut secrets = Secrets::new(&[1; 32]);
    let mut bucket = Bucket::new(100, 10, Instant::from_secs(1));
    let had = taken(
        &mut bucket,
        &mut secrets,
        100_000,
        Duration::from_micros(100),
    );
    assert!((970..=1050).contains(&had), "{had} in ten seconds");
}

#[test]
fn a_burst_is_bounded_and_not_exactly_known() {
    let bursts: alloc::collections::BTreeSet<u32> = (0..50)
        .map(|secret| {
            let mut secrets = Secrets::new(&[secret; 32]);
            let mut bucket = Bucket::new(10, 10, Instant::from_secs(1));
            taken(&mut bucket, &mut secrets, 100, Duration::ZERO)
        })
        .collect();
    assert!(bursts.len() > 2, "{bursts:?}");
    assert!(
        bursts.iter().all(|&burst| (6..=19).contains(&burst)),
        "{bursts:?}"
    );
}

#[test]
fn a_rate_of_zero_is_silence() {
    let mut secrets = Secrets::new(&[1; 32]);
    let mut bucket = Bucket::new(0, 10, Instant::ZERO);
    assert_eq!(
        taken(&mut bucket, &mut secrets, 1000, Duration::from_secs(3600)),
        0
    );
}
