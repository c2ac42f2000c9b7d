use super::*;

/// The values belong to the crate's interface: a seed names the same run for ever.
#[test]
fn the_values_of_a_seed_never_change() {
    let mut rng = Rng::new(42, 0);
    let values: Vec<u64> = (0..4).map(|_| rng.next_u64()).collect();
    assert_eq!(
        values,
        [
            0x4fcff7cc45b0236a,
            0xd1b16718d90fcd22,
            0x1ae8f1c62413a949,
            0x23eb89f8b0d3b714
        ]
    );
}

#[test]
fn nodes_and_seeds_have_sequences_of_their_own() {
    let first = |seed, index| Rng::new(seed, index).next_u64();
    let mut values: Vec<u64> = (0..100)
        .flat_map(|seed| (0..100).map(move |index| first(seed, index)))
        .collect();
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), 10_000);
}

#[test]
fn numbers_are_spread_evenly() {
    let mut rng = Rng::new(1, 2);
    let mut counts = [0u32; 7];
    for _ in 0..70_000 {
        counts[rng.upto(6) as usize] += 1;
    }
    assert!(
        counts.iter().all(|count| (9_600..10_400).contains(count)),
        "{counts:?}"
    );
    assert_eq!(rng.upto(0), 0);
    rng.upto(u64::MAX);
}

#[test]
fn never_and_always_are_meant() {
    let mut rng = Rng::new(3, 0);
    for _ in 0..10_000 {
        assert!(!rng.chance(Probability::new(0.0)));
        assert!(rng.chance(Probability::new(1.0)));
    }
}

#[test]
#[should_panic(expected = "is no probability")]
fn more_than_always_is_no_probability() {
    Probability::new(1.01);
}
