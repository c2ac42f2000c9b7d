//! One direction of a link that loses, delays, reorders, duplicates and damages packets, by a seed.

use std::time::Duration;

use estab_proto::Instant;

use crate::rng::Rng;

/// What happens on the way. Probabilities are per packet, from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    /// The packet never arrives.
    pub loss: f64,
    /// Others overtake the packet, which comes up to [`late`](Self::late) later.
    pub reorder: f64,
    /// The packet arrives twice, the copy up to [`late`](Self::late) later.
    pub duplicate: f64,
    /// A byte of the packet changes, or its end is cut off.
    pub corrupt: f64,
    /// Time every packet takes.
    pub delay: Duration,
    /// Up to this much more, without changing the order.
    pub jitter: Duration,
    /// See above.
    pub late: Duration,
}

impl Faults {
    /// A link that only takes its time.
    pub const fn none(delay: Duration) -> Self {
        Self {
            loss: 0.0,
            reorder: 0.0,
            duplicate: 0.0,
            corrupt: 0.0,
            delay,
            jitter: Duration::ZERO,
            late: Duration::ZERO,
        }
    }
}

/// What became of the packets given to a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Given to the link.
    pub sent: u64,
    /// Lost.
    pub lost: u64,
    /// Delivered late on purpose.
    pub reordered: u64,
    /// Delivered twice.
    pub duplicated: u64,
    /// Damaged.
    pub corrupted: u64,
}

/// One direction.
#[derive(Clone, Debug)]
pub struct Link {
    /// What happens on it; may be changed at any time.
    pub faults: Faults,
    /// What has happened on it.
    pub tally: Tally,
    rng: Rng,
    last_arrival: Instant,
}

impl Link {
    /// A link with faults drawn from `rng`.
    pub fn new(faults: Faults, rng: Rng) -> Self {
        Self {
            faults,
            tally: Tally::default(),
            rng,
            last_arrival: Instant::ZERO,
        }
    }

    /// When which copies of `packet`, sent at `now`, arrive.
    pub fn carry(&mut self, now: Instant, packet: Vec<u8>) -> Vec<(Instant, Vec<u8>)> {
        self.tally.sent += 1;
        let mut arrivals = Vec::with_capacity(1);
        let duplicate = self.draw(self.faults.duplicate);
        if self.draw(self.faults.loss) {
            self.tally.lost += 1;
        } else {
            let late = self.draw(self.faults.reorder);
            let at = self.arrival(now, late);
            arrivals.push((at, self.damage(packet.clone())));
        }
        if duplicate {
            self.tally.duplicated += 1;
            let at = self.arrival(now, true);
            arrivals.push((at, self.damage(packet)));
        }
        arrivals
    }

    /// Draws only where it matters, so that a link without faults is the same for every seed.
    fn draw(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.rng.chance(probability)
    }

    fn upto(&mut self, limit: Duration) -> Duration {
        Duration::from_nanos(self.rng.below(limit.as_nanos() as u64 + 1))
    }

    fn arrival(&mut self, now: Instant, late: bool) -> Instant {
        let at = now + self.faults.delay + self.upto(self.faults.jitter);
        if late {
            self.tally.reordered += 1;
            return at + self.upto(self.faults.late);
        }
        self.last_arrival = self.last_arrival.max(at);
        self.last_arrival
    }

    /// Damages of a kind every checksum or length check notices.
    fn damage(&mut self, mut packet: Vec<u8>) -> Vec<u8> {
        if self.draw(self.faults.corrupt) {
            self.tally.corrupted += 1;
            let at = self.rng.below(packet.len() as u64) as usize;
            if self.rng.chance(0.2) {
                packet.truncate(at);
            } else {
                packet[at] ^= self.rng.between(1, 255) as u8;
            }
        }
        packet
    }
}
