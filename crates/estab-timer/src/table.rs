//! The deadlines of one connection, behind one entry of the wheel.

use crate::{Instant, TimerKey, Wheel};

#[cfg(test)]
mod tests;

/// Why a connection wants to be woken.
#[repr(u8)]
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// The retransmission timeout of the oldest unacknowledged segment (RFC 6298 §5).
    Retransmit,
    /// The next probe of a zero window (RFC 9293 §3.8.6.1).
    Persist,
    /// The latest time to acknowledge what has arrived (RFC 9293 §3.8.6.3).
    DelayedAck,
    /// The next keep-alive probe, or the end of a peer that answered none (RFC 9293 §3.8.4).
    Keepalive,
    /// The end of TIME-WAIT, 2 MSL after the last FIN (RFC 9293 §3.4.2).
    TimeWait,
    /// The end of FIN-WAIT-2 when no application is left to wait for the peer's FIN.
    FinWait2,
    /// The end of the connection's patience: R2 or the user timeout (RFC 9293 §3.8.3).
    UserTimeout,
    /// The tail loss probe (RFC 8985 §7).
    TailLossProbe,
    /// The end of RACK's reordering window (RFC 8985 §6.2, step 5).
    Reorder,
    /// When the pacer lets the next segment go.
    Pacing,
    /// The end of a lingering close.
    Linger,
}

impl Timer {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// All of them, in order of declaration.
    pub const ALL: [Self; 11] = [
        Self::Retransmit,
        Self::Persist,
        Self::DelayedAck,
        Self::Keepalive,
        Self::TimeWait,
        Self::FinWait2,
        Self::UserTimeout,
        Self::TailLossProbe,
        Self::Reorder,
        Self::Pacing,
        Self::Linger,
    ];
}

/// What one connection waits for: at most one deadline for each [`Timer`].
///
/// Every operation is a few instructions on 96 bytes; nothing is allocated. Whether anything is due
/// before some time is mostly told without looking at the timers one by one.
///
/// ```
/// use estab_timer::{Deadlines, Instant, Timer};
///
/// let mut deadlines = Deadlines::new();
/// deadlines.arm(Timer::Keepalive, Instant::from_secs(7200));
/// deadlines.arm(Timer::Retransmit, Instant::from_secs(1));
/// assert_eq!(deadlines.next(), Some((Instant::from_secs(1), Timer::Retransmit)));
///
/// assert_eq!(deadlines.take_expired(Instant::from_secs(2)), Some(Timer::Retransmit));
/// assert_eq!(deadlines.take_expired(Instant::from_secs(2)), None);
/// assert!(deadlines.is_armed(Timer::Keepalive));
/// ```
#[derive(Copy, Clone, Debug)]
pub struct Deadlines {
    /// By [`Timer`]; [`Instant::NEVER`] when off.
    at: [Instant; Timer::COUNT],
    /// No timer is due before: what was armed earlier since it was last exact may be off or later.
    bound: Instant,
}

impl Deadlines {
    /// Nothing armed.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            at: [Instant::NEVER; Timer::COUNT],
            bound: Instant::NEVER,
        }
    }

    /// Arms a timer or moves it, earlier or later. At [`Instant::NEVER`] it is off.
    #[inline]
    pub fn arm(&mut self, timer: Timer, deadline: Instant) {
        self.at[timer as usize] = deadline;
        self.bound = self.bound.min(deadline);
    }

    /// Turns a timer off.
    #[inline]
    pub const fn cancel(&mut self, timer: Timer) {
        self.at[timer as usize] = Instant::NEVER;
    }

    /// Turns all timers off.
    pub const fn clear(&mut self) {
        *self = Self::new();
    }

    /// When a timer is due, `None` if it is off.
    #[inline]
    #[must_use]
    pub fn get(&self, timer: Timer) -> Option<Instant> {
        let at = self.at[timer as usize];
        (at != Instant::NEVER).then_some(at)
    }

    /// Whether a timer is on.
    #[inline]
    #[must_use]
    pub fn is_armed(&self, timer: Timer) -> bool {
        self.get(timer).is_some()
    }

    /// How many timers are on.
    #[must_use]
    pub fn armed(&self) -> usize {
        self.at.iter().filter(|&&at| at != Instant::NEVER).count()
    }

    /// The earliest deadline and its timer: of two at the same time, the one declared first.
    #[must_use]
    pub fn next(&self) -> Option<(Instant, Timer)> {
        let (&at, &timer) = self.at.iter().zip(&Timer::ALL).min_by_key(|(at, _)| **at)?;
        (at != Instant::NEVER).then_some((at, timer))
    }

    /// The earliest deadline, if it is before `limit`.
    #[inline]
    #[must_use]
    pub fn next_before(&mut self, limit: Instant) -> Option<Instant> {
        if self.bound >= limit {
            return None;
        }
        self.bound = self.earliest();
        (self.bound < limit).then_some(self.bound)
    }

    /// The earliest deadline, [`Instant::NEVER`] if all timers are off.
    fn earliest(&self) -> Instant {
        self.at
            .iter()
            .fold(Instant::NEVER, |least, &at| least.min(at))
    }

    /// Takes the earliest timer whose deadline is at or before `now`, and turns it off. Call it
    /// until it returns `None`.
    pub fn take_expired(&mut self, now: Instant) -> Option<Timer> {
        if self.bound > now {
            return None;
        }
        let (at, timer) = self.next()?;
        self.bound = at;
        if at > now {
            return None;
        }
        self.cancel(timer);
        Some(timer)
    }
}

/// Whether the same timers are due at the same times.
impl PartialEq for Deadlines {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Deadlines {}

impl Default for Deadlines {
    fn default() -> Self {
        Self::new()
    }
}

/// A connection's one entry of the wheel, moved earlier but never later.
///
/// TCP pushes its retransmission deadline out with every ACK. Following it in the wheel would cost
/// work on each; instead the entry stays where it is, fires early, finds nothing due and goes back
/// in at the deadline of then. That is one visit per timeout in place of one per segment.
///
/// The owner calls [`sync`](Self::sync) after anything that may have changed its deadlines,
/// [`fired`](Self::fired) when the wheel hands the entry out, and [`release`](Self::release) before
/// it goes away.
///
/// ```
/// use estab_timer::{Instant, LazyEntry, Wheel};
///
/// let mut wheel = Wheel::new(Instant::ZERO);
/// let mut entry = LazyEntry::new();
/// entry.sync(&mut wheel, 'c', Some(Instant::from_secs(5)));
/// entry.sync(&mut wheel, 'c', Some(Instant::from_secs(9))); // later: left where it is
/// assert_eq!(wheel.next_deadline(), Some(Instant::from_secs(5)));
/// entry.sync(&mut wheel, 'c', Some(Instant::from_secs(2))); // earlier: moved
/// assert_eq!(wheel.next_deadline(), Some(Instant::from_secs(2)));
/// ```
#[derive(Debug)]
pub struct LazyEntry {
    key: Option<TimerKey>,
    /// When the entry fires; [`Instant::NEVER`] without one.
    at: Instant,
}

impl LazyEntry {
    /// No entry in any wheel.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            key: None,
            at: Instant::NEVER,
        }
    }

    /// When the entry fires, `None` if there is none.
    #[inline]
    #[must_use]
    pub fn armed_at(&self) -> Option<Instant> {
        self.key.map(|_| self.at)
    }

    /// Makes sure that the wheel fires no later than the first of `deadlines`, handing out `value`:
    /// as [`sync`](Self::sync), but most often without looking for the first.
    #[inline]
    pub fn follow<T: Copy>(
        &mut self,
        wheel: &mut Wheel<T>,
        value: T,
        deadlines: &mut Deadlines,
    ) -> bool {
        let next = deadlines.next_before(self.at);
        next.is_some() && self.sync(wheel, value, next)
    }

    /// Makes sure that the wheel fires no later than `next`, handing out `value`.
    ///
    /// Returns whether the wheel had work. Does nothing if the entry fires early enough, or if `next` is `None`: an entry too many fires
    /// once and finds nothing. `value` is used when an entry is made, so it must be the same in each
    /// call until the entry has fired.
    #[inline]
    pub fn sync<T: Copy>(&mut self, wheel: &mut Wheel<T>, value: T, next: Option<Instant>) -> bool {
        let Some(next) = next.filter(|&next| next < self.at) else {
            return false;
        };
        self.at = next;
        if !self.key.is_some_and(|key| wheel.set(key, next)) {
            self.key = Some(wheel.insert(next, value));
        }
        true
    }

    /// The wheel has handed the entry out: it is no longer in there.
    pub const fn fired(&mut self) {
        *self = Self::new();
    }

    /// Takes the entry out of the wheel.
    pub fn release<T: Copy>(&mut self, wheel: &mut Wheel<T>) {
        if let Some(key) = self.key {
            wheel.cancel(key);
        }
        self.fired();
    }
}

impl Default for LazyEntry {
    fn default() -> Self {
        Self::new()
    }
}
