//! Some packets arrive twice.

use bytes::Bytes;
use estab_timer::Instant;

use super::{Port, Stage};
use crate::rng::{Probability, Rng};

struct Duplicate {
    probability: Probability,
    rng: Rng,
}

pub(super) fn stage(probability: f64, rng: Rng) -> Box<dyn Stage> {
    let probability = Probability::new(probability);
    Box::new(Duplicate { probability, rng })
}

impl Stage for Duplicate {
    fn push(&mut self, _: Instant, packet: Bytes, port: &mut Port<'_>) {
        if self.rng.chance(self.probability) {
            port.stats.duplicated += 1;
            port.pass(packet.clone());
        }
        port.pass(packet);
    }
}
