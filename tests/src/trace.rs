//! What was sent and arrived when, to be shown when a test fails and compared when it is repeated.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use estab_proto::Instant;
use estab_proto::wire::Pretty;

use crate::world::Side;

/// The last packets are kept as bytes, up to this many.
const KEPT: usize = 8192;

/// A packet that was sent, or that arrived.
#[derive(Clone, Debug)]
struct Event {
    at: Instant,
    side: Side,
    arrived: bool,
    packet: Vec<u8>,
}

/// The packets of a run. Its `Display` text has a line for each of the last few thousand events:
/// `A ->` for a packet A sent, `A <-` for one that reached it.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    last: VecDeque<Event>,
    forgotten: u64,
    count: u64,
    hasher: DefaultHasher,
}

impl Trace {
    /// Notes a packet that `side` sends.
    pub fn sent(&mut self, at: Instant, side: Side, packet: &[u8]) {
        (at, side, packet).hash(&mut self.hasher);
        self.count += 1;
        self.keep(at, side, false, packet);
    }

    /// Notes a packet that reaches `side`.
    pub fn arrived(&mut self, at: Instant, side: Side, packet: &[u8]) {
        self.keep(at, side, true, packet);
    }

    fn keep(&mut self, at: Instant, side: Side, arrived: bool, packet: &[u8]) {
        if self.last.len() == KEPT {
            self.last.pop_front();
            self.forgotten += 1;
        }
        self.last.push_back(Event {
            at,
            side,
            arrived,
            packet: packet.to_vec(),
        });
    }

    /// How many packets were sent.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// A number that is the same for two runs only if they sent the same bytes at the same times.
    pub fn digest(&self) -> u64 {
        self.hasher.finish()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.forgotten > 0 {
            writeln!(f, "  ({} before)", self.forgotten)?;
        }
        for event in &self.last {
            let seconds = event.at.as_nanos() as f64 / 1e9;
            let way = if event.arrived { "<-" } else { "->" };
            let (side, packet) = (event.side, Pretty(&event.packet));
            writeln!(f, "  {seconds:>16.6} {side:?} {way} {packet}")?;
        }
        Ok(())
    }
}
