//! Which bytes beyond RCV.NXT are held: the out-of-order extents, by place and by recency.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::iter;
use core::ops::Range;

use super::not_empty;

/// What stands for no slot.
const NONE: u16 = u16::MAX;

/// What an entry takes in a tree whose nodes are little more than half full.
const ENTRY_COST: usize = 32;

/// A stream offset as a key. Its own type so that the tests can count comparisons.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(test), derive(PartialEq, Eq, PartialOrd, Ord))]
struct Place(u64);

/// A run of bytes with a hole on either side, linked to those touched just before and after it.
#[derive(Debug)]
struct Extent {
    start: u64,
    end: u64,
    newer: u16,
    /// In a free slot, the next free one.
    older: u16,
}

/// The disjoint extents held beyond a hole; fewer than 65,535.
///
/// Extents that meet are one, so at least a byte is missing between any two. Every operation takes
/// time in the logarithm of their number, times the number of those it joins.
#[derive(Debug)]
pub(super) struct Assembler {
    /// The slot of each extent by its start.
    places: BTreeMap<Place, u16>,
    slots: Vec<Extent>,
    free: u16,
    newest: u16,
}

impl Default for Assembler {
    fn default() -> Self {
        Self {
            places: BTreeMap::new(),
            slots: Vec::new(),
            free: NONE,
            newest: NONE,
        }
    }
}

impl Assembler {
    /// The number of extents.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The memory the records take.
    pub(super) fn allocated(&self) -> usize {
        self.slots.capacity() * size_of::<Extent>() + self.places.len() * ENTRY_COST
    }

    /// Gives back what the records have room for beyond the extents.
    pub(super) fn shrink(&mut self) {
        self.slots.shrink_to_fit();
    }

    /// Whether there is no extent.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The extent nearest to RCV.NXT.
    pub(super) fn first(&self) -> Option<Range<u64>> {
        self.places
            .first_key_value()
            .map(|(_, &slot)| self.range(slot))
    }

    /// The extent furthest from RCV.NXT.
    pub(super) fn last(&self) -> Option<Range<u64>> {
        self.places
            .last_key_value()
            .map(|(_, &slot)| self.range(slot))
    }

    /// Removes the extent nearest to RCV.NXT.
    pub(super) fn pop_first(&mut self) -> Option<Range<u64>> {
        let (_, slot) = self.places.pop_first()?;
        Some(self.vacate(slot))
    }

    /// Removes the extent furthest from RCV.NXT.
    pub(super) fn pop_last(&mut self) -> Option<Range<u64>> {
        let (_, slot) = self.places.pop_last()?;
        Some(self.vacate(slot))
    }

    /// Whether `range` would be an extent of its own: it meets none that is held.
    pub(super) fn is_apart(&self, range: &Range<u64>) -> bool {
        self.at_or_before(range.end)
            .is_none_or(|slot| self.range(slot).end < range.start)
    }

    /// Adds `range`, which is not empty; the extent it becomes part of is the most recent one then.
    ///
    /// Calls `gap` for each part that was missing, in order, and returns the first part that was
    /// not (RFC 2883 §4.2).
    pub(super) fn insert(
        &mut self,
        range: Range<u64>,
        mut gap: impl FnMut(Range<u64>),
    ) -> Option<Range<u64>> {
        let mut duplicate = None;
        let mut at = range.start;
        let first = self
            .at_or_before(range.start)
            .filter(|&slot| self.range(slot).end >= at);
        if let Some(slot) = first {
            at = self.range(slot).end;
            duplicate = not_empty(range.start..at.min(range.end));
        }
        while let Some(next) = self.pop_between(range.start + 1, range.end) {
            if at < next.start {
                gap(at..next.start);
            }
            duplicate = duplicate.or_else(|| not_empty(next.start..next.end.min(range.end)));
            at = next.end;
        }
        if at < range.end {
            gap(at..range.end);
            at = range.end;
        }
        match first {
            Some(slot) => self.extend(slot, at),
            None => self.occupy(range.start..at),
        }
        duplicate
    }

    /// The extents, the one with the most recently received text first (RFC 2018 §4).
    pub(super) fn by_recency(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        let slot = |slot: u16| self.slots.get(usize::from(slot));
        iter::successors(slot(self.newest), move |extent| slot(extent.older))
            .map(|extent| extent.start..extent.end)
    }

    fn range(&self, slot: u16) -> Range<u64> {
        let extent = &self.slots[usize::from(slot)];
        extent.start..extent.end
    }

    /// The last extent that begins no later than `offset`.
    fn at_or_before(&self, offset: u64) -> Option<u16> {
        self.places
            .range(..=Place(offset))
            .next_back()
            .map(|(_, &slot)| slot)
    }

    /// Removes the first extent that begins from `from` to `to`, both included.
    fn pop_between(&mut self, from: u64, to: u64) -> Option<Range<u64>> {
        let (&place, &slot) = self.places.range(Place(from)..=Place(to)).next()?;
        self.places.remove(&place);
        Some(self.vacate(slot))
    }

    /// Moves the end of an extent and makes it the most recent.
    fn extend(&mut self, slot: u16, end: u64) {
        self.slots[usize::from(slot)].end = end;
        if self.newest != slot {
            self.unlink(slot);
            self.link(slot);
        }
    }

    /// Makes `range` an extent, the most recent.
    fn occupy(&mut self, range: Range<u64>) {
        let extent = Extent {
            start: range.start,
            end: range.end,
            newer: NONE,
            older: NONE,
        };
        let slot = if self.free == NONE {
            self.slots.push(extent);
            (self.slots.len() - 1) as u16
        } else {
            let slot = self.free;
            let vacant = &mut self.slots[usize::from(slot)];
            self.free = vacant.older;
            *vacant = extent;
            slot
        };
        self.places.insert(Place(range.start), slot);
        self.link(slot);
    }

    /// Frees the slot of an extent that has no place any more.
    fn vacate(&mut self, slot: u16) -> Range<u64> {
        self.unlink(slot);
        self.slots[usize::from(slot)].older = self.free;
        self.free = slot;
        self.range(slot)
    }

    /// Puts an extent before the newest one.
    fn link(&mut self, slot: u16) {
        let older = self.newest;
        let extent = &mut self.slots[usize::from(slot)];
        (extent.newer, extent.older) = (NONE, older);
        if let Some(neighbour) = self.slots.get_mut(usize::from(older)) {
            neighbour.newer = slot;
        }
        self.newest = slot;
    }

    /// Takes an extent out of the order of recency.
    fn unlink(&mut self, slot: u16) {
        let &Extent { newer, older, .. } = &self.slots[usize::from(slot)];
        match self.slots.get_mut(usize::from(newer)) {
            Some(neighbour) => neighbour.older = older,
            None => self.newest = older,
        }
        if let Some(neighbour) = self.slots.get_mut(usize::from(older)) {
            neighbour.newer = newer;
        }
    }
}

#[cfg(test)]
mod tests;
