//! What hostile peers and strangers may not achieve: the attacks of the threat model that need no
//! kernel to be tried.

use std::net::SocketAddr;
use std::time::Duration;

use estab_proto::config::BufferConfig;
use estab_proto::wire::{Flags, TcpOptions, Timestamps};
use estab_proto::{ConnId, Instant, ListenConfig, SeqNumber, State};
use estab_tests::icmp::{self, Error};
use estab_tests::peer::ISS;
use estab_tests::rng::Rng;
use estab_tests::world::{A, B, PORT, config};
use estab_tests::{Peer, Seg, World};

const SYN: Flags = Flags::SYN;
const ACK: Flags = Flags::ACK;
const RST: Flags = Flags::RST;

fn established() -> (Peer, ConnId) {
    Peer::established(config(B))
}

/// The connection works: the peer's next bytes come through.
#[track_caller]
fn assert_alive(peer: &mut Peer, id: ConnId) {
    assert_eq!(peer.state(id), State::Established);
    peer.read(id);
    peer.send_text(b"alive");
    assert_eq!(peer.read(id), b"alive");
    peer.wait(Duration::from_secs(1));
    peer.replies();
}

/// A stranger, by number.
fn stranger(number: u32) -> SocketAddr {
    let [a, b, c, _] = number.to_be_bytes();
    SocketAddr::from(([172, 16 + a % 16, b, c], 1024 + (number & 0x7fff) as u16))
}

// Exhaustion.

/// Row 1: a flood of SYNs is answered with cookies, holds no buffers, and honest peers get through.
#[test]
fn a_syn_flood_shuts_nobody_out() {
    let mut peer = Peer::new();
    peer.listen(ListenConfig {
        port: Some(PORT),
        backlog: 128,
        ..ListenConfig::default()
    });
    for number in 0..20_000 {
        let mut syn = peer.syn().mss(1460).text(b"data nobody may keep");
        syn.src = stranger(number * 97);
        peer.send(&syn);
        assert!(peer.replies().len() <= 1);
        if number % 1000 == 999 {
            let id = peer.handshake(TcpOptions {
                mss: Some(1460),
                ..TcpOptions::default()
            });
            assert_alive(&mut peer, id);
            peer.on(|stack, now| stack.abort(now, id));
            peer.on(|stack, now| stack.close(now, id));
            peer.replies();
            peer.nxt = ISS + number;
        }
    }
    let counts = peer.host.stack.counts();
    assert!(counts.half_open <= 128, "{counts:?}");
    assert_eq!((counts.connections, counts.buffer_bytes), (0, 0));
    assert!(peer.host.stack.stats().syn_cookies_sent > 10_000);
    peer.wait(Duration::from_secs(120));
    let counts = peer.host.stack.counts();
    assert_eq!((counts.half_open, counts.timers), (0, 0));
}

/// Row 2: an ACK out of the blue opens nothing.
#[test]
fn cookies_cannot_be_guessed() {
    for overflowing in [false, true] {
        let mut peer = Peer::new();
        peer.listen(ListenConfig {
            port: Some(PORT),
            backlog: 1,
            ..ListenConfig::default()
        });
        if overflowing {
            for number in 0..3 {
                peer.send(&Seg {
                    src: stranger(number * 256),
                    ..peer.syn()
                });
            }
            assert!(peer.host.stack.stats().syn_cookies_sent > 0);
        }
        let mut rng = Rng::new(2);
        for _ in 0..100_000 {
            let mut ack = peer.seg().ack(SeqNumber::new(rng.next_u64() as u32));
            ack.seq = SeqNumber::new(rng.next_u64() as u32);
            ack.src = stranger(rng.next_u64() as u32);
            peer.send(&ack);
        }
        assert_eq!(peer.host.stack.stats().syn_cookies_accepted, 0);
        assert_eq!(peer.host.stack.counts().connections, 0);
    }
}

/// Row 4: a peer that closes its window on an application that is gone holds nothing for ever.
#[test]
fn an_orphan_before_a_closed_window_is_given_up() {
    for closed_before in [true, false] {
        let (mut peer, id) = established();
        if closed_before {
            peer.send(&peer.seg().wnd(0));
        }
        peer.write(id, &[1; 100_000]);
        if closed_before {
            // Probing has begun when the application goes.
            peer.wait(Duration::from_secs(10));
        }
        peer.on(|stack, now| stack.close(now, id));
        let start = peer.now;
        peer.wnd = 0;
        while peer.host.stack.counts().connections > 0 {
            let due = peer.host.deadline().expect("an orphan has a timer");
            peer.wait_until(due);
            for seg in peer.replies() {
                peer.rcv = peer.rcv.max(seg.end());
            }
            peer.send(&peer.seg());
            assert!(peer.now - start < Duration::from_secs(125), "still there");
        }
        assert_eq!(peer.host.stack.counts().buffer_bytes, 0);
    }
}

/// Row 4: the same with a window pulled back over data in flight, none of it acknowledged.
#[test]
fn an_orphan_before_a_shrunken_window_is_given_up() {
    let (mut peer, id) = established();
    peer.write(id, &[1; 100_000]);
    peer.replies();
    peer.on(|stack, now| stack.close(now, id));
    peer.wnd = 0;
    let start = peer.now;
    while peer.host.stack.counts().connections > 0 {
        peer.send(&peer.seg());
        let due = peer.host.deadline().expect("an orphan has a timer");
        peer.wait_until(due);
        peer.replies();
        assert!(peer.now - start < Duration::from_secs(125), "still there");
    }
}

/// Row 4: while the peer takes something now and then, its bytes are not lost.
#[test]
fn an_orphan_with_a_slow_reader_is_not_given_up() {
    let mut config = config(B);
    config.tcp.send_buffer = BufferConfig {
        initial: 1 << 20,
        max: 1 << 20,
    };
    let (mut peer, id) = Peer::established(config);
    peer.write(id, &[1; 400_000]);
    peer.on(|stack, now| stack.close(now, id));
    peer.wnd = 0;
    for _ in 0..1000 {
        let end = peer.now + Duration::from_secs(60);
        while peer.now < end {
            let due = peer.host.deadline().unwrap_or(end).min(end);
            peer.wait_until(due);
            for seg in peer.replies() {
                assert!(!seg.has(RST), "its bytes are thrown away");
                if seg.seq == peer.rcv {
                    peer.note(&seg);
                }
            }
            peer.send(&peer.seg());
        }
        if peer.status() == State::FinWait2 || peer.status() == State::Listen {
            return;
        }
        peer.send(&peer.seg().wnd(1460));
    }
    panic!("never done: {:?}", peer.status());
}

/// Row 5: every closing state ends by itself once the application is gone.
#[test]
fn no_closing_state_lasts_for_ever() {
    struct Case {
        peers_fin: bool,
        acked: bool,
        state: State,
    }
    let cases = [
        Case {
            peers_fin: false,
            acked: false,
            state: State::FinWait1,
        },
        Case {
            peers_fin: false,
            acked: true,
            state: State::FinWait2,
        },
        Case {
            peers_fin: true,
            acked: false,
            state: State::LastAck,
        },
    ];
    for Case {
        peers_fin,
        acked,
        state,
    } in cases
    {
        let (mut peer, id) = established();
        if peers_fin {
            peer.send_fin();
            peer.replies();
        }
        peer.on(|stack, now| stack.close(now, id));
        let fin = peer.reply();
        if acked {
            peer.note(&fin);
            peer.send(&peer.seg());
        }
        assert_eq!(peer.status(), state);
        assert!(peer.host.deadline().is_some(), "{state} without a timer");
        peer.wait(Duration::from_secs(2000));
        let counts = peer.host.stack.counts();
        assert_eq!(
            (counts.connections, counts.timers, counts.buffer_bytes),
            (0, 0, 0),
            "{state}"
        );
    }
}

/// Row 5: data for an application that is gone is refused aloud.
// proves SHLD-3
#[test]
fn data_to_a_dead_application_is_reset() {
    let (mut peer, id) = established();
    peer.on(|stack, now| stack.close(now, id));
    let fin = peer.reply();
    peer.note(&fin);
    peer.send_text(b"are you there?");
    assert!(peer.replies().iter().any(|seg| seg.has(RST)));
    assert_eq!(peer.host.stack.counts().connections, 0);
    // Unread data as well.
    let (mut peer, id) = established();
    peer.send_text(b"never read");
    peer.replies();
    peer.on(|stack, now| stack.close(now, id));
    assert!(peer.reply().has(RST));
}

/// Row 7: the accept queue is bounded, and a peer that gives up frees its place.
#[test]
fn an_accept_queue_nobody_reads_is_bounded() {
    let mut peer = Peer::new();
    peer.listen(ListenConfig {
        port: Some(PORT),
        backlog: 4,
        ..ListenConfig::default()
    });
    let mut open = Vec::new();
    for number in 0..100 {
        peer.local = stranger(number * 256);
        peer.nxt = ISS;
        peer.send(&peer.syn().mss(1460));
        let Some(syn_ack) = peer.replies().pop() else {
            continue;
        };
        peer.nxt = ISS + 1;
        peer.note(&syn_ack);
        peer.send(&peer.seg().text([1; 1000]));
        peer.replies();
        open.push((peer.local, peer.rcv));
    }
    let counts = peer.host.stack.counts();
    assert_eq!((counts.accept_queued, counts.connections), (4, 4));
    assert!(counts.buffer_bytes < 4 * 8192, "{counts:?}");
    (peer.local, peer.rcv) = open[0];
    peer.nxt = ISS + 1 + 1000;
    peer.send(&Seg {
        ctl: RST,
        ..peer.seg()
    });
    assert_eq!(peer.host.stack.counts().accept_queued, 3);
}

/// Row 8: every second byte, a byte at a time.
#[test]
fn crumbs_beyond_holes_cost_what_they_hold() {
    let mut config = config(B);
    config.tcp.recv_buffer = BufferConfig {
        initial: 60_000,
        max: 60_000,
    };
    let (mut peer, id) = Peer::established(config);
    let base = peer.nxt;
    let text: Vec<u8> = (0..50_000u32).map(|n| n as u8).collect();
    for at in (1..50_000).step_by(2) {
        peer.send(
            &peer
                .seg()
                .seq(base + at)
                .text(&text[at as usize..at as usize + 1]),
        );
    }
    let held = peer.host.stack.counts().buffer_bytes;
    assert!(held <= 60_000 + (64 << 10) + 8192, "{held} bytes held");
    assert!(peer.host.stack.stats().refused_recv_bytes > 0);
    // The flow lives: what was dropped is simply sent again.
    peer.send(&peer.seg().text(&text[..30_000]));
    peer.send(&peer.seg().seq(base + 30_000).text(&text[30_000..]));
    assert_eq!(peer.read(id), text);
}

/// Row 11: a tiny MSS does not multiply the work per byte.
#[test]
fn the_peers_mss_has_a_floor() {
    for (mss, expected) in [
        (Some(0), 536),
        (Some(1), 48),
        (Some(8), 48),
        (Some(64), 64),
        (None, 536),
    ] {
        let opts = TcpOptions {
            mss,
            ..TcpOptions::default()
        };
        let (mut peer, id) = Peer::listening(config(B)).open(opts);
        peer.write(id, &[1; 10_000]);
        let largest = peer.replies().iter().map(|seg| seg.text.len()).max();
        assert_eq!(largest, Some(expected), "MSS {mss:?}");
    }
}

/// Row 12: a peer that offers a few bytes at a time gets few segments.
#[test]
fn tiny_windows_do_not_make_silly_segments() {
    let mut config = config(B);
    config.tcp.send_buffer = BufferConfig {
        initial: 1 << 20,
        max: 1 << 20,
    };
    let (mut peer, id) = Peer::established(config);
    peer.wnd = 0;
    peer.send(&peer.seg());
    peer.write(id, &[1; 50_000]);
    let (mut segments, mut bytes) = (0, 0);
    let end = peer.now + Duration::from_secs(120);
    let mut rng = Rng::new(12);
    while peer.now < end {
        // A byte more every millisecond; what was sent is acknowledged.
        peer.wnd = (peer.wnd + 1).min(rng.between(1, 10) as u16);
        peer.send(&peer.seg());
        peer.wait(Duration::from_millis(1));
        for seg in peer.replies().iter().filter(|seg| !seg.text.is_empty()) {
            segments += 1;
            bytes += seg.text.len();
            peer.rcv = peer.rcv.max(seg.end());
            peer.wnd = 0;
        }
    }
    assert!(bytes > 0);
    assert!(
        segments <= 1000,
        "{segments} segments for {bytes} bytes in two minutes"
    );
    assert_eq!(peer.state(id), State::Established);
}

/// Row 16: what carries nothing costs nothing.
#[test]
fn empty_segments_leave_nothing_behind() {
    let (mut peer, id) = established();
    let before = peer.host.stack.counts();
    let mut rng = Rng::new(16);
    for _ in 0..100_000 {
        let seq = peer.nxt + rng.below(60_000) as u32;
        peer.send(&peer.seg().seq(seq));
    }
    let after = peer.host.stack.counts();
    assert_eq!(
        (after.buffer_bytes, after.timers),
        (before.buffer_bytes, before.timers)
    );
    assert!(peer.replies().len() < 10);
    assert_alive(&mut peer, id);
}

// Injection and leaks.

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

// Loops and parsers.

/// Row 36: two ends that disagree about everything do not shout at each other.
#[test]
fn ends_that_disagree_stay_quiet() {
    let mut world = World::new();
    let (a, b) = world.establish();
    // A middlebox renumbers both streams from now on.
    let mut shifted = std::collections::VecDeque::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    world.pass = Some(Box::new(move |side, seg| {
        let mut seg = seg.clone();
        seg.seq += 1_000_000;
        seg.ack += 2_000_000;
        sender.send((side, seg.packet())).unwrap();
        false
    }));
    world.write(A, a, b"hello");
    world.write(B, b, b"hello");
    let start = world.now;
    let mut packets = 0u32;
    while world.now - start < Duration::from_secs(60) {
        shifted.extend(receiver.try_iter());
        match shifted.pop_front() {
            Some((side, packet)) => {
                packets += 1;
                let now = world.now;
                world.host(side.other()).receive(now, &packet);
                world.drain(side.other());
            }
            None => world.run_for(Duration::from_millis(1)),
        }
        assert!(
            packets < 3 * 60,
            "{packets} packets in {:?}",
            world.now - start
        );
    }
}

/// Row 37: no RST answers a RST, and strangers get no more than a thousand answers a second.
#[test]
fn storms_are_not_amplified() {
    let mut peer = Peer::new();
    for n in 0..10_000u32 {
        peer.send(&Seg {
            ctl: RST,
            src: stranger(n * 7),
            ..peer.seg()
        });
        peer.send(&Seg {
            ctl: RST | ACK,
            src: stranger(n * 7),
            ..peer.seg()
        });
    }
    peer.expect_silence();
    let mut replies = 0;
    for n in 0..20_000u32 {
        peer.send(&Seg {
            src: stranger(n * 7),
            ..peer.seg()
        });
        for seg in peer.replies() {
            assert!(seg.has(RST));
            replies += 1;
        }
        if n % 20 == 0 {
            peer.wait(Duration::from_millis(1));
        }
    }
    // A second's worth, and the burst the bucket held.
    assert!(replies <= 2_100, "{replies} answers in a second");
    assert!(replies >= 500, "{replies}: nobody is told any more");
    assert!(peer.host.stack.stats().resets_limited > 0);
}

/// Row 37: no ICMP about ICMP errors, and none in a flood.
#[test]
fn icmp_errors_are_not_answered() {
    let (mut peer, _) = established();
    let packet = peer.seg().packet();
    for error in [
        Error::Unreachable(3),
        Error::TimeExceeded,
        Error::SourceQuench,
        Error::TooBig(9),
    ] {
        peer.send_raw(&icmp::error(&packet, error));
        let mut cut = icmp::error(&packet, error);
        cut.truncate(30);
        peer.send_raw(&cut);
    }
    peer.expect_silence();
    // An unknown protocol is told so, but not without end.
    let (src, dst) = (peer.local.ip(), peer.remote.ip());
    let unknown = icmp::packet(src, dst, 200, &[1; 40]);
    for _ in 0..10_000 {
        peer.send_raw(&unknown);
    }
    let told = std::iter::from_fn(|| peer.next_packet()).count();
    assert!(told <= 1_000, "{told} errors at once");
}

/// Row 39: the urgent pointer points wherever it likes.
#[test]
fn the_urgent_pointer_takes_no_byte_away() {
    for up in [0, 1, 5, 6, 65_535] {
        let (mut peer, id) = established();
        for _ in 0..3 {
            let mut seg = peer.seg().ctl(Flags::URG).text(b"urgent");
            seg.up = up;
            peer.nxt = seg.end();
            peer.send(&seg);
        }
        assert_eq!(peer.read(id), b"urgent".repeat(3), "pointer {up}");
    }
}

/// Row 40: options that cannot be.
// proves MUST-7
#[test]
fn malformed_options_are_ignored() {
    let odd: [&[u8]; 8] = [
        &[2, 0, 0, 0],
        &[2, 1, 5, 0],
        &[8, 10, 0, 0],
        &[2, 4, 5, 180, 2, 200, 0, 0],
        &[255, 255, 255, 255],
        &[3, 3, 7, 2],
        &[5, 3, 1, 1],
        &[254, 2, 254, 2, 254, 2, 254, 0],
    ];
    for raw in odd {
        let raw_opts = Some(raw.to_vec());
        let mut peer = Peer::listening(config(B));
        peer.send(&Seg {
            raw_opts: raw_opts.clone(),
            ..peer.syn()
        });
        assert_eq!(peer.reply().ctl, SYN | ACK, "{raw:?}");
        // An existing connection takes the segment and keeps its settings.
        let (mut peer, id) = established();
        let before = peer.host.stack.info(id).unwrap().snd_mss;
        let seg = Seg {
            raw_opts,
            ..peer.seg().text(b"with odd options")
        };
        peer.nxt = seg.end();
        peer.send(&seg);
        assert_eq!(peer.read(id), b"with odd options", "{raw:?}");
        assert_eq!(peer.host.stack.info(id).unwrap().snd_mss, before);
        assert_alive(&mut peer, id);
    }
}

/// Garbage of every length, and real segments with every byte changed, harm nobody.
#[test]
fn garbage_is_counted_and_forgotten() {
    let (mut peer, id) = established();
    let mut rng = Rng::new(38);
    let before = peer.host.stack.stats().packets_in;
    for len in (0..2000).chain([65_535]) {
        let mut garbage: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8).collect();
        if let Some(first) = garbage.first_mut() {
            *first = rng.pick(&[0x45, 0x60, 0x4f, 0x41, *first]);
        }
        peer.send_raw(&garbage);
    }
    let good = peer.seg().text(b"a segment").packet();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            peer.send_raw(&bad);
        }
        peer.send_raw(&good[..at]);
    }
    assert!(peer.host.stack.stats().packets_in >= before + 2001 + 9 * good.len() as u64);
    while peer.next_packet().is_some() {}
    assert_eq!(peer.host.stack.readable(id), 0);
    assert_eq!(peer.host.stack.counts().connections, 1);
    assert_alive(&mut peer, id);
}

/// Row 23: initial sequence numbers of one tuple grow, those of different tuples are unrelated.
// proves MUST-9, SHLD-1
#[test]
fn initial_sequence_numbers_cannot_be_guessed() {
    let mut peer = Peer::listening(config(B));
    let iss = |peer: &mut Peer, src: SocketAddr| {
        peer.send(&Seg { src, ..peer.syn() });
        let number = peer.replies().last().expect("answered").seq;
        peer.send(&Seg {
            src,
            ctl: RST,
            ..peer.syn().seq(ISS + 1)
        });
        number
    };
    let first = iss(&mut peer, stranger(0));
    peer.wait(Duration::from_secs(1));
    let second = iss(&mut peer, stranger(0));
    let growth = second - first;
    assert!(
        (200_000..300_000).contains(&growth),
        "{growth} in a second: a 4 µs clock"
    );
    let mut numbers: Vec<_> = (0..1000)
        .map(|n| iss(&mut peer, stranger(n * 256)).to_u32())
        .collect();
    numbers.sort_unstable();
    let close = numbers
        .windows(2)
        .filter(|pair| pair[1] - pair[0] < 1 << 12)
        .count();
    assert!(close < 10, "{close} of 999 neighbours");
}

/// A clock that jumps two months ahead, as after a suspend, or back.
#[test]
fn clocks_that_jump_are_survived() {
    let (mut peer, id) = established();
    peer.write(id, b"before");
    peer.replies();
    peer.now += Duration::from_secs(60 * 86_400);
    peer.on(|stack, now| stack.handle_timeout(now));
    assert_eq!(
        peer.state(id),
        State::Closed,
        "nothing was acknowledged for too long"
    );
    peer.on(|stack, now| stack.close(now, id));
    assert_eq!(peer.host.stack.counts().timers, 0);

    let (mut peer, id) = established();
    peer.wait(Duration::from_secs(1000));
    peer.now = Instant::ZERO;
    peer.send_text(b"in the past");
    assert_eq!(peer.read(id), b"in the past");
    let late = Instant::from_secs(1001);
    assert!(
        peer.host
            .deadline()
            .is_none_or(|at| at <= late + Duration::from_secs(1))
    );
}
