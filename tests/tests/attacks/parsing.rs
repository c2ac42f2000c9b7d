//! Loops, storms and parsers.

use std::net::SocketAddr;
use std::time::Duration;

use estab_proto::wire::Flags;
use estab_proto::{Instant, State};
use estab_tests::icmp::{self, Error};
use estab_tests::peer::ISS;
use estab_tests::rng::Rng;
use estab_tests::world::{A, B, config};
use estab_tests::{Peer, Seg, World};

use crate::{ACK, RST, SYN, assert_alive, established, stranger};

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
