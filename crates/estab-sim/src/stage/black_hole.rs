//! Long packets vanish (RFC 2923 §2.1).

use bytes::Bytes;
use estab_timer::Instant;

use super::{Port, Stage};

struct BlackHole {
    mtu: u64,
}

pub(super) fn stage(mtu: u64) -> Box<dyn Stage> {
    Box::new(BlackHole { mtu })
}

impl Stage for BlackHole {
    fn push(&mut self, _: Instant, packet: Bytes, port: &mut Port<'_>) {
        if packet.len() as u64 > self.mtu {
            port.stats.dropped.too_large += 1;
        } else {
            port.pass(packet);
        }
    }
}
