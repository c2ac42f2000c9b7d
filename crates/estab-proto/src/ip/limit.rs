//! Limits on what is sent to those who never asked.

use estab_timer::Instant;

use crate::stack::secret::Secrets;

/// A token bucket whose tokens cost a random amount, so that nobody can tell by counting answers
/// what others were answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    /// Credit in nanoseconds; at most that of a full bucket.
    credit: u64,
    full: u64,
    /// What a token costs on average, in nanoseconds.
    price: u64,
    /// What the next token costs; drawn in advance, so that asking again does not make it cheaper.
    next: u64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket for `per_second` tokens and bursts of `burst`.
    pub(crate) fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let price = 1_000_000_000u64
            .checked_div(u64::from(per_second))
            .unwrap_or(u64::MAX);
        let full = if per_second == 0 {
            0
        } else {
            price.saturating_mul(u64::from(burst))
        };
        Self {
            credit: full,
            full,
            price,
            next: price,
            filled_at: now,
        }
    }

    /// Takes a token; false if there is none.
    pub(crate) fn take(&mut self, now: Instant, secrets: &mut Secrets) -> bool {
        let elapsed = now.as_nanos().saturating_sub(self.filled_at.as_nanos());
        self.filled_at = self.filled_at.max(now);
        self.credit = self.credit.saturating_add(elapsed).min(self.full);
        let Some(credit) = self.credit.checked_sub(self.next) else {
            return false;
        };
        self.credit = credit;
        // Between a half and one and a half times the price.
        let extra = secrets.random().checked_rem(self.price).unwrap_or(0);
        self.next = (self.price / 2).saturating_add(extra);
        true
    }
}

#[cfg(test)]
mod tests;
