use alloc::vec;

use bytes::Bytes;
use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

use super::{LARGE, share};

/// The configuration of every property of the buffers: the same cases on each run.
pub(super) fn seeded(seed: u64) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    }
}

#[test]
fn large_text_that_is_half_of_its_backing_is_shared() {
    let backing = Bytes::from(vec![0; 2 * LARGE]);
    let text = &backing[1..=LARGE];
    assert_eq!(
        share(text, Some(&backing)).map(|bytes| bytes.as_ptr()),
        Some(text.as_ptr())
    );
    assert_eq!(share(&text[1..], Some(&backing)), None, "short");
    assert_eq!(share(text, None), None);
}

#[test]
fn text_that_is_little_of_its_backing_is_copied() {
    let backing = Bytes::from(vec![0; 2 * LARGE + 1]);
    assert_eq!(share(&backing[..LARGE], Some(&backing)), None);
    assert!(share(&backing[..LARGE + 1], Some(&backing)).is_some());
}

#[test]
fn text_that_reaches_beyond_its_backing_is_copied() {
    let whole = Bytes::from(vec![0; 3 * LARGE]);
    let (low, high) = (whole.slice(..2 * LARGE), whole.slice(LARGE..));
    assert_eq!(share(&whole[..LARGE], Some(&high)), None);
    assert_eq!(share(&whole[LARGE - 1..2 * LARGE], Some(&high)), None);
    assert_eq!(share(&whole[2 * LARGE..], Some(&low)), None);
    assert_eq!(share(&whole[LARGE + 1..=2 * LARGE], Some(&low)), None);
    assert!(share(&whole[LARGE..2 * LARGE], Some(&low)).is_some());
    assert!(share(&whole[LARGE..2 * LARGE], Some(&high)).is_some());
}
