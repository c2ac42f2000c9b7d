//! An array that grows without moving what it holds, in memory of which next to nothing is in
//! reserve.

use alloc::vec::Vec;

/// An array in chunks of four kibibytes. The first one grows by doubling, so that few values take
/// little; each further one is allocated whole.
#[derive(Debug)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<T> Chunks<T> {
    /// Values of a chunk, as a power of two.
    const SHIFT: u32 = match 4096 / size_of::<T>() {
        0 => 0,
        fit => fit.ilog2(),
    };

    const CHUNK: usize = 1 << Self::SHIFT;

    /// How many values there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends a value.
    pub(crate) fn push(&mut self, value: T) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < Self::CHUNK => last.push(value),
            Some(_) => {
                let mut chunk = Vec::with_capacity(Self::CHUNK);
                chunk.push(value);
                self.chunks.push(chunk);
            }
            None => self.chunks.push(Vec::from([value])),
        }
        self.len += 1;
    }

    /// The value at a place.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        let chunk = self.chunks.get(at >> Self::SHIFT)?;
        chunk.get(at & (Self::CHUNK - 1))
    }

    /// The value at a place, to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let chunk = self.chunks.get_mut(at >> Self::SHIFT)?;
        chunk.get_mut(at & (Self::CHUNK - 1))
    }

    /// All values, the first one first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }
}

#[cfg(test)]
mod tests;
