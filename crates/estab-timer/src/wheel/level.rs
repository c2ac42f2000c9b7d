//! One level of the wheel: 64 slots and the bitmap of the occupied ones.

use super::slab::List;
use crate::Instant;

/// Bits of the time that one level tells apart.
const DIGIT_BITS: u32 = 6;

/// Slots of a level.
const SLOTS: usize = 1 << DIGIT_BITS;

/// As many as it takes to cover every bit of an [`Instant`], so nothing is ever beyond the wheel.
pub(super) const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;

/// The slots a level has, each 64 times as wide as one of the level below.
#[derive(Debug)]
pub(super) struct Level {
    occupied: u64,
    slots: [List; SLOTS],
}

impl Level {
    pub(super) const EMPTY: Self = Self {
        occupied: 0,
        slots: [List::EMPTY; SLOTS],
    };

    pub(super) const fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// The list of a slot, for adding to it.
    pub(super) fn occupy(&mut self, slot: u8) -> &mut List {
        self.occupied |= 1 << slot;
        &mut self.slots[usize::from(slot)]
    }

    /// The list of an occupied slot.
    pub(super) fn list_mut(&mut self, slot: u8) -> &mut List {
        &mut self.slots[usize::from(slot)]
    }

    /// Clears the bit of a slot whose list ran empty; returns whether that emptied the level.
    pub(super) fn settle(&mut self, slot: u8) -> bool {
        if self.slots[usize::from(slot)].is_empty() {
            self.occupied &= !(1 << slot);
        }
        self.is_empty()
    }

    /// Takes the whole list of a slot out.
    pub(super) fn take(&mut self, slot: u8) -> List {
        self.occupied &= !(1 << slot);
        core::mem::replace(self.list_mut(slot), List::EMPTY)
    }

    /// The first occupied slot; the level is not empty.
    pub(super) const fn first(&self) -> u8 {
        self.occupied.trailing_zeros() as u8
    }

    /// A lower bound of the deadlines in a slot.
    pub(super) const fn earliest(&self, slot: u8) -> Instant {
        self.slots[slot as usize].earliest()
    }
}

#[cfg(test)]
impl Level {
    pub(super) fn list(&self, slot: u8) -> &List {
        &self.slots[usize::from(slot)]
    }

    pub(super) fn is_occupied(&self, slot: u8) -> bool {
        self.occupied >> slot & 1 == 1
    }
}

/// The level and slot for a deadline later than `reached`: the level of the most significant base-64
/// digit in which the two differ, and the deadline's digit there.
///
/// So slots in use always lie after `reached`'s own digit, and whatever is in a level is due before
/// everything in the levels above it.
pub(super) const fn place(reached: Instant, deadline: Instant) -> (u8, u8) {
    let differing = reached.as_nanos() ^ deadline.as_nanos();
    let level = (u64::BITS - 1 - differing.leading_zeros()) / DIGIT_BITS;
    let slot = (deadline.as_nanos() >> (level * DIGIT_BITS)) % SLOTS as u64;
    (level as u8, slot as u8)
}

/// When a slot begins, given that `reached` shares all digits above `level` with the entries in it.
pub(super) const fn start(reached: Instant, level: u8, slot: u8) -> Instant {
    let shift = level as u32 * DIGIT_BITS;
    let above = match reached.as_nanos().checked_shr(shift + DIGIT_BITS) {
        Some(digits) => digits << DIGIT_BITS,
        None => 0,
    };
    Instant::from_nanos((above | slot as u64) << shift)
}
