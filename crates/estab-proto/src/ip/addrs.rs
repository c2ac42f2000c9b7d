//! The stack's own addresses: what is addressed to us, who may have sent it, and from where we
//! send.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use crate::addr::{IpCidr, is_unicast};

/// The stack's addresses.
pub(crate) struct Addrs {
    list: Vec<IpCidr>,
    /// Every host's address counts as ours when it is a destination.
    any: bool,
    /// From whom and to whom the last packet was that may have been: the next one mostly is the same.
    last: Option<(IpAddr, IpAddr)>,
}

/// Which address of a packet is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Source,
    Destination,
}

impl Addrs {
    /// The addresses in `list`, and as destinations any others if `any`.
    pub(super) fn new(list: &[IpCidr], any: bool) -> Self {
        Self {
            list: list.to_vec(),
            any,
            last: None,
        }
    }

    /// The addresses.
    pub(crate) fn list(&self) -> &[IpCidr] {
        &self.list
    }

    /// Adds an address, or changes its prefix.
    pub(crate) fn add(&mut self, addr: IpCidr) {
        self.remove(addr.addr);
        self.list.push(addr);
    }

    /// Removes an address; returns whether it was there.
    pub(crate) fn remove(&mut self, addr: IpAddr) -> bool {
        self.last = None;
        let before = self.list.len();
        self.list.retain(|own| own.addr != addr);
        self.list.len() < before
    }

    /// Whether `addr` is one of our own.
    pub(crate) fn is_own(&self, addr: IpAddr) -> bool {
        self.list.iter().any(|own| own.addr == addr)
    }

    /// Whether `addr` is the broadcast address of all networks or of one we are on.
    pub(crate) fn is_broadcast(&self, addr: IpAddr) -> bool {
        let IpAddr::V4(v4) = addr else { return false };
        v4 == Ipv4Addr::BROADCAST || self.list.iter().any(|own| own.broadcast() == Some(v4))
    }

    /// Whether a packet can have come from `src` and is for us at `dst`.
    #[inline]
    pub(super) fn check(&mut self, src: IpAddr, dst: IpAddr) -> Result<(), Wrong> {
        if self.last == Some((src, dst)) {
            return Ok(());
        }
        if !self.may_send(src) {
            return Err(Wrong::Source);
        }
        if !self.accepts(dst) {
            return Err(Wrong::Destination);
        }
        self.last = Some((src, dst));
        Ok(())
    }

    /// Whether `addr` can be the local end of a connection, and so the destination of a packet
    /// (RFC 1122 §3.2.1.3).
    pub(crate) fn accepts(&self, addr: IpAddr) -> bool {
        self.is_own(addr) || self.any && self.is_host(addr) && !is_loopback(addr)
    }

    /// Whether a packet can have come from `addr`: one other host, or ourselves on a loopback link
    /// (RFC 1122 §3.2.1.3, RFC 9293 MUST-63).
    pub(super) fn may_send(&self, addr: IpAddr) -> bool {
        if is_loopback(addr) {
            return self.list.iter().any(|own| is_loopback(own.addr));
        }
        self.is_host(addr) && !self.is_own(addr)
    }

    /// Whether `addr` names one host.
    fn is_host(&self, addr: IpAddr) -> bool {
        is_unicast(addr) && !self.is_broadcast(addr) && addr.to_canonical() == addr
    }

    /// The address to send to `remote` from: of its family, the one that has most leading bits in
    /// common with it, one in whose prefix it lies before all others (RFC 9293 MUST-44).
    pub(crate) fn source_for(&self, remote: IpAddr) -> Option<IpAddr> {
        self.list
            .iter()
            .filter(|own| own.addr.is_ipv4() == remote.is_ipv4())
            .max_by_key(|own| (own.contains(remote), common_bits(own.addr, remote)))
            .map(|own| own.addr)
    }
}

fn is_loopback(addr: IpAddr) -> bool {
    addr.to_canonical().is_loopback()
}

fn common_bits(a: IpAddr, b: IpAddr) -> u32 {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
