//! When to acknowledge (RFC 9293 §3.8.6.3, RFC 5681 §4.2).

use crate::instant::Micros;
use crate::{Duration, Instant};

#[cfg(test)]
mod tests;

/// An ACK must leave in less than 500 ms (RFC 9293 MUST-40), late timers included.
const MAX_DELAY: Duration = Duration::from_millis(490);

/// TCP options a full-sized segment may carry in place of data, in bytes.
const MAX_OPTIONS: u32 = 40;

/// The constants of delayed acknowledgments.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct DelayedAckConfig {
    /// How long an ACK may wait for company: 40 ms. More than 490 ms is read as that, zero turns
    /// delaying off.
    pub delay: Duration,
    /// How many segments are acknowledged at once at the start of the connection and after idleness,
    /// while the sender's window is small and lives on ACKs: 16.
    pub quick_segments: u8,
    /// How long nothing must arrive to count as idleness: 1 s. It should not be below the sender's
    /// retransmission timeout, after which its window starts anew (RFC 5681 §4.1).
    pub idle: Duration,
}

impl Default for DelayedAckConfig {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(40),
            quick_segments: 16,
            idle: Duration::from_secs(1),
        }
    }
}

/// When what has arrived is to be acknowledged.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum AckDecision {
    /// Once the segments at hand are processed: one ACK for all of them.
    Now,
    /// At this time, unless a segment to the peer carries the ACK before.
    At(Instant),
}

/// What a [`DelayedAck`] remembers, for who keeps idle connections in less memory.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct AckProgress {
    /// When the last segment arrived; [`Instant::NEVER`] before the first.
    pub last: Instant,
    /// When the acknowledgement is due; [`Instant::NEVER`] if none is.
    pub due: Instant,
    /// Bytes not yet acknowledged.
    pub bytes: u32,
    /// Full-sized segments among them.
    pub full_segments: u32,
    /// How many segments are still acknowledged at once.
    pub quick: u8,
    /// Whether the application answers what arrives.
    pub interactive: bool,
}

/// Decides when data that arrived in order is acknowledged.
///
/// At once for the second full-sized segment, for 2 RMSS of data in smaller ones, and while the
/// sender is starting; else after a delay that runs from the *first* segment not acknowledged yet.
/// Segments out of order, filling a hole, with a FIN or with a changed CE mark are acknowledged at
/// once without asking here.
///
/// An interactive connection, whose application answers each request, suspends the quick phase: its
/// ACKs ride on the answers.
///
/// ```
/// use estab_timer::{AckDecision, DelayedAck, DelayedAckConfig, Duration, Instant};
///
/// let mut acks = DelayedAck::new(&DelayedAckConfig { quick_segments: 0, ..Default::default() });
/// let first = Instant::from_millis(500);
/// let soon = first + Duration::from_millis(40);
/// assert_eq!(acks.on_segment(first, 1448, 1460, 1), AckDecision::At(soon));
/// let second = first + Duration::from_millis(1);
/// assert_eq!(acks.on_segment(second, 1448, 1460, 1), AckDecision::Now);
/// acks.on_ack_sent();
/// assert!(!acks.pending());
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct DelayedAck {
    /// When the last segment arrived; [`Instant::NEVER`] before the first.
    last: Instant,
    /// When the ACK is due: [`Instant::NEVER`] if none is, [`Instant::ZERO`] for at once.
    due: Instant,
    delay: Micros,
    idle: Micros,
    /// Not acknowledged yet.
    bytes: u32,
    full_segments: u32,
    quick_segments: u8,
    quick: u8,
    interactive: bool,
}

impl DelayedAck {
    /// The state of a new connection, in its quick phase.
    #[must_use]
    pub fn new(config: &DelayedAckConfig) -> Self {
        Self {
            last: Instant::NEVER,
            due: Instant::NEVER,
            delay: Micros::new(config.delay.min(MAX_DELAY)),
            idle: Micros::new(config.idle),
            bytes: 0,
            full_segments: 0,
            quick_segments: config.quick_segments,
            quick: config.quick_segments,
            interactive: false,
        }
    }

    /// Data arrived in order: `len` bytes in `segments` segments (more than one if the device joined
    /// them). `rmss` is the size of a full segment of this peer: the largest seen, or the MSS we
    /// announced, whichever is less.
    ///
    /// Once it is [`AckDecision::Now`], it stays so until [`on_ack_sent`](Self::on_ack_sent).
    // RFC 9293: SHLD-18, SHLD-19.
    #[inline]
    pub fn on_segment(&mut self, now: Instant, len: u32, rmss: u32, segments: u32) -> AckDecision {
        if now.saturating_duration_since(self.last) >= self.idle.duration() {
            self.enter_quick(self.quick_segments);
        }
        self.last = now;
        self.bytes = self.bytes.saturating_add(len);
        self.full_segments = self
            .full_segments
            .saturating_add(full_segments(len, rmss, segments));

        let enough = self.full_segments >= 2 || self.bytes >= rmss.saturating_mul(2);
        if enough || self.delay == Micros::ZERO || self.take_quick(segments) {
            self.due = Instant::ZERO;
        } else if !self.pending() {
            self.due = now + self.delay.duration();
        }
        if self.due == Instant::ZERO {
            AckDecision::Now
        } else {
            AckDecision::At(self.due)
        }
    }

    /// Whether the quick phase covers these segments, which then count against it.
    fn take_quick(&mut self, segments: u32) -> bool {
        let quick = self.quick > 0 && !self.interactive;
        if quick {
            self.quick = self
                .quick
                .saturating_sub(u8::try_from(segments).unwrap_or(u8::MAX));
        }
        quick
    }

    /// A segment with the current acknowledgment number was sent, alone or with data.
    #[inline]
    pub const fn on_ack_sent(&mut self) {
        self.due = Instant::NEVER;
        self.bytes = 0;
        self.full_segments = 0;
    }

    /// The delay ran out before the application answered: it is not interactive after all.
    pub const fn on_timeout(&mut self) {
        self.interactive = false;
    }

    /// Acknowledges the next `segments` segments at once, or more if as many were left: after a loss,
    /// when the sender's window has become small.
    pub fn enter_quick(&mut self, segments: u8) {
        self.quick = self.quick.max(segments);
    }

    /// Whether the application answers what arrives, so that answers carry the ACKs.
    #[inline]
    pub const fn set_interactive(&mut self, interactive: bool) {
        self.interactive = interactive;
    }

    /// Whether data has arrived that is not acknowledged yet.
    #[must_use]
    #[inline]
    pub fn pending(&self) -> bool {
        self.due != Instant::NEVER
    }

    /// What has happened so far: together with the configuration, all there is to say.
    #[must_use]
    pub const fn progress(&self) -> AckProgress {
        AckProgress {
            last: self.last,
            due: self.due,
            bytes: self.bytes,
            full_segments: self.full_segments,
            quick: self.quick,
            interactive: self.interactive,
        }
    }

    /// The state that was made with `config` and said so of itself.
    #[must_use]
    pub fn with_progress(config: &DelayedAckConfig, progress: AckProgress) -> Self {
        Self {
            last: progress.last,
            due: progress.due,
            bytes: progress.bytes,
            full_segments: progress.full_segments,
            quick: progress.quick,
            interactive: progress.interactive,
            ..Self::new(config)
        }
    }
}

/// How many of `segments` segments with `len` bytes in all are full-sized: RMSS does not account for
/// options (RFC 5681 §2), so a full one may hold a little less.
fn full_segments(len: u32, rmss: u32, segments: u32) -> u32 {
    let full = rmss.saturating_sub(MAX_OPTIONS).max(rmss / 2).max(1);
    (len / full).min(segments)
}
