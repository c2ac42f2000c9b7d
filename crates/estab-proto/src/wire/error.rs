//! Why bytes are not a packet.

use core::fmt;

/// The first thing that is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WireError {
    /// Fewer bytes than the fixed header of the protocol.
    Truncated,
    /// The version nibble names neither the expected nor any known version of IP.
    BadVersion,
    /// The header length field is below the minimum or runs past the end of the packet.
    BadHeaderLength,
    /// The IP length field is shorter than its header or longer than the bytes that came.
    BadTotalLength,
    /// The checksum does not match.
    BadChecksum,
    /// An option's length field is impossible or runs past the end of the options.
    BadOption,
    /// An IPv6 extension header is cut short, misplaced, not accepted, or one too many.
    BadExtension,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "shorter than its fixed header",
            Self::BadVersion => "unknown IP version",
            Self::BadHeaderLength => "header length below the minimum or past the end",
            Self::BadTotalLength => "IP length field below the header or past the end",
            Self::BadChecksum => "checksum mismatch",
            Self::BadOption => "impossible option length",
            Self::BadExtension => "extension header cut short, misplaced or refused",
        })
    }
}

impl core::error::Error for WireError {}
