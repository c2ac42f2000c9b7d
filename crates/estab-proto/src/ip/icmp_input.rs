//! ICMP messages from others (RFC 9293 §3.9.2.2, RFC 5927): an error means something only to the
//! connection whose segment in flight it quotes.

use core::net::IpAddr;

use estab_timer::Instant;

use super::input::{Inbound, count};
use crate::addr::FourTuple;
use crate::error::{ConnectionError, SoftError};
use crate::seq::SeqNumber;
use crate::stack::{Slot, Stack};
use crate::tcp::IcmpKind;
use crate::wire::{Icmpv4, Icmpv6, icmpv4, quoted_tcp};

impl Stack {
    pub(super) fn icmpv4_input(&mut self, now: Instant, inbound: &Inbound<'_>) {
        count(&mut self.stats.icmp_in);
        let (kind, quoted) = match Icmpv4::parse(inbound.payload) {
            Ok(Icmpv4::EchoRequest { ident, seq, data }) => {
                return self.send_echo_reply(inbound, ident, seq, data);
            }
            Ok(Icmpv4::Unreachable {
                code: icmpv4::FRAGMENTATION_NEEDED,
                mtu,
                quoted,
            }) => (IcmpKind::PathMtu(u32::from(mtu)), quoted),
            Ok(Icmpv4::Unreachable { code, quoted, .. }) => (unreachable_v4(code), quoted),
            Ok(Icmpv4::TimeExceeded { quoted, .. }) => {
                (IcmpKind::Soft(SoftError::TimeExceeded), quoted)
            }
            Ok(Icmpv4::ParameterProblem { quoted, .. }) => {
                (IcmpKind::Soft(SoftError::ParameterProblem), quoted)
            }
            // Source Quench (RFC 9293 MUST-55), redirects, timestamp and mask requests, and echo
            // replies nobody asked for.
            Ok(_) => return count(&mut self.stats.drop_icmp_ignored),
            Err(_) => return count(&mut self.stats.drop_icmp_malformed),
        };
        self.icmp_error(now, inbound.dst, kind, quoted);
    }

    pub(super) fn icmpv6_input(&mut self, now: Instant, inbound: &Inbound<'_>) {
        count(&mut self.stats.icmp_in);
        let (IpAddr::V6(src), IpAddr::V6(dst)) = (inbound.src, inbound.dst) else {
            return;
        };
        let (kind, quoted) = match Icmpv6::parse(inbound.payload, src, dst) {
            Ok(Icmpv6::EchoRequest { ident, seq, data }) => {
                return self.send_echo_reply(inbound, ident, seq, data);
            }
            Ok(Icmpv6::PacketTooBig { mtu, quoted }) => (IcmpKind::PathMtu(mtu), quoted),
            Ok(Icmpv6::Unreachable { code, quoted }) => (unreachable_v6(code), quoted),
            Ok(Icmpv6::TimeExceeded { quoted, .. }) => {
                (IcmpKind::Soft(SoftError::TimeExceeded), quoted)
            }
            Ok(Icmpv6::ParameterProblem { quoted, .. }) => {
                (IcmpKind::Soft(SoftError::ParameterProblem), quoted)
            }
            Ok(_) => return count(&mut self.stats.drop_icmp_ignored),
            Err(_) => return count(&mut self.stats.drop_icmp_malformed),
        };
        self.icmp_error(now, inbound.dst, kind, quoted);
    }

    /// An error that was sent to `to` about the packet in `quoted`.
    // RFC 9293: MUST-54.
    fn icmp_error(&mut self, now: Instant, to: IpAddr, kind: IcmpKind, quoted: &[u8]) {
        let Some(quoted) = quoted_tcp(quoted).filter(|quoted| quoted.src.ip() == to) else {
            return count(&mut self.stats.drop_icmp_unrelated);
        };
        let tuple = FourTuple {
            local: quoted.src,
            remote: quoted.dst,
        };
        let believed = match kind {
            IcmpKind::PathMtu(mtu) => self.packet_too_big(now, &tuple, mtu, quoted.seq),
            _ => self.unreachable(now, &tuple, kind, quoted.seq),
        };
        if !believed {
            count(&mut self.stats.drop_icmp_unrelated);
        }
    }

    /// Tells the connection that sent the quoted segment; false if there is none, or it has no such
    /// segment in flight (RFC 5927 §4.1). A half-open record does not care: its peer asked for it
    /// and will hear of it, or the record ends by itself.
    fn unreachable(
        &mut self,
        now: Instant,
        tuple: &FourTuple,
        kind: IcmpKind,
        seq: SeqNumber,
    ) -> bool {
        match self.holder(tuple) {
            Some(Slot::Connection(id)) => self
                .with_conn(now, id, |conn, ctx| conn.icmp(ctx, kind, seq))
                .unwrap_or(false),
            Some(Slot::HalfOpen(id)) => {
                self.syn_queue.get(id).is_some_and(|half| half.iss() == seq)
            }
            Some(Slot::Incoming(_) | Slot::TimeWait(_)) | None => false,
        }
    }

    /// A packet of ours was too big for a link. Every connection to the same host learns of it; the
    /// one whose segment is quoted sends it again at once.
    fn packet_too_big(
        &mut self,
        now: Instant,
        tuple: &FourTuple,
        mtu: u32,
        seq: SeqNumber,
    ) -> bool {
        // A path MTU that changes nothing: only the quotation is checked.
        if !self.unreachable(now, tuple, IcmpKind::PathMtu(u32::MAX), seq) {
            return false;
        }
        let dst = tuple.remote.ip();
        let before = self.ip.path_mtu(dst);
        let mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
        let mtu = u32::from(self.ip.paths.lower(now, dst, mtu));
        if mtu < before {
            self.ip.path_epoch = self.ip.path_epoch.wrapping_add(1);
            count(&mut self.stats.path_mtu_lowered);
        }
        self.ip.sync(&mut self.wheel);
        if let Some(Slot::Connection(id)) = self.holder(tuple) {
            self.with_conn(now, id, |conn, _| conn.set_path_mtu(mtu));
        }
        true
    }
}

/// What the codes of ICMP's "destination unreachable" mean (RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1).
fn unreachable_v4(code: u8) -> IcmpKind {
    use ConnectionError as Hard;
    match code {
        2 | 3 => IcmpKind::Hard(Hard::Refused, SoftError::PortUnreachable),
        // Network unknown, or communication with it prohibited.
        6 | 9 => IcmpKind::Hard(Hard::NetworkUnreachable, SoftError::NetworkUnreachable),
        // Host unknown or isolated, communication with it or in general prohibited.
        7 | 8 | 10 | 13 => IcmpKind::Hard(Hard::HostUnreachable, SoftError::HostUnreachable),
        0 | 11 => IcmpKind::Soft(SoftError::NetworkUnreachable),
        _ => IcmpKind::Soft(SoftError::HostUnreachable),
    }
}

/// What the codes of ICMPv6's "destination unreachable" mean (RFC 4443 §3.1).
fn unreachable_v6(code: u8) -> IcmpKind {
    use ConnectionError as Hard;
    match code {
        4 => IcmpKind::Hard(Hard::Refused, SoftError::PortUnreachable),
        // Prohibited, by policy, or by a reject route.
        1 | 5 | 6 => IcmpKind::Hard(Hard::HostUnreachable, SoftError::HostUnreachable),
        0 => IcmpKind::Soft(SoftError::NetworkUnreachable),
        _ => IcmpKind::Soft(SoftError::HostUnreachable),
    }
}

#[cfg(test)]
mod tests;
