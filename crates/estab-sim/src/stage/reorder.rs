//! Some packets are held back, so that others overtake them.

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use super::{Line, Port, Stage};
use crate::rng::{Probability, Rng};

struct Reorder {
    probability: Probability,
    delay: Duration,
    rng: Rng,
    late: Line,
}

pub(super) fn stage(probability: f64, delay: Duration, rng: Rng) -> Box<dyn Stage> {
    Box::new(Reorder {
        probability: Probability::new(probability),
        delay,
        rng,
        late: Line::default(),
    })
}

impl Stage for Reorder {
    fn push(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>) {
        if self.rng.chance(self.probability) {
            port.stats.reordered += 1;
            self.late.hold(at + self.delay, packet, port);
        } else {
            port.pass(packet);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.late.deadline()
    }

    fn fire(&mut self, at: Instant, port: &mut Port<'_>) {
        self.late.release(at, port);
    }
}
