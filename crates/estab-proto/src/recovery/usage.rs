//! Whether the sender uses the congestion window it has (RFC 9438 §5.8, RFC 7661).

use crate::SeqNumber;
use crate::congestion::Controller;

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
}

impl Usage {
    pub(super) fn new(una: SeqNumber) -> Self {
        Self {
            peak: 0,
            end: una,
            filled: false,
        }
    }

    /// Something was sent, and this much is in flight now.
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
    pub(super) fn may_grow(&mut self, cc: &Controller, mss: u32) -> bool {
        self.filled |= self.peak.saturating_add(mss) > cc.cwnd();
        self.filled || (cc.in_slow_start() && cc.cwnd() / 2 < self.peak)
    }

    /// Whether the flight filled the window in this round, as of the last acknowledgment.
    pub(super) fn filled(&self) -> bool {
        self.filled
    }
}
