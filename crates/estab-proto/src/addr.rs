//! Addresses as the stack keeps them: prefixes, endpoints and the four-tuple of a connection.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An interface address with its prefix length, such as `10.0.0.2/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpCidr {
    /// The stack's own address.
    pub addr: IpAddr,
    /// Prefix length in bits: 0 to 32 for IPv4, 0 to 128 for IPv6.
    pub prefix: u8,
}

impl IpCidr {
    /// An address with its prefix length; a length beyond the address's width counts as the width.
    pub const fn new(addr: IpAddr, prefix: u8) -> Self {
        let width = if addr.is_ipv4() { 32 } else { 128 };
        Self {
            addr,
            prefix: if prefix > width { width } else { prefix },
        }
    }

    /// Whether `addr` lies in this prefix.
    pub fn contains(&self, addr: IpAddr) -> bool {
        match (self.addr, addr) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.prefix))
                    .unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.prefix))
                    .unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }

    /// The subnet's directed broadcast address; `None` for IPv6 and for prefixes without one
    /// (RFC 3021: /31 and /32).
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        let IpAddr::V4(own) = self.addr else {
            return None;
        };
        if self.prefix > 30 {
            return None;
        }
        let host = u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
        Some(Ipv4Addr::from_bits(own.to_bits() | host))
    }
}

impl fmt::Display for IpCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

/// What names a connection: local and remote endpoint (RFC 9293 §3.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FourTuple {
    /// Our end: for a connection that arrived through an any-address listener, the original
    /// destination.
    pub local: SocketAddr,
    /// The peer's end.
    pub remote: SocketAddr,
}

impl FourTuple {
    /// Whether both ends are IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.local.is_ipv6()
    }
}

impl fmt::Debug for FourTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FourTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <-> {}", self.local, self.remote)
    }
}

/// Whether `addr` can be the address of one host: not unspecified, multicast, broadcast nor in a
/// block that never names a host (RFC 1122 §3.2.1.3, RFC 9293 MUST-46, MUST-57, MUST-63).
pub fn is_unicast(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => {
            let first = v4.octets()[0];
            first != 0 && first < 224
        }
        IpAddr::V6(v6) => v6 != Ipv6Addr::UNSPECIFIED && !v6.is_multicast(),
    }
}

#[cfg(test)]
mod tests;
