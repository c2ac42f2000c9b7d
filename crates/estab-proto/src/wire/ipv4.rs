//! The IPv4 header (RFC 791 §3.1).

use core::net::Ipv4Addr;

use super::source_route::{RouteOption, is_route};
use super::{Sum, WireError};

/// The length of the header without options, in bytes.
pub const HEADER_LEN: usize = 20;

/// The length of the header with all the options it has room for, in bytes.
pub const MAX_HEADER_LEN: usize = 60;

/// Option types of a single byte (RFC 791 §3.1).
mod option {
    pub(super) const END: u8 = 0;
    pub(super) const NO_OPERATION: u8 = 1;
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
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        Self::parse_before(bytes, 0)
    }

    /// As [`parse`](Self::parse) if the last `apart` bytes of the packet lie elsewhere: `payload` ends
    /// before them.
    #[inline]
    pub(crate) fn parse_before(bytes: &'a [u8], apart: usize) -> Result<Self, WireError> {
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
        let packet = total_len
            .checked_sub(apart)
            .and_then(|len| bytes.get(..len))
            .ok_or(WireError::BadTotalLength)?;
        let (whole_header, payload) = packet
            .split_at_checked(header_len)
            .ok_or(WireError::BadTotalLength)?;
        let options = whole_header.get(HEADER_LEN..).unwrap_or_default();
        let mut sum = Sum::of_header(header);
        if !options.is_empty() {
            sum = sum.add_bytes(options);
        }
        if sum.finish() != 0 {
            return Err(WireError::BadChecksum);
        }
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
    #[inline]
    pub fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }

    /// Whether the options ask for source routing, loose or strict.
    #[inline]
    pub fn has_source_route(&self) -> bool {
        options_of(self.options).flatten().any(is_route)
    }

    /// The source route; `None` if there is none, if it is malformed, or if there are several, which
    /// RFC 791 §3.1 does not have.
    pub fn source_route(&self) -> Option<RouteOption<'a>> {
        RouteOption::find(self.options)
    }
}

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;

/// The options in `bytes`, each from its type on; ends after the first malformed one.
pub(super) fn options_of(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], WireError>> {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        let len = match *rest {
            [] | [option::END, ..] => return None,
            [option::NO_OPERATION, ..] => 1,
            [_, len, ..] if len >= 2 => usize::from(len),
            _ => usize::MAX,
        };
        let split = rest.split_at_checked(len);
        let (found, after) = split
            .map_or((Err(WireError::BadOption), &[][..]), |(option, after)| {
                (Ok(option), after)
            });
        rest = after;
        Some(found)
    })
}

/// A word of a header, of two bytes and a number of two.
#[inline]
fn word([first, second]: [u8; 2], rest: u16) -> u32 {
    u32::from_be_bytes([first, second, 0, 0]) | u32::from(rest)
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
    #[inline]
    pub fn emit(&self, payload_len: usize, buf: &mut [u8]) -> usize {
        match u16::try_from(payload_len.saturating_add(HEADER_LEN)) {
            Ok(total_len) => self.emit_with_len(total_len, buf),
            Err(_) => 0,
        }
    }

    /// Writes the header of a super-segment that is longer than the field for its length can say,
    /// which is 0 then, as Linux has it from 6.3 on (BIG TCP). Otherwise like [`emit`](Self::emit).
    #[inline]
    pub fn emit_long(&self, buf: &mut [u8]) -> usize {
        self.emit_with_len(0, buf)
    }

    #[inline]
    fn emit_with_len(&self, total_len: u16, buf: &mut [u8]) -> usize {
        let Some(header) = buf.first_chunk_mut::<HEADER_LEN>() else {
            return 0;
        };
        let fragment = self.fragment_offset >> 3
            | if self.dont_fragment { DONT_FRAGMENT } else { 0 }
            | if self.more_fragments {
                MORE_FRAGMENTS
            } else {
                0
            };
        let mut words = [
            word([0x45, self.tos], total_len),
            word(self.ident.to_be_bytes(), fragment),
            word([self.ttl, self.protocol], 0),
            self.src.to_bits(),
            self.dst.to_bits(),
        ];
        // Not by reading the header back, which would wait for its bytes to be written.
        let sum = Sum::of_words(words).finish();
        words[2] |= u32::from(sum);
        for (place, word) in header.as_chunks_mut().0.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        HEADER_LEN
    }

    /// Like [`emit`](Self::emit), with `options` behind the header; returns the length of both.
    ///
    /// Returns 0 also if `options` are more than 40 bytes, or not a multiple of four.
    pub fn emit_with_options(&self, options: &[u8], payload_len: usize, buf: &mut [u8]) -> usize {
        let header_len = HEADER_LEN.saturating_add(options.len());
        let Some(header) = buf.get_mut(..header_len) else {
            return 0;
        };
        let len = payload_len.saturating_add(options.len());
        if header_len > MAX_HEADER_LEN
            || !header_len.is_multiple_of(4)
            || self.emit(len, header) == 0
        {
            return 0;
        }
        if let Some(place) = header.get_mut(HEADER_LEN..) {
            place.copy_from_slice(options);
        }
        if let Some(fixed) = header.first_chunk_mut::<HEADER_LEN>() {
            // At most 15 words of four bytes.
            fixed[0] = 0x40 | (header_len >> 2) as u8;
            [fixed[10], fixed[11]] = [0; 2];
        }
        let sum = Sum::of(header).finish().to_be_bytes();
        if let Some(fixed) = header.first_chunk_mut::<HEADER_LEN>() {
            [fixed[10], fixed[11]] = sum;
        }
        header_len
    }
}

#[cfg(test)]
mod tests;
