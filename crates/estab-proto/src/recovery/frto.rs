//! F-RTO: was the timeout spurious? (RFC 5682, both versions)
//!
//! After a timeout only the first segment goes out again. If what comes back acknowledges data that was
//! never sent twice, that data was under way all the time, and so was the rest.

use crate::SeqNumber;

/// How far the algorithm has come since the timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frto {
    /// It does not run.
    Off,
    /// Step 1: what is below `end` is sent again, the rest waits for the acknowledgment of that.
    Resent { end: SeqNumber },
    /// Step 2b: up to two segments beyond `recover` go out, and the next acknowledgment decides.
    Probing { recover: SeqNumber },
}

/// What an acknowledgment said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// SND.UNA, after the acknowledgment.
    pub(super) una: SeqNumber,
    /// SND.NXT.
    pub(super) nxt: SeqNumber,
    /// The number after the highest selectively acknowledged.
    pub(super) highest: Option<SeqNumber>,
    /// Whether the peer sends SACK blocks.
    pub(super) sack: bool,
    /// Whether SND.UNA advanced.
    pub(super) advanced: bool,
    /// Whether it was a duplicate.
    pub(super) duplicate: bool,
    /// Whether all that was acknowledged for the first time, and there was some, was sent just once.
    pub(super) fresh: bool,
}

/// What follows from an acknowledgment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing yet, or nothing any more.
    Open,
    /// The timeout may have been right: everything is sent again. `late` if that begins a round trip
    /// after it would have without F-RTO.
    Lost { late: bool },
    /// The timeout was spurious.
    Spurious,
}

impl Frto {
    /// The timer expired (step 1). Only if no recovery was going on does it mean that the network is
    /// empty, and only then can later acknowledgments tell anything.
    pub(super) fn start(una: SeqNumber) -> Self {
        Self::Resent { end: una }
    }

    /// Something up to `end` was sent again.
    pub(super) fn on_retransmitted(&mut self, end: SeqNumber) {
        *self = match *self {
            Self::Resent { end: before } => Self::Resent {
                end: before.max(end),
            },
            // There was no new data to send: the usual recovery (step 2b).
            Self::Off | Self::Probing { .. } => Self::Off,
        };
    }

    /// An acknowledgment arrived.
    pub(super) fn on_ack(&mut self, heard: &Heard) -> Finding {
        let (next, finding) = match *self {
            Self::Off => (Self::Off, Finding::Open),
            Self::Resent { end } => self.first(end, heard),
            Self::Probing { recover } => self.second(recover, heard),
        };
        *self = next;
        finding
    }

    /// Step 2. A duplicate says nothing if SACK blocks go with it (RFC 5682 §3.1).
    fn first(self, end: SeqNumber, heard: &Heard) -> (Self, Finding) {
        let partial = heard.una.before(end);
        let all = heard.una == heard.nxt;
        if heard.advanced && !partial && !all {
            let recover = heard.nxt;
            (Self::Probing { recover }, Finding::Open)
        } else if heard.advanced || (heard.duplicate && !heard.sack) {
            (Self::Off, Finding::Lost { late: false })
        } else {
            (self, Finding::Open)
        }
    }

    /// Step 3.
    fn second(self, recover: SeqNumber, heard: &Heard) -> (Self, Finding) {
        let beyond = heard.una.after(recover) || heard.highest.is_some_and(|it| it.after(recover));
        if heard.fresh && !(heard.sack && beyond) {
            (Self::Off, Finding::Spurious)
        } else if heard.advanced || heard.duplicate {
            (Self::Off, Finding::Lost { late: true })
        } else {
            (self, Finding::Open)
        }
    }

    /// Whether what is lost waits for an acknowledgment to decide.
    pub(super) fn holds_back(self) -> bool {
        self != Self::Off
    }

    /// Whether the one thing to send now is new data: how much of it is out already.
    pub(super) fn probing(self, nxt: SeqNumber) -> Option<u32> {
        match self {
            Self::Probing { recover } => Some(nxt - recover),
            Self::Off | Self::Resent { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
