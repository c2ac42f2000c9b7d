//! DCTCP's part in feedback (RFC 8257): an exact echo, and everything ECN-capable.

use std::time::Duration;

use estab_proto::EcnMode;
use estab_proto::config::{Ecn, TcpConfig};
use estab_proto::congestion::Algorithm;
use estab_proto::wire::EcnCodepoint::{self, Ce, Ect0, NotEct};
use estab_proto::wire::Flags;
use estab_tests::world::{A, B, config};
use estab_tests::{Peer, Seg, World};

use crate::{asked, info, millis, options, settings};

fn dctcp(tcp: &mut TcpConfig) {
    tcp.congestion = Algorithm::Dctcp;
}

/// A host that runs DCTCP and listens, and a peer that does the same.
fn established(change: impl FnOnce(&mut TcpConfig)) -> (Peer, estab_proto::ConnId) {
    let settings = settings(Ecn::Passive, |tcp| {
        dctcp(tcp);
        change(tcp);
    });
    let (mut peer, syn_ack) = asked(settings, 0b011);
    assert_eq!(syn_ack.ctl, Flags::SYN | Flags::ACK | Flags::ECE);
    assert_eq!(syn_ack.ecn(), Ect0);
    peer.send(&peer.seg());
    let id = peer.accept().unwrap();
    (peer, id)
}

fn data(peer: &mut Peer, field: EcnCodepoint) -> Vec<Seg> {
    let seg = peer.seg().text(vec![7; 100]).with_ecn(field);
    peer.nxt = seg.end();
    peer.send(&seg);
    peer.replies()
}

// proves RFC8257-1,5
#[test]
fn it_is_nobodys_default() {
    for config in [TcpConfig::modern(), TcpConfig::rfc_strict()] {
        assert_ne!(config.congestion, Algorithm::Dctcp);
        assert_eq!(config.ecn, Ecn::Passive, "asks for nothing");
    }
}

// proves RFC8257-3.2
#[test]
fn the_echo_mirrors_each_mark() {
    let (mut peer, id) = established(|tcp| tcp.delayed_ack.quick_segments = 0);
    let first = peer.nxt;
    assert!(data(&mut peer, Ect0).is_empty(), "the first may wait");
    // What waited is acknowledged without ECE, the marked one with it.
    let acks = data(&mut peer, Ce);
    let told: Vec<_> = acks
        .iter()
        .map(|ack| (ack.ack, ack.has(Flags::ECE)))
        .collect();
    assert_eq!(told, [(first + 100, false), (first + 200, true)]);
    // Without anything that waits, one is enough; the same again may wait.
    peer.wait(millis(200));
    peer.replies();
    let acks = data(&mut peer, Ect0);
    let told: Vec<_> = acks
        .iter()
        .map(|ack| (ack.ack, ack.has(Flags::ECE)))
        .collect();
    assert_eq!(told, [(first + 300, false)]);
    assert_eq!(info(&peer, id).received_ce, 1);
}

// proves RFC8257-3.2
#[test]
fn a_delayed_ack_has_the_echo_of_what_it_covers() {
    let (mut peer, _) = established(|tcp| tcp.delayed_ack.quick_segments = 0);
    data(&mut peer, Ce);
    peer.wait(millis(200));
    peer.replies();
    for field in [Ce, Ce, Ect0, Ect0, Ce, Ect0] {
        let before = peer.nxt;
        let mut acks = data(&mut peer, field);
        peer.wait(millis(200));
        acks.extend(peer.replies());
        let last = acks.last().unwrap();
        assert_eq!(
            (last.ack, last.has(Flags::ECE)),
            (before + 100, field == Ce)
        );
    }
}

// proves RFC8257-3.6
#[test]
fn everything_is_ecn_capable() {
    let (mut peer, id) = established(|_| ());
    assert!(data(&mut peer, Ect0).iter().all(|ack| ack.ecn() == Ect0));
    peer.write(id, &[1; 500]);
    assert_eq!(peer.reply().ecn(), Ect0);
    let (_, again) = peer.wait_for_segment(Duration::from_secs(10));
    assert_eq!(again.ecn(), Ect0, "sent again");
    peer.on(|stack, now| stack.abort(now, id));
    let reset = peer.reply();
    assert_eq!((reset.has(Flags::RST), reset.ecn()), (true, Ect0));
}

// proves RFC8257-3.6
#[test]
fn it_asks_although_nobody_said_so() {
    let mut peer = Peer::with(settings(Ecn::Passive, dctcp));
    let id = peer.connect_host();
    let syn = peer.reply();
    assert_eq!(syn.ctl, Flags::SYN | Flags::CWR | Flags::ECE);
    assert_eq!(syn.ecn(), Ect0);
    peer.note(&syn);
    peer.send(&Seg {
        opts: options(),
        ctl: Flags::SYN | Flags::ACK | Flags::ECE,
        ack: peer.rcv,
        ..peer.syn()
    });
    assert_eq!(peer.reply().ecn(), Ect0);
    assert_eq!(info(&peer, id).ecn, EcnMode::Classic);
    // Nothing of it where it is switched off, or refused.
    let mut peer = Peer::with(settings(Ecn::Off, dctcp));
    peer.connect_host();
    let syn = peer.reply();
    assert_eq!((syn.ctl, syn.ecn()), (Flags::SYN, NotEct));
    let (_, syn_ack) = asked(settings(Ecn::Passive, dctcp), 0b000);
    assert_eq!((syn_ack.ctl.ace(), syn_ack.ecn()), (0, NotEct));
}

/// The slow start threshold after one mark in a long time without, of a flow of steady bursts.
fn after_a_rare_mark(algorithm: Algorithm) -> u32 {
    let side = |side, ecn| {
        let mut it = settings(ecn, |tcp| tcp.congestion = algorithm);
        it.addrs = config(side).addrs;
        it
    };
    let mut world = World::with(side(A, Ecn::Classic), side(B, Ecn::Passive));
    let (a, b) = world.establish();
    let mut marked = 0;
    for round in 0..150 {
        if round == 149 {
            world.mark = Some(Box::new(move |side, _| {
                marked += u32::from(side == A);
                side == A && marked == 1
            }));
        }
        world.write(A, a, &[1; 10_000]);
        world.run_for(millis(100));
        assert_eq!(world.read(B, b).len(), 10_000);
    }
    let info = world.stack(A).info(a).unwrap();
    assert_eq!(info.retransmits, 0);
    assert!(info.delivered_ce > 0);
    info.ssthresh
}

/// A mark where few come costs little of the window, not a fixed part.
// proves RFC8257-3.3#2
#[test]
fn a_rare_mark_costs_little() {
    let (dctcp, reno) = [Algorithm::Dctcp, Algorithm::NewReno]
        .map(after_a_rare_mark)
        .into();
    assert!(reno < dctcp && dctcp < u32::MAX, "{dctcp} and {reno}");
}
