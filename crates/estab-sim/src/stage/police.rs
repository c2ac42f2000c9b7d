//! A token-bucket policer.

use bytes::Bytes;
use estab_timer::Instant;

use super::{Port, Stage};
use crate::Bandwidth;
use crate::bandwidth::NANOS;

/// Tokens are bits times 10⁹, so that filling the bucket is exact at any rate.
struct Police {
    rate: Bandwidth,
    tokens: u128,
    most: u128,
    filled: Instant,
}

pub(super) fn stage(rate: Bandwidth, burst: u64) -> Box<dyn Stage> {
    let most = cost(burst);
    Box::new(Police {
        rate,
        tokens: most,
        most,
        filled: Instant::ZERO,
    })
}

fn cost(bytes: u64) -> u128 {
    u128::from(bytes) * 8 * NANOS
}

impl Stage for Police {
    fn push(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>) {
        let nanos = (at - self.filled).as_nanos();
        let new = nanos.saturating_mul(u128::from(self.rate.bits_per_second()));
        self.tokens = self.tokens.saturating_add(new).min(self.most);
        self.filled = at;
        match self.tokens.checked_sub(cost(packet.len() as u64)) {
            Some(left) => {
                self.tokens = left;
                port.pass(packet);
            }
            None => port.stats.dropped.policed += 1,
        }
    }
}
