//! What is done with IPv4's source routes (RFC 1122 §3.2.1.8 (c), §3.3.5, RFC 7126 §4.3).
//!
//! A host is no router: a packet that is to go on from here is refused. One whose route ends here is
//! refused too unless the stack was told to take it, because whoever names the route of a packet
//! sees its answers, whatever source address it forged.

use core::net::IpAddr;

use crate::stack::Stack;
use crate::wire::{IpRepr, Ipv4Header, Ipv4Packet, SourceRoute, protocol};

impl Stack {
    /// The way back along the source route of `ip`; `None` if the packet is refused. Only TCP has a
    /// use for it.
    pub(super) fn return_route(&self, ip: &Ipv4Packet<'_>) -> Option<SourceRoute> {
        if !self.config.source_routes || ip.protocol != protocol::TCP {
            return None;
        }
        let route = ip.source_route()?.return_route(ip.src)?;
        self.may_follow(&route).then_some(route)
    }

    /// Whether every hop can be another host.
    pub(crate) fn may_follow(&self, route: &SourceRoute) -> bool {
        let mut hops = route.hops().iter();
        hops.all(|&hop| self.ip.addrs.may_send(hop.into()))
    }
}

/// Writes the header of a packet that goes along `route`, like [`IpRepr::emit`].
pub(super) fn emit(ip: &IpRepr, route: &SourceRoute, payload_len: usize, buf: &mut [u8]) -> usize {
    let (IpAddr::V4(src), IpAddr::V4(dst)) = (ip.src, ip.dst) else {
        return 0;
    };
    let mut option = [0; SourceRoute::MAX_OPTION_LEN];
    let len = route.emit(dst, &mut option);
    let header = Ipv4Header {
        src,
        dst: route.first_hop(dst),
        protocol: ip.protocol,
        ttl: ip.hop_limit,
        tos: ip.traffic_class,
        ident: ip.ident,
        dont_fragment: ip.dont_fragment,
        more_fragments: false,
        fragment_offset: 0,
    };
    header.emit_with_options(option.get(..len).unwrap_or_default(), payload_len, buf)
}
