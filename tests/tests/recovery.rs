//! What a sender does when segments are lost, and how much it sends at all.

use std::time::Duration;

use estab_proto::config::{BufferConfig, StackConfig};
use estab_proto::congestion::Algorithm;
use estab_proto::wire::{Flags, TcpOptions, Timestamps};
use estab_proto::{ConnId, SeqNumber, State};
use estab_tests::pattern::Pattern;
use estab_tests::world::{A, B, config};
use estab_tests::{Peer, Seg, World};

const MSS: u32 = 1000;

/// What every stream of this file holds.
const STREAM: Pattern = Pattern::new(4711);

/// A host with NewReno, a large send buffer, and segments of 1,000 bytes.
fn settings() -> StackConfig {
    let mut config = config(B);
    config.tcp.congestion = Algorithm::NewReno;
    // A probe would come before every timeout.
    config.tcp.recovery.tail_loss_probe = false;
    config.tcp.send_buffer = BufferConfig {
        initial: 1 << 20,
        max: 1 << 20,
    };
    config
}

/// An established connection to a peer that takes segments of 1,000 bytes and offers a large
/// window, with a round trip of 100 ms behind it.
fn established(sack: bool) -> (Peer, ConnId) {
    let opts = TcpOptions {
        mss: Some(MSS as u16),
        window_scale: Some(4),
        sack_permitted: sack,
        ..TcpOptions::default()
    };
    let mut peer = Peer::listening(settings());
    peer.send(&Seg { opts, ..peer.syn() });
    let syn_ack = peer.reply();
    peer.nxt = syn_ack.ack;
    peer.note(&syn_ack);
    peer.wait(Duration::from_millis(100));
    peer.send(&peer.seg());
    let id = peer.accept().expect("established");
    (peer, id)
}

/// Queues `segments` full segments and returns what is sent of them at once.
fn write(peer: &mut Peer, id: ConnId, segments: u32) -> Vec<Seg> {
    let written = peer.host.stack.info(id).unwrap();
    let offset = written.bytes_sent + written.unsent as u64;
    peer.write(id, &STREAM.bytes(offset, (segments * MSS) as usize));
    peer.replies()
}

/// The number of the segment, counted from the start of the stream, which is at `base`.
fn index(seg: &Seg, base: SeqNumber) -> u32 {
    assert_eq!(seg.text.len() as u32, MSS, "{seg}");
    (seg.seq - base) / MSS
}

fn indices(segs: &[Seg], base: SeqNumber) -> Vec<u32> {
    segs.iter().map(|seg| index(seg, base)).collect()
}

// proves MUST-19, SHLD-28, RFC5681-3.1#2
#[test]
fn a_connection_begins_with_ten_segments() {
    let (mut peer, id) = established(true);
    let base = peer.rcv;
    let sent = write(&mut peer, id, 40);
    assert_eq!(indices(&sent, base), (0..10).collect::<Vec<_>>());
    // Slow start: each acknowledged segment lets out two.
    peer.wait(Duration::from_millis(100));
    peer.send(&peer.seg().ack(base + 2 * MSS));
    assert_eq!(indices(&peer.replies(), base), [10, 11, 12, 13]);
}

// proves RFC5681-3.1#3
#[test]
fn a_lost_syn_leaves_one_segment() {
    let mut peer = Peer::listening(settings());
    peer.send(&peer.syn().mss(MSS as u16));
    peer.replies();
    peer.wait(Duration::from_secs(1));
    let syn_ack = peer.reply();
    peer.nxt += 1;
    peer.note(&syn_ack);
    peer.send(&peer.seg());
    let id = peer.accept().unwrap();
    assert_eq!(write(&mut peer, id, 40).len(), 1);
}

// proves MUST-19
#[test]
fn the_third_duplicate_repairs_with_sack() {
    let (mut peer, id) = established(true);
    let base = peer.rcv;
    write(&mut peer, id, 40);
    peer.wait(Duration::from_millis(100));
    // The first of ten is lost. Limited transmit answers the first two duplicates (RFC 3042).
    for (number, expected) in [(1, vec![10]), (2, vec![11]), (3, vec![0])] {
        let right = base + (number + 1) * MSS;
        peer.send(&peer.seg().sack(base + MSS, right));
        assert_eq!(
            indices(&peer.replies(), base),
            expected,
            "duplicate {number}"
        );
    }
    let info = peer.host.stack.info(id).unwrap();
    assert_eq!(
        info.ssthresh,
        10 * MSS / 2,
        "half of what was in flight, limited transmit aside"
    );
    assert_eq!(info.retransmits, 1);
    // Everything arrives: nothing else is sent twice.
    peer.wait(Duration::from_millis(100));
    peer.send(&peer.seg().ack(base + 12 * MSS));
    assert!(
        indices(&peer.replies(), base)
            .iter()
            .all(|index| *index >= 12)
    );
    assert_eq!(peer.host.stack.info(id).unwrap().retransmits, 1);
}

#[test]
fn several_holes_are_filled_in_one_round_trip_with_sack() {
    let (mut peer, id) = established(true);
    let base = peer.rcv;
    write(&mut peer, id, 10);
    peer.wait(Duration::from_millis(100));
    // 0, 2 and 4 are lost.
    let block = |from: u32, to: u32| (base + from * MSS, base + to * MSS);
    let blocks = [block(1, 2), block(3, 4), block(5, 10)];
    let mut resent = Vec::new();
    for last in 6..=10 {
        let seg = peer.seg();
        let seg = seg.sack(base + 5 * MSS, base + last * MSS);
        let seg = seg
            .sack(blocks[1].0, blocks[1].1)
            .sack(blocks[0].0, blocks[0].1);
        peer.send(&seg);
        resent.extend(indices(&peer.replies(), base));
    }
    assert_eq!(resent, [0, 2, 4]);
}

#[test]
fn the_third_duplicate_repairs_without_sack() {
    let (mut peer, id) = established(false);
    let base = peer.rcv;
    write(&mut peer, id, 40);
    peer.wait(Duration::from_millis(100));
    // 0 and 3 of ten are lost: eight duplicates.
    let mut sent = Vec::new();
    for _ in 0..8 {
        peer.send(&peer.seg());
        sent.extend(indices(&peer.replies(), base));
    }
    assert_eq!(sent[..3], [10, 11, 0]);
    assert!(
        sent[3..].iter().all(|index| *index >= 12),
        "new data goes on: {sent:?}"
    );
    // A partial acknowledgement: the next hole at once (RFC 6582).
    peer.wait(Duration::from_millis(100));
    peer.send(&peer.seg().ack(base + 3 * MSS));
    assert_eq!(indices(&peer.replies(), base)[0], 3);
    let info = peer.host.stack.info(id).unwrap();
    assert_eq!(info.retransmits, 2);
}

/// A window update, data, or an old acknowledgement is no duplicate (RFC 5681 §2).
#[test]
fn what_is_no_duplicate() {
    let (mut peer, id) = established(false);
    write(&mut peer, id, 10);
    peer.wait(Duration::from_millis(100));
    for n in 1..=10 {
        peer.send(&peer.seg().wnd(u16::MAX - n));
        peer.send_text(b"data of its own");
    }
    assert!(peer.replies().iter().all(|seg| seg.text.is_empty()));
    assert_eq!(peer.host.stack.info(id).unwrap().retransmits, 0);
    assert_eq!(peer.host.stack.info(id).unwrap().unacked, 10 * MSS);
}

// proves MUST-19
#[test]
fn a_timeout_sends_again_from_the_start_in_slow_start() {
    for sack in [true, false] {
        let (mut peer, id) = established(sack);
        let base = peer.rcv;
        write(&mut peer, id, 10);
        let (_, first) = peer.wait_for_segment(Duration::from_secs(5));
        assert_eq!(index(&first, base), 0);
        peer.expect_silence();
        let info = peer.host.stack.info(id).unwrap();
        assert_eq!((info.cwnd, info.ssthresh), (MSS, 5 * MSS));
        peer.send(&peer.seg().ack(base + MSS));
        assert_eq!(indices(&peer.replies(), base), [1, 2]);
        peer.send(&peer.seg().ack(base + 3 * MSS));
        // After a timeout each acknowledgement counts for one segment (RFC 3465 §2.3).
        assert_eq!(indices(&peer.replies(), base), [3, 4, 5]);
        // The receiver had all the rest: an acknowledgement of everything ends the episode.
        peer.send(&peer.seg().ack(base + 10 * MSS));
        peer.expect_silence();
        assert_eq!(peer.host.stack.info(id).unwrap().unacked, 0);
    }
}

/// RFC 2018 §8: what was selectively acknowledged may be dropped again, and is still sent again.
// proves RFC6675-4Update, RFC2018-8
#[test]
fn a_receiver_may_go_back_on_its_word() {
    let (mut peer, id) = established(true);
    let base = peer.rcv;
    write(&mut peer, id, 10);
    peer.wait(Duration::from_millis(100));
    peer.send(&peer.seg().sack(base + MSS, base + 10 * MSS));
    assert_eq!(indices(&peer.replies(), base), [0]);
    // The receiver throws everything away, gets 0, and says nothing of the rest.
    let mut received = std::collections::BTreeSet::new();
    peer.send(&peer.seg().ack(base + MSS));
    received.insert(0);
    let mut una = 1;
    for _ in 0..100 {
        if una == 10 {
            break;
        }
        peer.wait(Duration::from_millis(200));
        for seg in peer.replies() {
            received.insert(index(&seg, base));
        }
        while received.contains(&una) {
            una += 1;
        }
        peer.send(&peer.seg().ack(base + una * MSS));
    }
    assert_eq!(una, 10, "everything came in the end");
    assert_eq!(peer.state(id), State::Established);
}

/// RFC 9293 SHLD-16 and on: a window pulled back over data in flight.
// proves MUST-34, SHLD-15, SHLD-16, SHLD-17, MAY-7
#[test]
fn a_window_may_shrink_over_data_in_flight() {
    let (mut peer, id) = established(true);
    let base = peer.rcv;
    write(&mut peer, id, 20);
    peer.wait(Duration::from_millis(100));
    // Two taken, no room for more: eight segments are beyond the edge.
    peer.send(&peer.seg().ack(base + 2 * MSS).wnd(0));
    peer.expect_silence();
    for _ in 0..40 {
        peer.wait(Duration::from_secs(60));
        let sent = peer.replies();
        let beyond = sent
            .iter()
            .filter(|seg| seg.seq.after(base + 2 * MSS))
            .count();
        assert_eq!(beyond, 0, "only the oldest segment probes");
        peer.send(&peer.seg().ack(base + 2 * MSS).wnd(0));
    }
    assert_eq!(peer.state(id), State::Established, "40 minutes of answers");
    peer.wnd = 60_000;
    peer.rcv = base + 2 * MSS;
    peer.send(&peer.seg());
    let mut una = 2;
    for _ in 0..200 {
        for seg in peer.replies() {
            if index(&seg, base) == una {
                una += 1;
            }
        }
        peer.send(&peer.seg().ack(base + una * MSS));
        peer.wait(Duration::from_secs(1));
    }
    assert_eq!(una, 20);
}

// proves MUST-17, SHLD-7, MAY-16
#[test]
fn small_writes_wait_for_the_acknowledgement_unless_told_otherwise() {
    let (mut peer, id) = established(true);
    peer.write(id, b"one");
    assert_eq!(peer.reply().text, b"one");
    for _ in 0..10 {
        peer.write(id, b"more");
    }
    peer.expect_silence();
    peer.rcv += 3;
    peer.send(&peer.seg());
    let all = peer.reply();
    assert_eq!(all.text, b"more".repeat(10));
    peer.note(&all);

    peer.on(|stack, now| stack.set_nodelay(now, id, true))
        .unwrap();
    for _ in 0..10 {
        peer.write(id, b"more");
        assert_eq!(peer.reply().text, b"more");
    }
}

#[test]
fn the_end_of_a_stream_does_not_wait_for_nagle() {
    let (mut peer, id) = established(true);
    peer.write(id, b"one");
    peer.replies();
    peer.write(id, b"two");
    peer.expect_silence();
    peer.on(|stack, now| stack.shutdown(now, id)).unwrap();
    let last = peer.reply();
    assert_eq!(last.text, b"two");
    assert!(last.has(Flags::FIN | Flags::PSH));
}

/// Karn: an acknowledgement of a segment sent twice says nothing about the round trip, unless a
/// timestamp tells which was meant.
// proves MUST-18, RFC6298-3#1
#[test]
fn the_round_trip_is_measured_from_the_right_transmission() {
    let (mut peer, id) = established(false);
    let before = peer.host.stack.info(id).unwrap().rtt;
    assert_eq!(before, Some(Duration::from_millis(100)));
    write(&mut peer, id, 1);
    let (_, again) = peer.wait_for_segment(Duration::from_secs(5));
    peer.wait(Duration::from_millis(10));
    peer.note(&again);
    peer.send(&peer.seg());
    assert_eq!(peer.host.stack.info(id).unwrap().rtt, before);

    let opts = TcpOptions {
        mss: Some(MSS as u16),
        timestamps: Some(Timestamps { val: 1, ecr: 0 }),
        ..TcpOptions::default()
    };
    let (mut peer, id) = Peer::listening(settings()).open(opts);
    peer.write(id, b"data");
    peer.reply();
    let (at, again) = peer.wait_for_segment(Duration::from_secs(5));
    peer.wait_until(at + Duration::from_millis(40));
    peer.note(&again);
    peer.send(&peer.seg());
    let info = peer.host.stack.info(id).unwrap();
    assert_eq!(
        info.rtt
            .map(|rtt| rtt.as_millis() > 0 && rtt.as_millis() <= 40),
        Some(true)
    );
}

/// A receiver whose acknowledgement was lost answers the retransmission with the timestamp of the
/// first transmission: that is no round trip of many seconds.
#[test]
fn a_lost_acknowledgement_does_not_lengthen_the_round_trip() {
    let opts = TcpOptions {
        mss: Some(MSS as u16),
        timestamps: Some(Timestamps { val: 1, ecr: 0 }),
        ..TcpOptions::default()
    };
    let (mut peer, id) = Peer::listening(settings()).open(opts);
    for _ in 0..5 {
        peer.write(id, b"data");
        let first = peer.reply();
        for _ in 0..4 {
            peer.wait_for_segment(Duration::from_secs(60));
        }
        peer.wait(Duration::from_millis(10));
        peer.note(&first);
        peer.send(&peer.seg());
        // The next exchange goes well, and takes the back-off away.
        peer.write(id, b"data");
        let next = peer.reply();
        peer.wait(Duration::from_millis(10));
        peer.note(&next);
        peer.send(&peer.seg());
        let info = peer.host.stack.info(id).unwrap();
        assert!(info.rtt.unwrap() < Duration::from_millis(20), "{info:?}");
        assert!(info.rto < Duration::from_secs(1), "{info:?}");
    }
}

#[test]
fn an_idle_connection_begins_anew() {
    let (mut peer, id) = established(true);
    for _ in 0..20 {
        for seg in write(&mut peer, id, 40) {
            peer.note(&seg);
        }
        peer.wait(Duration::from_millis(100));
        peer.send(&peer.seg());
        for seg in peer.replies() {
            peer.note(&seg);
        }
        peer.send(&peer.seg());
    }
    while peer.host.stack.info(id).unwrap().unacked > 0 {
        peer.wait(Duration::from_millis(100));
        peer.rcv = peer.replies().last().map_or(peer.rcv, Seg::end);
        peer.send(&peer.seg());
    }
    assert!(peer.host.stack.info(id).unwrap().cwnd > 20 * MSS);
    peer.wait(Duration::from_secs(120));
    let sent = write(&mut peer, id, 40);
    assert_eq!(sent.len(), 10, "no burst of an old window");
}

/// One segment in a hundred is lost, both ways, while both send: nothing else is sent twice.
#[test]
fn nothing_is_sent_twice_without_need() {
    for sack in [true, false] {
        let configs = [A, B].map(|side| {
            let mut config = config(side);
            config.tcp.sack = sack;
            config.tcp.timestamps = false;
            config.tcp.recv_buffer = BufferConfig {
                initial: 1 << 20,
                max: 1 << 20,
            };
            config.tcp.send_buffer = BufferConfig {
                initial: 1 << 20,
                max: 1 << 20,
            };
            config
        });
        let [a, b] = configs;
        let mut world = World::with(a, b);
        let ids = world.establish();
        let mut lost = [false; 2];
        let mut count = [0; 2];
        world.pass = Some(Box::new(move |side, seg| {
            let side = side as usize;
            count[side] += u32::from(!seg.text.is_empty());
            let lose = count[side] == 50 && !lost[side];
            lost[side] |= lose;
            !lose
        }));
        let bytes = STREAM.bytes(0, 500_000);
        world.write(A, ids.0, &bytes);
        world.write(B, ids.1, &bytes);
        world.run_for(Duration::from_secs(20));
        for (side, id) in [(A, ids.0), (B, ids.1)] {
            assert_eq!(world.read(side, id), bytes);
            let info = world.stack(side).info(id).unwrap();
            // Whole, though SACK blocks want some of the room.
            assert_eq!(
                (info.retransmits, info.bytes_retransmitted),
                (1, 1460),
                "sack {sack}"
            );
            assert_eq!(
                world.stack(side).stats().retransmission_timeouts,
                0,
                "sack {sack}"
            );
        }
    }
}

/// The loss of a whole burst is repaired by SACK without a timeout.
#[test]
fn a_burst_of_losses_is_repaired_without_a_timeout() {
    let mut world = World::with(
        StackConfig {
            addrs: config(A).addrs,
            ..settings()
        },
        settings(),
    );
    let (a, b) = world.establish();
    let mut count = 0;
    world.pass = Some(Box::new(move |side, seg| {
        count += u32::from(side == A && !seg.text.is_empty());
        !(100..110).contains(&count) || seg.text.is_empty()
    }));
    let bytes = STREAM.bytes(0, 600_000);
    let mut received = Vec::new();
    world.write(A, a, &bytes);
    world.run_to(Duration::from_secs(60), |world| {
        received.extend(world.read(B, b));
        received.len() == bytes.len()
    });
    assert_eq!(received, bytes);
    let info = world.stack(A).info(a).unwrap();
    // Ten, and perhaps the rescue of RFC 6675 §4 (4), which keeps the acknowledgements coming.
    assert!(
        (10..=11).contains(&info.retransmits),
        "{}",
        info.retransmits
    );
    assert_eq!(world.stack(A).stats().retransmission_timeouts, 0);
}
