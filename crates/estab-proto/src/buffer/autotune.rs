//! How much the buffers may hold: windows that follow use.
//!
//! The receive side measures what the application takes in a round trip and keeps twice that, so
//! that a sender that doubles its rate every round trip is never held back (dynamic right-sizing,
//! Fisk and Feng 2001). The send side keeps twice the congestion window.

use core::mem;
use core::time::Duration;

use estab_timer::Instant;

use crate::dormant::dormant;

/// After this long without data, and after each further time, the receive capacity halves.
const HALF_LIFE: Duration = Duration::from_secs(4);

/// What a sender has through in its first round trip (RFC 6928).
const INITIAL_WINDOW: u32 = 14_600;

/// Timestamps tick every millisecond: round trips of a few ticks are told better by other means.
const COARSE: u32 = 4_000;

/// What stands for no time in microseconds.
const NONE: u32 = u32::MAX;

/// Decides the capacity of a [`RecvBuffer`](super::RecvBuffer), between a start and a maximum.
///
/// The round trip is that of timestamp echoes ([`on_echo`](Self::on_echo)). Without them, or where
/// they are too coarse, it is the shortest of what else is known: the time in which a whole announced
/// window arrived ([`on_data`](Self::on_data)), and what the caller knows from sending, if only its
/// SYN.
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
    /// The bytes that arrived in it.
    arrived: u32,
    /// The round trip that timestamps tell, in microseconds; [`NONE`] before the first.
    echoed: u32,
    /// The timestamp echoed last.
    echo: u32,
    /// The shortest time in which a window arrived, in microseconds; [`NONE`] before the first.
    filled: u32,
    began: Instant,
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
            arrived: 0,
            echoed: NONE,
            echo: 0,
            filled: NONE,
            began: Instant::NEVER,
            mark: (0, Instant::NEVER),
            active: Instant::NEVER,
        }
    }

    /// What is taken for the bytes of a round trip before one was measured.
    const fn first_space(initial: u32) -> u32 {
        match initial / 4 {
            0 => 1,
            INITIAL_WINDOW.. => INITIAL_WINDOW,
            quarter => quarter,
        }
    }

    /// The capacity decided on last, in bytes.
    #[inline]
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// The estimate of the round-trip time, given the sender's.
    pub fn rtt(&self, sender: Option<Duration>) -> Option<Duration> {
        let known = match self.echoed {
            echoed if (COARSE..NONE).contains(&echoed) => echoed,
            coarse => coarse.min(self.filled).min(sender.map_or(NONE, micros)),
        };
        (known != NONE).then(|| Duration::from_micros(u64::from(known)))
    }

    /// The timestamp echoed last: the next echo of it tells nothing new.
    #[inline]
    pub const fn last_echo(&self) -> u32 {
        self.echo
    }

    /// Takes the time since the timestamp `echo` left us, which the peer echoes (RFC 7323 §4);
    /// `sender` is as for [`on_consumed`](Self::on_consumed).
    ///
    /// Only the first echo of a timestamp counts. A peer that had nothing to send echoes late, so a
    /// longer time counts for an eighth, a shorter one at once.
    pub fn on_echo(&mut self, echo: u32, sample: Duration, sender: Option<Duration>) {
        if mem::replace(&mut self.echo, echo) == echo {
            return;
        }
        let known = match self.echoed {
            NONE => sender.map_or(NONE, micros),
            echoed => echoed,
        };
        let sample = micros(sample);
        self.echoed = sample.min(known.saturating_add(sample.saturating_sub(known) / 8));
    }

    /// Notes that `bytes` of data have arrived: RCV.NXT is at stream offset `next`, and `window`
    /// bytes from there on are announced.
    ///
    /// No sender can fill a window in less than a round trip, and one with nothing to send takes
    /// longer; so the shortest time is the estimate.
    #[inline]
    pub fn on_data(&mut self, now: Instant, bytes: u32, next: u64, window: u32) {
        self.active = now;
        self.arrived = self.arrived.saturating_add(bytes);
        let (end, announced) = self.mark;
        if announced != Instant::NEVER {
            if next < end {
                return;
            }
            let sample = micros(now.saturating_duration_since(announced));
            self.filled = self.filled.min(sample);
        }
        self.mark = (next + u64::from(window), now);
    }

    /// Notes that the application consumed `bytes`. `sender` is the round-trip time that sending
    /// tells.
    ///
    /// What waited behind a hole is consumed at once, and may be several round trips' worth: no more
    /// counts than arrived in the same round trip.
    ///
    /// Returns the new capacity when it is to grow.
    pub fn on_consumed(
        &mut self,
        now: Instant,
        bytes: u32,
        sender: Option<Duration>,
    ) -> Option<u32> {
        self.active = now;
        self.copied = self.copied.saturating_add(bytes);
        self.began = self.began.min(now);
        if now.saturating_duration_since(self.began) < self.rtt(sender)? {
            return None;
        }
        self.began = now;
        let copied = mem::take(&mut self.copied).min(mem::take(&mut self.arrived));
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

    /// Notes that text has arrived beyond a hole, while the application has taken all that is in order:
    /// it ends `span` bytes beyond RCV.NXT. The capacity is to be twice that at least, as it would be if
    /// the application could have these bytes; a window that stood still until the hole is filled
    /// would be full before.
    pub fn on_beyond(&mut self, span: u32) {
        let target = span.saturating_mul(2).min(self.max);
        self.capacity = self.capacity.max(target);
    }

    /// The capacity for a sender that had `copied` bytes through in a round trip and `before` in
    /// the best one before: twice that, and its growth twice more, for the two round trips until a
    /// larger window than this shows in what arrives. A sender that doubles, as in slow start, needs
    /// four times what it had through, and gets six, since rounds and round trips do not match; no
    /// sender does more.
    fn target(copied: u32, before: u32) -> u32 {
        let (copied, before) = (u64::from(copied), u64::from(before));
        let growth = (copied * (copied - before) / before).min(copied);
        u32::try_from(2 * (copied + 2 * growth)).unwrap_or(u32::MAX)
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
        (self.began, self.mark) = (Instant::NEVER, (0, Instant::NEVER));
        (self.copied, self.arrived) = (0, 0);
        let halve = |n: u32| n.checked_shr(halvings).unwrap_or(0);
        self.space = halve(self.space).max(Self::first_space(self.initial));
        let capacity = halve(self.capacity).max(self.initial);
        (capacity < self.capacity).then(|| {
            self.capacity = capacity;
            capacity
        })
    }
}

/// A time in microseconds, an hour at most.
fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).map_or(NONE - 1, |micros| micros.min(NONE - 1))
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

dormant!(RecvTuner {
    initial,
    max,
    capacity,
    space,
    copied,
    arrived,
    echoed,
    echo,
    filled,
    began,
    mark,
    active
});

#[cfg(test)]
mod tests;
