//! The entries of the wheel: slots with a generation, threaded into doubly linked lists by index.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use crate::Instant;

/// "No entry" as a link.
const NIL: u32 = u32::MAX;

/// Names one entry of a [`Wheel`](crate::Wheel): eight bytes, also inside an `Option`.
///
/// A key outlives its entry harmlessly: once the entry has expired or was cancelled, every call with
/// the key finds nothing. (A place is reused 2³² times before an old key could match again.)
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct TimerKey {
    index: u32,
    generation: NonZeroU32,
}

/// Which list of the wheel an entry is threaded into.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Home {
    /// None: the place is free.
    Free,
    /// The list of entries that are due.
    Due,
    /// A slot of a level.
    Slot {
        /// Which level, 0 being the finest.
        level: u8,
        /// Which of its slots.
        slot: u8,
    },
}

/// One place of the slab.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) deadline: Instant,
    pub(super) value: T,
    prev: u32,
    next: u32,
    generation: NonZeroU32,
    pub(super) home: Home,
}

/// A list of entries, first in, first out.
#[derive(Copy, Clone, Debug)]
pub(super) struct List {
    head: u32,
    tail: u32,
    /// No entry of the list is due before this. Exact until the earliest one is taken out.
    earliest: Instant,
}

impl List {
    pub(super) const EMPTY: Self = Self {
        head: NIL,
        tail: NIL,
        earliest: Instant::NEVER,
    };

    pub(super) const fn is_empty(&self) -> bool {
        self.head == NIL
    }

    /// A lower bound of the deadlines in the list, [`Instant::NEVER`] if it is empty.
    pub(super) const fn earliest(&self) -> Instant {
        self.earliest
    }

    /// Takes note that an entry of the list was moved to `deadline`.
    pub(super) fn note(&mut self, deadline: Instant) {
        self.earliest = self.earliest.min(deadline);
    }
}

/// Storage of all entries. Places are reused, last freed first.
#[derive(Debug)]
pub(super) struct Slab<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    len: usize,
}

impl<T: Copy> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: NIL,
            len: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn reserve(&mut self, additional: usize) {
        let spare = self.entries.len() - self.len;
        self.entries.reserve(additional.saturating_sub(spare));
    }

    /// Stores an entry that is in no list yet.
    pub(super) fn insert(&mut self, deadline: Instant, value: T) -> u32 {
        self.len += 1;
        if self.free != NIL {
            let index = self.free;
            let entry = self.at_mut(index);
            entry.deadline = deadline;
            entry.value = value;
            self.free = entry.next;
            return index;
        }
        let index = u32::try_from(self.entries.len()).unwrap_or(NIL);
        assert!(index != NIL, "a wheel holds less than 2^32 - 1 timers");
        self.entries.push(Entry {
            deadline,
            value,
            prev: NIL,
            next: NIL,
            generation: NonZeroU32::MIN,
            home: Home::Free,
        });
        index
    }

    /// Frees the place of an entry that is in no list any more; its key turns stale.
    pub(super) fn remove(&mut self, index: u32) -> T {
        self.len -= 1;
        let free = self.free;
        let entry = self.at_mut(index);
        entry.home = Home::Free;
        entry.generation = entry.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        entry.next = free;
        let value = entry.value;
        self.free = index;
        value
    }

    /// The key of a stored entry.
    pub(super) fn key(&self, index: u32) -> TimerKey {
        TimerKey {
            index,
            generation: self.at(index).generation,
        }
    }

    /// The place a key names, unless the key is stale.
    pub(super) fn find(&self, key: TimerKey) -> Option<u32> {
        let entry = self.entries.get(key.index as usize)?;
        let live = entry.generation == key.generation && entry.home != Home::Free;
        live.then_some(key.index)
    }

    pub(super) fn at(&self, index: u32) -> &Entry<T> {
        &self.entries[index as usize]
    }

    pub(super) fn at_mut(&mut self, index: u32) -> &mut Entry<T> {
        &mut self.entries[index as usize]
    }

    /// Appends an entry that is in no list to `list`, which is the one of `home`.
    pub(super) fn push_back(&mut self, list: &mut List, index: u32, home: Home) {
        let tail = list.tail;
        let entry = self.at_mut(index);
        entry.prev = tail;
        entry.next = NIL;
        entry.home = home;
        list.note(entry.deadline);
        list.tail = index;
        if tail == NIL {
            list.head = index;
        } else {
            self.at_mut(tail).next = index;
        }
    }

    /// Takes the first entry out of `list`.
    pub(super) fn pop_front(&mut self, list: &mut List) -> Option<u32> {
        let index = list.head;
        if index == NIL {
            return None;
        }
        self.unlink(list, index);
        Some(index)
    }

    /// Takes an entry out of `list`, which it is in.
    pub(super) fn unlink(&mut self, list: &mut List, index: u32) {
        let &Entry { prev, next, .. } = self.at(index);
        if prev == NIL {
            list.head = next;
        } else {
            self.at_mut(prev).next = next;
        }
        if next == NIL {
            list.tail = prev;
        } else {
            self.at_mut(next).prev = prev;
        }
        if list.is_empty() {
            list.earliest = Instant::NEVER;
        }
    }
}

#[cfg(test)]
impl<T> Slab<T> {
    /// The entries of a list from first to last; checks its links.
    pub(super) fn iter(&self, list: &List) -> impl Iterator<Item = &Entry<T>> {
        let (mut prev, mut index, tail) = (NIL, list.head, list.tail);
        core::iter::from_fn(move || {
            let Some(entry) = self.entries.get(index as usize) else {
                assert_eq!(prev, tail);
                return None;
            };
            assert_eq!(entry.prev, prev);
            (prev, index) = (index, entry.next);
            Some(entry)
        })
    }

    /// How many entries were ever needed at a time.
    pub(super) fn places(&self) -> usize {
        self.entries.len()
    }
}
