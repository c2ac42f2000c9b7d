//! The bytes beyond RCV.NXT.
//!
//! Short texts are copied into pages that stand at fixed places of the stream, so texts that are
//! neighbours in the stream share memory in whatever order and however finely cut they come: the
//! pages never take more than the window they cover. Large texts are kept as they came. Which of
//! the bytes are valid is the [assembler](super::assembler)'s to know.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use bytes::{Buf, Bytes};

use super::queue::Queue;
use super::share;

/// The size of a page, and the distance between the starts of two.
pub(super) const PAGE: usize = 4096;

/// A large text kept as a slice of the buffer it came in.
#[derive(Debug)]
struct Kept {
    bytes: Bytes,
    charge: usize,
}

/// Received bytes by stream offset.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// By page number: stream offset divided by [`PAGE`].
    pages: BTreeMap<u64, Vec<u8>>,
    /// By the stream offset of their first byte.
    kept: BTreeMap<u64, Kept>,
    /// The sum of the kept texts' charges.
    charge: usize,
}

impl Store {
    /// The memory in use.
    pub(super) fn allocated(&self) -> usize {
        let pages = self.pages.len() * (PAGE + size_of::<(u64, Vec<u8>)>());
        pages + self.charge + self.kept.len() * size_of::<(u64, Kept)>()
    }

    /// Keeps `text`, none of which is held yet, at `offset`.
    pub(super) fn write(&mut self, offset: u64, text: &[u8], backing: Option<&Bytes>) {
        if let Some(bytes) = share(text, backing) {
            let charge = backing.map_or(0, Bytes::len);
            self.charge += charge;
            self.kept.insert(offset, Kept { bytes, charge });
            return;
        }
        let (mut offset, mut text) = (offset, text);
        while !text.is_empty() {
            let (page, at) = place(offset);
            let (now, later) = text.split_at(text.len().min(PAGE - at));
            let page = self.pages.entry(page).or_insert_with(|| vec![0; PAGE]);
            page[at..at + now.len()].copy_from_slice(now);
            offset += now.len() as u64;
            text = later;
        }
    }

    /// Moves the bytes of `range`, the first ones held, to the end of `queue`; `block` is the size
    /// of blocks [`Queue::append`] is to make.
    pub(super) fn drain(&mut self, range: Range<u64>, queue: &mut Queue, block: usize) {
        let mut offset = range.start;
        while offset < range.end {
            let next_kept = match self.kept.first_entry() {
                Some(entry) if *entry.key() <= offset => {
                    let Kept { bytes, charge } = entry.remove();
                    offset += bytes.len() as u64;
                    self.charge -= charge;
                    queue.push(bytes, charge);
                    continue;
                }
                Some(entry) => *entry.key(),
                None => u64::MAX,
            };
            let (page, at) = place(offset);
            let len = (range.end.min(next_kept) - offset).min((PAGE - at) as u64) as usize;
            if at + len == PAGE && len * 2 >= PAGE {
                let mut bytes = Bytes::from(self.pages.remove(&page).unwrap_or_default());
                bytes.advance(at);
                queue.push(bytes, PAGE);
            } else if let Some(page) = self.pages.get(&page) {
                queue.append(&page[at..at + len], block);
            }
            offset += len as u64;
        }
    }

    /// Frees the pages that end at or before `offset`.
    pub(super) fn discard_before(&mut self, offset: u64) {
        while let Some(page) = self.pages.first_entry()
            && (page.key() + 1) * PAGE as u64 <= offset
        {
            page.remove();
        }
    }

    /// Frees what begins at `offset` or after it.
    pub(super) fn discard_from(&mut self, offset: u64) {
        while let Some(page) = self.pages.last_entry()
            && page.key() * PAGE as u64 >= offset
        {
            page.remove();
        }
        while let Some(kept) = self.kept.last_entry()
            && *kept.key() >= offset
        {
            self.charge -= kept.remove().charge;
        }
    }
}

/// The number of the page `offset` lies in, and the place in it.
fn place(offset: u64) -> (u64, usize) {
    (offset / PAGE as u64, (offset % PAGE as u64) as usize)
}

#[cfg(test)]
mod tests;
