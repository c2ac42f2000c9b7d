//! How much the buffers may hold: windows that follow use.
//!
//! The receive side measures what the application takes in a round trip and keeps twice that, so
//! that a sender that doubles its rate every round trip is never held back (dynamic right-sizing,
//! Fisk and Feng 2001). The send side keeps twice the congestion window.

use core::mem;
use core::time::Duration;

use estab_timer::Instant;

/// After this long without data, and after each further time, the receive capacity halves.
const HALF_LIFE: Duration = Duration::from_secs(4);

/// Decides the capacity of a [`RecvBuffer`](super::RecvBuffer), between a start and a maximum.
///
/// The round trip is that of timestamp echoes where there are any
/// ([`on_rtt_sample`](Self::on_rtt_sample)); else the shortest time in which a whole announced
/// window arrived ([`on_data`](Self::on_data)); else what the caller knows from sending.
#[derive(Clone, Debug)]
pub struct RecvTuner {
    initial: u32,
    max: u32,
    capacity: u32,
    /// The most bytes consumed in a round trip.
    space: u32,
    /// The bytes consumed in this round trip, and when it began: [`Instant::NEVER`] before the
    /// first, here and below.
    copied: u32,
    began: Instant,
    rtt: Option<Duration>,
    /// Whether `rtt` comes of timestamps.
    echoed: bool,
    /// The stream offset that completes the window being timed, and when it was announced.
    mark: (u64, Instant),
    /// When data last came or went.
    active: Instant,
}

impl RecvTuner {
    /// A tuner for a buffer with a capacity of `initial` bytes that may grow to `max`.
    pub const fn new(initial: u32, max: u32) -> Self {
        Self {
            initial,
            max,
            capacity: initial,
            space: Self::first_space(initial),
            copied: 0,
            began: Instant::NEVER,
            rtt: None,
            echoed: false,
            mark: (0, Instant::NEVER),
            active: Instant::NEVER,
        }
    }

    /// What is taken for the bytes of a round trip before one was measured: about an initial
    /// window (RFC 6928) under the usual 64 KiB.
    const fn first_space(initial: u32) -> u32 {
        if initial < 4 { 1 } else { initial / 4 }
    }

    /// The capacity decided on last, in bytes.
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// The receiver's own estimate of the round-trip time.
    pub const fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// Takes a round-trip sample from a timestamp echo (RFC 7323 §4), smoothed with weight 1/8.
    pub fn on_rtt_sample(&mut self, sample: Duration) {
        self.rtt = Some(match self.rtt {
            Some(rtt) if self.echoed => rtt - rtt / 8 + sample / 8,
            _ => sample,
        });
        self.echoed = true;
    }

    /// Notes that data has arrived: RCV.NXT is at stream offset `next`, and `window` bytes from
    /// there on are announced.
    ///
    /// No sender can fill a window in less than a round trip, and one with nothing to send takes
    /// longer; so the shortest time is the estimate, until a timestamp echo gives a better one.
    pub fn on_data(&mut self, now: Instant, next: u64, window: u32) {
        self.active = now;
        let (end, announced) = self.mark;
        if announced != Instant::NEVER {
            if next < end {
                return;
            }
            let sample = now.saturating_duration_since(announced);
            if !self.echoed && self.rtt.is_none_or(|rtt| sample < rtt) {
                self.rtt = Some(sample);
            }
        }
        self.mark = (next + u64::from(window), now);
    }

    /// Notes that the application consumed `bytes`. `rtt` is the sender's round-trip time, used
    /// while the receiver has no estimate.
    ///
    /// Returns the new capacity when it is to grow.
    pub fn on_consumed(&mut self, now: Instant, bytes: u32, rtt: Option<Duration>) -> Option<u32> {
        self.active = now;
        self.copied = self.copied.saturating_add(bytes);
        let rtt = self.rtt.or(rtt)?;
        self.began = self.began.min(now);
        if now.saturating_duration_since(self.began) < rtt {
            return None;
        }
        self.began = now;
        let copied = mem::take(&mut self.copied);
        if copied <= self.space {
            return None;
        }
        let before = mem::replace(&mut self.space, copied);
        let target = Self::target(copied, before).min(self.max);
        (target > self.capacity).then(|| {
            self.capacity = target;
            target
        })
    }

    /// The capacity for a sender that had `copied` bytes through in a round trip and `before` in
    /// the best one before: twice that, and the same growth once more for each of the two round
    /// trips until a larger window takes effect.
    fn target(copied: u32, before: u32) -> u32 {
        let (copied, before) = (u64::from(copied), u64::from(before));
        let growth = copied * (copied - before) / before;
        u32::try_from(growth.saturating_add(copied).saturating_mul(2)).unwrap_or(u32::MAX)
    }

    /// Halves the capacity for each four seconds without data, down to where it started; the next
    /// burst earns it anew as fast as the sender's own restart (RFC 5681 §4.1).
    ///
    /// Meant for a moment when the buffer is empty: before the first data after a pause, in a
    /// timer, or under memory pressure. Returns the new capacity when it is to shrink; the right
    /// edge already announced stays the caller's promise.
    pub fn on_idle(&mut self, now: Instant) -> Option<u32> {
        let idle = now.saturating_duration_since(self.active);
        let halvings = (idle.as_secs() / HALF_LIFE.as_secs()).min(32) as u32;
        if halvings == 0 {
            return None;
        }
        self.active = now;
        (self.began, self.copied, self.mark) = (Instant::NEVER, 0, (0, Instant::NEVER));
        let halve = |n: u32| n.checked_shr(halvings).unwrap_or(0);
        self.space = halve(self.space).max(Self::first_space(self.initial));
        let capacity = halve(self.capacity).max(self.initial);
        (capacity < self.capacity).then(|| {
            self.capacity = capacity;
            capacity
        })
    }
}

/// Decides how much a [`SendBuffer`](super::SendBuffer) may hold, between a start and a maximum.
#[derive(Clone, Copy, Debug)]
pub struct SendTuner {
    initial: usize,
    max: usize,
}

impl SendTuner {
    /// A tuner for a buffer that may hold `initial` bytes at first and at most `max`.
    pub const fn new(initial: usize, max: usize) -> Self {
        Self { initial, max }
    }

    /// The number of bytes the buffer may hold while the congestion window is `cwnd` bytes: one
    /// window in flight, and one to send when that is acknowledged.
    pub fn target(&self, cwnd: u32) -> usize {
        (cwnd as usize)
            .saturating_mul(2)
            .max(self.initial)
            .min(self.max)
    }
}

#[cfg(test)]
mod tests;
