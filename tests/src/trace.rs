//! What was sent when, to be shown when a test fails and compared when it is repeated.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use estab_proto::Instant;
use estab_proto::wire::Pretty;

use crate::world::Side;

/// The last packets are kept as bytes, up to this many.
const KEPT: usize = 4096;

/// A packet that was sent.
#[derive(Clone, Debug)]
struct Sent {
    at: Instant,
    by: Side,
    packet: Vec<u8>,
}

/// The packets of a run in the order they were sent. Its `Display` text has a line for each of the
/// last few thousand.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    last: std::collections::VecDeque<Sent>,
    count: u64,
    hasher: DefaultHasher,
}

impl Trace {
    /// Notes a packet.
    pub fn record(&mut self, at: Instant, by: Side, packet: &[u8]) {
        (at, by, packet).hash(&mut self.hasher);
        self.count += 1;
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(Sent {
            at,
            by,
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
        let dropped = self.count - self.last.len() as u64;
        if dropped > 0 {
            writeln!(f, "  ({dropped} packets before)")?;
        }
        for Sent { at, by, packet } in &self.last {
            let seconds = at.as_nanos() as f64 / 1e9;
            writeln!(f, "  {seconds:>16.6} {by:?} {}", Pretty(packet))?;
        }
        Ok(())
    }
}
