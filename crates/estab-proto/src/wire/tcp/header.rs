//! One segment: the fixed header, its options and its text.

use core::net::IpAddr;

use super::{Flags, TcpOptions};
use crate::seq::{SeqNumber, WireWindow};
use crate::wire::{EcnCodepoint, SourceRoute, Sum, WireError, protocol};

/// The length of the header without options, in bytes.
pub const HEADER_LEN: usize = 20;

/// Where the checksum field stands in the header, in bytes.
const CHECKSUM_AT: core::ops::Range<usize> = 16..18;

/// A segment, with the names of RFC 9293 §3.3.1.
///
/// ```
/// use core::net::{IpAddr, Ipv4Addr};
/// use estab_proto::SeqNumber;
/// use estab_proto::wire::{Flags, Segment, Sum, TcpOptions};
/// use estab_proto::wire::tcp::fill_checksum;
///
/// let [src, dst] = [1, 2].map(|host| IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)));
/// let syn = Segment {
///     src_port: 1000,
///     dst_port: 80,
///     seq: SeqNumber::new(7),
///     ctl: Flags::SYN,
///     opts: TcpOptions { mss: Some(1460), ..TcpOptions::default() },
///     ..Segment::default()
/// };
/// let mut buf = [0; 60];
/// let len = syn.emit_header(&mut buf);
/// fill_checksum(&mut buf[..len], Sum::ZERO, 0, src, dst);
/// assert_eq!(Segment::parse(&buf[..len], src, dst, true), Ok(syn));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// SEG.SEQ: the sequence number of the first byte of text, or of the SYN.
    pub seq: SeqNumber,
    /// SEG.ACK; meaningful only with [`Flags::ACK`].
    pub ack: SeqNumber,
    /// The control bits.
    pub ctl: Flags,
    /// SEG.WND, not yet scaled.
    pub wnd: WireWindow,
    /// SEG.UP; meaningful only with [`Flags::URG`].
    pub up: u16,
    /// The ECN field of the packet that carries the segment: like RFC 793's SEG.PRC, said by the IP
    /// header. [`parse`](Self::parse) leaves it [`EcnCodepoint::NotEct`].
    pub ecn: EcnCodepoint,
    /// The way back along the source route of the packet that carries the segment, if that had one
    /// which was taken. [`parse`](Self::parse) leaves it `None`.
    pub source_route: Option<&'a SourceRoute>,
    /// The options understood.
    pub opts: TcpOptions,
    /// Whether the options broke off in a malformed one. What came before it is in `opts`.
    pub malformed_options: bool,
    /// The data.
    pub text: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads a segment, which fills `bytes`, sent from `src` to `dst`.
    ///
    /// Malformed options are not an error but noted in
    /// [`malformed_options`](Self::malformed_options). Give `verify_checksum: false` only for
    /// packets whose device vouches for them.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`] below 20 bytes, [`WireError::BadHeaderLength`] if the data offset
    /// is below 5 words or past the end, [`WireError::BadChecksum`].
    // RFC 9293: MUST-3, MUST-5.
    #[inline]
    pub fn parse(
        bytes: &'a [u8],
        src: IpAddr,
        dst: IpAddr,
        verify_checksum: bool,
    ) -> Result<Self, WireError> {
        Self::parse_with(bytes, &[], src, dst, verify_checksum)
    }

    /// As [`parse`](Self::parse) of a segment whose text lies `apart`: then `bytes` end with the header.
    #[inline]
    pub(crate) fn parse_with(
        bytes: &'a [u8],
        apart: &'a [u8],
        src: IpAddr,
        dst: IpAddr,
        verify_checksum: bool,
    ) -> Result<Self, WireError> {
        let (header, rest) = bytes
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(WireError::Truncated)?;
        // The upper four bits count words of four bytes.
        let header_len = usize::from(header[12] >> 2 & 0x3c);
        let options_len = header_len
            .checked_sub(HEADER_LEN)
            .ok_or(WireError::BadHeaderLength)?;
        let (options, text) = rest
            .split_at_checked(options_len)
            .ok_or(WireError::BadHeaderLength)?;
        if verify_checksum {
            let len = bytes.len().saturating_add(apart.len());
            let len = u32::try_from(len).map_err(|_| WireError::BadTotalLength)?;
            let mut sum = Sum::pseudo(src, dst, protocol::TCP, len).add_bytes(bytes);
            if !apart.is_empty() {
                sum = sum.add_bytes(apart);
            }
            if sum.finish() != 0 {
                return Err(WireError::BadChecksum);
            }
        }
        let mut segment = Self {
            src_port: u16::from_be_bytes([header[0], header[1]]),
            dst_port: u16::from_be_bytes([header[2], header[3]]),
            seq: SeqNumber::new(u32::from_be_bytes([
                header[4], header[5], header[6], header[7],
            ])),
            ack: SeqNumber::new(u32::from_be_bytes([
                header[8], header[9], header[10], header[11],
            ])),
            ctl: Flags::from_bits_truncate(u16::from_be_bytes([header[12], header[13]])),
            wnd: WireWindow(u16::from_be_bytes([header[14], header[15]])),
            up: u16::from_be_bytes([header[18], header[19]]),
            ecn: EcnCodepoint::NotEct,
            source_route: None,
            opts: TcpOptions::default(),
            malformed_options: false,
            text: if apart.is_empty() { text } else { apart },
        };
        segment.malformed_options = !segment.opts.read(options);
        Ok(segment)
    }

    /// SEG.LEN: the sequence space the segment takes, in bytes of text plus one each for SYN and
    /// FIN.
    #[inline]
    pub fn len(&self) -> u32 {
        (self.text.len() as u32)
            .wrapping_add(u32::from(self.has(Flags::SYN)))
            .wrapping_add(u32::from(self.has(Flags::FIN)))
    }

    /// Whether the segment takes no sequence space.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all of `flags` are set.
    #[inline]
    pub fn has(&self, flags: Flags) -> bool {
        self.ctl.contains(flags)
    }

    /// The length of the header with its options, in bytes: 20 to 60.
    #[inline]
    pub fn header_len(&self) -> usize {
        HEADER_LEN.saturating_add(self.opts.encoded_len())
    }

    /// Writes header and options into the front of `buf` and returns their length, or 0 if `buf`
    /// is too short.
    ///
    /// The checksum field is left 0: see [`fill_checksum`]. The text is not written.
    #[inline]
    pub fn emit_header(&self, buf: &mut [u8]) -> usize {
        self.emit_with(buf, |_, _, _| 0)
    }

    /// The same with a checksum, of a text with this sum and length.
    #[inline]
    pub(crate) fn emit_summed(
        &self,
        buf: &mut [u8],
        (text_sum, text_len): (Sum, usize),
        (src, dst): (IpAddr, IpAddr),
    ) -> usize {
        self.emit_with(buf, |words, options, header_len| {
            // Not by reading back what was just written, which would wait for that.
            let options = match self.opts.lone_timestamps() {
                Some(timestamps) => Sum::of_words(timestamps.words()),
                None => Sum::of(options),
            };
            let sum = pseudo_sum(header_len, text_len, src, dst)
                .combine(Sum::of_words(words), false)
                .combine(options, false)
                .combine(text_sum, false);
            sum.finish()
        })
    }

    /// Writes the header with the checksum that `sum` makes of its words without it, of the options,
    /// and of the length of both.
    #[inline]
    fn emit_with(&self, buf: &mut [u8], sum: impl Fn([u32; 5], &[u8], usize) -> u16) -> usize {
        let Some((header, rest)) = buf.split_first_chunk_mut::<HEADER_LEN>() else {
            return 0;
        };
        let options_len = self.opts.emit(rest);
        if options_len == 0 && self.opts.encoded_len() > 0 {
            return 0;
        }
        let header_len = HEADER_LEN.saturating_add(options_len);
        let halves = |high: u16, low: u16| u32::from(high) << 16 | u32::from(low);
        // Data offset in words, three reserved bits, AE and the eight flags.
        let control = (header_len as u16) << 10 | self.ctl.bits();
        let mut words = [
            halves(self.src_port, self.dst_port),
            self.seq.to_u32(),
            self.ack.to_u32(),
            halves(control, self.wnd.0),
            halves(0, self.up),
        ];
        let options = rest.get(..options_len).unwrap_or_default();
        words[4] |= halves(sum(words, options, header_len), 0);
        for (place, word) in header.as_chunks_mut().0.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        header_len
    }
}

/// Sets the checksum of a segment whose header and options are `header`.
///
/// `payload_sum` is the sum of the text alone, `payload_len` its length in bytes. Whatever stands
/// in the field before is ignored; a `header` shorter than 20 bytes is left alone.
// RFC 9293: MUST-2.
pub fn fill_checksum(
    header: &mut [u8],
    payload_sum: Sum,
    payload_len: usize,
    src: IpAddr,
    dst: IpAddr,
) {
    fill_field(header, [0; 2]);
    let Some((fixed, options)) = header.split_first_chunk::<HEADER_LEN>() else {
        return;
    };
    let sum = pseudo_sum(header.len(), payload_len, src, dst)
        .combine(Sum::of_header(fixed), false)
        .combine(Sum::of(options), false)
        .combine(payload_sum, false);
    fill_field(header, sum.finish().to_be_bytes());
}

/// Sets the checksum field to the sum of the pseudo-header, not complemented: the form in which a
/// device that completes checksums wants it.
///
/// `payload_len` is the length of the text in bytes, of a super-segment all of it. A `header`
/// shorter than 20 bytes is left alone.
pub fn fill_partial_checksum(header: &mut [u8], payload_len: usize, src: IpAddr, dst: IpAddr) {
    let sum = pseudo_sum(header.len(), payload_len, src, dst);
    fill_field(header, sum.folded().to_be_bytes());
}

fn pseudo_sum(header_len: usize, payload_len: usize, src: IpAddr, dst: IpAddr) -> Sum {
    Sum::pseudo(
        src,
        dst,
        protocol::TCP,
        header_len.saturating_add(payload_len) as u32,
    )
}

fn fill_field(header: &mut [u8], value: [u8; 2]) {
    if header.len() >= HEADER_LEN
        && let Some(field) = header.get_mut(CHECKSUM_AT)
    {
        field.copy_from_slice(&value);
    }
}

#[cfg(test)]
mod tests;
