//! ICMP messages of ours: echo replies, and errors within limits (RFC 1122 §3.2.2, RFC 4443 §2.4).

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use estab_timer::Instant;

use super::input::{Inbound, count};
use super::limit::Bucket;
use super::reassembly::{Expired, FragmentKey};
use crate::stack::Stack;
use crate::stack::secret::Secrets;
use crate::wire::ipv6_ext::Problem;
use crate::wire::{Icmpv4, Icmpv6, IpRepr, Ipv4Header, icmpv4, icmpv6, ipv4, ipv6, protocol};

/// Errors to one destination per second, and in a burst (RFC 4443 §2.4 (f)).
const PER_DESTINATION: u32 = 10;

/// Buckets that destinations share by a keyed hash: a fixed cost for any number of them.
const DESTINATION_BUCKETS: usize = 256;

/// How many errors may be sent, in all and to one destination.
pub(super) struct ErrorLimit {
    total: Bucket,
    destinations: Vec<Bucket>,
}

impl ErrorLimit {
    /// A limit of `per_second` errors in all.
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let bucket = Bucket::new(PER_DESTINATION, PER_DESTINATION, now);
        Self {
            total: Bucket::new(per_second, per_second, now),
            destinations: vec![bucket; DESTINATION_BUCKETS],
        }
    }

    fn take(&mut self, now: Instant, secrets: &mut Secrets, dst: IpAddr) -> bool {
        let index = (secrets.table.hash_one(dst) as usize)
            .checked_rem(DESTINATION_BUCKETS)
            .unwrap_or(0);
        let destination = self.destinations.get_mut(index);
        destination.is_some_and(|bucket| bucket.take(now, secrets)) && self.total.take(now, secrets)
    }
}

/// The code of "time exceeded" that means reassembly, in both families (RFC 792, RFC 4443 §3.3).
const REASSEMBLY_TIMEOUT: u8 = 1;

/// The length of IPv6's fragment header, in bytes.
const FRAGMENT_HEADER: usize = 8;

/// The longest ICMP header, in bytes.
const ICMP_HEADER: usize = 8;

impl Stack {
    /// Answers an echo request that was sent to one of our own addresses (RFC 1122 §3.2.2.6). What
    /// does not fit the device is cut off.
    pub(super) fn send_echo_reply(
        &mut self,
        inbound: &Inbound<'_>,
        ident: u16,
        seq: u16,
        data: &[u8],
    ) {
        if !self.config.echo_replies || !self.ip.addrs.is_own(inbound.dst) {
            return count(&mut self.stats.drop_icmp_ignored);
        }
        let headers = if inbound.dst.is_ipv4() { 20 } else { 40 };
        let room = (self.config.mtu as usize)
            .saturating_sub(headers)
            .saturating_sub(ICMP_HEADER);
        let data = data.get(..room).unwrap_or(data);
        // The reply keeps the request's class of service, without its congestion mark.
        let tos = inbound.tos & !0b11;
        match (inbound.dst, inbound.src) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                self.send_icmpv4(from, to, tos, &Icmpv4::EchoReply { ident, seq, data });
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                self.send_icmpv6(from, to, tos, &Icmpv6::EchoReply { ident, seq, data });
            }
            _ => {}
        }
    }

    /// Nobody listens on the port: no transport but TCP has any here (RFC 1122 §4.1.3.1).
    pub(super) fn send_port_unreachable(&mut self, now: Instant, inbound: &Inbound<'_>) {
        let v4 = icmpv4::PORT_UNREACHABLE;
        let v6 = |quoted| Icmpv6::Unreachable {
            code: icmpv6::PORT_UNREACHABLE,
            quoted,
        };
        self.send_error(now, inbound, v4, v6);
    }

    /// Nobody speaks the protocol (RFC 1122 §3.2.2.1, RFC 8200 §4).
    pub(super) fn send_protocol_unreachable(&mut self, now: Instant, inbound: &Inbound<'_>) {
        let pointer = inbound.protocol_at;
        let v4 = icmpv4::PROTOCOL_UNREACHABLE;
        let v6 = |quoted| Icmpv6::ParameterProblem {
            code: 1,
            pointer,
            quoted,
        };
        self.send_error(now, inbound, v4, v6);
    }

    /// An extension header is wrong (RFC 8200 §4).
    pub(super) fn send_problem(
        &mut self,
        now: Instant,
        src: IpAddr,
        dst: IpAddr,
        problem: Problem,
        packet: &[u8],
    ) {
        let Problem { code, pointer, .. } = problem;
        if let (IpAddr::V6(from), IpAddr::V6(to)) = (dst, src)
            && self.may_send_error(now, src)
        {
            let message = Icmpv6::ParameterProblem {
                code,
                pointer,
                quoted: packet,
            };
            self.send_icmpv6(from, to, 0, &message);
        }
    }

    /// Fragments went missing: said only if the first one had come, whose header and beginning are
    /// quoted (RFC 1122 §3.3.2, RFC 8200 §4.5).
    pub(super) fn send_reassembly_timeout(&mut self, now: Instant, expired: &Expired) {
        let FragmentKey {
            src, dst, ident, ..
        } = expired.key;
        let Some((info, text)) = &expired.first else {
            return;
        };
        if !self.may_send_error(now, src) {
            return;
        }
        let code = REASSEMBLY_TIMEOUT;
        match (dst, src) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let mut quoted = [0; ipv4::HEADER_LEN].to_vec();
                let header = Ipv4Header {
                    src: to,
                    dst: from,
                    protocol: info.protocol,
                    ttl: self.config.tcp.ttl,
                    tos: info.traffic_class,
                    ident: ident as u16,
                    dont_fragment: false,
                    more_fragments: true,
                    fragment_offset: 0,
                };
                header.emit(text.len(), &mut quoted);
                quoted.extend_from_slice(text);
                let quoted = &quoted;
                self.send_icmpv4(from, to, 0, &Icmpv4::TimeExceeded { code, quoted });
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let header = IpRepr {
                    src,
                    dst,
                    protocol: protocol::FRAGMENT,
                    hop_limit: self.config.tcp.ttl,
                    traffic_class: info.traffic_class,
                    ident: 0,
                    dont_fragment: true,
                    flow_label: 0,
                };
                let mut quoted = vec![0; ipv6::HEADER_LEN];
                header.emit(text.len().saturating_add(FRAGMENT_HEADER), &mut quoted);
                // Offset 0, more to follow.
                quoted.extend_from_slice(&[info.protocol, 0, 0, 1]);
                quoted.extend_from_slice(&ident.to_be_bytes());
                quoted.extend_from_slice(text);
                let quoted = &quoted;
                self.send_icmpv6(from, to, 0, &Icmpv6::TimeExceeded { code, quoted });
            }
            _ => {}
        }
    }

    /// Sends an error about a packet, unless it came in fragments.
    fn send_error<'a>(
        &mut self,
        now: Instant,
        inbound: &Inbound<'a>,
        v4_code: u8,
        v6: impl FnOnce(&'a [u8]) -> Icmpv6<'a>,
    ) {
        let Some(quoted) = inbound.packet else { return };
        if !self.may_send_error(now, inbound.src) {
            return;
        }
        match (inbound.dst, inbound.src) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let message = Icmpv4::Unreachable {
                    code: v4_code,
                    mtu: 0,
                    quoted,
                };
                self.send_icmpv4(from, to, 0, &message);
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => self.send_icmpv6(from, to, 0, &v6(quoted)),
            _ => {}
        }
    }

    fn may_send_error(&mut self, now: Instant, dst: IpAddr) -> bool {
        let may = self.ip.errors.take(now, &mut self.secrets, dst);
        if !may {
            count(&mut self.stats.icmp_limited);
        }
        may
    }

    fn send_icmpv4(&mut self, from: Ipv4Addr, to: Ipv4Addr, tos: u8, message: &Icmpv4<'_>) {
        self.send_icmp(from.into(), to.into(), protocol::ICMP, tos, |buf| {
            message.emit(buf)
        });
    }

    fn send_icmpv6(&mut self, from: Ipv6Addr, to: Ipv6Addr, tos: u8, message: &Icmpv6<'_>) {
        self.send_icmp(from.into(), to.into(), protocol::ICMPV6, tos, |buf| {
            message.emit(from, to, buf)
        });
    }

    /// Builds a packet whose payload `emit` writes.
    fn send_icmp(
        &mut self,
        src: IpAddr,
        dst: IpAddr,
        protocol: u8,
        tos: u8,
        emit: impl FnOnce(&mut [u8]) -> usize,
    ) {
        let ip = IpRepr {
            src,
            dst,
            protocol,
            hop_limit: self.config.tcp.ttl,
            traffic_class: tos,
            ident: 0,
            dont_fragment: true,
            flow_label: 0,
        };
        let mut packet = vec![0; self.config.mtu as usize];
        let header_len = ip.header_len();
        let Some(body) = packet.get_mut(header_len..) else {
            return;
        };
        let len = emit(body);
        if len == 0 || ip.emit(len, &mut packet) == 0 {
            return;
        }
        packet.truncate(header_len.saturating_add(len));
        count(&mut self.stats.icmp_out);
        self.replies.push_packet(Box::from(packet));
    }
}

#[cfg(test)]
mod tests;
