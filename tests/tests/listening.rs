//! Listeners: who hears what, and attempts that wait to be judged.

use std::time::Duration;

use estab_proto::wire::{Flags, TcpOptions};
use estab_proto::{CallError, Event, ListenConfig, ListenError, ListenerId, SeqNumber, State};
use estab_tests::Peer;
use estab_tests::peer::ISS;
use estab_tests::world::{B, PORT, config};

const SYN: Flags = Flags::SYN;
const ACK: Flags = Flags::ACK;
const RST: Flags = Flags::RST;

fn listen(
    peer: &mut Peer,
    addr: Option<&str>,
    port: Option<u16>,
) -> Result<ListenerId, ListenError> {
    let addr = addr.map(|addr| addr.parse().unwrap());
    let config = ListenConfig {
        addr,
        port,
        ..ListenConfig::default()
    };
    peer.on(|stack, _| stack.listen(config))
}

#[test]
fn the_most_particular_listener_hears() {
    let mut config = config(B);
    config.any_ip = true;
    let mut peer = Peer::with(config);
    let mut ids = Vec::new();
    let places = [
        (None, None),
        (Some("10.0.0.2"), None),
        (None, Some(80)),
        (Some("10.0.0.2"), Some(80)),
    ];
    for (addr, port) in places {
        ids.push(listen(&mut peer, addr, port).unwrap());
        assert_eq!(
            listen(&mut peer, addr, port),
            Err(ListenError::AddressInUse)
        );
    }
    let targets = ["192.0.2.9:4", "10.0.0.2:81", "192.0.2.9:80", "10.0.0.2:80"];
    for (target, id) in targets.into_iter().zip(ids) {
        peer.remote = target.parse().unwrap();
        peer.listener = Some(id);
        peer.nxt = ISS;
        let conn = peer.handshake(TcpOptions::default());
        let tuple = peer.host.stack.tuple(conn).unwrap();
        assert_eq!(tuple.local, peer.remote, "the original destination");
    }
}

#[test]
fn a_listener_on_port_0_gets_a_free_one() {
    let mut peer = Peer::new();
    let id = listen(&mut peer, None, Some(0)).unwrap();
    peer.listener = Some(id);
    let port = peer.host.stack.listener_addr(id).unwrap().port();
    assert_ne!(port, 0);
    peer.remote.set_port(port);
    peer.handshake(TcpOptions::default());
    let not_ours = listen(&mut peer, Some("10.9.9.9"), Some(80));
    assert_eq!(not_ours, Err(ListenError::AddressNotAvailable));
}

#[test]
fn a_listener_that_closes_resets_what_was_not_accepted() {
    let mut peer = Peer::listening(config(B));
    peer.send(&peer.syn());
    let syn_ack = peer.reply();
    let mut half_open = peer.syn();
    half_open.src.set_port(6000);
    peer.send(&half_open);
    peer.replies();
    peer.nxt = ISS + 1;
    peer.note(&syn_ack);
    peer.send(&peer.seg());
    let listener = peer.listener.unwrap();
    peer.on(|stack, now| stack.close_listener(now, listener));
    let resets = peer.replies();
    assert_eq!(resets.len(), 2);
    assert!(resets.iter().all(|seg| seg.has(RST)));
    assert_eq!(peer.host.stack.counts(), Default::default());
    assert_eq!(peer.status(), State::Closed);
}

fn deferring() -> Peer {
    let mut peer = Peer::new();
    peer.listen(ListenConfig {
        port: Some(PORT),
        deferred: true,
        ..ListenConfig::default()
    });
    peer.send(&peer.syn());
    peer.expect_silence();
    peer
}

#[test]
fn an_attempt_is_held_until_it_is_judged() {
    let mut peer = deferring();
    let listener = peer.listener.unwrap();
    assert!(peer.host.events.contains(&Event::Listener(listener)));
    peer.wait(Duration::from_secs(3));
    peer.send(&peer.syn());
    peer.expect_silence();
    let (incoming, tuple) = peer.on(|stack, _| stack.next_incoming(listener)).unwrap();
    assert_eq!(tuple, peer.tuple());
    assert_eq!(
        peer.on(|stack, _| stack.next_incoming(listener)),
        None,
        "one attempt"
    );

    let id = peer
        .on(|stack, now| stack.accept_incoming(now, incoming))
        .unwrap();
    let syn_ack = peer.reply();
    assert_eq!((syn_ack.ctl, syn_ack.ack), (SYN | ACK, ISS + 1));
    assert_eq!(peer.state(id), State::SynReceived);
    // A SYN-ACK that is lost is sent again here too.
    let (_, again) = peer.wait_for_segment(Duration::from_secs(2));
    assert_eq!((again.ctl, again.seq), (SYN | ACK, syn_ack.seq));
    peer.nxt = ISS + 1;
    peer.note(&syn_ack);
    peer.send_text(b"hello");
    assert_eq!(peer.state(id), State::Established);
    assert!(peer.host.events.contains(&Event::Connected(id)));
    assert_eq!(peer.read(id), b"hello");
}

#[test]
fn an_attempt_is_refused_or_ignored() {
    let mut peer = deferring();
    let listener = peer.listener.unwrap();
    let (incoming, _) = peer.on(|stack, _| stack.next_incoming(listener)).unwrap();
    peer.on(|stack, now| stack.refuse_incoming(now, incoming));
    let reset = peer.reply();
    assert_eq!(
        (reset.ctl, reset.seq, reset.ack),
        (RST | ACK, SeqNumber::new(0), ISS + 1)
    );
    let stale = peer.on(|stack, now| stack.accept_incoming(now, incoming));
    assert_eq!(stale, Err(CallError::NoSuchConnection));
    assert_eq!(peer.host.stack.counts().incoming, 0);

    let mut peer = deferring();
    let listener = peer.listener.unwrap();
    let (incoming, _) = peer.on(|stack, _| stack.next_incoming(listener)).unwrap();
    peer.on(|stack, _| stack.ignore_incoming(incoming));
    peer.expect_silence();
    peer.wait(Duration::from_secs(300));
    peer.expect_silence();
    assert_eq!(peer.host.stack.counts().timers, 0);
}

#[test]
fn a_full_accept_queue_keeps_the_peer_waiting() {
    let mut peer = Peer::new();
    peer.listen(ListenConfig {
        port: Some(PORT),
        backlog: 2,
        ..ListenConfig::default()
    });
    let open = |peer: &mut Peer, port: u16| {
        peer.local.set_port(port);
        peer.nxt = ISS;
        peer.send(&peer.syn().mss(1460));
        let syn_ack = peer.replies().pop()?;
        peer.nxt = ISS + 1;
        peer.note(&syn_ack);
        peer.send(&peer.seg());
        Some(syn_ack)
    };
    for port in [7000, 7001, 7002] {
        open(&mut peer, port).expect("an answer");
    }
    assert_eq!(peer.host.stack.counts().accept_queued, 2);
    assert_eq!(peer.host.stack.stats().accept_overflows, 1);
    assert!(
        peer.replies().iter().all(|seg| !seg.has(RST)),
        "nobody is reset"
    );
    // Room is made: the next segment of the peer completes its handshake.
    assert!(peer.accept().is_some());
    peer.send_text(b"still there?");
    assert!(peer.accept().is_some());
    let third = peer.accept().expect("the one that had to wait");
    assert_eq!(peer.read(third), b"still there?");
}
