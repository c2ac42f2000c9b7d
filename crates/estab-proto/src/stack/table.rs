//! A hash table that grows by a cell at a time.
//!
//! Linear hashing: with every entry beyond as many as there are cells, one more cell is made, and
//! takes its part of the entries of just one other. So no packet ever waits until a whole table has
//! moved, and whatever the number of entries, nothing is held in reserve. Entries of a cell are
//! chained; there are one and a half to look at on average.

use crate::stack::chunks::Chunks;

/// No entry.
const NIL: u32 = u32::MAX;

/// Values by their hash, of which all bits should be equally good.
pub(crate) struct Table<V> {
    /// The first entry of each cell.
    cells: Chunks<u32>,
    entries: Chunks<Entry<V>>,
    free: u32,
    len: usize,
    /// As many low bits of a hash as tell all cells apart.
    mask: u32,
}

struct Entry<V> {
    hash: u32,
    /// The next entry of the cell, or of those that are free.
    next: u32,
    value: V,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            cells: Chunks::default(),
            entries: Chunks::default(),
            free: NIL,
            len: 0,
            mask: 0,
        }
    }
}

impl<V: Copy> Table<V> {
    /// The cell of a hash.
    #[inline]
    fn cell(&self, hash: u32) -> usize {
        let cell = (hash & self.mask) as usize;
        match cell < self.cells.len() {
            true => cell,
            // Not made yet: its entries are with those of the one it will be split from.
            false => cell & (self.mask >> 1) as usize,
        }
    }

    #[inline]
    fn first(&self, hash: u32) -> u32 {
        let cell = self.cell(hash);
        self.cells.get(cell).copied().unwrap_or(NIL)
    }

    /// The first value under `hash` that `is` picks.
    #[inline]
    pub(crate) fn find(&self, hash: u32, is: impl Fn(V) -> bool) -> Option<V> {
        let mut at = self.first(hash);
        while let Some(entry) = self.entries.get(at as usize) {
            if entry.hash == hash && is(entry.value) {
                return Some(entry.value);
            }
            at = entry.next;
        }
        None
    }

    /// Puts a value in place of the first one under `hash` that `is` picks; returns whether there was
    /// one.
    pub(crate) fn replace(&mut self, hash: u32, value: V, is: impl Fn(V) -> bool) -> bool {
        let mut at = self.first(hash);
        while let Some(entry) = self.entries.get_mut(at as usize) {
            if entry.hash == hash && is(entry.value) {
                entry.value = value;
                return true;
            }
            at = entry.next;
        }
        false
    }

    /// Adds a value.
    pub(crate) fn insert(&mut self, hash: u32, value: V) {
        if self.len >= self.cells.len() {
            self.add_cell();
        }
        self.len += 1;
        let mut entry = Entry {
            hash,
            next: NIL,
            value,
        };
        let cell = self.cell(hash);
        let index = match self.entries.get(self.free as usize) {
            Some(place) => core::mem::replace(&mut self.free, place.next),
            None => self.entries.len() as u32,
        };
        if let Some(first) = self.cells.get_mut(cell) {
            entry.next = core::mem::replace(first, index);
        }
        match self.entries.get_mut(index as usize) {
            Some(place) => *place = entry,
            None => self.entries.push(entry),
        }
    }

    /// Takes the first value under `hash` out that `is` picks.
    pub(crate) fn remove(&mut self, hash: u32, is: impl Fn(V) -> bool) -> Option<V> {
        let (cell, mut before) = (self.cell(hash), NIL);
        let mut at = self.first(hash);
        while let Some(entry) = self.entries.get_mut(at as usize) {
            let next = entry.next;
            if entry.hash == hash && is(entry.value) {
                let value = entry.value;
                entry.next = core::mem::replace(&mut self.free, at);
                self.len -= 1;
                self.link(cell, before, next);
                return Some(value);
            }
            (before, at) = (at, next);
        }
        None
    }

    /// Has `next` follow `before`, or be the first of `cell`.
    fn link(&mut self, cell: usize, before: u32, next: u32) {
        if let Some(entry) = self.entries.get_mut(before as usize) {
            entry.next = next;
        } else if let Some(first) = self.cells.get_mut(cell) {
            *first = next;
        }
    }

    /// Makes one more cell, and gives it the entries that belong there.
    fn add_cell(&mut self) {
        let new = self.cells.len();
        self.cells.push(NIL);
        if new as u32 > self.mask {
            self.mask = self.mask << 1 | 1;
        }
        let old = new & (self.mask >> 1) as usize;
        if old == new {
            return;
        }
        let Some(first) = self.cells.get_mut(old) else {
            return;
        };
        let mut at = core::mem::replace(first, NIL);
        // The last entry of either, so that both keep their order.
        let mut last = [NIL; 2];
        while let Some(&Entry { hash, next, .. }) = self.entries.get(at as usize) {
            let moves = (hash & self.mask) as usize == new;
            self.link(if moves { new } else { old }, last[usize::from(moves)], at);
            self.link(old, at, NIL);
            last[usize::from(moves)] = at;
            at = next;
        }
    }
}

#[cfg(test)]
mod tests;
