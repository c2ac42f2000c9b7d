use super::Chunks;

#[test]
fn values_stay_where_they_were_put() {
    let mut chunks = Chunks::default();
    assert_eq!(chunks.get(0), None);
    let count = 3 * Chunks::<u64>::CHUNK + 1;
    for value in 0..count as u64 {
        chunks.push(value);
    }
    assert_eq!(chunks.len(), count);
    assert!(chunks.iter().copied().eq(0..count as u64));
    *chunks.get_mut(700).unwrap() = 7;
    assert_eq!(chunks.get(700), Some(&7));
    assert_eq!(chunks.get(699), Some(&699));
    assert_eq!(chunks.get(count), None);
    assert_eq!(chunks.get(usize::MAX), None);
}

#[test]
fn few_values_take_little_and_many_hardly_more_than_themselves() {
    let mut chunks = Chunks::default();
    chunks.push(0u64);
    assert!(chunks.chunks[0].capacity() <= 4);
    for value in 0..10_000 {
        chunks.push(value);
    }
    let places: usize = chunks.chunks.iter().map(alloc::vec::Vec::capacity).sum();
    assert!(places - chunks.len() < Chunks::<u64>::CHUNK);
}

#[test]
fn a_chunk_holds_whatever_fits_in_four_kibibytes_and_one_value_at_least() {
    assert_eq!(Chunks::<u8>::CHUNK, 4096);
    assert_eq!(Chunks::<[u8; 24]>::CHUNK, 128);
    assert_eq!(Chunks::<[u8; 5000]>::CHUNK, 1);
}
