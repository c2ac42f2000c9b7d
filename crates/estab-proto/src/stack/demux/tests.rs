use alloc::vec;
use core::hash::BuildHasher;
use core::net::{Ipv4Addr, SocketAddr};

use slotmap::KeyData;

use super::{Demux, Packed, Slot};
use crate::addr::FourTuple;
use crate::stack::ConnId;
use crate::stack::secret::Secrets;
use crate::stack::time_wait::TimeWaitId;
use crate::stack::tuple::TupleKey;

fn tuple(addr: u32, port: u16) -> FourTuple {
    FourTuple {
        local: SocketAddr::new(Ipv4Addr::new(10, 0, 0, 1).into(), 80),
        remote: SocketAddr::new(Ipv4Addr::from_bits(addr).into(), port),
    }
}

fn slot(n: u64) -> Slot {
    Slot::Connection(ConnId::from(KeyData::from_ffi(n)))
}

#[test]
fn only_its_holder_frees_a_tuple() {
    let mut demux = Demux::new(Secrets::new(&[1; 32]).table);
    let key = TupleKey::new(&tuple(1, 1));
    let any = |_| true;
    let hash = demux.hash(&key);
    demux.set(hash, None, slot(1));
    demux.set(hash, Some(slot(1)), slot(2));
    demux.remove(&key, slot(1));
    assert_eq!(demux.find(hash, any), Some(slot(2)));
    demux.remove(&key, slot(2));
    assert_eq!(demux.find(hash, any), None);
}

#[test]
fn tuples_with_the_same_hash_are_told_apart_by_their_records() {
    let mut demux = Demux::new(Secrets::new(&[1; 32]).table);
    let key = TupleKey::new(&tuple(1, 1));
    let is = |n: u64| move |found: Slot| found == slot(n);
    let hash = demux.hash(&key);
    for n in 1..=100 {
        demux.set(hash, None, slot(n));
    }
    for n in 1..=100 {
        assert_eq!(demux.find(hash, is(n)), Some(slot(n)));
        demux.remove(&key, slot(n));
        assert_eq!(demux.find(hash, is(n)), None);
    }
}

#[test]
fn a_slot_keeps_its_kind_and_its_id() {
    let id = KeyData::from_ffi((1 << 63 | 1 << 32) | ((1 << 30) - 1));
    for slot in [
        Slot::Connection(id.into()),
        Slot::HalfOpen(id.into()),
        Slot::Incoming(id.into()),
        Slot::TimeWait(TimeWaitId {
            queue: 3,
            number: u32::MAX,
        }),
    ] {
        assert_eq!(Packed::new(slot).slot(), slot);
    }
    assert!(size_of::<Packed>() <= 8);
}

#[test]
fn a_table_that_grows_loses_nothing() {
    let mut demux = Demux::new(Secrets::new(&[1; 32]).table);
    let key = |n: u64| TupleKey::new(&tuple(n as u32, n as u16));
    for n in 1..=10_000 {
        demux.set(demux.hash(&key(n)), None, slot(n));
    }
    for n in 1..=10_000 {
        assert_eq!(
            demux.find(demux.hash(&key(n)), |found| found == slot(n)),
            Some(slot(n))
        );
    }
}

/// What a peer would aim at if the table used a fixed multiplicative hash.
fn unkeyed(tuple: &FourTuple) -> u64 {
    TupleKey::new(tuple)
        .bytes()
        .chunks(4)
        .map(|chunk| u32::from_be_bytes(chunk.try_into().unwrap()))
        .fold(0u64, |hash, word| {
            (hash.rotate_left(5) ^ u64::from(word)).wrapping_mul(0x51_7c_c1_b7_27_22_0a_95)
        })
}

#[test]
fn tuples_that_collide_elsewhere_spread_here() {
    // 100 000 tuples whose unkeyed hash agrees in eight bits: each of 256 cells would hold them
    // all. Under our key the fullest of as many cells as tuples holds what chance allows.
    let cells = 1usize << 17;
    let key = Secrets::new(&[3; 32]).table;
    let mut counts = vec![0u8; cells];
    let mut found = 0;
    let mut addr = 0x0a00_0000u32;
    while found < 100_000 {
        addr += 1;
        let tuple = tuple(addr, addr as u16);
        if unkeyed(&tuple) & 0xff == 0x5a {
            found += 1;
            counts[key.hash_one(TupleKey::new(&tuple)) as usize % cells] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count <= 10));
}
