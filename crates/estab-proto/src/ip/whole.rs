//! Datagrams put together for somebody else: where several stacks share an address, whose a datagram
//! is shows only once it is whole.

use alloc::vec::Vec;
use core::net::IpAddr;

use bytes::Bytes;
use estab_timer::Instant;

use super::input::{Inbound, count};
use super::reassembly::{Datagram, Outcome};
use crate::stack::{RxMeta, Stack};
use crate::wire::ipv6_ext::{self, FragmentHeader, Walk};
use crate::wire::{IpPacket, Ipv4Packet, Ipv6Packet, Sum, ipv4, ipv6};

impl Stack {
    /// Takes a fragment, and returns the datagram it completes as a packet of its own instead of
    /// delivering it: for a driver with several stacks that share an address. All fragments of a
    /// datagram must go to one of them; the packet then goes to
    /// [`handle_packet`](Self::handle_packet) of the one that has the connection.
    ///
    /// Whatever is not a fragment for this stack is handled as if by `handle_packet`, and the answer
    /// is `None`.
    pub fn reassemble(&mut self, now: Instant, packet: &[u8]) -> Option<Bytes> {
        let ours = IpPacket::parse(packet).ok().filter(|ip| {
            let addrs = &self.ip.addrs;
            addrs.may_send(ip.src()) && addrs.accepts(ip.dst())
        });
        match ours {
            Some(IpPacket::V4(ip)) if ip.is_fragment() => {
                let now = self.count_fragment(now, packet);
                return self.whole_v4(now, packet, &ip);
            }
            Some(IpPacket::V6(ip)) => {
                if let Ok(walk) = ipv6_ext::walk(ip.next_header, ip.payload)
                    && let Some(fragment) = walk.fragment
                {
                    let now = self.count_fragment(now, packet);
                    return self.whole_v6(now, packet, &ip, &walk, fragment);
                }
            }
            _ => {}
        }
        self.handle_packet(now, packet, RxMeta::default());
        None
    }

    fn count_fragment(&mut self, now: Instant, packet: &[u8]) -> Instant {
        count(&mut self.stats.packets_in);
        self.stats.bytes_in = self.stats.bytes_in.saturating_add(packet.len() as u64);
        self.advance(now)
    }

    fn whole_v4(&mut self, now: Instant, packet: &[u8], ip: &Ipv4Packet<'_>) -> Option<Bytes> {
        let inbound = Inbound::v4(packet, ip);
        let Outcome::Complete(Datagram { info, payload }) = self.ipv4_fragment(now, ip, &inbound)
        else {
            return None;
        };
        // The options that matter to the end are in every fragment (RFC 791 §3.1), so also in this.
        let header_len = ipv4::HEADER_LEN.saturating_add(ip.options.len());
        let total_len = u16::try_from(header_len.saturating_add(payload.len()));
        let (Ok(total_len), Some(header)) = (total_len, packet.get(..header_len)) else {
            count(&mut self.stats.drop_fragment);
            return None;
        };
        let mut whole = Vec::with_capacity(usize::from(total_len));
        whole.extend_from_slice(header);
        let fixed = whole.first_chunk_mut::<{ ipv4::HEADER_LEN }>()?;
        fixed[1] = info.traffic_class;
        fixed[2..4].copy_from_slice(&total_len.to_be_bytes());
        fixed[4..8].fill(0);
        fixed[10..12].fill(0);
        let checksum = Sum::of(&whole).finish().to_be_bytes();
        whole.get_mut(10..12)?.copy_from_slice(&checksum);
        whole.extend_from_slice(&payload);
        Some(whole.into())
    }

    fn whole_v6(
        &mut self,
        now: Instant,
        packet: &[u8],
        ip: &Ipv6Packet<'_>,
        walk: &Walk<'_>,
        fragment: FragmentHeader,
    ) -> Option<Bytes> {
        let inbound = Inbound {
            src: IpAddr::V6(ip.src),
            dst: IpAddr::V6(ip.dst),
            tos: ip.traffic_class,
            protocol: walk.protocol,
            protocol_at: walk.protocol_at,
            payload: walk.payload,
            packet: Some(packet),
            route: None,
        };
        let Datagram { info, payload } = self.ipv6_fragment(now, fragment, &inbound, packet)?;
        let payload_len = u16::try_from(payload.len());
        // What only a whole datagram may hold is looked for here: on the way on it passes for one
        // that was never cut.
        let walked = ipv6_ext::walk_reassembled(info.protocol, &payload);
        let (Ok(payload_len), Ok(_)) = (payload_len, walked) else {
            count(&mut self.stats.drop_ip_extension);
            return None;
        };
        let mut whole = Vec::with_capacity(ipv6::HEADER_LEN.saturating_add(payload.len()));
        whole.extend_from_slice(packet.get(..ipv6::HEADER_LEN)?);
        let [version, class, _, _, len_high, len_low, next_header, ..] =
            whole.first_chunk_mut::<{ ipv6::HEADER_LEN }>()?;
        *version = 6 << 4 | info.traffic_class >> 4;
        *class = info.traffic_class << 4 | *class & 0xf;
        [*len_high, *len_low] = payload_len.to_be_bytes();
        *next_header = info.protocol;
        whole.extend_from_slice(&payload);
        Some(whole.into())
    }
}

#[cfg(test)]
mod tests;
