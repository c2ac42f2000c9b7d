//! Plain segments in: those of one flow that follow each other become one super-segment, as the
//! kernel makes them for a device that joins (GRO).
//!
//! Only one packet is being joined at a time, and whatever is not its continuation ends it, so that
//! the order of everything is kept. What is joined differs in nothing that the protocol could see but
//! the number, the text, and the flags that end a burst.

use std::ops::Range;

use estab_proto::wire::Sum;

const TCP: u8 = 6;
const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;
const TCP_LEN: usize = 20;
/// Where the addresses stand.
const V4_ADDRS: Range<usize> = 12..20;
const V6_ADDRS: Range<usize> = 8..40;

const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
/// ECE and CWR, which an AccECN connection counts with.
const ECN: u8 = 0x40 | 0x80;

/// The longest header of a packet that is joined.
pub(super) const MAX_HEADERS: usize = IPV6_LEN + 60;

/// The longest packet made.
const MAX_LEN: usize = 65_535;

/// A segment with text that may begin or continue a super-segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Where the TCP header begins, and the text.
    tcp: usize,
    text: usize,
    /// The length of the packet.
    len: usize,
    seq: u32,
    flags: u8,
}

impl Segment {
    /// The segment that the packet is, if it may be joined with others: of no kind that the protocol
    /// must see by itself, and whole.
    pub(super) fn of(packet: &[u8]) -> Option<Self> {
        let len = packet.len();
        let (tcp, ip_len) = match packet.first()? {
            // No options.
            0x45 => {
                let header = packet.get(..IPV4_LEN)?;
                // No fragments.
                let is_whole = header[6] & 0x3f == 0 && header[7] == 0;
                let sound = header[9] == TCP && is_whole && Sum::of(header).finish() == 0;
                (IPV4_LEN, sound.then(|| number(header, 2))?)
            }
            first if first >> 4 == 6 => {
                let header = packet.get(..IPV6_LEN)?;
                let payload = (header[6] == TCP).then(|| number(header, 4))?;
                (IPV6_LEN, IPV6_LEN + payload)
            }
            _ => return None,
        };
        let header = packet.get(tcp..tcp + TCP_LEN)?;
        let text = tcp + usize::from(header[12] >> 4) * 4;
        let flags = header[13];
        let is_plain = flags & ACK != 0 && flags & !(ACK | PSH | FIN | ECN) == 0;
        if ip_len != len || text < tcp + TCP_LEN || text >= len || !is_plain {
            return None;
        }
        Some(Self {
            tcp,
            text,
            len,
            seq: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            flags,
        })
    }

    /// Whether the checksum is right.
    pub(super) fn is_intact(&self, packet: &[u8]) -> bool {
        let addrs = match self.tcp {
            IPV4_LEN => V4_ADDRS,
            _ => V6_ADDRS,
        };
        let tcp_len = (self.len - self.tcp) as u16;
        Sum::of(&packet[addrs])
            .add_bytes(&[0, TCP])
            .add_bytes(&tcp_len.to_be_bytes())
            .add_bytes(&packet[self.tcp..])
            .finish()
            == 0
    }

    fn text_len(&self) -> usize {
        self.len - self.text
    }

    fn ends_a_burst(&self) -> bool {
        self.flags & (PSH | FIN) != 0
    }
}

/// What is being joined: it lies at the start of the buffer it was read into.
#[derive(Debug)]
pub(super) struct Joined {
    /// The first segment, and its headers.
    first: Segment,
    headers: [u8; MAX_HEADERS],
    /// The bytes joined so far, headers included.
    len: usize,
    /// The number of the segment that is to come.
    next: u32,
    flags: u8,
    /// Nothing may follow.
    is_closed: bool,
    /// The end of what is joined, which the headers of the next packet are read over: so its text
    /// comes to lie where it belongs.
    covered: [u8; MAX_HEADERS],
}

impl Joined {
    /// Begins with a segment, which lies at the start of `buffer`.
    pub(super) fn new(first: Segment, buffer: &[u8]) -> Self {
        let mut headers = [0; MAX_HEADERS];
        headers[..first.text].copy_from_slice(&buffer[..first.text]);
        Self {
            headers,
            len: first.len,
            next: first.seq.wrapping_add(first.text_len() as u32),
            flags: first.flags,
            is_closed: first.ends_a_burst(),
            covered: [0; MAX_HEADERS],
            first,
        }
    }

    /// The bytes joined so far.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing can follow: not even a segment as long as the first.
    pub(super) fn is_full(&self) -> bool {
        self.is_closed || self.len + self.first.text_len() > MAX_LEN
    }

    /// Makes way for the headers of the next packet, and says where it is to be read to.
    pub(super) fn cover(&mut self, buffer: &[u8]) -> usize {
        let place = self.covered_place();
        self.covered[..self.first.text].copy_from_slice(&buffer[place.clone()]);
        place.start
    }

    /// Puts back what was covered.
    pub(super) fn uncover(&self, buffer: &mut [u8]) {
        buffer[self.covered_place()].copy_from_slice(&self.covered[..self.first.text]);
    }

    fn covered_place(&self) -> Range<usize> {
        self.len - self.first.text..self.len
    }

    /// Takes the packet of `len` bytes that was read to where [`cover`](Self::cover) said, if it
    /// continues what is joined; `verified` says that its checksum is known to be right. If it is not
    /// taken, it lies right behind what is joined.
    pub(super) fn take(&mut self, buffer: &mut [u8], len: usize, verified: bool) -> bool {
        let at = self.covered_place().start;
        let packet = &buffer[at..at + len];
        let next = Segment::of(packet)
            .filter(|next| self.is_continued_by(next, packet))
            .filter(|next| verified || next.is_intact(packet));
        match &next {
            Some(next) => {
                self.uncover(buffer);
                self.len += next.text_len();
                self.next = self.next.wrapping_add(next.text_len() as u32);
                self.flags |= next.flags;
                self.is_closed = next.ends_a_burst() || next.text_len() < self.first.text_len();
            }
            None => {
                buffer.copy_within(at..at + len, self.len);
                self.uncover(buffer);
            }
        }
        next.is_some()
    }

    /// Whether `next`, which is `packet`, follows, and differs in nothing else.
    fn is_continued_by(&self, next: &Segment, packet: &[u8]) -> bool {
        let Segment { tcp, text, .. } = self.first;
        let same = |range: Range<usize>| self.headers[range.clone()] == packet[range];
        let same_ip = || match tcp {
            // All but the length, the identification and the checksum.
            IPV4_LEN => same(0..2) && same(6..10) && same(V4_ADDRS),
            _ => same(0..4) && same(6..IPV6_LEN),
        };
        !self.is_closed
            && next.seq == self.next
            && (next.tcp, next.text) == (tcp, text)
            && next.text_len() <= self.first.text_len()
            && self.len + next.text_len() <= MAX_LEN
            && (next.flags ^ self.first.flags) & !(PSH | FIN) == 0
            // Ports; acknowledgement and offset; window; urgent pointer and options.
            && same(tcp..tcp + 4)
            && same(tcp + 8..tcp + 13)
            && same(tcp + 14..tcp + 16)
            && same(tcp + 18..text)
            && same_ip()
    }

    /// Makes the headers in `buffer` those of the whole, but for TCP's checksum, which was verified
    /// for each segment. Returns the size of the segments, if there are several.
    pub(super) fn finish(&self, buffer: &mut [u8]) -> Option<u16> {
        if self.len == self.first.len {
            return None;
        }
        let tcp = self.first.tcp;
        match tcp {
            IPV4_LEN => {
                put(buffer, 2, self.len as u16);
                put(buffer, 10, 0);
                let sum = Sum::of(&buffer[..IPV4_LEN]);
                put(buffer, 10, sum.finish());
            }
            _ => put(buffer, 4, (self.len - IPV6_LEN) as u16),
        }
        buffer[tcp + 13] = self.flags;
        Some(self.first.text_len() as u16)
    }
}

fn number(header: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([header[at], header[at + 1]]))
}

fn put(buffer: &mut [u8], at: usize, number: u16) {
    buffer[at..at + 2].copy_from_slice(&number.to_be_bytes());
}

#[cfg(test)]
mod tests;
