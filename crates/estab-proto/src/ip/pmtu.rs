//! What ICMP told about the MTU of paths (RFC 1191, RFC 8201).
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

use alloc::collections::BTreeMap;
use core::hash::BuildHasher;
use core::net::IpAddr;

use estab_timer::{Duration, Instant};
use hashbrown::HashMap;
use siphasher::sip::SipHasher13;

/// The bounds of a [`PathMtu`] cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathMtuConfig {
    /// The MTU of the device in bytes: that of every path nothing else is known of.
    pub link_mtu: u16,
    /// The lowest MTU in bytes that ICMP may bring an IPv4 path to. Default 552, as in Linux: a
    /// forged message must not make us send crumbs.
    pub floor_v4: u16,
    /// How long an entry lasts before the path is tried anew. Default 10 minutes (RFC 1191 §6.3,
    /// RFC 8201 §5.3).
    pub max_age: Duration,
    /// The most destinations remembered; beyond it the oldest entry goes. Default 1,024.
    pub max_entries: usize,
}

impl Default for PathMtuConfig {
    fn default() -> Self {
        Self {
            link_mtu: 1500,
            floor_v4: 552,
            max_age: Duration::from_secs(600),
            max_entries: 1024,
        }
    }
}

/// The least MTU of an IPv6 link in bytes (RFC 8200 §5).
const MIN_V6: u16 = 1280;

/// MTUs that links really have, in bytes (RFC 1191 §7.1).
const PLATEAUS: [u16; 11] = [
    65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68,
];

/// The path MTU per destination, where it is known to be less than the link's.
///
/// Only ever lowered, by messages that the caller has checked to be about a segment in flight
/// (RFC 5927 §7.2); an entry's end brings the link's MTU back.
///
/// ```
/// use core::net::{IpAddr, Ipv4Addr};
/// use estab_proto::ip::pmtu::{PathMtu, PathMtuConfig};
/// use estab_timer::Instant;
///
/// let mut paths = PathMtu::new(PathMtuConfig::default(), [7; 16]);
/// let dst = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// assert_eq!(paths.get(dst), 1500);
/// assert_eq!(paths.lower(Instant::ZERO, dst, 1400), 1400);
/// assert_eq!(paths.get(dst), 1400);
/// assert_eq!(paths.lower(Instant::ZERO, dst, 1450), 1400);
/// ```
#[derive(Debug)]
pub struct PathMtu {
    config: PathMtuConfig,
    entries: HashMap<IpAddr, Entry, Keyed>,
    /// The destinations in the order in which their entries end, each at its `place`.
    order: BTreeMap<(Instant, u64), IpAddr>,
    /// Tells entries of the same instant apart.
    serial: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    mtu: u16,
    place: (Instant, u64),
}

/// SipHash under a secret key, so that nobody can choose destinations that collide.
#[derive(Clone, Copy)]
struct Keyed([u8; 16]);

impl BuildHasher for Keyed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.0)
    }
}

impl core::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Keyed")
    }
}

impl PathMtu {
    /// An empty cache, hashed under the random `key`.
    pub fn new(config: PathMtuConfig, key: [u8; 16]) -> Self {
        Self {
            config,
            entries: HashMap::with_hasher(Keyed(key)),
            order: BTreeMap::new(),
            serial: 0,
        }
    }

    /// The MTU towards `dst`, in bytes of IP packet; at most the link's.
    pub fn get(&self, dst: IpAddr) -> u16 {
        self.entries
            .get(&dst)
            .map_or(self.config.link_mtu, |entry| {
                entry.mtu.min(self.config.link_mtu)
            })
    }

    /// Notes that a packet to `dst` was too big for a link of `mtu` bytes; returns the MTU towards
    /// `dst` from now on.
    ///
    /// An `mtu` of 0 on an IPv4 path, from a router older than RFC 1191, counts as the next lower
    /// MTU that links really have (RFC 1191 §5). Below
    /// [`floor_v4`](PathMtuConfig::floor_v4) it counts as the floor. On an IPv6 path an `mtu`
    /// below 1,280 is not believed at all (RFC 8201 §4). The MTU never rises.
    pub fn lower(&mut self, now: Instant, dst: IpAddr, mtu: u16) -> u16 {
        let current = self.get(dst);
        let mtu = match dst {
            IpAddr::V6(_) if mtu < MIN_V6 => return current,
            IpAddr::V6(_) => mtu,
            IpAddr::V4(_) if mtu == 0 => plateau_below(current).max(self.config.floor_v4),
            IpAddr::V4(_) => mtu.max(self.config.floor_v4),
        };
        let known = self.entries.contains_key(&dst);
        // The same again renews an entry: the narrow link is still there.
        if mtu > current || mtu == current && !known {
            return current;
        }
        self.remember(now, dst, mtu);
        mtu
    }

    /// When the oldest entry ends.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.order
            .first_key_value()
            .map(|((deadline, _), _)| *deadline)
    }

    /// Forgets the entries whose time is over; returns how many.
    pub fn expire(&mut self, now: Instant) -> usize {
        let before = self.entries.len();
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.forget_oldest();
        }
        before.saturating_sub(self.entries.len())
    }

    /// The number of destinations remembered.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no destination is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn remember(&mut self, now: Instant, dst: IpAddr, mtu: u16) {
        let place = (now.saturating_add(self.config.max_age), self.serial);
        self.serial = self.serial.wrapping_add(1);
        if let Some(old) = self.entries.insert(dst, Entry { mtu, place }) {
            self.order.remove(&old.place);
        }
        self.order.insert(place, dst);
        if self.order.len() > self.config.max_entries {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, dst)) = self.order.pop_first() {
            self.entries.remove(&dst);
        }
    }
}

/// The greatest MTU in use that is below `mtu`.
fn plateau_below(mtu: u16) -> u16 {
    PLATEAUS
        .into_iter()
        .find(|plateau| *plateau < mtu)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
