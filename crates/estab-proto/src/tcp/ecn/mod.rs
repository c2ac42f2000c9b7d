//! Explicit congestion notification: a router marks a packet, its receiver tells the sender, the
//! sender slows down (RFC 3168, RFC 9768, RFC 8257).
//!
//! What the SYNs agree on is in [`negotiate`]. The receiver's half is one bit ([`classic`]) or a set
//! of counters ([`marks`]); the sender's half reads them ([`feedback`]). This file is what the
//! connection keeps, [`input`] and [`output`] are where segments meet it.

mod classic;
mod feedback;
mod input;
mod marks;
pub(crate) mod negotiate;
mod output;
mod scrutiny;
mod trials;

use alloc::boxed::Box;

pub(crate) use trials::Trials;

use crate::config::TcpConfig;
use crate::tcp::ecn::classic::Classic;
use crate::tcp::ecn::feedback::Feedback;
use crate::tcp::ecn::marks::Marks;
use crate::tcp::ecn::negotiate::{Agreement, marks_everything};
use crate::tcp::ecn::scrutiny::Scrutiny;
use crate::wire::EcnCodepoint;

/// How a connection's two ends tell each other about marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EcnMode {
    /// Not at all: no packet is sent as ECN-capable.
    #[default]
    Off,
    /// Once per round trip, by ECE and CWR (RFC 3168).
    Classic,
    /// Mark by mark, by counters (RFC 9768).
    Accurate,
}

/// ECN on one connection that has it.
// RFC 9293: SHLD-8.
#[derive(Clone, Debug)]
pub(crate) struct Ecn {
    feedback: Mode,
    /// The ECN field of the peer's SYN or SYN-ACK.
    seen: EcnCodepoint,
    /// Whether new data goes out as ECN-capable.
    ect: bool,
    /// Whether everything else does too (RFC 8257 §3.6).
    everything: bool,
    /// New data waits for the retransmission timer: a mark came at a window of one segment, which
    /// cannot shrink any more (RFC 3168 §6.1.2).
    held: bool,
    /// The acknowledgement that is due answers marked acknowledgements alone: it goes without SACK
    /// blocks, so as not to look like a duplicate (RFC 9768 §3.2.2.5.1).
    bare: bool,
    /// The peer's first segment after its SYN has not come yet.
    fresh: bool,
    /// What is known of a path that marks everything.
    scrutiny: Scrutiny,
    /// Segments of ours that the peer reported as marked; of classic feedback, those acknowledged
    /// with ECE.
    delivered_ce: u32,
    /// Segments that arrived marked.
    received_ce: u32,
}

/// The state of either feedback.
#[derive(Clone, Debug)]
enum Mode {
    Classic(Classic),
    Accurate { marks: Marks, told: Feedback },
}

impl Ecn {
    /// ECN as agreed; `None` if it is not.
    pub(crate) fn new(agreed: &Agreement, config: &TcpConfig) -> Option<Box<Self>> {
        let everything = marks_everything(config);
        let feedback = match agreed.mode {
            EcnMode::Off => return None,
            EcnMode::Classic => Mode::Classic(Classic::new(everything)),
            EcnMode::Accurate => Mode::Accurate {
                marks: Marks::new(),
                told: Feedback::new(),
            },
        };
        Some(Box::new(Self {
            feedback,
            seen: agreed.seen,
            ect: agreed.ect,
            everything,
            held: false,
            bare: false,
            fresh: true,
            scrutiny: Scrutiny::default(),
            delivered_ce: 0,
            received_ce: 0,
        }))
    }

    /// What was agreed, for a SYN-ACK.
    pub(crate) fn agreement(&self) -> Agreement {
        Agreement {
            mode: self.mode(),
            seen: self.seen,
            ect: self.ect,
        }
    }

    /// Which feedback it is.
    pub(crate) fn mode(&self) -> EcnMode {
        match self.feedback {
            Mode::Classic(_) => EcnMode::Classic,
            Mode::Accurate { .. } => EcnMode::Accurate,
        }
    }

    /// Segments of ours that the peer reported as marked.
    pub(crate) fn delivered_ce(&self) -> u32 {
        self.delivered_ce
    }

    /// Segments that arrived marked.
    pub(crate) fn received_ce(&self) -> u32 {
        self.received_ce
    }
}

#[cfg(test)]
mod tests;
