//! IPv4's source route options (RFC 791 §3.1, RFC 1122 §3.2.1.8 (c)).
//!
//! IPv6 has no such thing: its type 0 routing header is refused (RFC 5095).

use core::net::Ipv4Addr;

use arrayvec::ArrayVec;

use super::ipv4::options_of;

/// The option's type if other routers may lie between the hops, its copied flag included.
const LOOSE: u8 = 131;

/// The option's type if none may.
const STRICT: u8 = 137;

/// Padding in front of the option, which aligns the addresses.
const NO_OPERATION: u8 = 1;

/// The least pointer: to the first address, counted from 1 at the option's type.
const FIRST: u8 = 4;

/// The routers that packets go through on their way to another host, in order.
///
/// Routes of more than [`MAX_HOPS`](Self::MAX_HOPS) cannot be written in a header. A route without
/// hops leads straight to the destination, and no option is sent.
///
/// ```
/// use core::net::Ipv4Addr;
/// use estab_proto::wire::SourceRoute;
///
/// let route = SourceRoute::loose(&[Ipv4Addr::new(192, 0, 2, 1)]).unwrap();
/// assert_eq!(route.option_len(), 8);
/// assert!(SourceRoute::strict(&[Ipv4Addr::LOCALHOST; 10]).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRoute {
    is_strict: bool,
    hops: ArrayVec<Ipv4Addr, { SourceRoute::MAX_HOPS }>,
}

impl SourceRoute {
    /// The most hops that 40 bytes of IP options have room for.
    pub const MAX_HOPS: usize = 9;

    /// The length of the option of the longest route, in bytes.
    pub const MAX_OPTION_LEN: usize = 40;

    /// A route between whose hops other routers may lie; `None` if it is too long.
    pub fn loose(hops: &[Ipv4Addr]) -> Option<Self> {
        Self::new(false, hops)
    }

    /// A route whose hops are neighbours; `None` if it is too long.
    pub fn strict(hops: &[Ipv4Addr]) -> Option<Self> {
        Self::new(true, hops)
    }

    fn new(is_strict: bool, hops: &[Ipv4Addr]) -> Option<Self> {
        Some(Self {
            is_strict,
            hops: hops.try_into().ok()?,
        })
    }

    /// The hops between source and destination.
    pub fn hops(&self) -> &[Ipv4Addr] {
        &self.hops
    }

    /// Whether the hops are neighbours.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// Where a packet to `dst` is sent first: what its destination field says.
    pub fn first_hop(&self, dst: Ipv4Addr) -> Ipv4Addr {
        self.hops.first().copied().unwrap_or(dst)
    }

    /// The length of the option in bytes: a multiple of four, at most
    /// [`MAX_OPTION_LEN`](Self::MAX_OPTION_LEN).
    pub fn option_len(&self) -> usize {
        match self.hops.len() {
            0 => 0,
            hops => hops.saturating_add(1).saturating_mul(4),
        }
    }

    /// Writes the option of a packet to `dst` into the front of `buf` and returns its length, or 0
    /// if `buf` is too short. What it lists begins with the second hop, since the first stands in the
    /// destination field, and ends with `dst` (RFC 1122 §3.2.1.8 (c), case A).
    pub fn emit(&self, dst: Ipv4Addr, buf: &mut [u8]) -> usize {
        let len = self.option_len();
        let Some((head, addresses)) = buf
            .get_mut(..len)
            .and_then(|option| option.split_first_chunk_mut::<4>())
        else {
            return 0;
        };
        let kind = if self.is_strict { STRICT } else { LOOSE };
        // At most 39, without the padding.
        let option_len = (len as u8).saturating_sub(1);
        *head = [NO_OPERATION, kind, option_len, FIRST];
        let listed = self.hops.iter().skip(1).chain([&dst]);
        for (place, address) in addresses.chunks_exact_mut(4).zip(listed) {
            place.copy_from_slice(&address.octets());
        }
        len
    }
}

/// A source route option as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteOption<'a> {
    is_strict: bool,
    /// Whole addresses: up to the pointer where the packet was, then where it is to go.
    addresses: &'a [u8],
    is_complete: bool,
}

impl<'a> RouteOption<'a> {
    /// The one source route among well-formed `options`; `None` if there is none, if it is malformed,
    /// or if there are several.
    pub(super) fn find(options: &'a [u8]) -> Option<Self> {
        let mut routes = options_of(options).flatten().filter(|it| is_route(it));
        let route = routes.next()?;
        let is_single = routes.next().is_none();
        let &[kind, len, pointer, ref addresses @ ..] = route else {
            return None;
        };
        let is_aligned =
            addresses.len().is_multiple_of(4) && pointer >= FIRST && pointer.is_multiple_of(4);
        (is_single && is_aligned).then_some(Self {
            is_strict: kind == STRICT,
            addresses,
            is_complete: pointer > len,
        })
    }

    /// Whether the packet has been to every hop: its destination field says where it ends.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Where a packet whose destination field says `dst` ends.
    pub fn destination(&self, dst: Ipv4Addr) -> Ipv4Addr {
        match self.addresses() {
            mut addresses if !self.is_complete => addresses.next_back().unwrap_or(dst),
            _ => dst,
        }
    }

    /// The way back to `src`, from where the packet came: the recorded route in reverse, without the
    /// source itself, which some hosts put in front (RFC 1122 §3.2.1.8 (c), case B). `None` while the
    /// route is not complete.
    pub fn return_route(&self, src: Ipv4Addr) -> Option<SourceRoute> {
        if !self.is_complete {
            return None;
        }
        let mut hops = ArrayVec::new();
        for hop in self.addresses().rev() {
            hops.try_push(hop).ok()?;
        }
        if hops.last() == Some(&src) {
            hops.pop();
        }
        Some(SourceRoute {
            is_strict: self.is_strict,
            hops,
        })
    }

    fn addresses(&self) -> impl DoubleEndedIterator<Item = Ipv4Addr> + use<'a> {
        let addresses = self.addresses.chunks_exact(4);
        addresses.filter_map(|octets| Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?)))
    }
}

/// Whether an option is a source route of either kind.
pub(super) fn is_route(option: &[u8]) -> bool {
    matches!(option, [LOOSE | STRICT, ..])
}

#[cfg(test)]
mod tests;
