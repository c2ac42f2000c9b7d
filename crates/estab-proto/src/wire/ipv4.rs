//! The IPv4 header (RFC 791 §3.1).

use core::net::Ipv4Addr;

use super::{Sum, WireError};

/// The length of the header without options, in bytes.
pub const HEADER_LEN: usize = 20;

/// Option types (RFC 791 §3.1), with their copied flag.
mod option {
    pub(super) const END: u8 = 0;
    pub(super) const NO_OPERATION: u8 = 1;
    pub(super) const LOOSE_SOURCE_ROUTE: u8 = 131;
    pub(super) const STRICT_SOURCE_ROUTE: u8 = 137;
}

/// A datagram or a fragment of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Packet<'a> {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// The protocol of the payload: see [`protocol`](super::protocol).
    pub protocol: u8,
    /// Time to live, in hops.
    pub ttl: u8,
    /// The type-of-service byte: DSCP above, ECN in the two low bits (RFC 3168 §5).
    pub tos: u8,
    /// Identification.
    pub ident: u16,
    /// The DF bit.
    pub dont_fragment: bool,
    /// The MF bit.
    pub more_fragments: bool,
    /// Where the payload belongs in the whole datagram, in bytes: a multiple of 8.
    pub fragment_offset: u16,
    /// The options, well formed.
    pub options: &'a [u8],
    /// What follows the header, up to the total length.
    pub payload: &'a [u8],
}

impl<'a> Ipv4Packet<'a> {
    /// Reads the packet at the front of `bytes`; what follows its total length is cut off.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`], [`WireError::BadVersion`], [`WireError::BadHeaderLength`],
    /// [`WireError::BadTotalLength`], [`WireError::BadChecksum`] of the header, and
    /// [`WireError::BadOption`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let header = bytes
            .first_chunk::<HEADER_LEN>()
            .ok_or(WireError::Truncated)?;
        if header[0] >> 4 != 4 {
            return Err(WireError::BadVersion);
        }
        // The lower four bits count words of four bytes.
        let header_len = usize::from(header[0] << 2 & 0x3c);
        if header_len < HEADER_LEN || header_len > bytes.len() {
            return Err(WireError::BadHeaderLength);
        }
        let total_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let packet = bytes.get(..total_len).ok_or(WireError::BadTotalLength)?;
        let (whole_header, payload) = packet
            .split_at_checked(header_len)
            .ok_or(WireError::BadTotalLength)?;
        if Sum::of(whole_header).finish() != 0 {
            return Err(WireError::BadChecksum);
        }
        let options = whole_header.get(HEADER_LEN..).unwrap_or_default();
        if options_of(options).any(|option| option.is_err()) {
            return Err(WireError::BadOption);
        }
        let fragment = u16::from_be_bytes([header[6], header[7]]);
        Ok(Self {
            src: Ipv4Addr::new(header[12], header[13], header[14], header[15]),
            dst: Ipv4Addr::new(header[16], header[17], header[18], header[19]),
            protocol: header[9],
            ttl: header[8],
            tos: header[1],
            ident: u16::from_be_bytes([header[4], header[5]]),
            dont_fragment: fragment & DONT_FRAGMENT != 0,
            more_fragments: fragment & MORE_FRAGMENTS != 0,
            fragment_offset: fragment << 3,
            options,
            payload,
        })
    }

    /// Whether the packet is a part of a datagram and not the whole.
    pub fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }

    /// Whether the options ask for source routing, loose or strict.
    pub fn has_source_route(&self) -> bool {
        options_of(self.options).any(|option| {
            matches!(
                option,
                Ok(option::LOOSE_SOURCE_ROUTE | option::STRICT_SOURCE_ROUTE)
            )
        })
    }
}

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;

/// The types of the options in `bytes`; ends after the first malformed one.
fn options_of(bytes: &[u8]) -> impl Iterator<Item = Result<u8, WireError>> {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        let (found, after) = match *rest {
            [] | [option::END, ..] => return None,
            [option::NO_OPERATION, ref after @ ..] => (Ok(option::NO_OPERATION), after),
            [kind, len, ..] if len >= 2 => match rest.get(usize::from(len)..) {
                Some(after) => (Ok(kind), after),
                None => (Err(WireError::BadOption), &[][..]),
            },
            _ => (Err(WireError::BadOption), &[][..]),
        };
        rest = after;
        Some(found)
    })
}

/// What is needed to build a header without options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Header {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// The protocol of the payload.
    pub protocol: u8,
    /// Time to live, in hops.
    pub ttl: u8,
    /// The type-of-service byte.
    pub tos: u8,
    /// Identification; 0 for what will never be fragmented (RFC 6864 §4.1).
    pub ident: u16,
    /// The DF bit.
    pub dont_fragment: bool,
    /// The MF bit.
    pub more_fragments: bool,
    /// Where the payload belongs in the whole datagram, in bytes; the low three bits are lost.
    pub fragment_offset: u16,
}

impl Ipv4Header {
    /// Writes the header of a packet with `payload_len` bytes of payload into the front of `buf`,
    /// checksum included, and returns its length of 20.
    ///
    /// Returns 0 and writes nothing if `buf` is too short or the packet would exceed 65,535 bytes.
    pub fn emit(&self, payload_len: usize, buf: &mut [u8]) -> usize {
        let Some(header) = buf.first_chunk_mut::<HEADER_LEN>() else {
            return 0;
        };
        let Ok(total_len) = u16::try_from(payload_len.saturating_add(HEADER_LEN)) else {
            return 0;
        };
        let fragment = self.fragment_offset >> 3
            | if self.dont_fragment { DONT_FRAGMENT } else { 0 }
            | if self.more_fragments {
                MORE_FRAGMENTS
            } else {
                0
            };
        let [l0, l1] = total_len.to_be_bytes();
        let [i0, i1] = self.ident.to_be_bytes();
        let [f0, f1] = fragment.to_be_bytes();
        let [s0, s1, s2, s3] = self.src.octets();
        let [d0, d1, d2, d3] = self.dst.octets();
        *header = [
            0x45,
            self.tos,
            l0,
            l1,
            i0,
            i1,
            f0,
            f1,
            self.ttl,
            self.protocol,
            0,
            0,
            s0,
            s1,
            s2,
            s3,
            d0,
            d1,
            d2,
            d3,
        ];
        [header[10], header[11]] = Sum::of(header).finish().to_be_bytes();
        HEADER_LEN
    }
}

#[cfg(test)]
mod tests;
