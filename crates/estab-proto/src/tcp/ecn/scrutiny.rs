//! Whether the path marks everything, whatever is sent (RFC 9768 §3.2.2.3).
//!
//! Marks that go on when the window has come down to next to nothing are not about congestion: some
//! device sets the bits. Who keeps answering them stands still for ever; without ECT there is nothing
//! to set, and losses tell of congestion as they do everywhere else.

use crate::SeqNumber;

/// So many round trips in a row, in each of which the window was reduced: by 0.85 or more, to less than
/// a thirteenth. No queue that was filled by a larger window is still full then.
const ROUNDS: u8 = 16;

/// The share of a round's bytes that need not be marked, as a power of two: what was sent again is not
/// ECN-capable.
const TOLERANCE: u32 = 3;

/// The present round trip, and how many before it were marked throughout.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scrutiny {
    /// The round ends when this is acknowledged.
    end: Option<SeqNumber>,
    delivered: u32,
    marked: u32,
    rounds: u8,
}

impl Scrutiny {
    /// By an acknowledgment up to `ack`, with everything up to `nxt` sent, `delivered` bytes are known
    /// to have arrived, `marked` of them with a mark. Gives whether enough is seen.
    pub(super) fn on_ack(
        &mut self,
        ack: SeqNumber,
        nxt: SeqNumber,
        delivered: u32,
        marked: u32,
    ) -> bool {
        self.delivered = self.delivered.saturating_add(delivered);
        self.marked = self.marked.saturating_add(marked);
        if self.end.is_some_and(|end| ack.before(end)) || self.delivered == 0 {
            return false;
        }
        let all = self.marked >= self.delivered - (self.delivered >> TOLERANCE);
        *self = Self {
            end: Some(nxt),
            rounds: if all {
                self.rounds.saturating_add(1)
            } else {
                0
            },
            ..Self::default()
        };
        self.rounds >= ROUNDS
    }
}

#[cfg(test)]
mod tests;
