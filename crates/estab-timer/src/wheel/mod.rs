//! A hierarchical timing wheel over slab storage.
//!
//! The wheel is a number system. Time is written in base 64, eleven digits for the 64 bits of an
//! [`Instant`]; a level stands for one digit, a slot for one of its values. An entry waits at the
//! level of the highest digit in which its deadline still differs from the wheel's time. When the
//! time reaches a slot, the slot's entries move down to where they differ next, at most ten times
//! in an entry's life, and mostly never: TCP's timers are nearly all moved or cancelled first.
//!
//! The finest slot is one nanosecond, so entries come out exactly, without sorting or scanning a
//! list; the widest digit covers 584 years, so there is no overflow to treat apart; bitmaps of the
//! occupied levels and slots make a jump of thirty days cost as much as one of a microsecond.

mod level;
mod slab;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use crate::Instant;
use level::{LEVELS, Level, place, start};
pub use slab::TimerKey;
use slab::{Home, List, Slab};

/// The last point in time that can be reached: [`Instant::NEVER`] is none.
const LAST: Instant = Instant::from_nanos(u64::MAX - 1);

/// A set of deadlines with values, as the drivers of many connections need it: arming, re-arming,
/// cancelling and expiring cost O(1), finding the next deadline costs two bit scans.
///
/// Deadlines are exact to the nanosecond: an entry is never handed out before its own, and
/// [`Wheel::next_deadline`] is never later than the earliest.
///
/// The wheel's time is the latest `now` that [`Wheel::pop_expired`] has seen. A clock that jumps,
/// even by years, costs no more than one that creeps; one that goes backwards is taken to stand
/// still.
///
/// Memory: 11 KiB for the slots, and per entry 24 bytes and a `T`, kept for reuse.
///
/// ```
/// use estab_timer::{Duration, Instant, Wheel};
///
/// let now = Instant::ZERO;
/// let mut wheel = Wheel::new(now);
/// let lunch = wheel.insert(now + Duration::from_secs(3), "lunch");
/// let tea = wheel.insert(now + Duration::from_secs(5), "tea");
/// wheel.set(lunch, now + Duration::from_secs(4));
/// assert_eq!(wheel.next_deadline(), Some(Instant::from_secs(4)));
///
/// assert_eq!(wheel.pop_expired(Instant::from_nanos(3_999_999_999)), None);
/// assert_eq!(wheel.pop_expired(Instant::from_secs(4)), Some((lunch, "lunch")));
/// assert_eq!(wheel.cancel(tea), Some("tea"));
/// assert_eq!(wheel.next_deadline(), None);
/// ```
#[derive(Debug)]
pub struct Wheel<T: Copy> {
    /// The latest time seen, before [`Instant::NEVER`].
    now: Instant,
    /// How far slots have been emptied, at most `now`: the others are laid out from here.
    reached: Instant,
    slab: Slab<T>,
    /// Entries whose deadline the time has reached, waiting to be popped.
    due: List,
    /// A bit for each level that is not empty.
    occupied: u16,
    levels: Box<[Level; LEVELS]>,
}

impl<T: Copy> Wheel<T> {
    /// An empty wheel whose time is `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let now = now.min(LAST);
        Self {
            now,
            reached: now,
            slab: Slab::new(),
            due: List::EMPTY,
            occupied: 0,
            levels: Box::new([Level::EMPTY; LEVELS]),
        }
    }

    /// Makes room for `additional` more entries, so that inserting them does not allocate.
    pub fn reserve(&mut self, additional: usize) {
        self.slab.reserve(additional);
    }

    /// Arms a new entry. A deadline that has passed makes it due at once; one of
    /// [`Instant::NEVER`] keeps it until it is [`set`](Self::set) or cancelled.
    ///
    /// # Panics
    ///
    /// With 2³² − 1 entries in the wheel already.
    pub fn insert(&mut self, deadline: Instant, value: T) -> TimerKey {
        let index = self.slab.insert(deadline, value);
        self.link(index, deadline);
        self.slab.key(index)
    }

    /// Moves an entry to another deadline, earlier or later. Returns false, and does nothing, if the
    /// key is stale.
    pub fn set(&mut self, key: TimerKey, deadline: Instant) -> bool {
        let Some(index) = self.slab.find(key) else {
            return false;
        };
        let home = self.slab.at(index).home;
        self.slab.at_mut(index).deadline = deadline;
        if let Home::Slot { level, slot } = home
            && home == self.home_of(deadline)
        {
            self.levels[usize::from(level)]
                .list_mut(slot)
                .note(deadline);
        } else {
            self.unlink(index, home);
            self.link(index, deadline);
        }
        true
    }

    /// Takes an entry out; `None` if the key is stale.
    pub fn cancel(&mut self, key: TimerKey) -> Option<T> {
        let index = self.slab.find(key)?;
        self.unlink(index, self.slab.at(index).home);
        Some(self.slab.remove(index))
    }

    /// The deadline an entry is armed for; `None` if the key is stale.
    #[must_use]
    pub fn deadline(&self, key: TimerKey) -> Option<Instant> {
        self.slab
            .find(key)
            .map(|index| self.slab.at(index).deadline)
    }

    /// When to call [`Wheel::pop_expired`] next; `None` if no entry will ever expire.
    ///
    /// Never later than the earliest entry. It is earlier only after an earliest entry was cancelled
    /// or moved away, and then for one early call, which finds nothing and makes it exact.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let mut earliest = self.due.earliest();
        if self.occupied != 0 {
            let level = &self.levels[self.occupied.trailing_zeros() as usize];
            earliest = earliest.min(level.earliest(level.first()));
        }
        (earliest != Instant::NEVER).then_some(earliest)
    }

    /// Takes one entry out whose deadline is at or before `now`. Call it until it returns `None`.
    ///
    /// Entries of earlier slots come first; those with the same deadline come in no promised order.
    /// A `now` before one seen already counts as that one.
    ///
    /// Costs O(1) per entry, amortised: a call may move the entries of a slot to finer slots.
    pub fn pop_expired(&mut self, now: Instant) -> Option<(TimerKey, T)> {
        self.now = self.now.max(now.min(LAST));
        while self.due.is_empty() && self.advance() {}
        let index = self.slab.pop_front(&mut self.due)?;
        let key = self.slab.key(index);
        Some((key, self.slab.remove(index)))
    }

    /// How many entries are armed.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether no entry is armed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Empties the first occupied slot if the time has reached it: its entries move to the due list
    /// or to finer slots. Returns false if there is no such slot.
    fn advance(&mut self) -> bool {
        if self.occupied != 0 {
            let level = self.occupied.trailing_zeros() as u8;
            let slot = self.levels[usize::from(level)].first();
            let start = start(self.reached, level, slot);
            if start <= self.now {
                self.reached = start;
                let mut list = self.levels[usize::from(level)].take(slot);
                self.settle(level, slot);
                while let Some(index) = self.slab.pop_front(&mut list) {
                    self.link(index, self.slab.at(index).deadline);
                }
                return true;
            }
        }
        self.reached = self.now;
        false
    }

    fn home_of(&self, deadline: Instant) -> Home {
        if deadline <= self.now {
            Home::Due
        } else {
            let (level, slot) = place(self.reached, deadline);
            Home::Slot { level, slot }
        }
    }

    /// Threads an entry into the list its deadline belongs to.
    fn link(&mut self, index: u32, deadline: Instant) {
        let home = self.home_of(deadline);
        let list = match home {
            Home::Slot { level, slot } => {
                self.occupied |= 1 << level;
                self.levels[usize::from(level)].occupy(slot)
            }
            Home::Due | Home::Free => &mut self.due,
        };
        self.slab.push_back(list, index, home);
    }

    /// Takes an entry out of the list it is in.
    fn unlink(&mut self, index: u32, home: Home) {
        match home {
            Home::Slot { level, slot } => {
                let list = self.levels[usize::from(level)].list_mut(slot);
                self.slab.unlink(list, index);
                self.settle(level, slot);
            }
            Home::Due => self.slab.unlink(&mut self.due, index),
            Home::Free => {}
        }
    }

    /// Brings the bitmaps up to date after something left a slot.
    fn settle(&mut self, level: u8, slot: u8) {
        if self.levels[usize::from(level)].settle(slot) {
            self.occupied &= !(1 << level);
        }
    }
}
