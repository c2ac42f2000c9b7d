//! Packets that do not arrive: independently, in bursts, or as listed.

use std::collections::BTreeSet;

use bytes::Bytes;
use estab_timer::Instant;

use super::{Port, Stage};
use crate::Loss;
use crate::rng::{Probability, Rng};

struct Losing {
    model: Model,
    rng: Rng,
}

enum Model {
    Uniform(Probability),
    Chain(Chain),
    Exactly { numbers: BTreeSet<u64>, next: u64 },
}

/// The chain of Gilbert and Elliott.
struct Chain {
    bad: bool,
    /// Of leaving the good and the bad state.
    leave: [Probability; 2],
    /// Of arriving in the good and the bad state.
    arrive: [Probability; 2],
}

pub(super) fn stage(loss: &Loss, rng: Rng) -> Box<dyn Stage> {
    let model = match loss {
        Loss::Uniform(probability) => Model::Uniform(Probability::new(*probability)),
        Loss::GilbertElliott { p, r, h, k } => Model::Chain(Chain {
            bad: false,
            leave: [p, r].map(|p| Probability::new(*p)),
            arrive: [k, h].map(|p| Probability::new(*p)),
        }),
        Loss::Exactly(numbers) => Model::Exactly {
            numbers: numbers.iter().copied().collect(),
            next: 0,
        },
    };
    Box::new(Losing { model, rng })
}

impl Losing {
    fn loses(&mut self) -> bool {
        match &mut self.model {
            Model::Uniform(probability) => self.rng.chance(*probability),
            Model::Chain(chain) => {
                let state = usize::from(chain.bad);
                let lost = !self.rng.chance(chain.arrive[state]);
                chain.bad ^= self.rng.chance(chain.leave[state]);
                lost
            }
            Model::Exactly { numbers, next } => {
                *next += 1;
                numbers.remove(&(*next - 1))
            }
        }
    }
}

impl Stage for Losing {
    fn push(&mut self, _: Instant, packet: Bytes, port: &mut Port<'_>) {
        if self.loses() {
            port.stats.dropped.lost += 1;
        } else {
            port.pass(packet);
        }
    }
}
