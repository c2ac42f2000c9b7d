//! How fast the path delivers (draft-ietf-ccwg-bbr §4.1).
//!
//! One measurement a round trip costs nearly nothing and is always there. A sample per acknowledgment,
//! as BBR wants it, takes a mark for each burst in flight and is made only if the controller asks.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use estab_timer::{Duration, Instant};

use super::Recovery;
use super::covered::{Covered, Sent};
use crate::SeqNumber;
use crate::congestion::Controller;
use crate::dormant::{Dormant, Reader, Writer};

/// What one acknowledgment says of the rate of delivery: the sample RS of draft-ietf-ccwg-bbr
/// §4.1.2.1.3, by the burst of which the acknowledged segment that was sent last was part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateSample {
    /// How many bytes were delivered since before the burst was sent.
    pub delivered: u32,
    /// How long that took; zero if that cannot be told reliably.
    pub interval: Duration,
    /// How long ago the segment was sent.
    pub rtt: Duration,
    /// All that was delivered when the burst was sent.
    pub prior_delivered: u64,
    /// Whether the application had left the window unused when the burst was sent, or within a round
    /// trip before.
    pub is_app_limited: bool,
    /// The pipe when the burst had left.
    pub tx_in_flight: u32,
    /// How many bytes were found lost since.
    pub lost: u32,
}

impl RateSample {
    /// The rate of delivery in bytes per second; 0 if it cannot be told.
    pub fn delivery_rate(&self) -> u64 {
        bytes_per_second(self.delivered, self.interval)
    }
}

/// What was found lost: P of draft-ietf-ccwg-bbr §5.5.10.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostBurst {
    /// The first sequence number.
    pub seq: SeqNumber,
    /// How many: all were sent in one burst.
    pub bytes: u32,
    /// The pipe when the burst had left.
    pub tx_in_flight: u32,
    /// How many bytes were found lost since, these included.
    pub lost: u32,
    /// Whether the application had left the window unused when the burst was sent.
    pub is_app_limited: bool,
    /// All that was delivered by now.
    pub delivered: u64,
    /// Whether the receiver reports selectively what arrived, so that a round trip can show more than
    /// one loss.
    pub has_sack: bool,
}

fn bytes_per_second(bytes: u32, interval: Duration) -> u64 {
    let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    (u64::from(bytes) * 1_000_000_000)
        .checked_div(nanos)
        .unwrap_or(0)
}

/// Whether a count of delivered bytes, of which these are the lowest 32 bits, has come to `mark`.
fn has_reached(delivered: u32, mark: u32) -> bool {
    delivered.wrapping_sub(mark) < 1 << 31
}

/// The rate over the last round trip, and the marks for samples if they are wanted.
///
/// A round trip ends when all that was in flight at its beginning is delivered. Counts are the lowest
/// 32 bits of all that was delivered.
#[derive(Debug)]
pub(super) struct Rate {
    began_at: Instant,
    marks: Option<Box<Marks>>,
    began: u32,
    end: u32,
    /// What the last round that counts delivered, and in how many microseconds.
    bytes: u32,
    micros: u32,
    /// C.app_limited: how much is delivered when the gap the application left has passed through the
    /// network.
    bubble: u32,
    has_bubble: bool,
    /// Whether the application limits this round.
    limits: bool,
    /// Whether it limited the last one that counts.
    limited: bool,
}

impl Rate {
    pub(super) fn new() -> Self {
        Self {
            began_at: Instant::ZERO,
            marks: None,
            began: 0,
            end: 0,
            bytes: 0,
            micros: 0,
            bubble: 0,
            has_bubble: false,
            limits: false,
            limited: false,
        }
    }

    /// Data was sent, which took the pipe from `before` to `after` bytes, with so much delivered.
    #[inline]
    fn on_sent(&mut self, now: Instant, before: u32, after: u32, delivered: u64) {
        let count = delivered as u32;
        if before == 0 {
            self.begin(now, count, after);
        } else if self.began == count {
            self.end = count.wrapping_add(after);
        }
        if let Some(marks) = &mut self.marks {
            marks.on_sent(now, before, after, count, self.has_bubble);
        }
    }

    /// An acknowledgment was processed: so much is delivered in all, and so much is in flight.
    fn on_ack(&mut self, now: Instant, delivered: u64, in_flight: u32) {
        let count = delivered as u32;
        self.has_bubble &= !has_reached(count, self.bubble.wrapping_add(1));
        if count != self.began && has_reached(count, self.end) {
            self.finish(now, count);
            self.begin(now, count, in_flight);
        }
    }

    fn begin(&mut self, now: Instant, delivered: u32, in_flight: u32) {
        self.began_at = now;
        self.began = delivered;
        self.end = delivered.wrapping_add(in_flight);
        self.limits = self.has_bubble;
    }

    /// Keeps what was measured, unless the application limited it and it is less than is known
    /// already.
    fn finish(&mut self, now: Instant, delivered: u32) {
        let bytes = delivered.wrapping_sub(self.began);
        let micros = u32::try_from((now - self.began_at).as_micros()).unwrap_or(u32::MAX);
        let faster =
            u64::from(bytes) * u64::from(self.micros) >= u64::from(self.bytes) * u64::from(micros);
        if !self.limits || faster {
            self.bytes = bytes;
            self.micros = micros.max(1);
            self.limited = self.limits;
        }
    }

    /// The latest rate in bytes per second, and whether the application limited it.
    fn latest(&self) -> Option<(u64, bool)> {
        let interval = Duration::from_micros(self.micros.into());
        (self.bytes > 0).then(|| (bytes_per_second(self.bytes, interval), self.limited))
    }
}

impl Recovery {
    /// Measures [`AckSample::rate`](super::AckSample::rate) from now on, and tells the controller of
    /// each loss: for one that [wants it](crate::congestion::CongestionControl::wants_rate). To be
    /// called before anything is sent.
    #[must_use]
    pub fn with_rate_samples(mut self, wanted: bool) -> Self {
        self.rate.marks = wanted.then(Box::default);
        self.board.losses().enable(wanted);
        self
    }

    /// The application has nothing more to send: if the window has room and nothing waits to be sent
    /// again, what the path delivers until this gap has passed says little of it
    /// (draft-ietf-ccwg-bbr §4.1.2.4).
    ///
    /// To be called before the application queues more, and before an acknowledgment or a timer is
    /// processed, whenever nothing unsent is queued.
    #[inline]
    pub fn on_app_limited(&mut self, cc: &Controller) {
        let in_flight = self.in_flight();
        if in_flight < cc.cwnd() && self.board.sums().pending == 0 {
            self.rate.bubble = (self.delivered as u32).wrapping_add(in_flight);
            self.rate.has_bubble = true;
            self.rate.limits = true;
        }
    }

    /// Whether the application leaves the window unused, or did a round trip ago.
    #[inline]
    pub fn is_app_limited(&self) -> bool {
        self.rate.has_bubble
    }

    /// How fast the path delivered in the last round trip, in bytes per second, and whether the
    /// application limited it; `None` before the first. A rate that it limited counts only if it is
    /// more.
    pub fn delivery_rate(&self) -> Option<(u64, bool)> {
        self.rate.latest()
    }

    /// Something was sent, new or again; `before` is the pipe without it.
    #[inline]
    pub(super) fn mark_sent(&mut self, now: Instant, before: u32) {
        let after = self.in_flight();
        self.rate.on_sent(now, before, after, self.delivered);
    }

    /// The sample of an acknowledgment that covered `covered` anew.
    #[inline]
    pub(super) fn sample_rate(&mut self, now: Instant, covered: &Covered) -> Option<RateSample> {
        if covered.bytes == 0 {
            return None;
        }
        let in_flight = self.in_flight();
        self.rate.on_ack(now, self.delivered, in_flight);
        let marks = self.rate.marks.as_mut()?;
        let min_rtt = self.min_rtt.get().unwrap_or_default();
        let sample = marks.on_ack(now, self.delivered, covered.latest?, min_rtt);
        let sums = self.board.sums();
        if sums.lost == 0 && sums.in_retransmit == 0 {
            // In order of time, then.
            marks.forget_before(self.board.front().map(|first| first.sent_at));
        }
        marks.bound(self.board.records());
        sample
    }

    /// Tells the controller what was found lost since this was last called.
    pub(super) fn tell_losses(&mut self, now: Instant, cc: &mut Controller) {
        let Some(marks) = self.rate.marks.as_mut() else {
            return;
        };
        for loss in self.board.losses().take() {
            if let Some(mut burst) = marks.on_lost(&loss, self.delivered) {
                burst.has_sack = self.sack;
                cc.on_lost(now, &burst);
            }
        }
    }
}

/// Part of a burst that was found lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    pub(super) seq: SeqNumber,
    pub(super) len: u32,
    pub(super) sent_at: Instant,
}

/// What was found lost and not told yet; nothing is noted unless somebody wants to know.
#[derive(Debug, Default)]
pub(super) struct LossLog(Option<Box<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    losses: Vec<Loss>,
}

impl LossLog {
    fn enable(&mut self, wanted: bool) {
        self.0 = wanted.then(Box::default);
    }

    pub(super) fn note(&mut self, seq: SeqNumber, len: u32, sent_at: Instant) {
        let Some(noted) = &mut self.0 else { return };
        match noted.losses.last_mut() {
            Some(last) if last.sent_at == sent_at && last.seq + last.len == seq => last.len += len,
            _ => noted.losses.push(Loss { seq, len, sent_at }),
        }
    }

    /// What was noted, in the order in which it was.
    fn take(&mut self) -> Vec<Loss> {
        let noted = self.0.as_deref_mut().map(core::mem::take);
        noted.map(|noted| noted.losses).unwrap_or_default()
    }
}

/// A mark for each burst in flight, in the order in which they were sent.
#[derive(Debug)]
struct Marks {
    marks: VecDeque<Mark>,
    /// C.delivered_time.
    delivered_at: Instant,
    /// C.first_send_time.
    first_sent_at: Instant,
    /// C.lost.
    lost: u32,
}

/// What is noted when a burst is sent: P of draft-ietf-ccwg-bbr §4.1.2.1.2.
#[derive(Clone, Copy, Debug)]
struct Mark {
    sent_at: Instant,
    delivered_at: Instant,
    first_sent_at: Instant,
    delivered: u32,
    lost: u32,
    tx_in_flight: u32,
    is_app_limited: bool,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            marks: VecDeque::new(),
            delivered_at: Instant::ZERO,
            first_sent_at: Instant::ZERO,
            lost: 0,
        }
    }
}

impl Marks {
    #[inline]
    fn on_sent(&mut self, now: Instant, before: u32, after: u32, delivered: u32, limited: bool) {
        if before == 0 {
            self.first_sent_at = now;
            self.delivered_at = now;
        }
        match self.marks.back_mut() {
            Some(last) if last.sent_at >= now && last.delivered == delivered => {
                last.tx_in_flight = after;
            }
            _ => self.marks.push_back(Mark {
                sent_at: now,
                delivered_at: self.delivered_at,
                first_sent_at: self.first_sent_at,
                delivered,
                lost: self.lost,
                tx_in_flight: after,
                is_app_limited: limited,
            }),
        }
    }

    /// The mark of what was sent then.
    fn find(&self, sent_at: Instant) -> Option<&Mark> {
        let after = self.marks.partition_point(|mark| mark.sent_at <= sent_at);
        let mark = self.marks.get(after.checked_sub(1)?)?;
        (mark.sent_at == sent_at).then_some(mark)
    }

    fn on_ack(
        &mut self,
        now: Instant,
        delivered: u64,
        latest: Sent,
        min_rtt: Duration,
    ) -> Option<RateSample> {
        self.delivered_at = now;
        let mark = *self.find(latest.at)?;
        self.first_sent_at = mark.sent_at;
        // The longer of the two: neither compressed acknowledgments nor a burst of ours make the path
        // look faster.
        let interval = (mark.sent_at - mark.first_sent_at).max(now - mark.delivered_at);
        let since = (delivered as u32).wrapping_sub(mark.delivered);
        Some(RateSample {
            delivered: since,
            // Shorter than any round trip: a needless retransmission was taken for what arrived.
            interval: if interval < min_rtt {
                Duration::ZERO
            } else {
                interval
            },
            rtt: now - mark.sent_at,
            prior_delivered: delivered.saturating_sub(u64::from(since)),
            is_app_limited: mark.is_app_limited,
            tx_in_flight: mark.tx_in_flight,
            lost: self.lost.wrapping_sub(mark.lost),
        })
    }

    fn on_lost(&mut self, loss: &Loss, delivered: u64) -> Option<LostBurst> {
        self.lost = self.lost.wrapping_add(loss.len);
        let mark = self.find(loss.sent_at)?;
        Some(LostBurst {
            seq: loss.seq,
            bytes: loss.len,
            tx_in_flight: mark.tx_in_flight,
            lost: self.lost.wrapping_sub(mark.lost),
            is_app_limited: mark.is_app_limited,
            delivered,
            has_sack: true,
        })
    }

    /// Keeps no more marks than so many records can need, and as many again.
    fn bound(&mut self, records: usize) {
        let excess = self.marks.len().saturating_sub(2 * records + 16);
        self.marks.drain(..excess);
    }

    /// Keeps the last mark at least: more may be sent in its burst.
    fn forget_before(&mut self, oldest: Option<Instant>) {
        while self.marks.len() > 1
            && let Some(first) = self.marks.front()
            && oldest.is_none_or(|oldest| first.sent_at < oldest)
        {
            self.marks.pop_front();
        }
    }
}

impl Rate {
    /// Whether bursts are kept to measure rates by.
    pub(super) fn has_marks(&self) -> bool {
        self.marks.is_some()
    }
}

impl Dormant for Rate {
    fn dormant(&self, to: &mut Writer) {
        let Self {
            began_at,
            marks: _,
            began,
            end,
            bytes,
            micros,
            bubble,
            has_bubble,
            limits,
            limited,
        } = *self;
        (began_at, began, end, bytes, micros, bubble).dormant(to);
        (has_bubble, limits, limited).dormant(to);
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        let (began_at, began, end, bytes, micros, bubble) = Dormant::wake(from);
        let (has_bubble, limits, limited) = Dormant::wake(from);
        Self {
            began_at,
            marks: None,
            began,
            end,
            bytes,
            micros,
            bubble,
            has_bubble,
            limits,
            limited,
        }
    }
}

#[cfg(test)]
mod tests;
