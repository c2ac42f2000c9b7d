//! A first-in, first-out queue of bytes in blocks, the storage under both buffers.

use alloc::collections::VecDeque;
use alloc::collections::vec_deque;
use alloc::vec::Vec;
use core::mem;

use bytes::{Buf, Bytes};

use super::MAX_BLOCK;

/// The longest block that serves again when nothing is left of it.
const KEPT: usize = 4096;

/// Bytes that no longer change.
#[derive(Debug)]
struct Block {
    bytes: Bytes,
    /// The memory the bytes keep alive.
    charge: u32,
    /// Where the block ends, on a scale that grows with the queue and wraps.
    end: u32,
}

/// Bytes in order: sealed blocks, then one tail block that is still written to.
///
/// Short flows never leave the tail, so they cost one allocation and no table. Less than 2³² bytes
/// may be queued.
#[derive(Debug, Default)]
pub(super) struct Queue {
    sealed: VecDeque<Block>,
    /// Never grows in place: it is allocated once and sealed when full.
    tail: Vec<u8>,
    /// The number of bytes queued. What the tail has beyond that, while there are no sealed blocks,
    /// has left the queue.
    len: u32,
    /// The sum of the sealed blocks' charges.
    charge: u32,
}

impl Queue {
    /// An empty queue, which holds no memory.
    pub(super) const fn new() -> Self {
        Self {
            sealed: VecDeque::new(),
            tail: Vec::new(),
            len: 0,
            charge: 0,
        }
    }

    /// The number of bytes queued.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// How much of the tail has left the queue.
    #[inline]
    fn gone(&self) -> usize {
        if self.sealed.is_empty() {
            self.tail.len() - self.len as usize
        } else {
            0
        }
    }

    /// The memory in use: whole blocks, however little of them is queued, and their table.
    #[inline]
    pub(super) fn allocated(&self) -> usize {
        self.charge as usize + self.tail.capacity() + self.sealed.capacity() * size_of::<Block>()
    }

    /// The memory of the tail block.
    pub(super) fn tail_capacity(&self) -> usize {
        self.tail.capacity()
    }

    /// Copies `text` to the end. A block allocated for it has at least `block` bytes, and no more
    /// than it takes to hold `text` or `block`.
    pub(super) fn append(&mut self, mut text: &[u8], block: usize) {
        while !text.is_empty() {
            if self.tail.len() == self.tail.capacity() {
                self.seal();
            }
            if self.tail.capacity() == 0 {
                self.tail = Vec::with_capacity(text.len().min(MAX_BLOCK).max(block));
            }
            let room = self.tail.capacity() - self.tail.len();
            let (now, later) = text.split_at(room.min(text.len()));
            self.tail.extend_from_slice(now);
            self.len += now.len() as u32;
            text = later;
        }
    }

    /// Puts `bytes` at the end without a copy; they keep `charge` bytes of memory alive.
    pub(super) fn push(&mut self, bytes: Bytes, charge: usize) {
        if !bytes.is_empty() {
            self.seal();
            self.len += bytes.len() as u32;
            self.push_sealed(bytes, charge);
        }
    }

    /// Takes the first run of bytes that lie together, with the memory they keep alive.
    ///
    /// That is at most twice their length: what is left of a block mostly used up is copied by `copy`,
    /// so that a short piece in other hands does not pin a long block; and so is a short tail, which
    /// serves again.
    pub(super) fn pop(&mut self, copy: impl FnOnce(&[u8]) -> Bytes) -> Option<(Bytes, usize)> {
        let Some(block) = self.sealed.pop_front() else {
            let tail = self.take_tail(KEPT, copy);
            self.len = 0;
            self.free_if_empty();
            return tail;
        };
        self.charge -= block.charge;
        let len = block.bytes.len();
        self.len -= len as u32;
        self.free_if_empty();
        if len * 2 < block.charge as usize {
            return Some((copy(&block.bytes), len));
        }
        Some((block.bytes, block.charge as usize))
    }

    /// Drops the first `n` bytes, or all if there are fewer. Returns how many it dropped.
    pub(super) fn advance(&mut self, n: usize) -> usize {
        let mut left = n;
        while let Some(front) = self.sealed.front_mut() {
            if left < front.bytes.len() {
                front.bytes.advance(left);
                self.len -= left as u32;
                return n;
            }
            left -= front.bytes.len();
            self.len -= front.bytes.len() as u32;
            self.charge -= front.charge;
            self.sealed.pop_front();
        }
        let step = left.min(self.len());
        self.len -= step as u32;
        self.free_if_empty();
        n - (left - step)
    }

    /// The `len` bytes from `offset` on, if they lie together.
    #[inline]
    pub(super) fn piece(&self, offset: usize, len: usize) -> Option<&[u8]> {
        let (index, before) = self.find(offset);
        let block = match self.sealed.get(index) {
            Some(block) => &block.bytes[..],
            None => self.tail.get(self.gone()..)?,
        };
        block.get(offset - before..)?.get(..len)
    }

    /// The same without a copy, unless they are in the tail.
    pub(super) fn share(&self, offset: usize, len: usize) -> Option<Bytes> {
        let (index, before) = self.find(offset);
        let block = &self.sealed.get(index)?.bytes;
        let start = offset - before;
        let end = start.checked_add(len).filter(|&end| end <= block.len())?;
        Some(block.slice(start..end))
    }

    /// The block that holds the byte at `offset`, and where it begins; the tail comes after all.
    #[inline]
    fn find(&self, offset: usize) -> (usize, usize) {
        let Some(front) = self.sealed.front() else {
            return (0, 0);
        };
        if offset < front.bytes.len() {
            return (0, 0);
        }
        let base = front.end.wrapping_sub(front.bytes.len() as u32);
        let distance = |block: &Block| block.end.wrapping_sub(base) as usize;
        let index = self
            .sealed
            .partition_point(|block| distance(block) <= offset);
        (index, distance(&self.sealed[index - 1]))
    }

    /// The bytes from `offset` on, at most `len` of them, in pieces that are not empty.
    pub(super) fn slices(&self, offset: usize, len: usize) -> Slices<'_> {
        let (first, before) = self.find(offset);
        Slices {
            blocks: self.sealed.range(first..),
            tail: &self.tail[self.gone()..],
            skip: offset - before,
            left: len,
        }
    }

    /// Gives back what the table has room for beyond its blocks, and the tail beyond its bytes if that
    /// is most of it.
    pub(super) fn shrink(&mut self) {
        self.sealed.shrink_to_fit();
        let gone = self.gone();
        let used = self.tail.len() - gone;
        if used * 2 < self.tail.capacity() {
            self.tail.drain(..gone);
            self.tail.shrink_to_fit();
        }
    }

    /// Ends the tail block. One that is at least half in use is sealed as it is; of any other the
    /// bytes are copied out and the block starts anew, so that little data never holds much memory.
    fn seal(&mut self) {
        if let Some((bytes, charge)) = self.take_tail(0, Bytes::copy_from_slice) {
            self.push_sealed(bytes, charge);
        }
    }

    /// The bytes of the tail block, with the memory they keep alive. A block of up to `short` bytes
    /// stays, as does one of which less than half is used.
    fn take_tail(
        &mut self,
        short: usize,
        copy: impl FnOnce(&[u8]) -> Bytes,
    ) -> Option<(Bytes, usize)> {
        let gone = self.gone();
        let used = self.tail.len() - gone;
        let capacity = self.tail.capacity();
        if used * 2 < capacity || capacity <= short || used == 0 {
            let copied = (used > 0).then(|| (copy(&self.tail[gone..]), used));
            self.tail.clear();
            return copied;
        }
        let mut bytes = Bytes::from(mem::take(&mut self.tail));
        bytes.advance(gone);
        Some((bytes, capacity))
    }

    fn push_sealed(&mut self, bytes: Bytes, charge: usize) {
        let last = self.sealed.back().map_or(0, |last| last.end);
        let (end, charge) = (last.wrapping_add(bytes.len() as u32), charge as u32);
        self.charge += charge;
        self.sealed.push_back(Block { bytes, charge, end });
    }

    /// Gives back a long block of which nothing is left. A short one, and the table, serve what comes
    /// next, until [`shrink`](Self::shrink).
    fn free_if_empty(&mut self) {
        if self.len == 0 {
            self.tail.clear();
            if self.tail.capacity() > KEPT {
                self.tail = Vec::new();
            }
        }
    }
}

/// Bytes of a buffer as they lie in memory: an iterator of slices, none of them empty.
#[derive(Clone, Debug)]
pub struct Slices<'a> {
    blocks: vec_deque::Iter<'a, Block>,
    tail: &'a [u8],
    /// How much of the next block, or of the tail, comes before the first byte wanted.
    skip: usize,
    left: usize,
}

impl<'a> Iterator for Slices<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let block = match self.blocks.next() {
            Some(block) => &block.bytes[..],
            None => mem::take(&mut self.tail),
        };
        let rest = block.get(mem::take(&mut self.skip)..)?;
        let slice = &rest[..rest.len().min(self.left)];
        self.left -= slice.len();
        (!slice.is_empty()).then_some(slice)
    }
}

#[cfg(test)]
mod tests;
