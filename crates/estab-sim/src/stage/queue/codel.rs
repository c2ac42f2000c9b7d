//! CoDel (RFC 8289): what becomes of the packet at the head of the queue.

use estab_timer::{Duration, Instant};

#[cfg(test)]
mod tests;

/// The state of RFC 8289 §5.
#[derive(Debug)]
pub(super) struct CoDel {
    target: Duration,
    interval: Duration,
    ecn: bool,
    /// When the delay will have been above the target for an interval; `None` while it is not
    /// above.
    first_above: Option<Instant>,
    /// Packets are being dropped.
    dropping: bool,
    /// When the next one is; once the dropping has ended, when the last one was or would have been.
    drop_next: Instant,
    /// One was dropped at `drop_next`, and the packet behind it tells whether there is a next one.
    is_pending: bool,
    /// Drops since the dropping began, and the same when it began last.
    count: u64,
    last_count: u64,
    /// The longest packet seen, in bytes: a queue no longer than that is no bad one.
    largest: u64,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Send,
    Mark,
    Drop,
}

impl CoDel {
    pub(super) fn new(target: Duration, interval: Duration, ecn: bool) -> Self {
        Self {
            target,
            interval,
            ecn,
            first_above: None,
            dropping: false,
            drop_next: Instant::ZERO,
            is_pending: false,
            count: 0,
            last_count: 0,
            largest: 0,
        }
    }

    /// Whether packets capable of ECN are marked instead of dropped.
    pub(super) fn marks(&self) -> bool {
        self.ecn
    }

    /// The queue is empty.
    pub(super) fn on_empty(&mut self) {
        self.first_above = None;
        self.dropping = false;
        self.is_pending = false;
    }

    /// Judges a packet of `len` bytes taken from the head at `now`, after it waited for `waited` and
    /// with `left` bytes behind it: the dequeue routine of RFC 8289 §5, one packet a call. `ect` says
    /// that it can be marked. After a drop the next packet is judged at the same moment.
    pub(super) fn judge(
        &mut self,
        now: Instant,
        waited: Duration,
        left: u64,
        len: u64,
        ect: bool,
    ) -> Verdict {
        self.largest = self.largest.max(len);
        let is_pending = core::mem::take(&mut self.is_pending);
        if !self.is_persistent(now, waited, left) {
            self.dropping = false;
            return Verdict::Send;
        }
        if is_pending {
            self.drop_next = self.control_law(self.drop_next);
        }
        if !self.dropping {
            self.begin(now);
        } else if now >= self.drop_next {
            self.count += 1;
            // A marked packet goes out: the next one is not looked at now.
            self.is_pending = !ect;
            if ect {
                self.drop_next = self.control_law(self.drop_next);
            }
        } else {
            return Verdict::Send;
        }
        if ect { Verdict::Mark } else { Verdict::Drop }
    }

    /// Whether the delay has been above the target for an interval (RFC 8289 §5).
    fn is_persistent(&mut self, now: Instant, waited: Duration, left: u64) -> bool {
        if waited < self.target || left <= self.largest {
            self.first_above = None;
            return false;
        }
        let first_above = *self.first_above.get_or_insert(now + self.interval);
        now >= first_above
    }

    /// Begins to drop; near the rate of the last time, if that is not long ago.
    fn begin(&mut self, now: Instant) {
        self.dropping = true;
        let delta = self.count - self.last_count;
        let recent = now - self.drop_next < self.interval.saturating_mul(16);
        self.count = if delta > 1 && recent { delta } else { 1 };
        self.last_count = self.count;
        self.drop_next = self.control_law(now);
    }

    /// The drop after the one at `at`: interval / √count later, to the nanosecond.
    fn control_law(&self, at: Instant) -> Instant {
        let square = self.interval.as_nanos().saturating_pow(2) / u128::from(self.count.max(1));
        let nanos = u64::try_from(square.isqrt()).unwrap_or(u64::MAX);
        at + Duration::from_nanos(nanos)
    }
}
