//! A packet comes in: is it ours, from one host, and whole? (RFC 1122 §3.2.1, RFC 8200)

use core::net::IpAddr;

use bytes::Bytes;
use estab_timer::Instant;

use super::addrs::Wrong;
use super::apart;
use super::reassembly::{Datagram, DropReason, FragmentInfo, FragmentKey, Outcome};
use crate::stack::{RxMeta, Stack};
use crate::wire::ipv6_ext::{self, FragmentHeader, Problem, Refusal, Walk};
use crate::wire::{
    EcnCodepoint, IpPacket, Ipv4Packet, Ipv6Packet, SourceRoute, WireError, protocol,
};

/// What is inside a packet for us: a transport protocol's header and data.
pub(super) struct Inbound<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// Type of service or traffic class.
    pub(super) tos: u8,
    pub(super) protocol: u8,
    /// Where the field that names `protocol` stands in the packet, in bytes.
    pub(super) protocol_at: u32,
    pub(super) payload: &'a [u8],
    /// The packet as it came, to be quoted in errors; `None` if it came in fragments.
    pub(super) packet: Option<&'a [u8]>,
    /// The way back along the packet's source route; of fragments, the last one's.
    pub(super) route: Option<&'a SourceRoute>,
}

impl<'a> Inbound<'a> {
    /// What is inside an IPv4 packet that came along no source route.
    pub(super) fn v4(packet: &'a [u8], ip: &Ipv4Packet<'a>) -> Self {
        Self {
            src: ip.src.into(),
            dst: ip.dst.into(),
            tos: ip.tos,
            protocol: ip.protocol,
            protocol_at: IPV4_PROTOCOL_AT,
            payload: ip.payload,
            packet: Some(packet),
            route: None,
        }
    }
}

/// Where the protocol field stands in an IPv4 header.
const IPV4_PROTOCOL_AT: u32 = 9;

/// Where the payload length stands in an IPv6 header.
const IPV6_PAYLOAD_LENGTH_AT: u32 = 4;

impl Stack {
    /// A packet was read from the device at `now`, IP header first. What it may be is checked here;
    /// what is wrong with it is counted in [`Stats`](crate::Stats).
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8], meta: RxMeta<'_>) {
        let now = self.advance(now);
        let apart = meta.payload.map_or(0, Bytes::len);
        if let Some(payload) = meta.payload.filter(|_| !apart::is_segment(packet, apart)) {
            let whole = apart::join(packet, payload);
            let meta = RxMeta {
                payload: None,
                backing: Some(&whole),
                ..meta
            };
            return self.handle_packet(now, &whole, meta);
        }
        let len = packet.len().saturating_add(apart) as u64;
        self.stats.packets_in = self.stats.packets_in.saturating_add(1);
        self.stats.bytes_in = self.stats.bytes_in.saturating_add(len);
        if let Some(segment) = self.predict(packet, apart) {
            self.predicted_input(now, &segment, meta);
            self.stats.drop_reply_queue = self.replies.dropped();
            return;
        }
        match IpPacket::parse_before(packet, apart) {
            Ok(ip) => match self.ip.addrs.check(ip.src(), ip.dst()) {
                Ok(()) => match ip {
                    IpPacket::V4(ip) => self.ipv4_input(now, packet, &ip, meta),
                    IpPacket::V6(ip) => self.ipv6_input(now, packet, &ip, meta),
                },
                Err(Wrong::Source) => count(&mut self.stats.drop_ip_source),
                Err(Wrong::Destination) => count(&mut self.stats.drop_ip_destination),
            },
            Err(WireError::BadChecksum) => count(&mut self.stats.drop_ip_checksum),
            Err(_) => count(&mut self.stats.drop_ip_malformed),
        }
        self.stats.drop_reply_queue = self.replies.dropped();
    }

    // RFC 9293: MUST-50.
    #[inline]
    fn ipv4_input(&mut self, now: Instant, packet: &[u8], ip: &Ipv4Packet<'_>, meta: RxMeta<'_>) {
        let has_route = ip.has_source_route();
        let route = has_route.then(|| self.return_route(ip)).flatten();
        if has_route && route.is_none() {
            return count(&mut self.stats.drop_ip_source_route);
        }
        let inbound = Inbound {
            route: route.as_ref(),
            ..Inbound::v4(packet, ip)
        };
        if !ip.is_fragment() {
            return self.deliver(now, &inbound, meta);
        }
        let outcome = self.ipv4_fragment(now, ip, &inbound);
        if let Outcome::Complete(Datagram { info, payload }) = outcome {
            let payload = Bytes::from(payload);
            let inbound = Inbound {
                tos: info.traffic_class,
                payload: &payload,
                packet: None,
                ..inbound
            };
            self.deliver(
                now,
                &inbound,
                RxMeta {
                    backing: Some(&payload),
                    ..RxMeta::default()
                },
            );
        }
    }

    fn ipv6_input(&mut self, now: Instant, packet: &[u8], ip: &Ipv6Packet<'_>, meta: RxMeta<'_>) {
        let (src, dst) = (IpAddr::V6(ip.src), IpAddr::V6(ip.dst));
        let found = |walk: &Walk<'_>| (walk.protocol, walk.protocol_at);
        let walk = match ipv6_ext::walk(ip.next_header, ip.payload) {
            Ok(walk) => walk,
            Err(Refusal { report, .. }) => {
                count(&mut self.stats.drop_ip_extension);
                if let Some(problem) = report {
                    self.send_problem(now, src, dst, problem, packet);
                }
                return;
            }
        };
        let (protocol, protocol_at) = found(&walk);
        let inbound = Inbound {
            src,
            dst,
            tos: ip.traffic_class,
            protocol,
            protocol_at,
            payload: walk.payload,
            packet: Some(packet),
            route: None,
        };
        let Some(fragment) = walk.fragment else {
            return self.deliver(now, &inbound, meta);
        };
        if let Some(whole) = self.ipv6_fragment(now, fragment, &inbound, packet) {
            self.ipv6_reassembled(now, &inbound, whole.info, whole.payload.into());
        }
    }

    /// A fragment of IPv4, inside `inbound`.
    pub(super) fn ipv4_fragment(
        &mut self,
        now: Instant,
        ip: &Ipv4Packet<'_>,
        inbound: &Inbound<'_>,
    ) -> Outcome {
        let key = FragmentKey {
            src: inbound.src,
            dst: inbound.dst,
            ident: u32::from(ip.ident),
            protocol: ip.protocol,
        };
        let fragment = FragmentHeader {
            offset: ip.fragment_offset,
            more: ip.more_fragments,
            ident: key.ident,
        };
        self.fragment_input(now, key, fragment, inbound)
    }

    /// A fragment of IPv6, inside `inbound`, which was `packet`. What is wrong with it is reported
    /// (RFC 8200 §4.5).
    pub(super) fn ipv6_fragment(
        &mut self,
        now: Instant,
        fragment: FragmentHeader,
        inbound: &Inbound<'_>,
        packet: &[u8],
    ) -> Option<Datagram> {
        let (src, dst) = (inbound.src, inbound.dst);
        let key = FragmentKey {
            src,
            dst,
            ident: fragment.ident,
            protocol: 0,
        };
        match self.fragment_input(now, key, fragment, inbound) {
            Outcome::Complete(datagram) => return Some(datagram),
            Outcome::Dropped(DropReason::BadLength) => {
                let pointer = IPV6_PAYLOAD_LENGTH_AT;
                self.send_problem(now, src, dst, field(pointer), packet);
            }
            Outcome::Dropped(DropReason::TooLong) => {
                // The fragment header begins with the field that names the protocol; its offset
                // stands two bytes further on.
                let pointer = inbound.protocol_at.saturating_add(2);
                self.send_problem(now, src, dst, field(pointer), packet);
            }
            Outcome::Dropped(_) | Outcome::Incomplete => {}
        }
        None
    }

    fn ipv6_reassembled(
        &mut self,
        now: Instant,
        last: &Inbound<'_>,
        info: FragmentInfo,
        payload: Bytes,
    ) {
        let Ok(walk) = ipv6_ext::walk_reassembled(info.protocol, &payload) else {
            return count(&mut self.stats.drop_ip_extension);
        };
        let inbound = Inbound {
            tos: info.traffic_class,
            protocol: walk.protocol,
            protocol_at: walk.protocol_at,
            payload: walk.payload,
            packet: None,
            ..*last
        };
        self.deliver(
            now,
            &inbound,
            RxMeta {
                backing: Some(&payload),
                ..RxMeta::default()
            },
        );
    }

    fn fragment_input(
        &mut self,
        now: Instant,
        key: FragmentKey,
        fragment: FragmentHeader,
        inbound: &Inbound<'_>,
    ) -> Outcome {
        count(&mut self.stats.fragments_in);
        let info = FragmentInfo {
            protocol: inbound.protocol,
            traffic_class: inbound.tos,
        };
        let FragmentHeader { offset, more, .. } = fragment;
        let outcome = self
            .ip
            .reassembly
            .insert(now, key, offset, more, inbound.payload, info);
        match outcome {
            Outcome::Complete(_) => count(&mut self.stats.reassembled),
            Outcome::Dropped(_) => count(&mut self.stats.drop_fragment),
            Outcome::Incomplete => {}
        }
        self.ip.sync(&mut self.wheel);
        outcome
    }

    /// Hands what is inside a packet to whom it is for.
    #[inline]
    fn deliver(&mut self, now: Instant, inbound: &Inbound<'_>, meta: RxMeta<'_>) {
        match (inbound.protocol, inbound.dst) {
            (protocol::TCP, _) => {
                let ends = (inbound.src, inbound.dst);
                let ecn = EcnCodepoint::of(inbound.tos);
                self.tcp_input(now, ends, ecn, inbound.route, inbound.payload, meta);
            }
            (protocol::ICMP, IpAddr::V4(_)) => self.icmpv4_input(now, inbound),
            (protocol::ICMPV6, IpAddr::V6(_)) => self.icmpv6_input(now, inbound),
            (protocol::NO_NEXT_HEADER, IpAddr::V6(_)) => {}
            (protocol::UDP, _) => {
                count(&mut self.stats.drop_ip_protocol);
                self.send_port_unreachable(now, inbound);
            }
            _ => {
                count(&mut self.stats.drop_ip_protocol);
                self.send_protocol_unreachable(now, inbound);
            }
        }
    }
}

/// The report of an erroneous field.
fn field(pointer: u32) -> Problem {
    Problem {
        code: 0,
        pointer,
        even_if_multicast: false,
    }
}

/// Counts one.
pub(super) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

#[cfg(test)]
mod tests;
