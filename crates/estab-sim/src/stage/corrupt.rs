//! Some packets are damaged: one bit, which every checksum that covers it notices.

use bytes::{Bytes, BytesMut};
use estab_timer::Instant;

use super::{Port, Stage};
use crate::rng::{Probability, Rng};

struct Corrupt {
    probability: Probability,
    rng: Rng,
}

pub(super) fn stage(probability: f64, rng: Rng) -> Box<dyn Stage> {
    let probability = Probability::new(probability);
    Box::new(Corrupt { probability, rng })
}

impl Stage for Corrupt {
    fn push(&mut self, _: Instant, packet: Bytes, port: &mut Port<'_>) {
        if packet.is_empty() || !self.rng.chance(self.probability) {
            return port.pass(packet);
        }
        let bit = self.rng.upto(packet.len() as u64 * 8 - 1);
        let mut packet = BytesMut::from(packet);
        packet[(bit / 8) as usize] ^= 1 << (bit % 8);
        port.stats.corrupted += 1;
        port.pass(packet.freeze());
    }
}
