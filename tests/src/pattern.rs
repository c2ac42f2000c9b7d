//! Byte streams that know at every offset what they must hold, so that gigabytes are checked
//! without being kept.

use crate::rng::mix;

/// An endless stream of bytes, different for every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    key: u64,
}

impl Pattern {
    /// The stream that belongs to `key`.
    pub const fn new(key: u64) -> Self {
        Self { key: mix(key) }
    }

    /// Fills `buf` with what stands at `offset` and after.
    pub fn fill(&self, offset: u64, buf: &mut [u8]) {
        let skip = (offset % 8) as usize;
        let mut word = offset / 8;
        let (first, rest) = buf.split_at_mut(((8 - skip) % 8).min(buf.len()));
        if !first.is_empty() {
            first.copy_from_slice(&self.word(word)[skip..skip + first.len()]);
            word += 1;
        }
        for chunk in rest.chunks_mut(8) {
            chunk.copy_from_slice(&self.word(word)[..chunk.len()]);
            word += 1;
        }
    }

    /// The `len` bytes at `offset`.
    pub fn bytes(&self, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.fill(offset, &mut bytes);
        bytes
    }

    /// Checks that `received` is what stands at `offset`.
    ///
    /// # Panics
    ///
    /// If it is not, with the offset of the first wrong byte.
    pub fn check(&self, offset: u64, received: &[u8]) {
        let expected = self.bytes(offset, received.len());
        if let Some(at) = expected
            .iter()
            .zip(received)
            .position(|(want, got)| want != got)
        {
            panic!(
                "stream differs at offset {}: {:#04x} instead of {:#04x}",
                offset + at as u64,
                received[at],
                expected[at]
            );
        }
    }

    fn word(&self, index: u64) -> [u8; 8] {
        mix(self.key ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes()
    }
}
