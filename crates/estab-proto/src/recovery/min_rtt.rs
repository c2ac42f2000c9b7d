//! The smallest round-trip time of the last minutes (RFC 8985 §6.2 step 1).

use estab_timer::{Duration, Instant};

use crate::dormant::dormant;

/// How long a sample counts at least; the longest is twice that. A path that became longer is
/// believed after that time.
const HALF: u32 = 150_000;

/// A minimum over a window of time: that of the present half and that of the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MinRtt {
    /// Microseconds, at least one; 0 if there is none.
    current: u32,
    previous: u32,
    /// When the present half began, in milliseconds, which wrap.
    since: u32,
}

impl MinRtt {
    /// The minimum; `None` before the first sample.
    pub(super) fn get(&self) -> Option<Duration> {
        smaller(self.current, self.previous).map(|micros| Duration::from_micros(micros.into()))
    }

    /// Takes in a valid sample (RFC 6298 §3).
    pub(super) fn on_sample(&mut self, now: Instant, rtt: Duration) {
        let millis = now.as_millis() as u32;
        let elapsed = millis.wrapping_sub(self.since);
        if elapsed >= HALF {
            self.previous = if elapsed < 2 * HALF { self.current } else { 0 };
            self.current = 0;
            self.since = millis;
        }
        let micros = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX).max(1);
        self.current = smaller(self.current, micros).unwrap_or(micros);
    }
}

/// The smaller of those that are known.
fn smaller(a: u32, b: u32) -> Option<u32> {
    [a, b].into_iter().filter(|&micros| micros > 0).min()
}

dormant!(MinRtt {
    current,
    previous,
    since
});

#[cfg(test)]
mod tests;
