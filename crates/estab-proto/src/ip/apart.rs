//! Packets whose payload lies apart from their headers, as within memory it may.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::wire::{ipv4, ipv6, protocol};

/// Flags and offset of a fragment in an IPv4 header: everything but the DF bit.
const FRAGMENT: u16 = 0xbfff;

/// Whether `headers` are just those of a TCP segment that is whole and has `apart` bytes of text: an
/// IP header without options or extensions, and TCP's.
#[inline]
pub(super) fn is_segment(headers: &[u8], apart: usize) -> bool {
    let len = headers.len().saturating_add(apart);
    let tcp = match headers.first() {
        Some(0x45) => headers.split_first_chunk().and_then(|(ip, tcp)| {
            let ip: &[u8; ipv4::HEADER_LEN] = ip;
            let is_whole = u16::from_be_bytes([ip[6], ip[7]]) & FRAGMENT == 0;
            let says = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
            (is_whole && ip[9] == protocol::TCP && says == len).then_some(tcp)
        }),
        Some(first) if first >> 4 == 6 => headers.split_first_chunk().and_then(|(ip, tcp)| {
            let ip: &[u8; ipv6::HEADER_LEN] = ip;
            let says = usize::from(u16::from_be_bytes([ip[4], ip[5]]));
            let says = says.saturating_add(ipv6::HEADER_LEN);
            (ip[6] == protocol::TCP && says == len).then_some(tcp)
        }),
        _ => None,
    };
    // The upper four bits count words of four bytes.
    tcp.is_some_and(|tcp| {
        tcp.get(12)
            .is_some_and(|words| usize::from(words >> 2 & 0x3c) == tcp.len())
    })
}

/// The whole packet.
pub(super) fn join(headers: &[u8], payload: &Bytes) -> Bytes {
    let mut packet = Vec::with_capacity(headers.len().saturating_add(payload.len()));
    packet.extend_from_slice(headers);
    packet.extend_from_slice(payload);
    packet.into()
}

#[cfg(test)]
mod tests;
