//! Whether the sender uses the congestion window it has (RFC 9438 §5.8, RFC 2861).
//!
//! A window that is not used does not grow, and after a retransmission timeout's time it begins to
//! shrink towards what is used, as in Linux (the rule of RFC 2861 §3). RFC 7661 would keep it for five
//! minutes instead, on the ground that the sender may soon need it again, and have the next loss pay
//! for that. Here the threshold remembers three quarters, so a sender that comes back is there again
//! within a few round trips, and the network never gets a burst of a size it last carried minutes ago.

use estab_timer::{Duration, Instant};

use super::{CaState, Recovery};
use crate::SeqNumber;
use crate::congestion::Controller;
use crate::dormant::dormant;

/// The unit of [`Usage::since`] is two to this many nanoseconds, about a millisecond.
const TICK: u32 = 20;

/// What limits the flight beside the congestion window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Nothing: more data waits.
    Plenty,
    /// The send buffer, which is full: it may be smaller than the window.
    Buffered,
    /// The application, which has written no more, or the peer's window.
    Exhausted,
}

/// The most that was in flight in the present round trip.
///
/// A window that the flight did not fill was not tested by the network, so it must not grow. The
/// flight is judged over a round trip since several ACKs may arrive before the sender can refill it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// The largest flight of the round.
    peak: u32,
    /// The round ends when this is acknowledged.
    end: SeqNumber,
    /// Whether the flight filled the window at some time in the round.
    filled: bool,
    /// The largest flight since the window was last full, or last shrunk for want of use.
    used: u32,
    /// When that was, in [`TICK`]s, which wrap.
    since: u32,
}

impl Usage {
    pub(super) fn new(una: SeqNumber) -> Self {
        Self {
            peak: 0,
            end: una,
            filled: false,
            used: 0,
            since: 0,
        }
    }

    /// Something was sent, and this much is in flight now.
    #[inline]
    pub(super) fn on_sent(&mut self, in_flight: u32, una: SeqNumber, nxt: SeqNumber) {
        let new_round = una.after_eq(self.end);
        if new_round {
            self.filled = false;
        }
        if new_round || in_flight > self.peak {
            self.peak = in_flight;
            self.end = nxt;
        }
    }

    /// Whether the window may grow by the acknowledgment that just arrived; to be asked before it
    /// does. In slow start the window may be twice what is used, since it doubles in a round.
    #[inline]
    pub(super) fn may_grow(&mut self, cc: &Controller, mss: u32) -> bool {
        self.filled |= self.peak.saturating_add(mss) > cc.cwnd();
        self.filled || (cc.in_slow_start() && cc.cwnd() / 2 < self.peak)
    }

    /// New data went out, and `in_flight` is the pipe now. Gives the largest flight of the last
    /// retransmission timeout, if the window was not full in all that time and no more data goes out
    /// now.
    #[inline]
    pub(super) fn underused(
        &mut self,
        now: Instant,
        rto: Duration,
        in_flight: u32,
        supply: Supply,
        cc: &Controller,
        mss: u32,
    ) -> Option<u32> {
        let tick = (now.as_nanos() >> TICK) as u32;
        let in_use = is_in_use(in_flight, cc, mss) || supply == Supply::Buffered;
        self.used = self.used.max(in_flight);
        let ticks = tick.wrapping_sub(self.since).saturating_add(1);
        let elapsed = Duration::from_nanos(u64::from(ticks) << TICK);
        let over = supply == Supply::Exhausted && elapsed >= rto;
        if !(in_use || over) {
            return None;
        }
        let used = core::mem::take(&mut self.used);
        self.since = tick;
        (!in_use).then_some(used)
    }

    /// The window is in use.
    fn refresh(&mut self, now: Instant) {
        self.used = 0;
        self.since = (now.as_nanos() >> TICK) as u32;
    }

    /// Whether the flight filled the window in this round, as of the last acknowledgment.
    pub(super) fn filled(&self) -> bool {
        self.filled
    }
}

/// Whether so much in flight makes use of the window: fills it, or half of it while it doubles each
/// round trip.
fn is_in_use(in_flight: u32, cc: &Controller, mss: u32) -> bool {
    in_flight.saturating_add(mss) > cc.cwnd() || (cc.in_slow_start() && cc.cwnd() / 2 < in_flight)
}

impl Recovery {
    /// New data went out. Gives whether the flight makes use of the window, which is then noted and
    /// [`validate_window`](Self::validate_window) needless.
    #[inline]
    pub fn note_use(&mut self, now: Instant, cc: &Controller) -> bool {
        let in_use = is_in_use(self.in_flight(), cc, self.mss);
        if in_use {
            self.usage.refresh(now);
        }
        in_use
    }

    /// New data went out: tells the controller if the flight has not filled the window for as long as
    /// the retransmission timeout `rto`, and `supply` is exhausted.
    ///
    /// During an episode the window is what the episode makes of it.
    #[inline]
    pub fn validate_window(
        &mut self,
        now: Instant,
        rto: Duration,
        supply: Supply,
        cc: &mut Controller,
    ) {
        let in_flight = self.in_flight();
        let underused = self
            .usage
            .underused(now, rto, in_flight, supply, cc, self.mss);
        if let Some(used) = underused.filter(|_| self.state == CaState::Open) {
            cc.on_underused(now, used);
        }
    }
}

dormant!(Usage {
    peak,
    end,
    filled,
    used,
    since
});

#[cfg(test)]
mod tests;
