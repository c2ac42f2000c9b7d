//! ICMP (RFC 792).

use super::writer::Writer;
use super::{Sum, WireError};

/// "Fragmentation needed and DF set": the code of an unreachable message that carries an MTU
/// (RFC 1191 §4).
pub const FRAGMENTATION_NEEDED: u8 = 4;
/// "Protocol unreachable": the code of an unreachable message.
pub const PROTOCOL_UNREACHABLE: u8 = 2;
/// "Port unreachable": the code of an unreachable message.
pub const PORT_UNREACHABLE: u8 = 3;

/// The longest quotation of an offending packet, in bytes: the error fits in 576 bytes
/// (RFC 1812 §4.3.2.3).
pub const MAX_QUOTE: usize = 576 - 20 - 8;

/// Message types (RFC 792).
mod kind {
    pub(super) const ECHO_REPLY: u8 = 0;
    pub(super) const UNREACHABLE: u8 = 3;
    pub(super) const SOURCE_QUENCH: u8 = 4;
    pub(super) const ECHO_REQUEST: u8 = 8;
    pub(super) const TIME_EXCEEDED: u8 = 11;
    pub(super) const PARAMETER_PROBLEM: u8 = 12;
}

/// A message. `quoted` is the start of the packet an error is about: see
/// [`quoted_tcp`](super::quoted_tcp).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Icmpv4<'a> {
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
        /// With code [`FRAGMENTATION_NEEDED`] the MTU of the next hop in bytes, 0 if the router
        /// does not tell; else 0.
        mtu: u16,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// Source quench, long deprecated (RFC 6633).
    SourceQuench {
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
        /// 0 if `pointer` tells where.
        code: u8,
        /// The offset of the offending byte in the packet.
        pointer: u8,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// Any other message.
    Other {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// What follows the checksum.
        rest: &'a [u8],
    },
}

impl<'a> Icmpv4<'a> {
    /// Reads the message that fills `bytes`.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`] below 8 bytes, [`WireError::BadChecksum`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let (&[kind, code, _, _, a, b, c, d], body) =
            bytes.split_first_chunk::<8>().ok_or(WireError::Truncated)?;
        if Sum::of(bytes).finish() != 0 {
            return Err(WireError::BadChecksum);
        }
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
            kind::UNREACHABLE => {
                let mtu = if code == FRAGMENTATION_NEEDED { low } else { 0 };
                Self::Unreachable {
                    code,
                    mtu,
                    quoted: body,
                }
            }
            kind::SOURCE_QUENCH => Self::SourceQuench { quoted: body },
            kind::TIME_EXCEEDED => Self::TimeExceeded { code, quoted: body },
            kind::PARAMETER_PROBLEM => Self::ParameterProblem {
                code,
                pointer: a,
                quoted: body,
            },
            _ => Self::Other {
                kind,
                code,
                rest: bytes.get(4..).unwrap_or_default(),
            },
        })
    }

    /// Writes the message with its checksum into the front of `buf` and returns its length, or 0
    /// if `buf` is too short.
    ///
    /// Quotations are cut to [`MAX_QUOTE`].
    pub fn emit(&self, buf: &mut [u8]) -> usize {
        let mut out = Writer::new(buf);
        let word = |high: u16, low: u16| (u32::from(high) << 16 | u32::from(low)).to_be_bytes();
        let (kind, code, word, body) = match *self {
            Self::EchoRequest { ident, seq, data } => {
                (kind::ECHO_REQUEST, 0, word(ident, seq), data)
            }
            Self::EchoReply { ident, seq, data } => (kind::ECHO_REPLY, 0, word(ident, seq), data),
            Self::Unreachable { code, mtu, quoted } => {
                (kind::UNREACHABLE, code, word(0, mtu), cut(quoted))
            }
            Self::SourceQuench { quoted } => (kind::SOURCE_QUENCH, 0, [0; 4], cut(quoted)),
            Self::TimeExceeded { code, quoted } => (kind::TIME_EXCEEDED, code, [0; 4], cut(quoted)),
            Self::ParameterProblem {
                code,
                pointer,
                quoted,
            } => (
                kind::PARAMETER_PROBLEM,
                code,
                [pointer, 0, 0, 0],
                cut(quoted),
            ),
            Self::Other { kind, code, rest } => {
                let (word, body) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
                (kind, code, *word, body)
            }
        };
        let sum = Sum::of(&[kind, code]).add_bytes(&word).add_bytes(body);
        out.put(&[kind, code])
            .put(&sum.finish().to_be_bytes())
            .put(&word)
            .put(body);
        out.finish()
    }
}

fn cut(quoted: &[u8]) -> &[u8] {
    quoted.get(..MAX_QUOTE).unwrap_or(quoted)
}

#[cfg(test)]
mod tests;
