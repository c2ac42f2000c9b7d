//! IPv6 extension headers (RFC 8200 §4).

use super::{WireError, ipv6, protocol};

/// The most extension headers accepted in one packet.
pub const MAX_HEADERS: usize = 8;

/// What stands behind the extension headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk<'a> {
    /// The first next-header value that names no extension header this crate walks: a transport
    /// protocol, [`NO_NEXT_HEADER`](protocol::NO_NEXT_HEADER), or something unknown. Of a
    /// fragment, the value in its fragment header.
    pub protocol: u8,
    /// What follows the last header walked; of a fragment, its piece of the datagram.
    pub payload: &'a [u8],
    /// Where the field that holds `protocol` stands, in bytes from the start of the packet: the
    /// pointer for a parameter problem of code 1, should `protocol` be unknown.
    pub protocol_at: u32,
    /// The fragment header, if the packet is a fragment and must be reassembled.
    ///
    /// An atomic fragment is a whole datagram (RFC 6946): its header is walked over and leaves no
    /// trace here.
    pub fragment: Option<FragmentHeader>,
}

/// The fragment header (RFC 8200 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentHeader {
    /// Where the payload belongs in the fragmentable part, in bytes: a multiple of 8.
    pub offset: u16,
    /// Whether more fragments follow.
    pub more: bool,
    /// Identification.
    pub ident: u32,
}

/// Why a packet is refused, and what to tell its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub error: WireError,
    /// The message that ought to be sent; `None` means that the packet is dropped in silence.
    pub report: Option<Problem>,
}

/// The content of an ICMPv6 parameter problem message (RFC 4443 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// 0 erroneous field, 1 unknown next header, 2 unknown option, 3 first fragment with an
    /// incomplete header chain (RFC 7112 §5).
    pub code: u8,
    /// The offset of the offending byte from the start of the packet, in bytes.
    pub pointer: u32,
    /// Whether it is sent even if the packet was addressed to a multicast group
    /// (RFC 8200 §4.2, action 10).
    pub even_if_multicast: bool,
}

impl Refusal {
    const SILENT: Self = Self {
        error: WireError::BadExtension,
        report: None,
    };

    fn problem(code: u8, pointer: u32) -> Self {
        let report = Problem {
            code,
            pointer,
            even_if_multicast: false,
        };
        Self {
            error: WireError::BadExtension,
            report: Some(report),
        }
    }
}

/// Walks the extension headers at the front of `payload`, the payload of a packet whose fixed
/// header says `next_header`.
///
/// Accepted are hop-by-hop options (at the front only), destination options, routing headers with
/// nothing left to route, and one fragment header; at most [`MAX_HEADERS`] in all. Options that
/// are not known are treated as their two high bits tell (RFC 8200 §4.2); no option but padding is
/// known. A routing header of type 0 is refused always (RFC 5095).
///
/// The first fragment of a datagram must hold all extension headers and the fixed header of its
/// transport protocol (RFC 7112 §5).
///
/// # Errors
///
/// A [`Refusal`], with the parameter problem to send if there is one.
pub fn walk(next_header: u8, payload: &[u8]) -> Result<Walk<'_>, Refusal> {
    Walker::new(next_header, payload, ipv6::HEADER_LEN as u32).run(Position::Front)
}

/// Like [`walk`], for the fragmentable part of a reassembled datagram: neither hop-by-hop options
/// nor another fragment header are accepted.
///
/// Pointers count as if the part stood right behind the fixed header.
///
/// # Errors
///
/// A [`Refusal`], as of [`walk`].
pub fn walk_reassembled(next_header: u8, payload: &[u8]) -> Result<Walk<'_>, Refusal> {
    Walker::new(next_header, payload, ipv6::HEADER_LEN as u32).run(Position::Fragmentable)
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Anything.
    Front,
    /// Anything but hop-by-hop options.
    Middle,
    /// Neither hop-by-hop options nor a fragment header.
    Fragmentable,
}

struct Walker<'a> {
    next_header: u8,
    /// Where `next_header` was read, from the start of the packet.
    next_header_at: u32,
    rest: &'a [u8],
    /// Where `rest` begins, from the start of the packet.
    at: u32,
    /// The headers still accepted.
    headers_left: usize,
}

impl<'a> Walker<'a> {
    fn new(next_header: u8, rest: &'a [u8], at: u32) -> Self {
        // The next header field is the seventh byte of the fixed header.
        Self {
            next_header,
            next_header_at: 6,
            rest,
            at,
            headers_left: MAX_HEADERS,
        }
    }

    fn run(mut self, position: Position) -> Result<Walk<'a>, Refusal> {
        let mut position = position;
        loop {
            match self.next_header {
                protocol::HOP_BY_HOP if position != Position::Front => {
                    return Err(Refusal::problem(1, self.next_header_at));
                }
                protocol::HOP_BY_HOP | protocol::DESTINATION_OPTIONS => {
                    let at = self.at;
                    check_options(self.step()?, at)?;
                }
                protocol::ROUTING => {
                    let at = self.at;
                    check_routing(self.step()?, at)?;
                }
                protocol::FRAGMENT if position == Position::Fragmentable => {
                    return Err(Refusal::problem(1, self.next_header_at));
                }
                protocol::FRAGMENT => {
                    let header = self.fragment()?;
                    if header.offset != 0 || header.more {
                        return self.stop_at_fragment(header);
                    }
                    position = Position::Fragmentable;
                    continue;
                }
                _ => return Ok(self.stop(None)),
            }
            if position == Position::Front {
                position = Position::Middle;
            }
        }
    }

    /// Moves over a header whose second byte counts further words of eight bytes; returns its
    /// bytes.
    fn step(&mut self) -> Result<&'a [u8], Refusal> {
        let [next_header, words, ..] = *self.rest else {
            return Err(Refusal::SILENT);
        };
        // At most 256 words of 8 bytes.
        self.advance(
            next_header,
            usize::from(words).saturating_add(1).saturating_mul(8),
        )
    }

    fn fragment(&mut self) -> Result<FragmentHeader, Refusal> {
        let Some(&[next_header, _, a, b, c, d, e, f]) = self.rest.first_chunk::<8>() else {
            return Err(Refusal::SILENT);
        };
        self.advance(next_header, 8)?;
        let field = u16::from_be_bytes([a, b]);
        Ok(FragmentHeader {
            offset: field & 0xfff8,
            more: field & 1 != 0,
            ident: u32::from_be_bytes([c, d, e, f]),
        })
    }

    fn advance(&mut self, next_header: u8, len: usize) -> Result<&'a [u8], Refusal> {
        let (header, rest) = self.rest.split_at_checked(len).ok_or(Refusal::SILENT)?;
        self.headers_left = self.headers_left.checked_sub(1).ok_or(Refusal::SILENT)?;
        self.next_header = next_header;
        self.next_header_at = self.at;
        self.rest = rest;
        self.at = self.at.saturating_add(len as u32);
        Ok(header)
    }

    fn stop(&self, fragment: Option<FragmentHeader>) -> Walk<'a> {
        Walk {
            protocol: self.next_header,
            payload: self.rest,
            protocol_at: self.next_header_at,
            fragment,
        }
    }

    fn stop_at_fragment(self, header: FragmentHeader) -> Result<Walk<'a>, Refusal> {
        let found = self.stop(Some(header));
        if header.offset == 0 {
            let incomplete = Refusal {
                report: Some(INCOMPLETE_CHAIN),
                ..Refusal::SILENT
            };
            let chain =
                self.run(Position::Fragmentable)
                    .map_err(|refusal| match refusal.report {
                        Some(_) => refusal,
                        None => incomplete,
                    })?;
            if chain.payload.len() < fixed_header_len(chain.protocol) {
                return Err(incomplete);
            }
        }
        Ok(found)
    }
}

/// The report of a first fragment that does not hold the whole header chain (RFC 7112 §5).
const INCOMPLETE_CHAIN: Problem = Problem {
    code: 3,
    pointer: 0,
    even_if_multicast: false,
};

/// The length in bytes of what a transport protocol's packets have at least.
fn fixed_header_len(protocol: u8) -> usize {
    match protocol {
        protocol::TCP => super::tcp::HEADER_LEN,
        protocol::UDP | protocol::ICMPV6 => 8,
        _ => 0,
    }
}

/// Checks a header of options that stands `at` this offset of the packet.
fn check_options(header: &[u8], at: u32) -> Result<(), Refusal> {
    const PAD1: u8 = 0;
    const PADN: u8 = 1;
    let len = header.len();
    let mut rest = header.get(2..).unwrap_or_default();
    loop {
        let option_at = at.saturating_add(len.saturating_sub(rest.len()) as u32);
        rest = match *rest {
            [] => return Ok(()),
            [PAD1, ref after @ ..] => after,
            [kind, len, ref data @ ..] => {
                let after = data.get(usize::from(len)..).ok_or(Refusal::SILENT)?;
                if kind != PADN {
                    obey_action(kind, option_at)?;
                }
                after
            }
            [_] => return Err(Refusal::SILENT),
        };
    }
}

/// What the two high bits of an unknown option's type demand (RFC 8200 §4.2).
fn obey_action(kind: u8, at: u32) -> Result<(), Refusal> {
    let report = |even_if_multicast| Problem {
        code: 2,
        pointer: at,
        even_if_multicast,
    };
    match kind >> 6 {
        0 => Ok(()),
        1 => Err(Refusal::SILENT),
        2 => Err(Refusal {
            report: Some(report(true)),
            ..Refusal::SILENT
        }),
        _ => Err(Refusal {
            report: Some(report(false)),
            ..Refusal::SILENT
        }),
    }
}

/// Checks a routing header that stands `at` this offset of the packet (RFC 8200 §4.4): no type is
/// known, so none with segments left is for us.
fn check_routing(header: &[u8], at: u32) -> Result<(), Refusal> {
    match *header {
        // Segments left 0 would be harmless; nobody sends it for a good reason.
        [_, _, 0, ..] => Err(Refusal::problem(0, at.saturating_add(2))),
        [_, _, _, 0, ..] => Ok(()),
        _ => Err(Refusal::problem(0, at.saturating_add(2))),
    }
}

#[cfg(test)]
mod tests;
