//! Injection by strangers, and what leaks to them.

use std::net::SocketAddr;
use std::time::Duration;

use estab_proto::wire::{Flags, TcpOptions, Timestamps};
use estab_proto::{ListenConfig, SeqNumber, State};
use estab_tests::icmp::{self, Error};
use estab_tests::peer::ISS;
use estab_tests::rng::Rng;
use estab_tests::world::{B, PORT, config};
use estab_tests::{Peer, Seg};

use crate::{ACK, RST, SYN, assert_alive, established, stranger};

/// Rows 18, 19: blind RSTs and SYNs, thousands of them.
#[test]
fn blind_resets_and_syns_end_nothing() {
    let (mut peer, id) = established();
    let mut rng = Rng::new(18);
    for n in 0..200_000u32 {
        let seq = SeqNumber::new(rng.next_u64() as u32);
        if seq == peer.nxt {
            continue;
        }
        let ctl = if n % 2 == 0 { RST } else { SYN };
        peer.send(&Seg {
            ctl,
            ..peer.seg().seq(seq)
        });
    }
    let challenges = peer.replies();
    assert!(challenges.iter().all(|seg| seg.ctl == ACK));
    assert!(
        challenges.len() <= 1,
        "{} challenges in no time",
        challenges.len()
    );
    assert_alive(&mut peer, id);
}

/// Row 19 in every state that is synchronized: never a reset, one challenge.
#[test]
fn a_syn_in_a_connection_is_challenged_wherever_it_falls() {
    for offset in [
        0,
        1,
        30_000,
        65_534,
        65_535,
        1_000_000,
        u32::MAX,
        u32::MAX - 5,
    ] {
        let (mut peer, id) = established();
        let seq = peer.nxt + offset;
        peer.send(&Seg {
            ctl: SYN,
            ..peer.seg().seq(seq)
        });
        let challenge = peer.reply();
        assert_eq!(challenge.ctl, ACK);
        assert_eq!((challenge.seq, challenge.ack), (peer.rcv, peer.nxt));
        assert_alive(&mut peer, id);
    }
}

/// Row 20: data whose acknowledgement no peer would send is not delivered.
// proves MAY-12
#[test]
fn blind_data_is_not_delivered() {
    let (mut peer, id) = established();
    for ack in [
        1,
        2,
        100_000,
        0x8000_0000,
        u32::MAX - 100_000,
        u32::MAX - 1_000_000,
    ] {
        let seg = peer.seg().ack(peer.rcv + ack).text(b"injected");
        peer.send(&seg);
        assert_eq!(peer.host.stack.readable(id), 0, "acknowledges {ack} beyond");
        peer.wait(Duration::from_secs(1));
    }
    assert!(
        peer.replies()
            .iter()
            .all(|seg| seg.ctl == ACK && seg.text.is_empty())
    );
    assert_alive(&mut peer, id);
}

/// Row 21: what one connection is sent changes nothing in the answers of another.
#[test]
fn challenges_of_one_connection_tell_nothing_about_another() {
    let answers = |attacked: bool| {
        let mut peer = Peer::listening(config(B));
        let victim = peer.handshake(TcpOptions::default());
        let (victims, numbers) = (peer.local, (peer.nxt, peer.rcv));
        peer.local.set_port(6000);
        peer.nxt = ISS;
        peer.handshake(TcpOptions::default());
        let own = (peer.local, (peer.nxt, peer.rcv));
        let mut heard = Vec::new();
        for n in 0..200u32 {
            if attacked {
                peer.local = victims;
                (peer.nxt, peer.rcv) = numbers;
                peer.send(&Seg {
                    ctl: RST,
                    ..peer.seg().seq(peer.nxt + 1 + n)
                });
                peer.replies();
            }
            peer.local = own.0;
            (peer.nxt, peer.rcv) = own.1;
            peer.send(&Seg {
                ctl: SYN,
                ..peer.seg()
            });
            heard.push(peer.replies());
            peer.wait(Duration::from_millis(100));
        }
        assert_eq!(peer.state(victim), State::Established);
        heard
    };
    assert_eq!(answers(true), answers(false));
}

/// Row 25: timestamps of different peers tell nothing about each other, and forged ones stall
/// nothing.
#[test]
fn timestamps_are_nobodys_business() {
    let mut peer = Peer::listening(config(B));
    let mut values = Vec::new();
    for number in 0..50 {
        let mut syn = peer.syn().timestamps(1, 0);
        syn.src = stranger(number * 256 * 256 * 3);
        peer.send(&syn);
        values.push(peer.reply().opts.timestamps.unwrap().val);
    }
    values.sort_unstable();
    let close = values
        .windows(2)
        .filter(|pair| pair[1] - pair[0] < 1_000_000)
        .count();
    assert!(close < 5, "{close} of 49 are within a quarter of an hour");

    let opts = TcpOptions {
        timestamps: Some(Timestamps { val: 7, ecr: 0 }),
        ..TcpOptions::default()
    };
    let (mut peer, id) = Peer::listening(config(B)).open(opts);
    let ecr = peer.timestamps.unwrap().ecr;
    let mut rng = Rng::new(25);
    for _ in 0..100_000 {
        // Not within the window: no timestamp is taken from it.
        let seq = peer.nxt + 100_000 + rng.below(1 << 31) as u32;
        peer.send(
            &peer
                .seg()
                .seq(seq)
                .timestamps(rng.next_u64() as u32 | 1 << 30, ecr),
        );
    }
    assert!(peer.replies().len() < 3);
    assert_alive(&mut peer, id);
}

/// Row 26: forged ICMP errors, whatever they quote.
#[test]
fn forged_icmp_errors_end_nothing() {
    let (mut peer, id) = established();
    peer.write(id, &[1; 100]);
    let data = peer.reply();
    let before = peer.host.stack.info(id).unwrap();
    let mut rng = Rng::new(26);
    let errors = [
        Error::Unreachable(3),
        Error::Unreachable(1),
        Error::TooBig(68),
        Error::SourceQuench,
    ];
    for _ in 0..20_000 {
        let seq = SeqNumber::new(rng.next_u64() as u32);
        if seq.within(data.seq, 100) {
            continue;
        }
        peer.send_raw(&icmp::error(
            &Seg {
                seq,
                ..data.clone()
            }
            .packet(),
            rng.pick(&errors),
        ));
    }
    let after = peer.host.stack.info(id).unwrap();
    assert_eq!((after.cwnd, after.path_mtu), (before.cwnd, before.path_mtu));
    peer.note(&data);
    assert_alive(&mut peer, id);
}

/// Row 28: TIME-WAIT survives RSTs (RFC 1337).
#[test]
fn time_wait_is_not_assassinated() {
    let (mut peer, id) = established();
    peer.on(|stack, now| stack.close(now, id));
    let fin = peer.reply();
    peer.note(&fin);
    peer.send_fin();
    peer.replies();
    assert_eq!(peer.status(), State::TimeWait);
    for offset in [0, 1, u32::MAX, 1000] {
        peer.send(&Seg {
            ctl: RST,
            ..peer.seg().seq(peer.nxt + offset)
        });
        peer.send(&Seg {
            ctl: RST | ACK,
            ..peer.seg().seq(peer.nxt + offset)
        });
        peer.expect_silence();
        assert_eq!(peer.status(), State::TimeWait);
    }
    assert_eq!(peer.host.stack.stats().time_wait_resets_ignored, 8);
}

/// Row 29: packets from nobody, from ourselves, or to everybody.
// proves MUST-57, MUST-63
#[test]
fn impossible_addresses_are_dropped_without_a_word() {
    let mut peer = Peer::listening(config(B));
    let own: SocketAddr = peer.remote;
    let sources = [
        "0.0.0.0:1",
        "127.0.0.1:1",
        "224.0.0.1:1",
        "255.255.255.255:1",
        "10.0.0.255:1",
    ];
    for src in sources
        .map(|src| src.parse().unwrap())
        .into_iter()
        .chain([own])
    {
        for ctl in [SYN, ACK, RST, SYN | ACK] {
            peer.send(&Seg {
                src,
                ctl,
                ..peer.syn()
            });
            peer.expect_silence();
        }
    }
    for dst in [
        "224.0.0.1:80",
        "255.255.255.255:80",
        "10.0.0.255:80",
        "10.0.0.3:80",
        "127.0.0.1:80",
    ] {
        peer.send(&Seg {
            dst: dst.parse().unwrap(),
            ..peer.syn()
        });
        peer.expect_silence();
    }
    let mut peer = Peer::new().ipv6();
    peer.listen(ListenConfig {
        port: Some(PORT),
        ..ListenConfig::default()
    });
    for src in ["[::]:1", "[::1]:1", "[ff02::1]:1", "[fd00::2]:80"] {
        peer.send(&Seg {
            src: src.parse().unwrap(),
            ..peer.syn()
        });
        peer.expect_silence();
    }
    for dst in ["[ff02::1]:80", "[ff02::1:ff00:2]:80", "[fd00::3]:80"] {
        peer.send(&Seg {
            dst: dst.parse().unwrap(),
            ..peer.syn()
        });
        peer.expect_silence();
    }
    let counts = peer.host.stack.counts();
    assert_eq!((counts.half_open, counts.connections), (0, 0));
    let stats = peer.host.stack.stats();
    assert_eq!(stats.drop_ip_source, 4);
    assert_eq!(stats.drop_ip_destination, 3);
}

/// Row 30: a wrong ACK in SYN-RECEIVED is reset, and the right one still works.
#[test]
fn a_bad_ack_does_not_end_a_handshake() {
    let mut peer = Peer::listening(config(B));
    peer.send(&peer.syn());
    let syn_ack = peer.reply();
    peer.nxt = ISS + 1;
    peer.note(&syn_ack);
    for wrong in [peer.rcv.back(1), peer.rcv + 1, peer.rcv + 77_777] {
        peer.send(&peer.seg().ack(wrong));
        let reset = peer.reply();
        assert_eq!((reset.ctl, reset.seq), (RST, wrong));
        assert_eq!(peer.status(), State::SynReceived);
    }
    peer.send(&peer.seg());
    assert!(peer.accept().is_some());
}

/// Row 31: what port scanners send to a listener, and what tells them least.
#[test]
fn odd_flags_open_nothing() {
    let mut peer = Peer::listening(config(B));
    let fin = Flags::FIN;
    let silent = [
        Flags::empty(),
        fin,
        fin | Flags::PSH | Flags::URG,
        SYN | RST,
        RST,
        RST | ACK,
        SYN | fin | RST,
    ];
    for ctl in silent {
        peer.send(&Seg { ctl, ..peer.syn() });
        peer.expect_silence();
    }
    for ctl in [ACK, ACK | fin, SYN | ACK] {
        peer.send(&Seg {
            ctl,
            ..peer.syn().seq(ISS + 5)
        });
        assert!(peer.reply().has(RST), "{ctl:?}");
    }
    assert_eq!(peer.host.stack.counts().half_open, 0);
    // A SYN with a FIN may open, but its FIN is not queued.
    peer.send(&Seg {
        ctl: SYN | fin,
        ..peer.syn()
    });
    if let Some(syn_ack) = peer.replies().pop() {
        assert_eq!(syn_ack.ack, ISS + 1);
    }
    assert_eq!(peer.host.stack.counts().buffer_bytes, 0);
}
