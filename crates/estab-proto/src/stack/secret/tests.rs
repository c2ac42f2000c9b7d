use alloc::collections::BTreeSet;
use core::hash::BuildHasher;

use super::Secrets;

#[test]
fn each_use_has_its_own_key() {
    let secrets = Secrets::new(&[1; 32]);
    let keys = [
        secrets.sequence,
        secrets.timestamp,
        secrets.flow_label,
        secrets.cookie,
        secrets.table,
    ];
    let images: BTreeSet<u64> = keys.iter().map(|key| key.prf(b"same input")).collect();
    assert_eq!(images.len(), keys.len());
}

#[test]
fn either_half_of_the_secret_changes_everything() {
    let image = |secret: [u8; 32]| Secrets::new(&secret).sequence.prf(b"x");
    let mut first = [0; 32];
    first[0] = 1;
    let mut last = [0; 32];
    last[31] = 1;
    let images = BTreeSet::from([image([0; 32]), image(first), image(last)]);
    assert_eq!(images.len(), 3);
    assert_eq!(image(first), image(first));
}

#[test]
fn tables_hash_differently_in_every_stack() {
    let hash = |secret: u8| Secrets::new(&[secret; 32]).table.hash_one(7u32);
    assert_ne!(hash(1), hash(2));
    assert_eq!(hash(1), hash(1));
}

#[test]
fn the_random_sequence_does_not_repeat() {
    let mut secrets = Secrets::new(&[1; 32]);
    let drawn: BTreeSet<u64> = (0..10_000).map(|_| secrets.random()).collect();
    assert_eq!(drawn.len(), 10_000);
}
