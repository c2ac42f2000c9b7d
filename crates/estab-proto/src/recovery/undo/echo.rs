//! The Eifel detection algorithm (RFC 3522), in its safe variant as far as ticks can tell.

use estab_timer::Instant;

use super::Testimony;
use crate::recovery::records::Record;

/// What the first acknowledgment of new data will be measured by. Ticks are milliseconds of our
/// clock and wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    /// The first segment was not sent again yet; the original went out at `original`.
    Waiting { original: u32 },
    /// It was sent again at `resent`. `original` is not known if it had been before the episode.
    Resent { original: Option<u32>, resent: u32 },
    /// That acknowledgment has come, or will tell nothing.
    Over,
}

impl Echo {
    /// An episode begins. If it is not the first segment that is lost, the acknowledgment that
    /// advances SND.UNA is about something else.
    pub(super) fn begin(front: &Record, timeout: bool) -> Self {
        let sent = tick(front.sent_at);
        if front.sacked || !(timeout || front.is_pending()) {
            Self::Over
        } else if front.retransmitted {
            Self::Resent {
                original: None,
                resent: sent,
            }
        } else {
            Self::Waiting { original: sent }
        }
    }

    /// The first retransmission of the episode is that of the first segment; later ones do not
    /// matter (RFC 3522 §3.2 step 2).
    pub(super) fn on_retransmitted(&mut self, now: Instant) {
        if let Self::Waiting { original } = *self {
            *self = Self::Resent {
                original: Some(original),
                resent: tick(now),
            };
        }
    }

    /// The first acknowledgment of new data has come (RFC 3522 §3.2 steps 3 to 5): whether it answers
    /// the original.
    ///
    /// What echoes the tick of the retransmission may answer either. What echoes one from before the
    /// original was sent is a lie: the safe variant (RFC 3522 §3.4), but for ACKs that were lost on
    /// the way.
    pub(super) fn first_acknowledged(&mut self, said: &Testimony, timeout: bool) -> bool {
        let older = match core::mem::replace(self, Self::Over) {
            // Whatever arrived was the original.
            Self::Waiting { .. } => return true,
            Self::Resent { original, resent } => said.echo.is_some_and(|echo| {
                is_before(echo, resent) && original.is_none_or(|sent| !is_before(echo, sent))
            }),
            Self::Over => false,
        };
        // A receiver that had everything, but whose ACKs were all lost, answers the retransmission
        // with an old timestamp. That the timer expired was right then (RFC 3522 §3.3).
        let only_acks_lost = timeout && said.all && !said.reports_duplicates;
        older && said.duplicate.is_none() && !only_acks_lost
    }
}

/// The timestamp clock's reading, before its displacement.
fn tick(at: Instant) -> u32 {
    at.as_millis() as u32
}

fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}
