//! The ECN field of an IP header (RFC 3168 §5).

use core::fmt;

/// The two low bits of IPv4's type of service or IPv6's traffic class.
///
/// ```
/// use estab_proto::wire::EcnCodepoint;
///
/// assert_eq!(EcnCodepoint::of(0x2b), EcnCodepoint::Ce);
/// assert_eq!(EcnCodepoint::Ect0.on(0x28), 0x2a);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EcnCodepoint {
    /// The sender does not understand ECN: routers drop instead of marking.
    #[default]
    NotEct = 0b00,
    /// ECN-capable transport with the codepoint kept for experiments (RFC 8311 §4.2).
    Ect1 = 0b01,
    /// ECN-capable transport.
    Ect0 = 0b10,
    /// Congestion experienced: a router marked the packet.
    Ce = 0b11,
}

impl EcnCodepoint {
    /// The ECN field of a type of service or traffic class.
    pub const fn of(traffic_class: u8) -> Self {
        match traffic_class & 0b11 {
            0b00 => Self::NotEct,
            0b01 => Self::Ect1,
            0b10 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// `traffic_class` with this in its ECN field; the Diffserv field stays.
    pub const fn on(self, traffic_class: u8) -> u8 {
        traffic_class & !0b11 | self as u8
    }

    /// Whether a router marked the packet.
    pub const fn is_ce(self) -> bool {
        matches!(self, Self::Ce)
    }
}

impl fmt::Display for EcnCodepoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEct => "noecn",
            Self::Ect1 => "ect1",
            Self::Ect0 => "ect0",
            Self::Ce => "ce",
        })
    }
}

#[cfg(test)]
mod tests;
