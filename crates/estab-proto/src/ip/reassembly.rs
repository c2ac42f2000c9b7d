//! Putting fragments together (RFC 791 §3.2, RFC 8200 §4.5), within bounds.
//!
//! Fragments are an attacker's means to fill memory and to smuggle bytes past whoever inspects
//! packets, so everything is bounded and everything odd is refused:
//!
//! - Memory is charged as allocated, in all and per source. At a limit the oldest incomplete
//!   datagram goes: of that source at the source's limit, of all at the total.
//! - A fragment that is wrong in itself is dropped alone. Fragments that contradict each other
//!   (overlap, two ends, too many) condemn their datagram: its bytes are freed at once, and what
//!   still comes of it is dropped until its time is over (RFC 5722 §4).
//! - The first fragment of a TCP segment must hold its whole header (RFC 1858 §3).
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

mod partial;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::IpAddr;

use estab_timer::{Duration, Instant};

use self::partial::{Fragment, Partial};

/// The bounds of a [`Reassembly`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassemblyConfig {
    /// The most bytes allocated for incomplete datagrams, in all. Default 256 KiB.
    pub max_bytes: usize,
    /// The most bytes allocated for incomplete datagrams of one source. Default a quarter of
    /// 256 KiB.
    pub max_bytes_per_source: usize,
    /// The most fragments of one datagram. Default 64: a 64 KiB datagram at an MTU of 1,280 bytes
    /// has 53.
    pub max_fragments: usize,
    /// The most incomplete datagrams. Default 64.
    pub max_datagrams: usize,
    /// How long after its first fragment a datagram must be complete. Default 30 s, as in Linux;
    /// RFC 8200 §4.5 has 60 s.
    pub timeout: Duration,
}

impl Default for ReassemblyConfig {
    fn default() -> Self {
        Self {
            max_bytes: 256 * 1024,
            max_bytes_per_source: 64 * 1024,
            max_fragments: 64,
            max_datagrams: 64,
            timeout: Duration::from_secs(30),
        }
    }
}

/// What the fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FragmentKey {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Identification: 16 bits of IPv4, 32 of IPv6.
    pub ident: u32,
    /// IPv4's protocol; 0 for IPv6, whose fragments need not agree on it (RFC 8200 §4.5).
    pub protocol: u8,
}

/// What the header in front of a fragment says about the datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentInfo {
    /// IPv4's protocol or the fragment header's next header.
    pub protocol: u8,
    /// Type of service or traffic class: DSCP above, ECN in the two low bits.
    pub traffic_class: u8,
}

/// A complete datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// What the first fragment's header said, with ECN as RFC 3168 §5.3 combines it.
    pub info: FragmentInfo,
    /// The payload of all fragments in order.
    pub payload: Vec<u8>,
}

/// A datagram whose time was over before it was whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Which it was.
    pub key: FragmentKey,
    /// What the first fragment's header said and carried, if that fragment had come.
    pub first: Option<(FragmentInfo, Box<[u8]>)>,
}

/// What came of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Kept (or known already); others are missing.
    Incomplete,
    /// It was the last one missing.
    Complete(Datagram),
    /// Dropped.
    Dropped(DropReason),
}

/// Why a fragment was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// It holds no data.
    Empty,
    /// It is not the last one, and its length is not a multiple of 8.
    BadLength,
    /// It ends beyond what an IP packet can hold ("ping of death").
    TooLong,
    /// It is the first one, or nearly, and the TCP header is not all in the first.
    TinyFirst,
    /// It overlaps others or contradicts where the datagram ends ("teardrop"). The datagram is
    /// condemned.
    Overlap,
    /// The datagram has too many fragments and is condemned.
    TooMany,
    /// The ECN fields of the fragments make no sense together (RFC 3168 §5.3). The datagram is
    /// condemned.
    BadEcn,
    /// Its datagram was condemned before.
    Condemned,
    /// It is larger than the limits allow even if nothing else is held.
    NoRoom,
}

/// The incomplete datagrams of a stack.
///
/// ```
/// use core::net::{IpAddr, Ipv4Addr};
/// use estab_proto::ip::reassembly::{FragmentInfo, FragmentKey, Outcome, Reassembly};
/// use estab_timer::Instant;
///
/// let addr = |host| IpAddr::V4(Ipv4Addr::new(10, 0, 0, host));
/// let key = FragmentKey { src: addr(1), dst: addr(2), ident: 7, protocol: 17 };
/// let info = FragmentInfo { protocol: 17, traffic_class: 0 };
/// let mut reassembly = Reassembly::default();
///
/// let now = Instant::ZERO;
/// let last = reassembly.insert(now, key, 8, false, b"world", info);
/// assert_eq!(last, Outcome::Incomplete);
/// let Outcome::Complete(datagram) = reassembly.insert(now, key, 0, true, b"hello,  ", info) else {
///     panic!("nothing is missing");
/// };
/// assert_eq!(datagram.payload, b"hello,  world");
/// assert_eq!(reassembly.bytes_held(), 0);
/// ```
#[derive(Debug, Default)]
pub struct Reassembly {
    config: ReassemblyConfig,
    /// The number of datagrams begun so far: the age of the next one.
    begun: u64,
    /// The age of each incomplete datagram.
    ages: BTreeMap<FragmentKey, u64>,
    /// The incomplete datagrams by age, the oldest first.
    partials: BTreeMap<u64, Partial>,
    sources: BTreeMap<IpAddr, Source>,
    bytes: usize,
}

/// What one source has here.
#[derive(Debug, Default)]
struct Source {
    bytes: usize,
    ages: BTreeSet<u64>,
}

impl Reassembly {
    /// An empty one.
    pub fn new(config: ReassemblyConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// The bytes allocated for incomplete datagrams, never more than
    /// [`max_bytes`](ReassemblyConfig::max_bytes).
    pub fn bytes_held(&self) -> usize {
        self.bytes
    }

    /// The number of incomplete datagrams, condemned ones included.
    pub fn datagrams(&self) -> usize {
        self.partials.len()
    }

    /// When the oldest incomplete datagram must be complete.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.partials
            .first_key_value()
            .map(|(_, partial)| partial.deadline)
    }

    /// Drops the datagrams whose time is over; returns how many.
    pub fn expire(&mut self, now: Instant) -> usize {
        core::iter::from_fn(|| self.pop_expired(now)).count()
    }

    /// Drops the oldest datagram if its time is over.
    pub fn pop_expired(&mut self, now: Instant) -> Option<Expired> {
        let (age, partial) = self.partials.first_key_value()?;
        if partial.deadline > now {
            return None;
        }
        let age = *age;
        self.remove(age).map(Partial::into_expired)
    }

    /// Takes a fragment whose `payload` belongs at `offset` bytes of the datagram `key`; `more`
    /// tells that others follow behind it.
    ///
    /// What is no fragment, since it is both first and last, comes back complete and leaves no
    /// trace (RFC 6946 §4).
    pub fn insert(
        &mut self,
        now: Instant,
        key: FragmentKey,
        offset: u16,
        more: bool,
        payload: &[u8],
        info: FragmentInfo,
    ) -> Outcome {
        if offset == 0 && !more {
            return Outcome::Complete(Datagram {
                info,
                payload: payload.to_vec(),
            });
        }
        self.expire(now);
        let result = Fragment::check(key.src, offset, more, payload, info)
            .and_then(|fragment| self.try_insert(now, key, &fragment));
        match result {
            Ok(None) => Outcome::Incomplete,
            Ok(Some(datagram)) => Outcome::Complete(datagram),
            Err(reason) => Outcome::Dropped(reason),
        }
    }

    fn try_insert(
        &mut self,
        now: Instant,
        key: FragmentKey,
        fragment: &Fragment<'_>,
    ) -> Result<Option<Datagram>, DropReason> {
        let age = match self.ages.get(&key) {
            Some(age) => *age,
            None => self.begin(now, key)?,
        };
        let cost = match self.partials.get_mut(&age) {
            Some(partial) => partial.judge(fragment, self.config.max_fragments),
            None => Err(DropReason::NoRoom),
        };
        self.settle(age);
        let Some(cost) = cost? else { return Ok(None) };
        self.make_room(age, cost)?;
        let Some(partial) = self.partials.get_mut(&age) else {
            return Err(DropReason::NoRoom);
        };
        partial.keep(fragment);
        if partial.is_complete() {
            return Ok(self.remove(age).and_then(Partial::into_datagram));
        }
        self.settle(age);
        Ok(None)
    }

    /// Records a new datagram within the limits; returns its age.
    fn begin(&mut self, now: Instant, key: FragmentKey) -> Result<u64, DropReason> {
        let age = self.begun;
        self.begun = age.wrapping_add(1);
        let deadline = now.saturating_add(self.config.timeout);
        self.ages.insert(key, age);
        self.sources.entry(key.src).or_default().ages.insert(age);
        self.partials.insert(age, Partial::new(key, deadline));
        self.settle(age);
        self.make_room(age, 0)?;
        Ok(age)
    }

    /// Drops old datagrams until `cost` more bytes for the one of `age` are within all limits;
    /// drops that one if there are no others.
    fn make_room(&mut self, age: u64, cost: usize) -> Result<(), DropReason> {
        while let Some(victim) = self.victim(age, cost) {
            self.remove(victim);
            if victim == age {
                return Err(DropReason::NoRoom);
            }
        }
        Ok(())
    }

    /// The datagram to drop if `cost` more bytes for the one of `age` exceed a limit: the oldest
    /// other one, or that one itself.
    fn victim(&self, age: u64, cost: usize) -> Option<u64> {
        let source = self.sources.get(&self.partials.get(&age)?.key.src)?;
        let source_full = source.bytes.saturating_add(cost) > self.config.max_bytes_per_source;
        let full = self.bytes.saturating_add(cost) > self.config.max_bytes
            || self.partials.len() > self.config.max_datagrams;
        let other = |candidate: &u64| *candidate != age;
        if source_full {
            Some(source.ages.iter().copied().find(other).unwrap_or(age))
        } else if full {
            Some(self.partials.keys().copied().find(other).unwrap_or(age))
        } else {
            None
        }
    }

    /// Brings the charges in line with what the datagram of `age` now holds.
    fn settle(&mut self, age: u64) {
        let Some(partial) = self.partials.get_mut(&age) else {
            return;
        };
        let (before, after) = (partial.charged, partial.cost());
        partial.charged = after;
        self.bytes = self.bytes.saturating_sub(before).saturating_add(after);
        if let Some(source) = self.sources.get_mut(&partial.key.src) {
            source.bytes = source.bytes.saturating_sub(before).saturating_add(after);
        }
    }

    fn remove(&mut self, age: u64) -> Option<Partial> {
        let partial = self.partials.remove(&age)?;
        self.ages.remove(&partial.key);
        self.bytes = self.bytes.saturating_sub(partial.charged);
        if let Some(source) = self.sources.get_mut(&partial.key.src) {
            source.bytes = source.bytes.saturating_sub(partial.charged);
            source.ages.remove(&age);
            if source.ages.is_empty() {
                self.sources.remove(&partial.key.src);
            }
        }
        Some(partial)
    }
}

#[cfg(test)]
mod tests;
