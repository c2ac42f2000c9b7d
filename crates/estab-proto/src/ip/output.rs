//! The headers of what is sent.

use alloc::vec::Vec;

use crate::addr::FourTuple;
use crate::ip::source_route;
use crate::wire::tcp::{self, Segment};
use crate::wire::{IpRepr, SourceRoute, Sum, ipv6, protocol};

/// Where a segment goes and how.
pub(crate) struct Route<'a> {
    /// `local` is the source.
    pub(crate) tuple: FourTuple,
    pub(crate) ttl: u8,
    pub(crate) tos: u8,
    /// Used by IPv6 alone.
    pub(crate) flow_label: u32,
    /// The hops in between; IPv4 alone has any.
    pub(crate) source_route: Option<&'a SourceRoute>,
}

/// The text that follows a header.
pub(crate) struct Text {
    /// In bytes.
    pub(crate) len: usize,
    /// Its sum; `None` leaves the checksum to the device.
    pub(crate) sum: Option<Sum>,
}

/// The longest headers without IP options: those of a jumbogram, and TCP with all options.
const MAX_HEADERS: usize =
    ipv6::HEADER_LEN + ipv6::JUMBO_LEN + tcp::HEADER_LEN + tcp::MAX_OPTIONS_LEN;

/// A place where one packet or its header is written after the other. What stands there from before
/// is written over, and not cleared in between.
#[derive(Default)]
pub(crate) struct Scratch {
    memory: Vec<u8>,
    len: usize,
}

impl Scratch {
    /// What was written last.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory.get(..self.len).unwrap_or_default()
    }

    /// Writes a whole packet.
    pub(crate) fn set(&mut self, packet: &[u8]) {
        self.room(packet.len()).copy_from_slice(packet);
        self.len = packet.len();
    }

    /// At least `len` bytes to write to, and no more if there were less before.
    #[inline]
    fn room(&mut self, len: usize) -> &mut [u8] {
        if self.memory.len() < len {
            self.memory.resize(len, 0);
        }
        self.memory.get_mut(..len).unwrap_or_default()
    }
}

/// Writes the IP and TCP headers of a segment, and nothing else, into `headers`. False if the packet
/// would be longer than IP can say: only a device that completes checksums, and cuts it, takes that.
///
/// The checksum of the segment is made with where it ends, whichever hop the IP header names
/// (RFC 9293 §3.9.2.1). The packet must not be fragmented, and so its identification says nothing (RFC 6864 §4.1).
pub(crate) fn write_headers(
    headers: &mut Scratch,
    route: &Route<'_>,
    seg: &Segment<'_>,
    text: &Text,
) -> bool {
    let options_len = route.source_route.map_or(0, SourceRoute::option_len);
    let room = headers.room(MAX_HEADERS.saturating_add(options_len));
    let (src, dst) = (route.tuple.local.ip(), route.tuple.remote.ip());
    let ip = IpRepr {
        src,
        dst,
        protocol: protocol::TCP,
        hop_limit: route.ttl,
        traffic_class: route.tos,
        ident: 0,
        dont_fragment: true,
        flow_label: route.flow_label,
    };
    let payload_len = seg.header_len().saturating_add(text.len);
    let is_long = text.sum.is_none();
    let header_len = match is_long {
        true => ip.long_header_len(payload_len),
        false => ip.header_len(),
    };
    let Some((ip_header, rest)) = room.split_at_mut_checked(header_len.saturating_add(options_len))
    else {
        return false;
    };
    let tcp_len = match text.sum {
        Some(sum) => seg.emit_summed(rest, (sum, text.len), (src, dst)),
        None => seg.emit_header(rest),
    };
    let ip_len = match route.source_route {
        None if is_long => ip.emit_long(payload_len, ip_header),
        None => ip.emit(payload_len, ip_header),
        Some(hops) => source_route::emit(&ip, hops, payload_len, ip_header),
    };
    let Some(header) = rest.get_mut(..tcp_len) else {
        return false;
    };
    if tcp_len == 0 || ip_len != ip_header.len() {
        return false;
    }
    if text.sum.is_none() {
        tcp::fill_partial_checksum(header, text.len, src, dst);
    }
    headers.len = ip_len.saturating_add(tcp_len);
    true
}

/// The sum of bytes that lie in pieces, any of which may begin at an odd offset.
#[inline]
pub(crate) fn sum_of<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Sum {
    let mut odd = false;
    pieces.fold(Sum::ZERO, |sum, piece| {
        let sum = sum.combine(Sum::of(piece), odd);
        odd ^= piece.len() % 2 == 1;
        sum
    })
}

#[cfg(test)]
mod tests;
