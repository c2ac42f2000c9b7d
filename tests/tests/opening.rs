//! The ways a connection comes to be, or does not.

use std::net::SocketAddr;
use std::time::Duration;

use estab_proto::config::IsnPolicy;
use estab_proto::wire::{Flags, TcpOptions};
use estab_proto::{CallError, ConnId, ConnectError, ConnectionError, Event, SeqNumber, State};
use estab_tests::peer::ISS;
use estab_tests::world::{A, B, addr, config};
use estab_tests::{Peer, Seg, World};

const SYN: Flags = Flags::SYN;
const ACK: Flags = Flags::ACK;
const RST: Flags = Flags::RST;

/// Both ends open towards each other at the same time.
fn cross_opens(world: &mut World) -> [ConnId; 2] {
    let ends = [A, B].map(|side| SocketAddr::new(addr(side, false), 4000));
    [A, B].map(|side| {
        let (local, remote) = (ends[side as usize], ends[side.other() as usize]);
        world
            .on(side, |stack, now| {
                stack.connect(now, remote, Some(local), None)
            })
            .expect("an open")
    })
}

/// Both ends can talk, and nothing more than that happens.
fn expect_open(world: &mut World, ids: [ConnId; 2], limit: Duration) {
    world.run_to(limit, |world| {
        [A, B]
            .iter()
            .all(|side| world.state(*side, ids[*side as usize]) == State::Established)
    });
    world.write(A, ids[0], b"from A");
    world.write(B, ids[1], b"from B");
    world.run_for(Duration::from_secs(60));
    assert_eq!(world.read(A, ids[0]), b"from B");
    assert_eq!(world.read(B, ids[1]), b"from A");
    // After the reads they are put away.
    world.run_for(Duration::from_secs(60));
    assert_eq!(world.next_event(), None, "at rest\n{}", world.trace);
    assert!(world.trace.count() < 30, "a packet war\n{}", world.trace);
}

// proves MUST-10
#[test]
fn two_opens_that_cross_make_one_connection() {
    let mut world = World::new();
    let ids = cross_opens(&mut world);
    let states = |world: &World| [A, B].map(|side| world.state(side, ids[side as usize]));
    assert_eq!(states(&world), [State::SynSent; 2]);
    world.deliver();
    world.deliver();
    assert_eq!(states(&world), [State::SynReceived; 2]);
    let syn_ack = world.deliver();
    assert_eq!(syn_ack.ctl, SYN | ACK);
    world.deliver();
    assert_eq!(states(&world), [State::Established; 2]);
    for side in [A, B] {
        let id = ids[side as usize];
        assert!(world.host(side).events.contains(&Event::Connected(id)));
        let info = world.stack(side).info(id).unwrap();
        assert!(info.sack && info.timestamps, "agreed as in any handshake");
        assert_eq!((info.snd_wscale, info.rcv_wscale), (13, 13));
    }
    expect_open(&mut world, ids, Duration::ZERO);
}

// proves MUST-10
#[test]
fn opens_that_cross_survive_the_loss_of_any_segment() {
    for lost in 0..8 {
        for timestamps in [true, false] {
            let configs = [A, B].map(|side| {
                let mut config = config(side);
                config.tcp.timestamps = timestamps;
                config.isn = IsnPolicy::Fixed(u32::MAX);
                config
            });
            let [a, b] = configs;
            let mut world = World::with(a, b);
            let mut sent = 0;
            world.pass = Some(Box::new(move |_, _| {
                sent += 1;
                sent - 1 != lost
            }));
            let ids = cross_opens(&mut world);
            expect_open(&mut world, ids, Duration::from_secs(30));
        }
    }
}

#[test]
fn closes_that_cross_end_in_time_wait_on_both_sides() {
    for lost in 0..5 {
        let mut world = World::new();
        let (a, b) = world.establish();
        let mut sent = 0;
        world.pass = Some(Box::new(move |_, _| {
            sent += 1;
            // The first of five loses nothing.
            sent != lost
        }));
        world.on(A, |stack, now| stack.shutdown(now, a)).unwrap();
        world.on(B, |stack, now| stack.shutdown(now, b)).unwrap();
        if lost == 0 {
            world.deliver();
            world.deliver();
            assert_eq!(world.state(A, a), State::Closing);
            assert_eq!(world.state(B, b), State::Closing);
        }
        world.run_for(Duration::from_secs(5));
        // Who got the other's FIN with the acknowledgement of its own need not be in CLOSING.
        let states = [world.state(A, a), world.state(B, b)];
        assert!(
            states
                .iter()
                .all(|state| matches!(state, State::TimeWait | State::Closed))
        );
        if lost == 0 {
            assert_eq!(states, [State::TimeWait; 2]);
        }
        world.on(A, |stack, now| stack.close(now, a));
        world.on(B, |stack, now| stack.close(now, b));
        world.run_to_rest(Duration::from_secs(120));
        assert!(world.trace.count() < 20, "a packet war\n{}", world.trace);
        assert_eq!(world.stack(A).counts(), Default::default());
    }
}

/// RFC 9293 §3.10.7.3: what ends an open, what is refused, and what is not even answered.
#[test]
fn segments_in_syn_sent() {
    struct Case {
        seg: fn(Seg, SeqNumber) -> Seg,
        reply: Option<Flags>,
        state: State,
    }
    let case = |seg, reply, state| Case { seg, reply, state };
    let cases = [
        case(|seg, _| seg.ctl(RST), None, State::SynSent),
        case(|seg, iss| seg.ack(iss).ctl(RST), None, State::SynSent),
        case(|seg, iss| seg.ack(iss + 2).ctl(RST), None, State::SynSent),
        case(|seg, iss| seg.ack(iss + 1).ctl(RST), None, State::Closed),
        case(|seg, iss| seg.ack(iss), Some(RST), State::SynSent),
        case(
            |seg, iss| seg.ack(iss + 2).ctl(SYN),
            Some(RST),
            State::SynSent,
        ),
        case(|seg, iss| seg.ack(iss + 1), None, State::SynSent),
        case(|seg, _| seg, None, State::SynSent),
        case(
            |seg, iss| seg.ack(iss + 1).ctl(SYN),
            Some(ACK),
            State::Established,
        ),
        case(
            |seg, _| seg.ctl(SYN),
            Some(SYN.union(ACK)),
            State::SynReceived,
        ),
    ];
    for (number, Case { seg, reply, state }) in cases.into_iter().enumerate() {
        let mut peer = Peer::with(config(B));
        let id = peer.connect_host();
        let iss = peer.reply().seq;
        let blank = Seg::new(peer.local, peer.remote).seq(ISS);
        let sent = seg(blank, iss);
        peer.send(&sent);
        let replies = peer.replies();
        assert_eq!(replies.first().map(|seg| seg.ctl), reply, "case {number}");
        assert!(replies.len() <= 1);
        assert_eq!(peer.state(id), state, "case {number}");
        if reply == Some(RST) {
            assert_eq!(replies[0].seq, sent.ack, "where the peer believes us to be");
        }
        if state == State::Closed {
            assert_eq!(peer.host.stack.error(id), Some(ConnectionError::Refused));
        }
    }
}

#[test]
fn a_port_nobody_listens_on_refuses() {
    for ipv6 in [false, true] {
        let mut world = World::new();
        let id = world.connect(A, 81, ipv6);
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.stack(A).error(id), Some(ConnectionError::Refused));
        let closed = Event::Closed(id, Some(ConnectionError::Refused));
        assert!(world.host(A).events.contains(&closed));
        world.on(A, |stack, now| stack.close(now, id));
        assert_eq!(world.stack(A).counts(), Default::default());
        assert_eq!(world.trace.count(), 2);
    }
}

/// The window of the SYN-ACK counts at once, and is not scaled (RFC 1122 §4.2.2.20 (c)).
#[test]
fn the_window_of_the_syn_ack_is_used_as_it_stands() {
    let mut peer = Peer::with(config(B));
    let id = peer.connect_host();
    let syn = peer.reply();
    peer.note(&syn);
    let opts = TcpOptions {
        mss: Some(1460),
        window_scale: Some(7),
        ..TcpOptions::default()
    };
    let syn_ack = Seg {
        opts,
        ..peer.syn().ack(peer.rcv).wnd(2920)
    };
    peer.send(&syn_ack);
    peer.replies();
    peer.write(id, &[1; 50_000]);
    let sent: usize = peer.replies().iter().map(|seg| seg.text.len()).sum();
    assert_eq!(sent, 2920);
    assert_eq!(peer.host.stack.info(id).unwrap().snd_wscale, 7);
}

#[test]
fn a_shift_beyond_14_counts_as_14() {
    let opts = TcpOptions {
        window_scale: Some(30),
        ..TcpOptions::default()
    };
    let (mut peer, id) = Peer::listening(config(B)).open(opts);
    peer.send(&peer.seg().wnd(4));
    let info = peer.host.stack.info(id).unwrap();
    assert_eq!((info.snd_wscale, info.snd_wnd), (14, 4 << 14));
}

#[test]
fn data_in_a_syn_waits_for_the_handshake() {
    let mut peer = Peer::listening(config(B));
    let syn = peer.syn().text(b"too early");
    peer.send(&syn);
    let syn_ack = peer.reply();
    assert_eq!(syn_ack.ack, ISS + 1, "neither acknowledged nor kept");
    assert_eq!(peer.host.stack.counts().buffer_bytes, 0);
    peer.nxt = ISS + 1;
    peer.note(&syn_ack);
    peer.send_text(b"too early");
    let id = peer.accept().unwrap();
    assert_eq!(peer.read(id), b"too early");
}

#[test]
fn the_third_segment_may_bring_data_and_the_end() {
    let mut peer = Peer::listening(config(B));
    peer.send(&peer.syn());
    let syn_ack = peer.reply();
    peer.nxt = ISS + 1;
    peer.note(&syn_ack);
    let seg = peer.seg().ctl(Flags::FIN).text(b"all there is");
    peer.send(&seg);
    let id = peer.accept().unwrap();
    assert_eq!(peer.state(id), State::CloseWait);
    assert_eq!(peer.replies().last().unwrap().ack, seg.end());
    assert_eq!(peer.read(id), b"all there is");
    assert!(peer.at_end(id));
}

#[test]
fn calls_before_the_open_is_done() {
    let mut peer = Peer::with(config(B));
    let id = peer.connect_host();
    let syn = peer.reply();
    // SEND queues, CLOSE follows what is queued (RFC 9293 §3.10.2, §3.10.4).
    peer.write(id, b"request");
    peer.on(|stack, now| stack.shutdown(now, id)).unwrap();
    peer.expect_silence();
    let more = peer.on(|stack, now| stack.send_slice(now, id, b"more"));
    assert_eq!(more, Err(CallError::Closing));
    peer.note(&syn);
    peer.send(&peer.syn().ack(peer.rcv));
    let sent = peer.replies();
    let text: Vec<u8> = sent.iter().flat_map(|seg| seg.text.clone()).collect();
    assert_eq!(text, b"request");
    assert!(sent.last().unwrap().has(Flags::FIN));
    assert_eq!(peer.state(id), State::FinWait1);
}

#[test]
fn an_open_that_is_given_up_leaves_nothing() {
    let mut peer = Peer::with(config(B));
    for abort in [true, false] {
        let id = peer.connect_host();
        peer.replies();
        if abort {
            peer.on(|stack, now| stack.abort(now, id));
            assert_eq!(peer.host.stack.error(id), Some(ConnectionError::Aborted));
        }
        peer.on(|stack, now| stack.close(now, id));
        peer.expect_silence();
        assert_eq!(peer.host.stack.counts(), Default::default());
    }
}

// proves MUST-46
#[test]
fn opens_that_cannot_be() {
    let mut world = World::new();
    let connect = |world: &mut World, remote: &str, local: Option<&str>| {
        let (remote, local) = (
            remote.parse().unwrap(),
            local.map(|local| local.parse().unwrap()),
        );
        world.on(A, |stack, now| stack.connect(now, remote, local, None))
    };
    for remote in [
        "10.0.0.2:0",
        "0.0.0.0:1",
        "224.0.0.1:1",
        "255.255.255.255:1",
        "10.0.0.255:1",
    ] {
        assert_eq!(
            connect(&mut world, remote, None),
            Err(ConnectError::InvalidRemote),
            "{remote}"
        );
    }
    for remote in ["[::]:1", "[ff02::1]:1"] {
        assert_eq!(
            connect(&mut world, remote, None),
            Err(ConnectError::InvalidRemote),
            "{remote}"
        );
    }
    let not_ours = connect(&mut world, "10.0.0.2:80", Some("10.0.0.7:0"));
    assert_eq!(not_ours, Err(ConnectError::LocalAddressNotOurs));
    connect(&mut world, "10.0.0.2:80", Some("10.0.0.1:999")).unwrap();
    let twice = connect(&mut world, "10.0.0.2:80", Some("10.0.0.1:999"));
    assert_eq!(twice, Err(ConnectError::AddressInUse));
    connect(&mut world, "10.0.0.2:81", Some("10.0.0.1:999")).unwrap();

    let mut config = config(A);
    config.ephemeral_ports = (5000, 5009);
    config.addrs.retain(|addr| addr.addr.is_ipv4());
    let mut world = World::with(config, estab_tests::world::config(B));
    for _ in 0..10 {
        connect(&mut world, "10.0.0.2:80", None).unwrap();
    }
    let full = connect(&mut world, "10.0.0.2:80", None);
    assert_eq!(full, Err(ConnectError::PortsExhausted));
    connect(&mut world, "10.0.0.2:81", None).unwrap();
    let no_ipv6 = connect(&mut world, "[fd00::2]:80", None);
    assert_eq!(no_ipv6, Err(ConnectError::NoLocalAddress));
}

/// RFC 6191: when a SYN may take the place of a connection in TIME-WAIT.
// proves SHLD-4, MAY-2
#[test]
fn a_syn_may_end_time_wait_early() {
    struct Case {
        timestamps: bool,
        syn: fn(Seg, SeqNumber) -> Seg,
        reopens: bool,
    }
    let case = |timestamps, syn, reopens| Case {
        timestamps,
        syn,
        reopens,
    };
    let cases = [
        case(false, |seg, fin| seg.seq(fin + 1), true),
        case(false, |seg, fin| seg.seq(fin.back(1)), false),
        case(
            false,
            |seg, fin| seg.seq(fin.back(1)).timestamps(1, 0),
            true,
        ),
        case(
            true,
            |seg, fin| seg.seq(fin.back(9999)).timestamps(501, 0),
            true,
        ),
        case(true, |seg, fin| seg.seq(fin + 1).timestamps(499, 0), false),
        case(true, |seg, fin| seg.seq(fin + 1).timestamps(500, 0), true),
        case(
            true,
            |seg, fin| seg.seq(fin.back(1)).timestamps(500, 0),
            false,
        ),
        case(true, |seg, fin| seg.seq(fin + 1), true),
    ];
    for (
        number,
        Case {
            timestamps,
            syn,
            reopens,
        },
    ) in cases.into_iter().enumerate()
    {
        let mut peer = Peer::listening(config(B));
        let mut opts = TcpOptions::default();
        if timestamps {
            opts.timestamps = Some(estab_proto::wire::Timestamps { val: 500, ecr: 0 });
        }
        let id = peer.handshake(opts);
        peer.on(|stack, now| stack.close(now, id));
        let fin = peer.reply();
        peer.note(&fin);
        let peers_fin = peer.seg().ctl(Flags::FIN);
        peer.send(&peers_fin);
        peer.reply();
        assert_eq!(peer.status(), State::TimeWait);
        let old_end = fin.end();

        let blank = Seg::new(peer.local, peer.remote).ctl(SYN);
        let syn = syn(blank, peers_fin.seq);
        peer.send(&syn);
        let answers = peer.replies();
        if reopens {
            assert_eq!(peer.status(), State::SynReceived, "case {number}");
            assert_eq!(answers[0].ctl, SYN | ACK);
            assert!(
                answers[0].seq.after(old_end),
                "beyond all that was ever sent"
            );
        } else {
            assert_eq!(peer.status(), State::TimeWait, "case {number}");
            assert!(answers.iter().all(|seg| seg.ctl == ACK));
        }
    }
}
