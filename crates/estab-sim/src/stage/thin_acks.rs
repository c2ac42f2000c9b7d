//! ACKs made fewer.

use std::num::NonZeroU32;

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use super::{Port, Stage};
use crate::packet::{Flow, tcp_flow};

#[cfg(test)]
mod tests;

struct ThinAcks {
    keep_one_in: NonZeroU32,
    within: Duration,
    /// The flows with an ACK in hand, longest held first.
    held: Vec<Held>,
}

/// The newest ACK of a flow.
struct Held {
    flow: Flow,
    until: Instant,
    /// ACKs since one went on, this one included.
    count: u32,
    packet: Bytes,
}

pub(super) fn stage(keep_one_in: u32, within: Duration) -> Box<dyn Stage> {
    let keep_one_in = NonZeroU32::new(keep_one_in).expect("one ACK in 0 cannot be kept");
    Box::new(ThinAcks {
        keep_one_in,
        within,
        held: Vec::new(),
    })
}

impl ThinAcks {
    fn take(&mut self, flow: &Flow, port: &mut Port<'_>) -> Option<Held> {
        let at = self.held.iter().position(|held| held.flow == *flow)?;
        port.stats.held -= 1;
        Some(self.held.remove(at))
    }
}

impl Stage for ThinAcks {
    fn push(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>) {
        let Some((flow, pure)) = tcp_flow(&packet) else {
            return port.pass(packet);
        };
        let older = self.take(&flow, port);
        if !pure {
            older.into_iter().for_each(|held| port.pass(held.packet));
            return port.pass(packet);
        }
        let (until, count) = match older {
            Some(held) => {
                port.stats.dropped.thinned += 1;
                (held.until, held.count + 1)
            }
            None => (at + self.within, 1),
        };
        if count >= self.keep_one_in.get() {
            return port.pass(packet);
        }
        let held = Held {
            flow,
            until,
            count,
            packet,
        };
        port.stats.held += 1;
        let behind = self.held.partition_point(|other| other.until <= until);
        self.held.insert(behind, held);
    }

    fn deadline(&self) -> Option<Instant> {
        self.held.first().map(|held| held.until)
    }

    fn fire(&mut self, at: Instant, port: &mut Port<'_>) {
        let due = self.held.partition_point(|held| held.until <= at);
        for held in self.held.drain(..due) {
            port.stats.held -= 1;
            port.pass(held.packet);
        }
    }
}
