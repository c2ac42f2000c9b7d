//! §3.9: what a user asks.

use std::net::SocketAddr;
use std::time::Duration;

use estab_proto::{IpCidr, ListenConfig, ListenError, State};
use estab_tests::Peer;
use estab_tests::world::{B, PORT, config};
use estab_timer::KeepaliveConfig;

use crate::established;

// proves MUST-41, MUST-42
#[test]
fn listening_leaves_connections_alone() {
    let (mut peer, id) = established(|_| ());
    let again = ListenConfig {
        port: Some(PORT),
        ..ListenConfig::default()
    };
    let refused = peer.on(|stack, _| stack.listen(again.clone()));
    assert_eq!(refused, Err(ListenError::AddressInUse));
    peer.send_text(b"still here");
    assert_eq!(peer.read(id), b"still here");
    // Without the listener the port holds nothing but connections, and can be listened on anew.
    let listener = peer.listener.unwrap();
    peer.on(|stack, now| stack.close_listener(now, listener));
    peer.listen(again);
    assert_eq!(peer.state(id), State::Established);
    peer.send_text(b"and here");
    assert_eq!(peer.read(id), b"and here");
}

// proves MUST-43, MUST-44, MUST-45
#[test]
fn the_local_address_is_chosen_once() {
    let second: SocketAddr = "10.0.0.9:0".parse().unwrap();
    let mut settings = config(B);
    settings.addrs.push(IpCidr::new(second.ip(), 24));
    for local in [None, Some(second)] {
        let mut peer = Peer::with(settings.clone());
        let first = peer.remote.ip();
        let to = peer.local;
        let id = peer
            .on(|stack, now| stack.connect(now, to, local, None))
            .unwrap();
        let own = local.map_or(first, |local| local.ip());
        let syn = peer.reply();
        assert_eq!(syn.src.ip(), own);
        peer.remote = syn.src;
        peer.note(&syn);
        let syn_ack = peer.syn().ack(peer.rcv);
        peer.send(&syn_ack);
        peer.nxt = syn_ack.end();
        // Whatever becomes of the host's addresses.
        let nearer = IpCidr::new("10.0.0.3".parse().unwrap(), 30);
        peer.on(|stack, _| stack.add_addr(nearer));
        peer.write(id, b"text");
        peer.on(|stack, now| stack.shutdown(now, id)).unwrap();
        peer.wait(Duration::from_secs(10));
        let sent = peer.replies();
        assert!(sent.len() > 3, "retransmissions too");
        assert!(sent.iter().all(|seg| seg.src == syn.src));
    }
}

// proves MUST-43
#[test]
fn a_listener_may_be_bound_to_one_address() {
    let mut settings = config(B);
    let other = "10.0.0.9".parse().unwrap();
    settings.addrs.push(IpCidr::new(other, 24));
    let mut peer = Peer::with(settings);
    peer.listen(ListenConfig {
        addr: Some(other),
        port: Some(PORT),
        ..ListenConfig::default()
    });
    peer.send(&peer.syn());
    assert!(peer.reply().has(estab_proto::wire::Flags::RST));
    peer.remote.set_ip(other);
    peer.handshake(Default::default());
}

// proves MUST-48, MUST-49, SHLD-21, SHLD-22
#[test]
fn diffserv_and_time_to_live_are_on_every_packet() {
    let (mut peer, id) = established(|tcp| {
        tcp.tos = 0xb8;
        tcp.ttl = 7;
    });
    peer.write(id, b"text");
    peer.send_text(b"text");
    peer.wait(Duration::from_secs(1));
    let sent = peer.replies();
    assert!(sent.len() > 2, "text, ACK, retransmission");
    assert!(sent.iter().all(|seg| (seg.tos, seg.ttl) == (0xb8, 7)));
    // The two low bits are ECN's.
    peer.on(|stack, now| stack.set_tos(now, id, 0x2f)).unwrap();
    peer.on(|stack, now| stack.set_ttl(now, id, 200)).unwrap();
    peer.wait(Duration::from_secs(1));
    let again = peer.next_segment().expect("a retransmission");
    assert_eq!((again.tos, again.ttl), (0x2c, 200));
    let (mut plain, id) = established(|_| ());
    plain.write(id, b"text");
    assert_eq!(plain.reply().ttl, 64);
}

// proves MUST-24, MUST-26, MUST-27, SHLD-12
#[test]
fn keepalive_is_switched_and_timed_by_the_application() {
    let (mut peer, id) = established(|_| ());
    let every = |idle: u64| KeepaliveConfig {
        idle: Duration::from_secs(idle),
        ..KeepaliveConfig::default()
    };
    peer.on(|stack, now| stack.set_keepalive(now, id, Some(every(10))))
        .unwrap();
    peer.wait(Duration::from_secs(9));
    peer.send_text(b"the peer is alive");
    peer.wait(Duration::from_secs(9));
    peer.replies();
    let (_, probe) = peer.wait_for_segment(Duration::from_millis(1001));
    assert_eq!((probe.seq, probe.len()), (peer.rcv.back(1), 0));
    peer.send(&peer.seg());
    peer.on(|stack, now| stack.set_keepalive(now, id, None))
        .unwrap();
    peer.wait(Duration::from_secs(86_400));
    peer.expect_silence();
    // While something is outstanding the retransmissions say enough.
    peer.on(|stack, now| stack.set_keepalive(now, id, Some(every(10))))
        .unwrap();
    peer.write(id, b"text");
    peer.wait(Duration::from_secs(60));
    assert!(peer.replies().iter().all(|seg| seg.text == b"text"));
}
