//! The bytes of both streams: each tells where it belongs, so that a byte out of place is seen.

/// The byte at `offset` of a stream, from 0.
pub(crate) fn byte(offset: u32) -> u8 {
    let mixed = offset.wrapping_mul(0x9e37_79b9);
    (mixed >> 24) as u8 ^ offset as u8
}

/// `len` bytes from `offset` on.
pub(crate) fn bytes(offset: u32, len: usize) -> Vec<u8> {
    let offsets = (0..len as u32).map(|at| offset.wrapping_add(at));
    offsets.map(byte).collect()
}

/// Where `data`, which should lie at `offset`, first differs from the pattern.
pub(crate) fn difference(offset: u32, data: &[u8]) -> Option<u32> {
    let mut all = (offset..=u32::MAX).chain(0..).zip(data);
    all.find(|(at, found)| byte(*at) != **found)
        .map(|(at, _)| at)
}
