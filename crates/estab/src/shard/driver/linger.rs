//! When the acknowledgements of a stream leave, and when the driver sleeps while one comes in.
//!
//! Who sends from this machine, on another processor, pays for both. An acknowledgement is worked off
//! inside the write that carries it, and wakes whoever wants to send more; and who sends to a driver
//! that sleeps has to wake it, which may take as long as sending a packet of 64 KiB. So the driver
//! acknowledges what has come when it has read all there is, and it looks a few times more whether
//! something follows, if that was worth it the last time.
//!
//! It does so where the device joins segments. Queues of plain ones are short, and would overflow.
//!
//! A queue that is emptied before its sender may fill it up again also stays short: then what is read
//! has been written just before, and is still in the processor's cache.

use estab_timer::{Duration, Instant};

use crate::shard::rx::SHORT;

/// How long acknowledgements wait at most while there is always more to be read.
const LONGEST: Duration = Duration::from_millis(4);

/// Bytes received from which on they do not wait any more for what may come: a sender has room for
/// more than these, and shall not stop.
const HELD: usize = 1 << 20;

/// How long what may come is waited for.
const MOMENT: Duration = Duration::from_micros(20);

/// How often the driver looks for it at most, if the clock stands still.
const LOOKS: u32 = 64;

/// After so many vain waits in a row, or more, the driver waits once in so many times.
const SKIPS: u32 = 31;

/// What a turn that has received does then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What is to be sent waits.
    pub(super) holds: bool,
    /// The driver looks again for more before it sleeps.
    pub(super) looks: bool,
}

/// Decides it, turn by turn.
#[derive(Debug)]
pub(super) struct Linger {
    /// Bytes received that may not be acknowledged yet, and when the first of them came.
    held: usize,
    since: Instant,
    /// Until when, and for how many looks, more is waited for, if it is.
    until: Option<Instant>,
    looks: u32,
    /// Occasions to wait that are passed over, and that were since the last wait.
    skips: u32,
    skipped: u32,
}

impl Default for Linger {
    fn default() -> Self {
        Self {
            held: 0,
            since: Instant::NEVER,
            until: None,
            looks: 0,
            skips: 0,
            skipped: 0,
        }
    }
}

impl Linger {
    /// A turn has received `bytes` up to `now`, and there may be `more`. `can_wait` says that nothing
    /// is to be sent but acknowledgements that nobody is in a hurry for.
    pub(super) fn judge(
        &mut self,
        now: Instant,
        bytes: usize,
        more: bool,
        can_wait: bool,
    ) -> Verdict {
        let looks = self.looks(now, bytes, more);
        self.held += bytes;
        self.since = self.since.min(now);
        let is_due = match more {
            true => now.saturating_duration_since(self.since) >= LONGEST,
            false => !looks || self.held >= HELD,
        };
        let holds = can_wait && !is_due;
        if !holds {
            (self.held, self.since) = (0, Instant::NEVER);
        }
        Verdict { holds, looks }
    }

    /// Whether more is waited for.
    fn looks(&mut self, now: Instant, bytes: usize, more: bool) -> bool {
        let until = self.until.take();
        if bytes > SHORT {
            if until.is_some() {
                self.skips = 0;
            }
            return !more && self.begin(now);
        }
        let Some(until) = until.filter(|_| bytes == 0 && !more) else {
            return false;
        };
        if now < until && self.looks > 0 {
            self.until = Some(until);
            self.looks -= 1;
            return true;
        }
        self.skips = (2 * self.skips + 1).min(SKIPS);
        false
    }

    /// All there was has been read: waits for more, unless that was in vain too often.
    fn begin(&mut self, now: Instant) -> bool {
        if self.skipped < self.skips {
            self.skipped += 1;
            return false;
        }
        self.skipped = 0;
        self.until = Some(now + MOMENT);
        self.looks = LOOKS;
        true
    }
}

#[cfg(test)]
mod tests;
