//! Which shard a packet belongs to, and how it gets there.
//!
//! The device spreads packets over its queues as it likes. Linux, for one, keeps a flow on the queue
//! that was last written to for it, but forgets that when the flow is idle, and guesses where a new
//! one goes. So every shard can tell the owner of a packet, and hands over what is not its own:
//!
//! - a segment goes to the owner of its four-tuple, whether there is a connection or not;
//! - an ICMP error to the owner of the four-tuple it quotes;
//! - a fragment to the shard that the addresses and the identification name, which puts the datagram
//!   together and hands it over as a packet that was never cut;
//! - anything else is dealt with by whoever read it, which for a ping means answered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use estab_proto::wire::{ipv4, ipv6, ipv6_ext, protocol, quoted_tcp};
use estab_proto::{FourTuple, RxMeta, Stack};
use estab_timer::Instant;
use siphasher::sip::SipHasher13;

use super::Shards;

/// Tells the owners of four-tuples: a keyed hash, the same on all shards of a stack, so that peers
/// cannot aim at one of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owners {
    hash: SipHasher13,
    shards: usize,
}

/// Who is to see a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// Whoever read it.
    Reader,
    /// The owner of its flow.
    Flow(usize),
    /// Who puts its fragments together.
    Fragments(usize),
}

impl Owners {
    /// The owners among a number of shards.
    pub(crate) fn new(key: &[u8; 16], shards: usize) -> Self {
        Self {
            hash: SipHasher13::new_with_key(key),
            shards,
        }
    }

    /// The shard that has the connection.
    pub(super) fn of(&self, tuple: &FourTuple) -> usize {
        let FourTuple { local, remote } = tuple;
        let ports = [local.port().to_be_bytes(), remote.port().to_be_bytes()];
        self.of_ends((local.ip(), remote.ip()), ports.as_flattened())
    }

    /// The shard named by the addresses, ours first, and what else tells packets apart.
    fn of_ends(&self, ends: (IpAddr, IpAddr), rest: &[u8]) -> usize {
        let mut bytes = [0; 40];
        let addrs = match ends {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                bytes[..4].copy_from_slice(&local.octets());
                bytes[4..8].copy_from_slice(&remote.octets());
                8
            }
            (local, remote) => {
                bytes[..16].copy_from_slice(&octets(local));
                bytes[16..32].copy_from_slice(&octets(remote));
                32
            }
        };
        bytes[addrs..addrs + rest.len()].copy_from_slice(rest);
        let hash = self.hash.hash(&bytes[..addrs + rest.len()]);
        // The upper half spread over the shards: a division would cost more.
        (((hash >> 32) * self.shards as u64) >> 32) as usize
    }

    /// Who is to see a packet. One that makes no sense is dropped by whoever read it.
    fn of_packet(&self, packet: &[u8]) -> Owner {
        let owner = match packet.first().map(|first| first >> 4) {
            Some(4) => self.of_ipv4(packet),
            Some(6) => self.of_ipv6(packet),
            _ => None,
        };
        owner.unwrap_or(Owner::Reader)
    }

    fn of_ipv4(&self, packet: &[u8]) -> Option<Owner> {
        let header = packet.first_chunk::<{ ipv4::HEADER_LEN }>()?;
        let addr = |at| Some(Ipv4Addr::from(*header.get(at..)?.first_chunk::<4>()?));
        let ends = (addr(16)?.into(), addr(12)?.into());
        let is_fragment = header[6] & 0x3f != 0 || header[7] != 0;
        if is_fragment {
            let ident = [header[4], header[5], header[9]];
            return Some(Owner::Fragments(self.of_ends(ends, &ident)));
        }
        let payload = packet.get(usize::from(header[0] & 0xf) * 4..)?;
        match header[9] {
            protocol::TCP => self.of_segment(ends, payload),
            // Unreachable, source quench, redirect, time exceeded, parameter problem.
            protocol::ICMP if matches!(payload.first()?, 3..=5 | 11 | 12) => self.of_error(payload),
            _ => None,
        }
    }

    fn of_ipv6(&self, packet: &[u8]) -> Option<Owner> {
        let (header, payload) = packet.split_first_chunk::<{ ipv6::HEADER_LEN }>()?;
        let addr = |at| Some(Ipv6Addr::from(*header.get(at..)?.first_chunk::<16>()?));
        let ends = (addr(24)?.into(), addr(8)?.into());
        if header[6] == protocol::TCP {
            return self.of_segment(ends, payload);
        }
        let walk = ipv6_ext::walk(header[6], payload).ok()?;
        if let Some(fragment) = walk.fragment {
            let ident = fragment.ident.to_be_bytes();
            return Some(Owner::Fragments(self.of_ends(ends, &ident)));
        }
        match walk.protocol {
            protocol::TCP => self.of_segment(ends, walk.payload),
            protocol::ICMPV6 if *walk.payload.first()? < 128 => self.of_error(walk.payload),
            _ => None,
        }
    }

    fn of_segment(&self, ends: (IpAddr, IpAddr), segment: &[u8]) -> Option<Owner> {
        let &[s0, s1, d0, d1] = segment.first_chunk()?;
        Some(Owner::Flow(self.of_ends(ends, &[d0, d1, s0, s1])))
    }

    fn of_error(&self, message: &[u8]) -> Option<Owner> {
        let quoted = quoted_tcp(message.get(8..)?)?;
        let tuple = FourTuple {
            local: quoted.src,
            remote: quoted.dst,
        };
        Some(Owner::Flow(self.of(&tuple)))
    }
}

fn octets(addr: IpAddr) -> [u8; 16] {
    match addr {
        IpAddr::V4(addr) => addr.to_ipv6_mapped().octets(),
        IpAddr::V6(addr) => addr.octets(),
    }
}

/// A packet on its way to its owner, with what its reader knows about it.
#[derive(Debug)]
pub(crate) struct Stray {
    packet: Bytes,
    at: Instant,
    checksum_verified: bool,
    segment_size: Option<u16>,
}

/// How a driver among several treats packets.
pub(super) struct Steering {
    owners: Owners,
    own: usize,
    shards: Shards,
    /// What other shards get when the burst is over.
    leaving: Box<[Vec<Stray>]>,
    handed_over: u64,
    dropped: u64,
}

impl Steering {
    /// For the driver of the shard `own`.
    pub(super) fn new(owners: Owners, own: usize, shards: Shards) -> Self {
        Self {
            owners,
            own,
            leaving: shards.iter().map(|_| Vec::new()).collect(),
            shards,
            handed_over: 0,
            dropped: 0,
        }
    }

    /// The shard that would have the connection.
    pub(super) fn owner(&self, local: SocketAddr, remote: SocketAddr) -> usize {
        self.owners.of(&FourTuple { local, remote })
    }

    /// Who tells owners.
    pub(super) fn owners(&self) -> Owners {
        self.owners
    }

    /// Packets handed over, and those of them that found no room.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.handed_over, self.dropped)
    }

    /// Gives a packet to the stack if it is its own, and otherwise keeps it for
    /// [`hand_over`](Self::hand_over).
    fn handle_packet(&mut self, stack: &mut Stack, now: Instant, packet: &[u8], meta: RxMeta<'_>) {
        match self.owners.of_packet(packet) {
            Owner::Flow(owner) | Owner::Fragments(owner) if owner != self.own => {
                self.part_with(owner, now, packet, meta);
            }
            Owner::Fragments(_) => {
                if let Some(whole) = stack.reassemble(now, packet) {
                    let meta = RxMeta {
                        backing: Some(&whole),
                        ..RxMeta::default()
                    };
                    match self.owners.of_packet(&whole) {
                        Owner::Flow(owner) if owner != self.own => {
                            self.part_with(owner, now, &whole, meta);
                        }
                        _ => stack.handle_packet(now, &whole, meta),
                    }
                }
            }
            Owner::Reader | Owner::Flow(_) => stack.handle_packet(now, packet, meta),
        }
    }

    fn part_with(&mut self, owner: usize, now: Instant, packet: &[u8], meta: RxMeta<'_>) {
        let shared = meta
            .backing
            .filter(|backing| packet.len() >= backing.len() / 2);
        self.leaving[owner].push(Stray {
            packet: match shared {
                Some(backing) => backing.slice_ref(packet),
                None => Bytes::copy_from_slice(packet),
            },
            at: now,
            checksum_verified: meta.checksum_verified,
            segment_size: meta.segment_size,
        });
    }

    /// Gives other shards what is theirs, and wakes each once.
    pub(super) fn hand_over(&mut self) {
        for (strays, shard) in self.leaving.iter_mut().zip(&*self.shards) {
            if !strays.is_empty() {
                self.handed_over += strays.len() as u64;
                self.dropped += shard.bell.deliver(strays) as u64;
            }
        }
    }
}

/// Where a driver puts the packets it reads: into its stack, if they are not another's.
pub(super) struct Inlet<'a> {
    pub(super) stack: &'a mut Stack,
    /// If there are several shards.
    pub(super) steering: Option<&'a mut Steering>,
}

impl Inlet<'_> {
    /// Like [`Stack::handle_packet`].
    pub(super) fn handle_packet(&mut self, now: Instant, packet: &[u8], meta: RxMeta<'_>) {
        match &mut self.steering {
            None => self.stack.handle_packet(now, packet, meta),
            Some(steering) => steering.handle_packet(self.stack, now, packet, meta),
        }
    }

    /// A packet that another shard read.
    pub(super) fn handle_stray(&mut self, stray: &Stray) {
        let meta = RxMeta {
            checksum_verified: stray.checksum_verified,
            segment_size: stray.segment_size,
            backing: Some(&stray.packet),
            payload: None,
        };
        self.handle_packet(stray.at, &stray.packet, meta);
    }
}

#[cfg(test)]
mod tests;
