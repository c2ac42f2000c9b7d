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

/// Bytes kept of each size, and blocks.
const KEPT: usize = 8 << 20;
const MOST: usize = 4096;

/// Blocks looked at for a free one: the oldest, of which some may belong to a slow connection.
const LOOKS: usize = 4;

/// The blocks of all connections of a shard, from the largest size to the smallest, the oldest ones
/// first. One is free again when the pool's is the last reference to it, so giving it back takes no
/// message, and taking it no allocation.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    used: [Mutex<VecDeque<BytesMut>>; SIZES],
}

impl Blocks {
    /// A copy of the first `len` bytes of `bufs` in one piece, at most [`BLOCK`] bytes.
    pub(crate) fn copy(&self, bufs: &[IoSlice<'_>], len: usize) -> Bytes {
        let mut left = len.min(BLOCK);
        let size = (0..SIZES - 1)
            .take_while(|size| left <= BLOCK >> (size + 1))
            .count();
        let mut block = self.take(size);
        for buf in bufs {
            let n = buf.len().min(left);
            block.extend_from_slice(&buf[..n]);
            left -= n;
        }
        let copy = block.split().freeze();
        let mut used = lock(&self.used[size]);
        if used.len() < MOST.min(KEPT / (BLOCK >> size)) {
            used.push_back(block);
        }
        copy
    }

    /// An empty block of `BLOCK >> size` bytes.
    fn take(&self, size: usize) -> BytesMut {
        let bytes = BLOCK >> size;
        let found = find(&mut lock(&self.used[size]), bytes);
        found.unwrap_or_else(|| BytesMut::with_capacity(bytes))
    }
}

/// Takes out a free block and makes it empty. They are freed from the oldest on, and it is one of the
/// latter half of these: the processor's cache has forgotten the older ones.
fn find(used: &mut VecDeque<BytesMut>, bytes: usize) -> Option<BytesMut> {
    let mut is_free = |at: usize| {
        let block = used.get_mut(at);
        block.is_some_and(|block| block.try_reclaim(bytes))
    };
    let oldest = (0..LOOKS).find(|&at| is_free(at))?;
    let mut later = 0;
    while is_free(oldest + 2 * later + 1) {
        later = 2 * later + 1;
    }
    let block = used.remove(oldest + later);
    // Those before it belong to a slow connection.
    used.rotate_left(oldest);
    block
}

#[cfg(test)]
mod tests;
