//! ICMPv6 (RFC 4443).

use core::net::{IpAddr, Ipv6Addr};

use super::writer::Writer;
use super::{Sum, WireError, protocol};

/// "Port unreachable": the code of an unreachable message.
pub const PORT_UNREACHABLE: u8 = 4;

/// The longest quotation of an offending packet, in bytes: the error fits in the minimum MTU of
/// 1,280 bytes (RFC 4443 §2.4 (c)).
pub const MAX_QUOTE: usize = 1280 - 40 - 8;

/// Message types (RFC 4443).
mod kind {
    pub(super) const UNREACHABLE: u8 = 1;
    pub(super) const PACKET_TOO_BIG: u8 = 2;
    pub(super) const TIME_EXCEEDED: u8 = 3;
    pub(super) const PARAMETER_PROBLEM: u8 = 4;
    pub(super) const ECHO_REQUEST: u8 = 128;
    pub(super) const ECHO_REPLY: u8 = 129;
}

/// A message. `quoted` is the start of the packet an error is about: see
/// [`quoted_tcp`](super::quoted_tcp).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Icmpv6<'a> {
    /// Echo request.
    EchoRequest {
        /// Identifier.
        ident: u16,
        /// Sequence number.
        seq: u16,
        /// What to echo.
        data: &'a [u8],
    },
    /// Echo reply.
    EchoReply {
        /// Identifier of the request.
        ident: u16,
        /// Sequence number of the request.
        seq: u16,
        /// Data of the request.
        data: &'a [u8],
    },
    /// Destination unreachable.
    Unreachable {
        /// Why.
        code: u8,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// Packet too big.
    PacketTooBig {
        /// The MTU of the next hop in bytes, as sent.
        mtu: u32,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// Time exceeded: code 0 in transit, 1 in reassembly.
    TimeExceeded {
        /// Which time.
        code: u8,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// Parameter problem.
    ParameterProblem {
        /// 0 erroneous field, 1 unknown next header, 2 unknown option, 3 first fragment with an
        /// incomplete header chain (RFC 7112).
        code: u8,
        /// The offset of the offending byte in the packet.
        pointer: u32,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// Any other message.
    Other {
        /// Type; from 128 on the message is informational, below it is an error.
        kind: u8,
        /// Code.
        code: u8,
        /// What follows the checksum.
        rest: &'a [u8],
    },
}

impl<'a> Icmpv6<'a> {
    /// Reads the message that fills `bytes`, sent from `src` to `dst`.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`] below 8 bytes, [`WireError::BadChecksum`].
    pub fn parse(bytes: &'a [u8], src: Ipv6Addr, dst: Ipv6Addr) -> Result<Self, WireError> {
        let (&[kind, code, _, _, a, b, c, d], body) =
            bytes.split_first_chunk::<8>().ok_or(WireError::Truncated)?;
        if pseudo_sum(src, dst, bytes.len()).add_bytes(bytes).finish() != 0 {
            return Err(WireError::BadChecksum);
        }
        let word = u32::from_be_bytes([a, b, c, d]);
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Ok(match kind {
            kind::ECHO_REQUEST => Self::EchoRequest {
                ident: high,
                seq: low,
                data: body,
            },
            kind::ECHO_REPLY => Self::EchoReply {
                ident: high,
                seq: low,
                data: body,
            },
            kind::UNREACHABLE => Self::Unreachable { code, quoted: body },
            kind::PACKET_TOO_BIG => Self::PacketTooBig {
                mtu: word,
                quoted: body,
            },
            kind::TIME_EXCEEDED => Self::TimeExceeded { code, quoted: body },
            kind::PARAMETER_PROBLEM => Self::ParameterProblem {
                code,
                pointer: word,
                quoted: body,
            },
            _ => Self::Other {
                kind,
                code,
                rest: bytes.get(4..).unwrap_or_default(),
            },
        })
    }

    /// Writes the message, to be sent from `src` to `dst`, with its checksum into the front of
    /// `buf` and returns its length, or 0 if `buf` is too short.
    ///
    /// Quotations are cut to [`MAX_QUOTE`].
    pub fn emit(&self, src: Ipv6Addr, dst: Ipv6Addr, buf: &mut [u8]) -> usize {
        let word = |high: u16, low: u16| (u32::from(high) << 16 | u32::from(low)).to_be_bytes();
        let (kind, code, word, body) = match *self {
            Self::EchoRequest { ident, seq, data } => {
                (kind::ECHO_REQUEST, 0, word(ident, seq), data)
            }
            Self::EchoReply { ident, seq, data } => (kind::ECHO_REPLY, 0, word(ident, seq), data),
            Self::Unreachable { code, quoted } => (kind::UNREACHABLE, code, [0; 4], cut(quoted)),
            Self::PacketTooBig { mtu, quoted } => {
                (kind::PACKET_TOO_BIG, 0, mtu.to_be_bytes(), cut(quoted))
            }
            Self::TimeExceeded { code, quoted } => (kind::TIME_EXCEEDED, code, [0; 4], cut(quoted)),
            Self::ParameterProblem {
                code,
                pointer,
                quoted,
            } => (
                kind::PARAMETER_PROBLEM,
                code,
                pointer.to_be_bytes(),
                cut(quoted),
            ),
            Self::Other { kind, code, rest } => {
                let (word, body) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
                (kind, code, *word, body)
            }
        };
        let sum = pseudo_sum(src, dst, body.len().saturating_add(8))
            .add_bytes(&[kind, code])
            .add_bytes(&word)
            .add_bytes(body);
        let mut out = Writer::new(buf);
        out.put(&[kind, code])
            .put(&sum.finish().to_be_bytes())
            .put(&word)
            .put(body);
        out.finish()
    }
}

fn pseudo_sum(src: Ipv6Addr, dst: Ipv6Addr, len: usize) -> Sum {
    Sum::pseudo(
        IpAddr::V6(src),
        IpAddr::V6(dst),
        protocol::ICMPV6,
        len as u32,
    )
}

fn cut(quoted: &[u8]) -> &[u8] {
    quoted.get(..MAX_QUOTE).unwrap_or(quoted)
}

#[cfg(test)]
mod tests;
