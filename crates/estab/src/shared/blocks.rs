//! Blocks of memory that what is written, and what is read in small pieces, is copied into: used again
//! once it is acknowledged, or taken.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Bytes, BytesMut};

use crate::sync::{Mutex, lock};

/// The largest block, and bytes that one write copies at most.
pub(crate) const BLOCK: usize = 64 << 10;

/// Sizes of blocks: [`BLOCK`] and its halves down to 64 bytes, so that a block is used for half at
/// least.
const SIZES: usize = 11;

/// Blocks of each size, and bytes, that are remembered when they are free.
const MOST: usize = 4096;
const KEPT: usize = 8 << 20;

/// Bytes of each size that are remembered while they are in use.
const LENT: usize = 32 << 20;

/// Blocks looked at beyond the oldest one, each time one is wanted.
const LOOKS: usize = 2;

/// The blocks of all connections of a shard, from the largest size to the smallest. One is free again
/// when the pool's is the last reference to it, so giving it back takes no message, and taking it no
/// allocation. The one freed last is taken first: the processor's cache still has it.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    sizes: [Mutex<Size>; SIZES],
}

/// The blocks of one size.
#[derive(Debug, Default)]
struct Size {
    /// Those in use when they were last looked at, the oldest ones first, since these are mostly freed
    /// first.
    lent: VecDeque<BytesMut>,
    /// Those that are free, the ones freed last on top.
    free: Vec<BytesMut>,
    /// Of how many of these nobody had a use since [`Blocks::age`].
    unused: usize,
    /// Which of the blocks lent is looked at next, though older ones may still be in use.
    next: usize,
}

impl Blocks {
    /// A copy of the first `len` bytes of `bufs` in one piece, at most [`BLOCK`] bytes.
    pub(crate) fn copy(&self, bufs: &[IoSlice<'_>], len: usize) -> Bytes {
        let mut left = len.min(BLOCK);
        let size = size_of(left);
        let mut block = self.take(size);
        for buf in bufs {
            let n = buf.len().min(left);
            block.extend_from_slice(&buf[..n]);
            left -= n;
        }
        let copy = block.split().freeze();
        self.lend(size, block);
        copy
    }

    /// A block with room for `len` bytes, at most [`BLOCK`], and none in it.
    pub(crate) fn empty(&self, len: usize) -> BytesMut {
        let size = size_of(len);
        let mut block = self.take(size);
        let empty = block.split_off(0);
        self.lend(size, block);
        empty
    }

    /// An empty block.
    fn take(&self, size: usize) -> BytesMut {
        let bytes = BLOCK >> size;
        let taken = lock(&self.sizes[size]).take(bytes);
        taken.unwrap_or_else(|| BytesMut::with_capacity(bytes))
    }

    /// Remembers a block of which somebody has what was in it.
    fn lend(&self, size: usize, block: BytesMut) {
        let mut blocks = lock(&self.sizes[size]);
        if blocks.lent.len() < MOST.min(LENT / (BLOCK >> size)) {
            blocks.lent.push_back(block);
        }
    }

    /// Gives back the memory that nobody had a use for since the last call. Whether some is left.
    pub(crate) fn age(&self) -> bool {
        let mut any = false;
        for (size, blocks) in self.sizes.iter().enumerate() {
            let mut blocks = lock(blocks);
            blocks.sweep(BLOCK >> size);
            let unused = blocks.unused.min(blocks.free.len());
            let old: Vec<_> = blocks.free.drain(..unused).collect();
            blocks.unused = blocks.free.len();
            any |= !(blocks.free.is_empty() && blocks.lent.is_empty());
            drop(blocks);
            drop(old);
        }
        any
    }
}

/// Which size is the smallest for so many bytes.
fn size_of(len: usize) -> usize {
    (0..SIZES - 1)
        .take_while(|size| len <= BLOCK >> (size + 1))
        .count()
}

impl Size {
    /// The block that was freed last, of `bytes` bytes and empty.
    fn take(&mut self, bytes: usize) -> Option<BytesMut> {
        self.sweep(bytes);
        let block = self.free.pop();
        self.unused = self.unused.min(self.free.len());
        block
    }

    /// Finds out what is free.
    fn sweep(&mut self, bytes: usize) {
        let is_free = |block: &mut BytesMut| block.try_reclaim(bytes);
        while self.lent.front_mut().is_some_and(is_free) {
            let block = self.lent.pop_front();
            self.keep(block, bytes);
        }
        // One of a slow connection does not hide those behind it for long.
        for _ in 0..LOOKS.min(self.lent.len()) {
            self.next = (self.next + 1) % self.lent.len().max(1);
            if self.lent.get_mut(self.next).is_some_and(is_free) {
                let block = self.lent.swap_remove_front(self.next);
                self.keep(block, bytes);
            }
        }
        // Nor does it hide that of a quick one.
        if self.lent.back_mut().is_some_and(is_free) {
            let block = self.lent.pop_back();
            self.keep(block, bytes);
        }
    }

    fn keep(&mut self, block: Option<BytesMut>, bytes: usize) {
        if self.free.len() < MOST.min(KEPT / bytes) {
            self.free.extend(block);
        }
    }
}

#[cfg(test)]
mod tests;
