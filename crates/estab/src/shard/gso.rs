//! Super-segments out: cut into the segments that the network sees, for a device that does not cut.
//!
//! The protocol works once for as much as a burst may carry, as with a device that cuts. The headers
//! are patched for each segment, and its checksum is made right after its text was copied behind
//! them, while it is in the nearest cache.

use std::io;

use arrayvec::ArrayVec;
use estab_proto::wire::Sum;

const TCP: u8 = 6;
const IPV6_LEN: usize = 40;
/// Where things stand in an IPv4 and in an IPv6 header.
const V4_LEN_AT: usize = 2;
const V4_PROTOCOL_AT: usize = 9;
const V4_CHECKSUM_AT: usize = 10;
const V6_LEN_AT: usize = 4;
const V6_PROTOCOL_AT: usize = 6;
/// Where things stand in a TCP header.
const SEQ_AT: usize = 4;
const FLAGS_AT: usize = 13;
const CHECKSUM_AT: usize = 16;

/// Flags that end a burst: they are the last segment's alone.
const FIN_PSH: u8 = 0x01 | 0x08;

/// Bytes of text that are many: to gather them from where they lie costs less than to copy them.
const MANY: usize = 4096;

/// Headers of IP and TCP.
pub(super) type Headers = ArrayVec<u8, 120>;

/// Cuts packets, and keeps of one what the device has refused.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    /// Whether checksums are left to us, and not to the device.
    completes: bool,
    /// The segment that is sent next: the packet's headers as they are for it, and its text.
    frame: Vec<u8>,
    plan: Plan,
    /// Whether the device has refused the frame.
    refused: bool,
    /// The text behind a refused frame, and how much of it is sent.
    rest: Vec<u8>,
    rest_sent: usize,
}

/// How the packet at hand is cut.
#[derive(Debug, Default)]
struct Plan {
    /// `None` if the packet is not TCP's: it goes as it is.
    tcp: Option<Tcp>,
    /// Bytes of headers.
    headers: usize,
    /// Bytes of text in a segment.
    size: usize,
    /// Bytes of text that are in no frame yet.
    left: usize,
}

#[derive(Clone, Copy, Debug)]
struct Tcp {
    is_ipv6: bool,
    /// Where its header begins.
    at: usize,
    /// The number of the next segment.
    seq: u32,
    flags: u8,
    /// The sum of the pseudo-header but for the length.
    pseudo: Sum,
}

/// Takes a packet, or says that there is no room for it.
pub(super) trait Offer: FnMut(&[u8]) -> io::Result<bool> {}

impl<F: FnMut(&[u8]) -> io::Result<bool>> Offer for F {}

impl Cutter {
    /// For a device that completes checksums, or does not.
    pub(super) fn new(device_completes: bool) -> Self {
        Self {
            completes: !device_completes,
            ..Self::default()
        }
    }

    /// Whether something was refused.
    pub(super) fn is_busy(&self) -> bool {
        self.refused
    }

    /// Sends a packet: its headers, in which the checksum is the sum of the pseudo-header, and
    /// `len` bytes of text in `pieces`, as segments with `size` bytes of it, or in one. False if the
    /// device has refused some: [`resume`](Self::resume) then offers the rest.
    pub(super) fn send<'a>(
        &mut self,
        headers: &[u8],
        mut pieces: impl Iterator<Item = &'a [u8]>,
        len: usize,
        size: Option<u16>,
        offer: impl Offer,
    ) -> io::Result<bool> {
        self.frame.clear();
        self.frame.extend_from_slice(headers);
        self.plan = Plan::new(headers, len, size);
        let mut piece = &[][..];
        if self.run(&mut piece, &mut pieces, offer)? {
            return Ok(true);
        }
        self.rest.clear();
        self.rest_sent = 0;
        self.rest.extend_from_slice(piece);
        pieces.for_each(|piece| self.rest.extend_from_slice(piece));
        Ok(false)
    }

    /// The headers for a packet that goes in one segment and in pieces, because there is much text in
    /// it, as [`send`](Self::send) takes it; `None` if it is to be sent by that.
    pub(super) fn whole<'a>(
        &self,
        headers: &[u8],
        pieces: impl Iterator<Item = &'a [u8]>,
        len: usize,
        size: Option<u16>,
    ) -> Option<Headers> {
        if len < MANY || size.is_some_and(|size| len > usize::from(size)) {
            return None;
        }
        let mut whole = Headers::try_from(headers).ok()?;
        if let Some(tcp) = Tcp::of(headers, len).filter(|_| self.completes) {
            // The sum of the pseudo-header is in the field.
            let mut sum = Sum::of(&headers[tcp.at..]);
            let mut is_odd = false;
            for piece in pieces {
                sum = sum.combine(Sum::of(piece), is_odd);
                is_odd ^= piece.len() % 2 == 1;
            }
            put(&mut whole, tcp.at + CHECKSUM_AT, sum.finish());
        }
        Some(whole)
    }

    /// The device has refused a whole packet: it is offered again by [`resume`](Self::resume).
    pub(super) fn keep<'a>(&mut self, headers: &[u8], pieces: impl Iterator<Item = &'a [u8]>) {
        self.frame.clear();
        self.frame.extend_from_slice(headers);
        pieces.for_each(|piece| self.frame.extend_from_slice(piece));
        self.plan = Plan::default();
        self.refused = true;
    }

    /// Offers what was refused; false if some is refused again.
    pub(super) fn resume(&mut self, mut offer: impl Offer) -> io::Result<bool> {
        if !self.refused {
            return Ok(true);
        }
        if !offer(&self.frame)? {
            return Ok(false);
        }
        self.refused = false;
        if self.plan.left == 0 {
            return Ok(true);
        }
        let rest = std::mem::take(&mut self.rest);
        let mut text = &rest[self.rest_sent..];
        let done = self.run(&mut text, &mut std::iter::empty(), offer);
        self.rest_sent = rest.len() - text.len();
        self.rest = rest;
        done
    }

    /// Sends segment after segment, of the text in `piece` and then in `pieces`.
    fn run<'a>(
        &mut self,
        piece: &mut &'a [u8],
        pieces: &mut impl Iterator<Item = &'a [u8]>,
        mut offer: impl Offer,
    ) -> io::Result<bool> {
        loop {
            self.fill(piece, pieces);
            if !offer(&self.frame)? {
                self.refused = true;
                return Ok(false);
            }
            if self.plan.left == 0 {
                return Ok(true);
            }
        }
    }

    /// Makes the next segment.
    fn fill<'a>(&mut self, piece: &mut &'a [u8], pieces: &mut impl Iterator<Item = &'a [u8]>) {
        let Plan {
            headers,
            size,
            left,
            ..
        } = self.plan;
        let len = left.min(size);
        self.frame.truncate(headers);
        let mut room = len;
        while room > 0 {
            if piece.is_empty() {
                match pieces.next() {
                    Some(next) => *piece = next,
                    None => break,
                }
            }
            let (now, later) = piece.split_at(piece.len().min(room));
            self.frame.extend_from_slice(now);
            room -= now.len();
            *piece = later;
        }
        self.plan.left = left - len;
        self.plan.patch(&mut self.frame, self.completes);
    }
}

impl Plan {
    fn new(headers: &[u8], len: usize, size: Option<u16>) -> Self {
        let tcp = Tcp::of(headers, len);
        Self {
            // What is not TCP's cannot be cut.
            size: size
                .filter(|_| tcp.is_some())
                .map_or(len, usize::from)
                .max(1),
            tcp,
            headers: headers.len(),
            left: len,
        }
    }

    /// Makes the headers in `frame` those of the segment in it.
    fn patch(&mut self, frame: &mut [u8], completes: bool) {
        let Some(tcp) = &mut self.tcp else {
            return;
        };
        let len = frame.len();
        if tcp.is_ipv6 {
            put(frame, V6_LEN_AT, (len - IPV6_LEN) as u16);
        } else {
            put(frame, V4_LEN_AT, len as u16);
            put(frame, V4_CHECKSUM_AT, 0);
            let sum = Sum::of(&frame[..tcp.at]);
            put(frame, V4_CHECKSUM_AT, sum.finish());
        }
        frame[tcp.at + SEQ_AT..][..4].copy_from_slice(&tcp.seq.to_be_bytes());
        tcp.seq = tcp.seq.wrapping_add((len - self.headers) as u32);
        frame[tcp.at + FLAGS_AT] = match self.left {
            0 => tcp.flags,
            _ => tcp.flags & !FIN_PSH,
        };
        let pseudo = tcp.pseudo.add_bytes(&((len - tcp.at) as u16).to_be_bytes());
        put(frame, tcp.at + CHECKSUM_AT, pseudo.folded());
        if completes {
            let sum = Sum::of(&frame[tcp.at..]);
            put(frame, tcp.at + CHECKSUM_AT, sum.finish());
        }
    }
}

impl Tcp {
    /// What there is to know of the headers of a packet with `text_len` bytes of text.
    fn of(headers: &[u8], text_len: usize) -> Option<Self> {
        let is_ipv6 = headers.first()? >> 4 == 6;
        let (protocol, at) = match is_ipv6 {
            true => (*headers.get(V6_PROTOCOL_AT)?, IPV6_LEN),
            false => (
                *headers.get(V4_PROTOCOL_AT)?,
                usize::from(headers[0] & 0x0f) * 4,
            ),
        };
        let header = headers.get(at..).filter(|_| protocol == TCP)?;
        let seq = header.get(SEQ_AT..SEQ_AT + 4)?;
        let partial = header.get(CHECKSUM_AT..CHECKSUM_AT + 2)?;
        // Subtracting is adding the complement.
        let less_len = !((header.len() + text_len) as u16);
        Some(Self {
            is_ipv6,
            at,
            seq: u32::from_be_bytes(seq.try_into().ok()?),
            flags: header[FLAGS_AT],
            pseudo: Sum::of(partial).add_bytes(&less_len.to_be_bytes()),
        })
    }
}

fn put(frame: &mut [u8], at: usize, number: u16) {
    frame[at..at + 2].copy_from_slice(&number.to_be_bytes());
}

#[cfg(test)]
pub(super) mod tests;
