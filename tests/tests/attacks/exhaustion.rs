//! State, memory and processor time.

use std::time::Duration;

use estab_proto::config::BufferConfig;
use estab_proto::wire::TcpOptions;
use estab_proto::{ListenConfig, SeqNumber, State};
use estab_tests::peer::ISS;
use estab_tests::rng::Rng;
use estab_tests::world::{B, PORT, config};
use estab_tests::{Peer, Seg};

use crate::{RST, assert_alive, established, stranger};

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
