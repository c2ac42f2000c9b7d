//! The train of acknowledgments: how long the bottleneck took for what was sent in one go (Ha and Rhee,
//! "Taming the Elephants", 2008).
//!
//! A window is sent in less than a round trip, in slow start in a quarter of one at most, and nothing
//! comes for the rest of it. A bottleneck stretches it. When acknowledgments have come one after the
//! other for half a round trip, the window that grows with them is as large as what the path holds.

use estab_timer::Instant;

use crate::dormant::dormant;

/// The least gap, in microseconds, after which a train is another one.
const GAP: u32 = 2_000;

/// On a long path gaps may be this share of a round trip.
const GAP_DIVISOR: u32 = 16;

/// Acknowledgments without a gap between them; times in microseconds, of a clock that wraps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Train {
    /// When the first came.
    first: u32,
    /// When the last came.
    last: u32,
}

impl Train {
    /// An acknowledgment arrived, on a path with a round trip of `min_rtt` when it is empty. Gives
    /// whether the train is half as long by now.
    pub(super) fn on_ack(&mut self, now: Instant, min_rtt: u32) -> bool {
        let now = now.as_micros() as u32;
        let gap = GAP.max(min_rtt / GAP_DIVISOR);
        if now.wrapping_sub(self.last) > gap {
            self.first = now;
        }
        self.last = now;
        // Where round trips are shorter than a gap, any two acknowledgments make a train.
        now.wrapping_sub(self.first) >= GAP.max(min_rtt / 2)
    }
}

dormant!(Train { first, last });

#[cfg(test)]
mod tests;
