//! Records in the order in which their time runs out, in as much memory as they take.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::{Place, TimeWait};

/// Records that are allocated together.
const CHUNK: usize = 64;

/// A queue of records with numbers. A record that is taken out from between others leaves its place
/// until the queue has passed it.
#[derive(Debug, Default)]
pub(super) struct Ring {
    chunks: VecDeque<Vec<TimeWait>>,
    /// The number of the first place of the first chunk; numbers wrap.
    base: u32,
    /// Places of the first chunk that the queue has passed.
    passed: usize,
    live: usize,
}

impl Ring {
    /// Records held.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Places without a record between others.
    pub(super) fn holes(&self) -> usize {
        let last = self.chunks.back().map_or(0, Vec::len);
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        full + last - self.passed - self.live
    }

    /// Appends a record; returns its number.
    pub(super) fn push(&mut self, record: TimeWait) -> u32 {
        if self.chunks.back().is_none_or(|last| last.len() == CHUNK) {
            self.chunks.push_back(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let number = self.chunks.back_mut().map_or(0, |last| {
            last.push(record);
            before + last.len() - 1
        });
        self.live += 1;
        self.base.wrapping_add(number as u32)
    }

    /// The record with this number.
    pub(super) fn get(&self, number: u32) -> Option<&TimeWait> {
        let place = number.wrapping_sub(self.base) as usize;
        let record = self.chunks.get(place / CHUNK)?.get(place % CHUNK)?;
        Some(record).filter(|record| record.place != Place::Hole)
    }

    /// The record with this number, to be changed.
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut TimeWait> {
        let place = number.wrapping_sub(self.base) as usize;
        let record = self.chunks.get_mut(place / CHUNK)?.get_mut(place % CHUNK)?;
        Some(record).filter(|record| record.place != Place::Hole)
    }

    /// Takes the record with this number out.
    pub(super) fn remove(&mut self, number: u32) -> Option<TimeWait> {
        let record = self.get_mut(number)?;
        let taken = *record;
        record.place = Place::Hole;
        self.live -= 1;
        self.pass();
        Some(taken)
    }

    /// The first record and its number.
    pub(super) fn front(&self) -> Option<(u32, &TimeWait)> {
        let record = self.chunks.front()?.get(self.passed)?;
        Some((self.base.wrapping_add(self.passed as u32), record))
    }

    /// Passes the places at the front that hold nothing any more, and frees their memory.
    fn pass(&mut self) {
        while let Some(first) = self.chunks.front()
            && first
                .get(self.passed)
                .is_none_or(|record| record.place == Place::Hole)
        {
            if self.passed < first.len() {
                self.passed += 1;
                continue;
            }
            if first.len() < CHUNK {
                // Nothing is left at all: what comes next goes on counting.
                self.base = self.base.wrapping_add(self.passed as u32);
                self.chunks = VecDeque::new();
            } else {
                self.base = self.base.wrapping_add(CHUNK as u32);
                self.chunks.pop_front();
            }
            self.passed = 0;
        }
    }
}

#[cfg(test)]
mod tests;
