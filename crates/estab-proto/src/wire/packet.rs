//! A packet of either version of IP.

use core::net::IpAddr;

use super::{Ipv4Packet, Ipv6Packet, WireError};

/// A packet of either version, with what both have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpPacket<'a> {
    /// An IPv4 packet.
    V4(Ipv4Packet<'a>),
    /// An IPv6 packet.
    V6(Ipv6Packet<'a>),
}

impl<'a> IpPacket<'a> {
    /// Reads the packet at the front of `bytes`, of the version its first four bits name.
    ///
    /// # Errors
    ///
    /// Those of [`Ipv4Packet::parse`] and [`Ipv6Packet::parse`]; [`WireError::BadVersion`] for
    /// any other version, [`WireError::Truncated`] if there are no bytes.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        Self::parse_before(bytes, 0)
    }

    /// As [`parse`](Self::parse) if the last `apart` bytes of the packet lie elsewhere.
    #[inline]
    pub(crate) fn parse_before(bytes: &'a [u8], apart: usize) -> Result<Self, WireError> {
        match bytes.first().ok_or(WireError::Truncated)? >> 4 {
            4 => Ipv4Packet::parse_before(bytes, apart).map(Self::V4),
            6 => Ipv6Packet::parse_before(bytes, apart).map(Self::V6),
            _ => Err(WireError::BadVersion),
        }
    }

    /// Source address.
    #[inline]
    pub fn src(&self) -> IpAddr {
        match self {
            Self::V4(packet) => IpAddr::V4(packet.src),
            Self::V6(packet) => IpAddr::V6(packet.src),
        }
    }

    /// Destination address.
    #[inline]
    pub fn dst(&self) -> IpAddr {
        match self {
            Self::V4(packet) => IpAddr::V4(packet.dst),
            Self::V6(packet) => IpAddr::V6(packet.dst),
        }
    }

    /// IPv4's protocol, or IPv6's next header, which may be that of an extension header.
    pub fn protocol(&self) -> u8 {
        match self {
            Self::V4(packet) => packet.protocol,
            Self::V6(packet) => packet.next_header,
        }
    }

    /// IPv4's time to live or IPv6's hop limit.
    pub fn hop_limit(&self) -> u8 {
        match self {
            Self::V4(packet) => packet.ttl,
            Self::V6(packet) => packet.hop_limit,
        }
    }

    /// IPv4's type of service or IPv6's traffic class: DSCP above, ECN in the two low bits.
    pub fn traffic_class(&self) -> u8 {
        match self {
            Self::V4(packet) => packet.tos,
            Self::V6(packet) => packet.traffic_class,
        }
    }

    /// What follows the header: of IPv4 behind its options, of IPv6 with any extension headers.
    pub fn payload(&self) -> &'a [u8] {
        match self {
            Self::V4(packet) => packet.payload,
            Self::V6(packet) => packet.payload,
        }
    }
}

#[cfg(test)]
mod tests;
