use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use estab_timer::Duration;

use crate::error::ListenError;
use crate::stack::ListenConfig;
use crate::stack::testing::{Bench, OWN, PEER, Seg, peer, server};
use crate::stats::Counts;
use crate::tcp::State;
use crate::wire::tcp::Flags;

fn at(addr: Option<IpAddr>, port: Option<u16>) -> ListenConfig {
    ListenConfig {
        addr,
        port,
        ..ListenConfig::default()
    }
}

#[test]
fn the_most_particular_listener_hears() {
    let mut bench = Bench::with(|config| config.any_ip = true);
    let own = Some(IpAddr::V4(OWN));
    let any = bench.listen_as(at(None, None));
    let addr = bench.listen_as(at(own, None));
    let port = bench.listen_as(at(None, Some(80)));
    let exact = bench.listen_as(at(own, Some(80)));
    for (to, listener) in [
        ("10.0.0.2:80", exact),
        ("192.0.2.1:80", port),
        ("10.0.0.2:81", addr),
        ("192.0.2.1:81", any),
    ] {
        let to: SocketAddr = to.parse().unwrap();
        let syn_ack = bench.ask(&Seg::syn(1).to(to));
        bench.ask_in_vain(&Seg::answer(&syn_ack, Flags::ACK));
        let (_, tuple) = bench.stack.accept(listener).expect("the right listener");
        assert_eq!(tuple.local, to);
    }
}

// proves MUST-41
#[test]
fn a_place_is_taken_once() {
    let mut bench = Bench::new();
    let own = Some(IpAddr::V4(OWN));
    let first = bench.listen_as(at(own, Some(80)));
    assert_eq!(
        bench.stack.listen(at(own, Some(80))),
        Err(ListenError::AddressInUse)
    );
    bench.listen_as(at(None, Some(80)));
    let unspecified = Some("0.0.0.0".parse().unwrap());
    assert_eq!(
        bench.stack.listen(at(unspecified, Some(80))),
        Err(ListenError::AddressInUse)
    );
    let foreign = Some(IpAddr::V4(PEER));
    assert_eq!(
        bench.stack.listen(at(foreign, Some(80))),
        Err(ListenError::AddressNotAvailable)
    );
    bench.stack.close_listener(bench.now, first);
    bench.listen_as(at(own, Some(80)));
}

#[test]
fn port_0_is_one_that_is_free() {
    let mut bench = Bench::with(|config| config.ephemeral_ports = (5000, 5002));
    let mut ports: Vec<u16> = (0..3)
        .map(|_| {
            let id = bench.listen_as(at(None, Some(0)));
            bench.stack.listener_addr(id).unwrap().port()
        })
        .collect();
    ports.sort_unstable();
    assert_eq!(ports, [5000, 5001, 5002]);
    assert_eq!(
        bench.stack.listen(at(None, Some(0))),
        Err(ListenError::AddressInUse)
    );
}

// proves MUST-42
#[test]
fn a_port_in_use_can_be_listened_on() {
    let mut bench = Bench::new();
    let id = bench
        .stack
        .connect(bench.now, peer(9), Some(server()), None)
        .unwrap();
    bench.output();
    let listener = bench.listen(1);
    bench.accepted(listener, 1000);
    assert_eq!(bench.stack.state(id), Some(State::SynSent));
    bench.stack.close_listener(bench.now, listener);
    assert_eq!(bench.stack.state(id), Some(State::SynSent));
}

#[test]
fn a_full_accept_queue_keeps_the_peer_waiting() {
    let mut bench = Bench::new();
    let listener = bench.listen(2);
    bench.handshake(1000);
    bench.handshake(1001);
    let (ack, answers) = bench.handshake(1002);
    assert!(answers.is_empty(), "neither RST nor ACK");
    assert_eq!(bench.stack.stats().accept_overflows, 1);
    let counts = bench.stack.counts();
    assert_eq!(
        (counts.accept_queued, counts.half_open, counts.connections),
        (2, 1, 2)
    );

    // Our SYN-ACK is repeated; once there is room its acknowledgement opens the connection.
    let sent = bench.sleep(Duration::from_millis(1100));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1.ctl, Flags::SYN | Flags::ACK);
    assert_eq!(sent[0].1.seq.wrapping_add(1), ack.ack);
    bench.stack.accept(listener).unwrap();
    bench.send(&Seg::answer(&sent[0].1, Flags::ACK).text(b"abc"));
    bench.stack.accept(listener).unwrap();
    let (id, tuple) = bench.stack.accept(listener).unwrap();
    assert_eq!((tuple.remote, bench.stack.readable(id)), (peer(1002), 3));
    assert_eq!(bench.stack.counts().half_open, 0);
}

#[test]
fn a_reset_frees_its_place_in_the_queue() {
    let mut bench = Bench::new();
    let listener = bench.listen(2);
    for round in 0..100 {
        let (ack, _) = bench.handshake(1000 + round);
        let mut reset = ack.clone();
        reset.ctl = Flags::RST;
        bench.ask_in_vain(&reset);
    }
    let counts = bench.stack.counts();
    assert_eq!((counts.accept_queued, counts.connections), (0, 0));
    let (id, _) = bench.accepted(listener, 5000);
    assert_eq!(bench.stack.state(id), Some(State::Established));
    assert_eq!(bench.stack.accept(listener), None);
}

#[test]
fn a_listener_that_closes_resets_what_was_not_accepted() {
    let mut bench = Bench::new();
    let listener = bench.listen(4);
    let (kept, _) = bench.accepted(listener, 1000);
    bench.handshake(1001);
    bench.send(&Seg::syn(100).port(1002));
    bench.stack.close_listener(bench.now, listener);
    let mut out = bench.output();
    out.sort_by_key(|seg| seg.dst.port());
    assert_eq!(out.len(), 2);
    assert!(out.iter().all(|seg| seg.ctl.contains(Flags::RST)));
    assert_eq!((out[0].dst, out[1].dst), (peer(1001), peer(1002)));
    assert_eq!(out[1].ack, 101);
    assert_eq!(bench.stack.state(kept), Some(State::Established));
    let counts = bench.stack.counts();
    assert_eq!(
        (counts.connections, counts.half_open, counts.listeners),
        (1, 0, 0)
    );
    let refusal = bench.ask(&Seg::syn(100).port(1003));
    assert!(refusal.ctl.contains(Flags::RST));
    bench.stack.abort(bench.now, kept);
    bench.stack.close(bench.now, kept);
    bench.output();
    bench.events();
    assert_eq!(bench.stack.counts(), Counts::default());
}
