//! The flow of the last segment: the next one mostly is of the same, as in a burst of one transfer.
//!
//! What its packets have in common is compared at once, and what was found out about them before, that
//! the addresses may be and who holds the four-tuple, is not asked again.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use estab_timer::Instant;

use crate::addr::FourTuple;
use crate::stack::{ConnId, RxMeta, Stack};
use crate::wire::{EcnCodepoint, Sum, ipv4, protocol};

/// Everything in the word of flags and offset but the DF bit: zero in what is whole.
const FRAGMENT: u16 = 0xbfff;

/// Source, destination and ports, as they stand behind each other in IPv4 without options.
type Flow = [u8; 12];

/// The connection the last segment was for.
#[derive(Default)]
pub(crate) struct Recent {
    pub(crate) id: ConnId,
    /// What its packets have in common, if they are of IPv4: else zeros, since nobody sends from
    /// there.
    flow: Flow,
}

/// A TCP segment of the flow, in a packet with nothing unusual about it.
pub(crate) struct Predicted<'a> {
    ends: (IpAddr, IpAddr),
    ecn: EcnCodepoint,
    bytes: &'a [u8],
}

impl Recent {
    /// A segment for this connection came, over this four-tuple.
    pub(crate) fn new(id: ConnId, tuple: &FourTuple) -> Self {
        let mut flow = Flow::default();
        if let (SocketAddr::V4(src), SocketAddr::V4(dst)) = (tuple.remote, tuple.local) {
            flow[..4].copy_from_slice(&src.ip().octets());
            flow[4..8].copy_from_slice(&dst.ip().octets());
            flow[8..10].copy_from_slice(&src.port().to_be_bytes());
            flow[10..].copy_from_slice(&dst.port().to_be_bytes());
        }
        Self { id, flow }
    }

    /// The segment in `packet`, of which the last `apart` bytes lie elsewhere, if it is of the flow and
    /// all is as it should be: a sound header without options around a whole segment.
    #[inline]
    pub(crate) fn predict<'a>(&self, packet: &'a [u8], apart: usize) -> Option<Predicted<'a>> {
        let header = packet.first_chunk::<{ ipv4::HEADER_LEN }>()?;
        let &[0x45, tos, l0, l1, _, _, f0, f1, _, protocol::TCP, ..] = header else {
            return None;
        };
        let flow: &Flow = packet.get(12..)?.first_chunk()?;
        let is_whole = u16::from_be_bytes([f0, f1]) & FRAGMENT == 0;
        if *flow != self.flow || !is_whole || Sum::of_header(header).finish() != 0 {
            return None;
        }
        let len = usize::from(u16::from_be_bytes([l0, l1])).checked_sub(apart)?;
        let [a, b, c, d, e, f, g, h, ..] = *flow;
        Some(Predicted {
            ends: (
                Ipv4Addr::new(a, b, c, d).into(),
                Ipv4Addr::new(e, f, g, h).into(),
            ),
            ecn: EcnCodepoint::of(tos),
            bytes: packet.get(ipv4::HEADER_LEN..len)?,
        })
    }
}

impl Stack {
    /// The segment in a packet, if it is for the connection the last one was for and that is awake and
    /// still holds its four-tuple.
    #[inline]
    pub(crate) fn predict<'a>(&self, packet: &'a [u8], apart: usize) -> Option<Predicted<'a>> {
        let predicted = self.recent.predict(packet, apart)?;
        let held = self.conns.get(self.recent.id)?;
        held.is_routed().then_some(predicted)
    }

    /// A segment arrives for the connection the last one was for.
    #[inline]
    pub(crate) fn predicted_input(&mut self, now: Instant, it: &Predicted<'_>, meta: RxMeta<'_>) {
        if let Some(seg) = self.read_segment(it.ends, it.ecn, it.bytes, meta) {
            let id = self.recent.id;
            self.with_conn(now, id, |conn, ctx| conn.input(ctx, &seg, meta));
        }
    }
}

#[cfg(test)]
mod tests;
