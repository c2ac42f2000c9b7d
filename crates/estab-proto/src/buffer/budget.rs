//! What the buffers of all connections may hold together.
//!
//! Below the pressure mark, three quarters of the limit, every connection holds what its windows let
//! it. From there on none holds more than its share, and at the limit none more than a reserve, which
//! no other can take from it: so everybody gets on, however slowly, and the sum stays within the limit
//! and the reserves. What is held already is never taken back from an application, and no announced
//! window either: text that finds no memory is dropped as if the network had lost it, and sent again.

/// Bytes a connection may hold each way, whatever the others do: six segments of the usual size, and
/// a unit of the widest default window.
pub(crate) const RESERVE: usize = 8 << 10;

/// The memory of all buffers.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    /// From which on memory is scarce.
    mark: usize,
    used: usize,
    /// How many connections use some.
    holders: usize,
}

impl Budget {
    /// All of it is free.
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            limit,
            mark: limit - limit / 4,
            used: 0,
            holders: 0,
        }
    }

    /// Bytes in use.
    pub(crate) const fn used(&self) -> usize {
        self.used
    }

    /// Whether nothing is left but the reserves.
    pub(crate) const fn is_spent(&self) -> bool {
        self.used >= self.limit
    }

    /// A connection that held `before` bytes holds `now`.
    pub(crate) fn charge(&mut self, before: usize, now: usize) {
        self.used = self.used - before + now;
        self.holders = self.holders - usize::from(before > 0) + usize::from(now > 0);
    }

    /// How much a connection may hold each way now.
    pub(crate) fn share(&self) -> Share {
        if self.used < self.mark {
            return Share::UNLIMITED;
        }
        let each = self.limit / (2 * self.holders.max(1));
        Share(match self.is_spent() {
            true => RESERVE,
            false => each.max(RESERVE),
        })
    }
}

/// How many bytes a connection may hold each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share(usize);

impl Share {
    /// As many as its windows let it.
    pub(crate) const UNLIMITED: Self = Self(usize::MAX);

    /// Whether the windows alone decide.
    pub(crate) fn is_unlimited(self) -> bool {
        self == Self::UNLIMITED
    }

    /// The bytes.
    pub(crate) fn bytes(self) -> usize {
        self.0
    }

    /// The bytes that may be added for what is worth less than progress itself: nothing where only
    /// the reserve is left.
    pub(crate) fn beyond_reserve(self) -> usize {
        match self.0 {
            ..=RESERVE => 0,
            more => more,
        }
    }
}

#[cfg(test)]
mod tests;
