//! What the SYNs agree on.

use estab_proto::config::Ecn;
use estab_proto::wire::EcnCodepoint::{Ce, Ect0, Ect1, NotEct};
use estab_proto::wire::{Flags, TcpOptions};
use estab_proto::{EcnMode, State};
use estab_tests::world::{A, PORT, addr, config};
use estab_tests::{Peer, Seg, World};

use crate::{MSS, SETTINGS, ace, asked, info, millis, options, settings};

/// What the two settings lead to: of who asks, then of who is asked.
fn mode(asks: Ecn, is_asked: Ecn) -> EcnMode {
    match (asks, is_asked) {
        (Ecn::Classic | Ecn::Accurate, Ecn::Classic) => EcnMode::Classic,
        (Ecn::Classic, Ecn::Passive | Ecn::Accurate) => EcnMode::Classic,
        (Ecn::Accurate, Ecn::Passive | Ecn::Accurate) => EcnMode::Accurate,
        _ => EcnMode::Off,
    }
}

// proves SHLD-8, RFC9768-3.1.2#1, RFC9768-3.1.2#2, RFC3168-6.1.1#3
#[test]
fn every_pair_of_settings_agrees() {
    for asks in SETTINGS {
        for is_asked in SETTINGS {
            let mut a = settings(asks, |_| ());
            a.addrs = config(A).addrs;
            let mut world = World::with(a, settings(is_asked, |_| ()));
            let (a, b) = world.establish();
            let mode = mode(asks, is_asked);
            for (side, id) in [(A, a), (estab_tests::world::B, b)] {
                let info = world.stack(side).info(id).unwrap();
                assert_eq!(info.ecn, mode, "{asks:?} {is_asked:?} {side:?}");
            }
            world.write(A, a, b"there");
            let there = world.deliver();
            let expected = if mode == EcnMode::Off { NotEct } else { Ect0 };
            assert_eq!(
                (there.text.as_slice(), there.ecn()),
                (&b"there"[..], expected)
            );
        }
    }
}

// proves RFC3168-6.1.1#1, RFC3168-6.1.1#2, RFC3168-6.1.1#4, RFC9768-3.2.3.2.1
#[test]
fn the_answer_to_each_syn() {
    for (syn, syn_ack, option) in [
        (0b000, 0b000, false),
        (0b011, 0b001, false),
        (0b111, 0b010, true),
        (0b001, 0b010, true),
    ] {
        let (_, seg) = asked(settings(Ecn::Passive, |_| ()), syn);
        assert_eq!(
            seg.ctl,
            (Flags::SYN | Flags::ACK).with_ace(syn_ack),
            "{syn:03b}"
        );
        assert_eq!(seg.ecn(), NotEct);
        assert_eq!(seg.opts.accecn.is_some(), option);
    }
    let (_, seg) = asked(settings(Ecn::Off, |_| ()), 0b111);
    assert_eq!(seg.ctl, Flags::SYN | Flags::ACK);
}

// proves RFC9768-3.1.1#1, RFC9768-3.1.1#2, RFC9768-3.1.4.1, RFC9768-3.2.3.2.1, RFC3168-6.1.1.1
#[test]
fn a_syn_is_repeated_with_less_and_less() {
    for (ecn, aces) in [
        (Ecn::Passive, [0b000, 0b000, 0b000, 0b000]),
        (Ecn::Classic, [0b011, 0b000, 0b000, 0b000]),
        (Ecn::Accurate, [0b111, 0b111, 0b000, 0b000]),
    ] {
        let mut peer = Peer::with(settings(ecn, |_| ()));
        let id = peer.connect_host();
        let mut first = None;
        for ace in aces {
            let (_, syn) = peer.wait_for_segment(millis(60_000));
            assert_eq!(syn.ctl, Flags::SYN.with_ace(ace), "{ecn:?}");
            assert_eq!((syn.ecn(), syn.opts.accecn), (NotEct, None));
            assert_eq!(*first.get_or_insert(syn.seq), syn.seq, "the same number");
            assert_eq!(
                info(&peer, id).ecn,
                EcnMode::Off,
                "no mode before the answer"
            );
        }
    }
}

/// The host opens, and the peer answers its SYN with these flags and this ECN field; returns what
/// the host sends then.
fn answered(ecn: Ecn, flags: u8, field: estab_proto::wire::EcnCodepoint) -> (Peer, EcnMode, Seg) {
    let mut peer = Peer::with(settings(ecn, |_| ()));
    let id = peer.connect_host();
    let syn = peer.reply();
    peer.note(&syn);
    let syn_ack = Seg {
        opts: options(),
        ctl: (Flags::SYN | Flags::ACK).with_ace(flags),
        ack: peer.rcv,
        ..peer.syn()
    }
    .with_ecn(field);
    peer.timestamps = syn_ack.opts.timestamps;
    peer.nxt = syn_ack.end();
    peer.send(&syn_ack);
    let ack = peer.reply();
    let mode = info(&peer, id).ecn;
    // What it then sends tells whether it uses ECT.
    peer.write(id, b"data");
    (peer, mode, ack)
}

// proves RFC9768-3.1.2#1, RFC3168-6.1.1#5, RFC3168-6.1.2#1, RFC8311-4.2
#[test]
fn the_reaction_to_each_syn_ack() {
    use EcnMode::{Accurate, Classic, Off};
    let table = [
        (Ecn::Classic, 0b000, Off, NotEct),
        (Ecn::Classic, 0b001, Classic, Ect0),
        (Ecn::Classic, 0b011, Off, NotEct),
        (Ecn::Accurate, 0b000, Off, NotEct),
        (Ecn::Accurate, 0b001, Classic, Ect0),
        (Ecn::Accurate, 0b010, Accurate, Ect0),
        (Ecn::Accurate, 0b101, Accurate, Ect0),
        (Ecn::Accurate, 0b111, Off, NotEct),
        // The path made our SYN ECN-capable, or marked what was not.
        (Ecn::Accurate, 0b011, Accurate, NotEct),
        (Ecn::Accurate, 0b100, Accurate, NotEct),
        (Ecn::Accurate, 0b110, Accurate, NotEct),
        (Ecn::Passive, 0b001, Off, NotEct),
    ];
    for (ecn, flags, mode, field) in table {
        let (mut peer, agreed, _) = answered(ecn, flags, NotEct);
        assert_eq!(agreed, mode, "{ecn:?} {flags:03b}");
        let broken = u64::from(mode == Accurate && field == NotEct);
        assert_eq!(peer.host.stack.stats().ecn_broken_paths, broken);
        assert_eq!(peer.reply().ecn(), field, "{ecn:?} {flags:03b}");
    }
}

// proves RFC9768-3.2.2.1, RFC9768-3.2.2.2, RFC9768-3.2.1
#[test]
fn the_end_of_the_handshake_says_how_the_syn_ack_arrived() {
    for (field, code, count) in [
        (NotEct, 0b010, 5),
        (Ect1, 0b011, 5),
        (Ect0, 0b100, 5),
        (Ce, 0b110, 6),
    ] {
        let (mut peer, _, ack) = answered(Ecn::Accurate, 0b010, field);
        assert_eq!(ack.ctl, Flags::ACK.with_ace(code));
        assert!(ack.opts.accecn.is_some(), "the first ACK has the option");
        let data = peer.reply();
        assert_eq!(data.ctl.ace(), count, "data has the count");
        assert!(data.opts.accecn.is_some(), "and so has the first data");
    }
}

// proves RFC9768-3.2.2.2
#[test]
fn a_repeated_syn_ack_counts_once() {
    let mut peer = Peer::with(settings(Ecn::Accurate, |_| ()));
    let id = peer.connect_host();
    let syn = peer.reply();
    peer.note(&syn);
    let syn_ack = Seg {
        opts: TcpOptions {
            mss: Some(MSS as u16),
            ..TcpOptions::default()
        },
        ctl: (Flags::SYN | Flags::ACK).with_ace(0b010),
        ack: peer.rcv,
        ..peer.syn()
    }
    .with_ecn(Ce);
    peer.send(&syn_ack);
    assert_eq!(peer.reply().ctl.ace(), 0b110);
    peer.wait(millis(1000));
    peer.send(&syn_ack);
    assert_eq!(peer.reply().ctl.ace(), 0b110, "the same again");
    peer.nxt = syn_ack.end();
    peer.write(id, b"data");
    assert_eq!(peer.reply().ctl.ace(), 6);
}

// proves RFC9768-3.2.2.1, RFC9768-3.1.5#2
#[test]
fn the_server_reads_the_end_of_the_handshake() {
    for (code, field) in [
        (0b000, NotEct),
        (0b001, Ect0),
        (0b010, Ect0),
        (0b011, NotEct),
        (0b100, NotEct),
        (0b101, Ect0),
        (0b110, NotEct),
        (0b111, Ect0),
    ] {
        let (mut peer, _) = asked(settings(Ecn::Passive, |_| ()), 0b111);
        peer.send(&ace(&peer, code));
        let id = peer.accept().unwrap();
        assert_eq!(info(&peer, id).ecn, EcnMode::Accurate);
        peer.write(id, b"data");
        let data = peer.reply();
        assert_eq!(data.ecn(), field, "{code:03b}");
        assert_eq!(data.ctl.ace(), 5, "still reports");
    }
}

// proves RFC9768-3.2.3.2.2, RFC9768-3.1.5#2
#[test]
fn a_syn_ack_is_repeated_with_less_and_less() {
    let (mut peer, first) = asked(settings(Ecn::Passive, |_| ()), 0b111);
    assert!(first.opts.accecn.is_some());
    let (_, second) = peer.wait_for_segment(millis(60_000));
    assert_eq!((second.ctl.ace(), second.opts.accecn), (0b010, None));
    let (_, third) = peer.wait_for_segment(millis(60_000));
    assert_eq!((third.ctl.ace(), third.opts.accecn), (0b000, None));
    // The peer answers the first of them: we agreed, but a SYN-ACK of ours had no flags.
    peer.send(&ace(&peer, 0b010));
    let id = peer.accept().unwrap();
    assert_eq!(info(&peer, id).ecn, EcnMode::Accurate);
    peer.write(id, b"data");
    let data = peer.reply();
    assert_eq!((data.ecn(), data.ctl.ace()), (NotEct, 5));
}

// proves RFC9768-3.1.5#1, RFC9768-3.1.5#2
#[test]
fn a_repeated_syn_may_ask_for_nothing_but_not_for_something_else() {
    let repeat = |peer: &mut Peer, ace: u8| {
        let syn = Seg {
            opts: options(),
            ctl: Flags::SYN.with_ace(ace),
            seq: peer.nxt.back(1),
            ..peer.syn()
        };
        peer.send(&syn);
        peer.reply()
    };
    let (mut peer, _) = asked(settings(Ecn::Passive, |_| ()), 0b111);
    assert_eq!(repeat(&mut peer, 0b111).ctl.ace(), 0b010);
    assert_eq!(
        repeat(&mut peer, 0b000).ctl.ace(),
        0b000,
        "no answer to what was not asked"
    );
    peer.send(&ace(&peer, 0b010));
    let id = peer.accept().unwrap();
    assert_eq!(info(&peer, id).ecn, EcnMode::Accurate);
    peer.write(id, b"data");
    let data = peer.reply();
    assert_eq!((data.ecn(), data.ctl.ace()), (NotEct, 5));

    for (first, then) in [(0b111, 0b011), (0b011, 0b111)] {
        let (mut peer, _) = asked(settings(Ecn::Passive, |_| ()), first);
        assert!(
            repeat(&mut peer, then).has(Flags::RST),
            "{first:03b} {then:03b}"
        );
        assert_eq!(peer.status(), State::Listen);
    }
}

/// SYNs that cross (RFC 9293 §3.5) agree on what both ask for.
#[test]
fn simultaneous_open() {
    for (asks, flags, mode, answer) in [
        (Ecn::Accurate, 0b111, EcnMode::Accurate, 0b010),
        (Ecn::Accurate, 0b011, EcnMode::Classic, 0b001),
        (Ecn::Classic, 0b011, EcnMode::Classic, 0b001),
        (Ecn::Passive, 0b111, EcnMode::Off, 0b000),
    ] {
        let mut peer = Peer::with(settings(asks, |_| ()));
        let id = peer.connect_host();
        let syn = peer.reply();
        let crossing = Seg {
            ctl: Flags::SYN.with_ace(flags),
            ..peer.syn()
        };
        peer.send(&crossing);
        let syn_ack = peer.reply();
        assert_eq!(
            syn_ack.ctl,
            (Flags::SYN | Flags::ACK).with_ace(answer),
            "{asks:?}"
        );
        peer.nxt = crossing.end();
        peer.note(&syn);
        peer.send(&Seg {
            ctl: (Flags::SYN | Flags::ACK).with_ace(answer),
            seq: crossing.seq,
            ack: peer.rcv,
            ..peer.syn()
        });
        assert_eq!(peer.state(id), State::Established);
        assert_eq!(info(&peer, id).ecn, mode);
    }
}

/// A cookie keeps classic feedback if there are timestamps to keep it in; accurate feedback needs
/// no memory.
#[test]
fn syn_cookies() {
    for (timestamps, flags, code, mode) in [
        (true, 0b011, 0b000, EcnMode::Classic),
        (false, 0b011, 0b000, EcnMode::Off),
        (true, 0b111, 0b010, EcnMode::Accurate),
        (false, 0b111, 0b010, EcnMode::Accurate),
        (true, 0b000, 0b000, EcnMode::Off),
    ] {
        let mut config = settings(Ecn::Passive, |_| ());
        config.limits.max_half_open = 0;
        let mut peer = Peer::listening(config);
        let mut opts = options();
        opts.timestamps = opts.timestamps.filter(|_| timestamps);
        let syn = Seg {
            opts,
            ctl: Flags::SYN.with_ace(flags),
            ..peer.syn()
        };
        peer.timestamps = syn.opts.timestamps;
        peer.send(&syn);
        let syn_ack = peer.reply();
        let agreed = syn_ack.ctl.ace() != 0;
        assert_eq!(agreed, mode != EcnMode::Off, "{flags:03b} {timestamps}");
        peer.nxt = syn.end();
        peer.note(&syn_ack);
        peer.send(&ace(&peer, code));
        let id = peer.accept().unwrap();
        assert_eq!(peer.host.stack.stats().syn_cookies_accepted, 1);
        assert_eq!(info(&peer, id).ecn, mode, "{flags:03b} {timestamps}");
    }
}

/// A deferring listener, too, remembers what the SYN said.
#[test]
fn an_attempt_that_is_judged_first() {
    let config = settings(Ecn::Passive, |_| ());
    let mut peer = Peer::with(config);
    let listener = peer.listen(estab_proto::ListenConfig {
        port: Some(PORT),
        deferred: true,
        ..estab_proto::ListenConfig::default()
    });
    let syn = Seg {
        opts: options(),
        ctl: Flags::SYN.with_ace(0b111),
        ..peer.syn()
    }
    .with_ecn(Ect0);
    peer.timestamps = syn.opts.timestamps;
    peer.send(&syn);
    let (attempt, _) = peer.on(|stack, _| stack.next_incoming(listener)).unwrap();
    let id = peer
        .on(|stack, now| stack.accept_incoming(now, attempt))
        .unwrap();
    let syn_ack = peer.reply();
    assert_eq!(syn_ack.ctl.ace(), 0b100);
    assert!(syn_ack.opts.accecn.is_some());
    // The SYN again, as it was and asking for nothing: the SYN-ACK says the same.
    peer.send(&syn);
    assert_eq!(peer.reply().ctl.ace(), 0b100);
    let plain = Seg {
        ctl: Flags::SYN,
        ..syn.clone()
    };
    peer.send(&plain);
    assert_eq!(peer.reply().ctl.ace(), 0b000);
    peer.nxt = syn.end();
    peer.note(&syn_ack);
    peer.send(&ace(&peer, 0b010));
    assert_eq!(info(&peer, id).ecn, EcnMode::Accurate);
    peer.write(id, b"data");
    assert_eq!(peer.reply().ecn(), NotEct);
}

/// While an attempt waits to be judged its SYN may be repeated as everywhere else.
#[test]
fn an_attempt_whose_syn_is_repeated() {
    for (then, answer) in [(0b111, Some(0b010)), (0b000, Some(0b000)), (0b011, None)] {
        let mut peer = Peer::with(settings(Ecn::Passive, |_| ()));
        let listener = peer.listen(estab_proto::ListenConfig {
            port: Some(PORT),
            deferred: true,
            ..estab_proto::ListenConfig::default()
        });
        for ace in [0b111, then] {
            let syn = Seg {
                opts: options(),
                ctl: Flags::SYN.with_ace(ace),
                ..peer.syn()
            };
            peer.send(&syn);
        }
        let attempt = peer.on(|stack, _| stack.next_incoming(listener));
        let Some(answer) = answer else {
            assert!(peer.reply().has(Flags::RST));
            assert_eq!(attempt, None);
            continue;
        };
        let (attempt, _) = attempt.unwrap();
        peer.on(|stack, now| stack.accept_incoming(now, attempt))
            .unwrap();
        assert_eq!(peer.reply().ctl.ace(), answer);
    }
}

/// The next incarnation negotiates anew, and the last ACK of the old one keeps its count.
#[test]
fn time_wait() {
    let (mut peer, _) = asked(settings(Ecn::Passive, |_| ()), 0b111);
    peer.send(&ace(&peer, 0b010));
    let id = peer.accept().unwrap();
    peer.send(&ace(&peer, 5).text(b"x").with_ecn(Ce));
    peer.nxt += 1;
    peer.reply();
    peer.read(id);
    peer.on(|stack, now| stack.close(now, id));
    let fin = peer.reply();
    peer.note(&fin);
    let fin = ace(&peer, 5).ctl(Flags::FIN);
    peer.send(&fin);
    assert_eq!(peer.reply().ctl, Flags::ACK.with_ace(6));
    assert_eq!(peer.status(), State::TimeWait);
    peer.wait(millis(1000));
    peer.send(&fin);
    assert_eq!(peer.reply().ctl, Flags::ACK.with_ace(6));

    let syn = Seg {
        ctl: Flags::SYN.with_ace(0b011),
        seq: fin.end() + 1000,
        opts: TcpOptions {
            timestamps: options().timestamps.map(|mut ts| {
                ts.val = 5000;
                ts
            }),
            ..options()
        },
        ..peer.syn()
    };
    peer.send(&syn);
    assert_eq!(peer.reply().ctl, (Flags::SYN | Flags::ACK).with_ace(0b001));
    assert_eq!(peer.local.ip(), addr(A, false));
}
