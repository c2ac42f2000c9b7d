use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use estab_proto::config::{StackConfig, TcpConfig};
use estab_proto::wire::tcp::Flags;
use estab_proto::wire::{IpRepr, protocol};

use super::*;
use crate::shard::Shard;
use crate::shard::doorbell::Calls;

const SHARDS: usize = 7;

fn owners() -> Owners {
    Owners::new(&[7; 16], SHARDS)
}

fn ip(src: IpAddr, dst: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let repr = IpRepr {
        src,
        dst,
        protocol,
        hop_limit: 64,
        traffic_class: 0,
        ident: 99,
        dont_fragment: true,
        flow_label: 0,
    };
    let mut packet = vec![0; repr.header_len()];
    repr.emit(payload.len(), &mut packet);
    packet.extend_from_slice(payload);
    packet
}

/// Addresses and ports of both families: ours, theirs.
fn flows() -> impl Iterator<Item = FourTuple> {
    (0..200_u16).flat_map(|n| {
        [("10.0.0.2", "10.0.9.1"), ("fd00::2", "fd00::9")].map(|(local, remote)| FourTuple {
            local: SocketAddr::new(local.parse().unwrap(), 80 + n % 3),
            remote: SocketAddr::new(remote.parse().unwrap(), 40_000 + n),
        })
    })
}

fn segment(src: SocketAddr, dst: SocketAddr) -> Vec<u8> {
    let mut tcp = vec![0; 20];
    tcp[..2].copy_from_slice(&src.port().to_be_bytes());
    tcp[2..4].copy_from_slice(&dst.port().to_be_bytes());
    tcp[12] = 5 << 4;
    tcp[13] = Flags::SYN.bits() as u8;
    ip(src.ip(), dst.ip(), protocol::TCP, &tcp)
}

#[test]
fn a_segment_an_error_and_a_call_agree_on_the_owner() {
    for tuple in flows() {
        let FourTuple { local, remote } = tuple;
        let owner = Owner::Flow(owners().of(&tuple));
        assert_eq!(owners().of_packet(&segment(remote, local)), owner);

        let router = match local.ip() {
            IpAddr::V4(_) => "192.0.2.1".parse().unwrap(),
            IpAddr::V6(_) => "2001:db8::1".parse().unwrap(),
        };
        let quoted = segment(local, remote);
        let mut message = vec![0; 8];
        message.extend_from_slice(&quoted);
        let number = match local.ip() {
            IpAddr::V4(_) => (protocol::ICMP, 3),
            IpAddr::V6(_) => (protocol::ICMPV6, 2),
        };
        message[0] = number.1;
        let error = ip(router, local.ip(), number.0, &message);
        assert_eq!(owners().of_packet(&error), owner);
    }
}

#[test]
fn every_shard_gets_its_part() {
    let mut parts = [0; SHARDS];
    for tuple in flows() {
        parts[owners().of(&tuple)] += 1;
    }
    assert!(parts.iter().all(|&n| n > 30), "{parts:?}");
    // Another key, another division.
    let other = Owners::new(&[8; 16], SHARDS);
    let moved = flows().filter(|tuple| other.of(tuple) != owners().of(tuple));
    assert!(moved.count() > 300);
}

#[test]
fn fragments_of_a_datagram_meet() {
    for tuple in flows() {
        let whole = segment(tuple.remote, tuple.local);
        let pieces: Vec<Vec<u8>> = match tuple.local.ip() {
            IpAddr::V4(_) => [(0x20, 0), (0x20, 100), (0, 200)]
                .map(|(more, offset)| {
                    let mut piece = whole.clone();
                    (piece[6], piece[7]) = (more, offset);
                    piece
                })
                .into(),
            IpAddr::V6(_) => [1_u8, 64 | 1, 128]
                .map(|field| {
                    let mut payload = vec![protocol::TCP, 0, 0, field, 0, 0, 0, 42];
                    payload.extend_from_slice(&whole[40..]);
                    let (src, dst) = (tuple.remote.ip(), tuple.local.ip());
                    ip(src, dst, protocol::FRAGMENT, &payload)
                })
                .into(),
        };
        let first = owners().of_packet(&pieces[0]);
        assert!(matches!(first, Owner::Fragments(_)));
        assert!(
            pieces
                .iter()
                .all(|piece| owners().of_packet(piece) == first)
        );
    }
}

#[test]
fn who_reads_a_ping_or_nonsense_keeps_it() {
    let (ours, theirs): (IpAddr, IpAddr) =
        ("10.0.0.2".parse().unwrap(), "10.0.0.1".parse().unwrap());
    let ping = [8, 0, 0, 0, 0, 1, 0, 1];
    let mut truncated = segment(SocketAddr::new(theirs, 1), SocketAddr::new(ours, 2));
    truncated.truncate(22);
    for packet in [
        ip(theirs, ours, protocol::ICMP, &ping),
        ip(theirs, ours, protocol::UDP, &[0; 8]),
        ip(
            theirs,
            ours,
            protocol::ICMP,
            &[3, 1, 0, 0, 0, 0, 0, 0, 0x45],
        ),
        truncated,
        vec![],
        vec![0x45],
        vec![0x65; 41],
        vec![0xff; 100],
    ] {
        assert_eq!(owners().of_packet(&packet), Owner::Reader);
    }
}

#[test]
fn no_packet_makes_it_panic() {
    let mut state = 1_u64;
    let mut packet = [0; 80];
    for round in 0..200_000_usize {
        for byte in &mut packet {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = (state >> 56) as u8;
        }
        // Likely headers, so that more than the first look is tried.
        packet[0] = if round % 2 == 0 { 0x45 } else { 0x60 };
        packet[9] = [1, 6, 58, 44][round % 4];
        packet[6] = [0, 44, 58, 6][round / 4 % 4];
        let len = round % (packet.len() + 1);
        owners().of_packet(&packet[..len]);
    }
}

fn steering(shards: &Shards) -> Steering {
    let owners = Owners::new(&[7; 16], shards.len());
    Steering::new(owners, 0, Arc::clone(shards))
}

/// A segment that belongs to the second of two shards.
fn stray() -> Vec<u8> {
    let owners = Owners::new(&[7; 16], 2);
    let tuple = flows().find(|tuple| owners.of(tuple) == 1).unwrap();
    segment(tuple.remote, tuple.local)
}

#[test]
fn the_queue_to_another_shard_is_bounded_and_what_it_drops_is_counted() {
    let shards = Shard::all(2, &TcpConfig::default());
    let mut steering = steering(&shards);
    let mut stack = Stack::new(StackConfig::default(), [0; 32], Instant::ZERO);
    for _ in 0..3 {
        for _ in 0..200 {
            steering.handle_packet(&mut stack, Instant::ZERO, &stray(), RxMeta::default());
        }
        steering.hand_over();
    }
    assert_eq!(steering.counts(), (600, 88));
    assert_eq!(stack.stats().packets_in, 0);
    let mut calls = Calls::default();
    shards[1].bell.answer(Waker::noop(), &mut calls);
    assert_eq!(calls.strays.len(), 512);
}

#[test]
fn a_packet_is_handed_over_with_all_that_is_known_of_it() {
    let shards = Shard::all(2, &TcpConfig::default());
    let mut steering = steering(&shards);
    let mut stack = Stack::new(StackConfig::default(), [0; 32], Instant::ZERO);
    let packet = Bytes::from(stray());
    let at = Instant::from_secs(5);
    let meta = RxMeta {
        checksum_verified: true,
        segment_size: Some(1448),
        backing: Some(&packet),
        payload: None,
    };
    steering.handle_packet(&mut stack, at, &packet, meta);
    // A small piece of a large buffer does not keep the buffer.
    let mut large = stray();
    large.resize(10_000, 0);
    let large = Bytes::from(large);
    let meta = RxMeta {
        backing: Some(&large),
        ..RxMeta::default()
    };
    steering.handle_packet(&mut stack, at, &large[..40], meta);
    steering.hand_over();

    let mut calls = Calls::default();
    shards[1].bell.answer(Waker::noop(), &mut calls);
    let whole = &calls.strays[0];
    assert_eq!(whole.packet.as_ptr(), packet.as_ptr());
    assert_eq!((whole.at, whole.checksum_verified), (at, true));
    assert_eq!(whole.segment_size, Some(1448));
    let piece = &calls.strays[1];
    assert_ne!(piece.packet.as_ptr(), large.as_ptr());
    assert_eq!(piece.packet, large[..40]);
    assert_eq!((piece.checksum_verified, piece.segment_size), (false, None));
}

#[test]
fn the_owner_is_woken_once_for_a_burst() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let shards = Shard::all(2, &TcpConfig::default());
    let mut steering = steering(&shards);
    let mut stack = Stack::new(StackConfig::default(), [0; 32], Instant::ZERO);
    let count = Arc::new(Count(AtomicUsize::new(0)));
    shards[1]
        .bell
        .answer(&Waker::from(Arc::clone(&count)), &mut Calls::default());
    for _ in 0..10 {
        steering.handle_packet(&mut stack, Instant::ZERO, &stray(), RxMeta::default());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
    }
    steering.hand_over();
    steering.hand_over();
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}
