//! The IPv6 header (RFC 8200 §3).

use core::net::Ipv6Addr;

use super::{WireError, protocol};

/// The length of the fixed header, in bytes.
pub const HEADER_LEN: usize = 40;

/// The length of the hop-by-hop header of a jumbogram, in bytes.
pub const JUMBO_LEN: usize = 8;

/// The option in it that says how long the payload is.
const JUMBO_OPTION: u8 = 0xc2;

/// A packet; its payload may begin with extension headers (see [`ipv6_ext`](super::ipv6_ext)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Packet<'a> {
    /// Source address.
    pub src: Ipv6Addr,
    /// Destination address.
    pub dst: Ipv6Addr,
    /// What the payload begins with: an extension header or a transport protocol.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Traffic class: DSCP above, ECN in the two low bits.
    pub traffic_class: u8,
    /// Flow label, 20 bits (RFC 6437).
    pub flow_label: u32,
    /// What follows the fixed header, up to the payload length.
    pub payload: &'a [u8],
}

impl<'a> Ipv6Packet<'a> {
    /// Reads the packet at the front of `bytes`; what follows its payload length is cut off.
    ///
    /// Jumbograms (RFC 2675) are not understood.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`], [`WireError::BadVersion`], [`WireError::BadTotalLength`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        Self::parse_before(bytes, 0)
    }

    /// As [`parse`](Self::parse) if the last `apart` bytes of the packet lie elsewhere: `payload` ends
    /// before them.
    pub(crate) fn parse_before(bytes: &'a [u8], apart: usize) -> Result<Self, WireError> {
        let (&[v0, v1, v2, v3, l0, l1, next_header, hop_limit], rest) =
            bytes.split_first_chunk::<8>().ok_or(WireError::Truncated)?;
        let (src, rest) = rest.split_first_chunk::<16>().ok_or(WireError::Truncated)?;
        let (dst, rest) = rest.split_first_chunk::<16>().ok_or(WireError::Truncated)?;
        if v0 >> 4 != 6 {
            return Err(WireError::BadVersion);
        }
        let payload_len = usize::from(u16::from_be_bytes([l0, l1]));
        let payload = payload_len
            .checked_sub(apart)
            .and_then(|len| rest.get(..len))
            .ok_or(WireError::BadTotalLength)?;
        Ok(Self {
            src: Ipv6Addr::from(*src),
            dst: Ipv6Addr::from(*dst),
            next_header,
            hop_limit,
            traffic_class: v0 << 4 | v1 >> 4,
            flow_label: u32::from_be_bytes([0, v1 & 0x0f, v2, v3]),
            payload,
        })
    }
}

/// What is needed to build a header without extension headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Header {
    /// Source address.
    pub src: Ipv6Addr,
    /// Destination address.
    pub dst: Ipv6Addr,
    /// The protocol of the payload.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Traffic class.
    pub traffic_class: u8,
    /// Flow label; the upper 12 bits are lost.
    pub flow_label: u32,
}

impl Ipv6Header {
    /// Writes the header of a packet with `payload_len` bytes of payload into the front of `buf`
    /// and returns its length of 40.
    ///
    /// Returns 0 and writes nothing if `buf` is too short or the payload exceeds 65,535 bytes.
    pub fn emit(&self, payload_len: usize, buf: &mut [u8]) -> usize {
        let Some(header) = buf.first_chunk_mut::<HEADER_LEN>() else {
            return 0;
        };
        let Ok(payload_len) = u16::try_from(payload_len) else {
            return 0;
        };
        let first_word =
            6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & 0x000f_ffff;
        let [v0, v1, v2, v3] = first_word.to_be_bytes();
        let [l0, l1] = payload_len.to_be_bytes();
        let (start, addresses) = header.split_at_mut(8);
        start.copy_from_slice(&[v0, v1, v2, v3, l0, l1, self.next_header, self.hop_limit]);
        let (src, dst) = addresses.split_at_mut(16);
        src.copy_from_slice(&self.src.octets());
        dst.copy_from_slice(&self.dst.octets());
        HEADER_LEN
    }

    /// Like [`emit`](Self::emit), for a payload of more than 65,535 bytes, whose length stands in a
    /// hop-by-hop header (RFC 2675 §2); returns the length of both, 48.
    ///
    /// Returns 0 and writes nothing if `buf` is too short, or the payload is not so long.
    pub fn emit_jumbo(&self, payload_len: usize, buf: &mut [u8]) -> usize {
        let Some((header, rest)) = buf.split_at_mut_checked(HEADER_LEN) else {
            return 0;
        };
        let (Some(jumbo), Ok(len)) = (
            rest.first_chunk_mut::<JUMBO_LEN>(),
            u32::try_from(payload_len.saturating_add(JUMBO_LEN)),
        ) else {
            return 0;
        };
        if payload_len <= usize::from(u16::MAX) {
            return 0;
        }
        let [l0, l1, l2, l3] = len.to_be_bytes();
        *jumbo = [self.next_header, 0, JUMBO_OPTION, 4, l0, l1, l2, l3];
        let next_header = protocol::HOP_BY_HOP;
        Self {
            next_header,
            ..*self
        }
        .emit(0, header)
        .saturating_add(JUMBO_LEN)
    }
}

#[cfg(test)]
mod tests;
