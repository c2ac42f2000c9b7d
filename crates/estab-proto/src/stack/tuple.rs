//! The four-tuple in 36 bytes, as tables and small records keep it.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::addr::FourTuple;

/// A four-tuple as bytes: local and remote address, local and remote port.
///
/// IPv4 addresses are kept as IPv4-mapped IPv6 addresses, which never stand for themselves here:
/// packets that carry them in their IPv6 header are dropped. Scope and flow information of socket
/// addresses does not tell connections apart and is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TupleKey([u8; 36]);

impl TupleKey {
    /// The key of `tuple`.
    pub(crate) fn new(tuple: &FourTuple) -> Self {
        let mut bytes = [0; 36];
        bytes[..16].copy_from_slice(&mapped(tuple.local.ip()));
        bytes[16..32].copy_from_slice(&mapped(tuple.remote.ip()));
        bytes[32..34].copy_from_slice(&tuple.local.port().to_be_bytes());
        bytes[34..].copy_from_slice(&tuple.remote.port().to_be_bytes());
        Self(bytes)
    }

    /// The four-tuple, with scope and flow information zero.
    pub(crate) fn tuple(&self) -> FourTuple {
        let addr = |at: usize| {
            let mut octets = [0; 16];
            octets.copy_from_slice(&self.0[at..at + 16]);
            Ipv6Addr::from(octets).to_canonical()
        };
        let port = |at: usize| u16::from_be_bytes([self.0[at], self.0[at + 1]]);
        FourTuple {
            local: SocketAddr::new(addr(0), port(32)),
            remote: SocketAddr::new(addr(16), port(34)),
        }
    }

    /// The bytes of both endpoints: input of keyed hashes.
    pub(crate) fn bytes(&self) -> &[u8; 36] {
        &self.0
    }

    /// The bytes of the two addresses alone.
    pub(crate) fn addresses(&self) -> &[u8] {
        &self.0[..32]
    }
}

impl fmt::Debug for TupleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.tuple(), f)
    }
}

impl Hash for TupleKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

fn mapped(addr: IpAddr) -> [u8; 16] {
    match addr {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

#[cfg(test)]
mod tests;
