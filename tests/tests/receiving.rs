//! What a receiver takes, says and promises.

use std::time::Duration;

use estab_proto::config::{BufferConfig, StackConfig};
use estab_proto::wire::{Flags, TcpOptions, Timestamps};
use estab_proto::{ConnId, Event, SeqNumber, State};
use estab_tests::pattern::Pattern;
use estab_tests::rng::Rng;
use estab_tests::world::{B, config};
use estab_tests::{Peer, Seg};

const STREAM: Pattern = Pattern::new(815);

fn with_buffer(bytes: u32) -> StackConfig {
    let mut config = config(B);
    config.tcp.recv_buffer = BufferConfig {
        initial: bytes,
        max: bytes,
    };
    config
}

fn with_sack() -> (Peer, ConnId) {
    let opts = TcpOptions {
        mss: Some(1460),
        sack_permitted: true,
        ..TcpOptions::default()
    };
    Peer::listening(with_buffer(60_000)).open(opts)
}

/// Sends bytes `from..to` of the stream, whose start is at `base`.
fn send(peer: &mut Peer, base: SeqNumber, from: u32, to: u32) {
    let text = STREAM.bytes(u64::from(from), (to - from) as usize);
    peer.send(&peer.seg().seq(base + from).text(text));
}

/// The SACK blocks of a segment as offsets from `base`.
fn blocks(seg: &Seg, base: SeqNumber) -> Vec<(u32, u32)> {
    seg.opts
        .sack
        .iter()
        .map(|block| (block.left - base, block.right - base))
        .collect()
}

#[test]
fn the_newest_block_comes_first() {
    let (mut peer, _) = with_sack();
    let base = peer.nxt;
    send(&mut peer, base, 1000, 2000);
    assert_eq!(blocks(&peer.reply(), base), [(1000, 2000)]);
    send(&mut peer, base, 3000, 4000);
    assert_eq!(blocks(&peer.reply(), base), [(3000, 4000), (1000, 2000)]);
    send(&mut peer, base, 5000, 6000);
    assert_eq!(
        blocks(&peer.reply(), base),
        [(5000, 6000), (3000, 4000), (1000, 2000)]
    );
    send(&mut peer, base, 2000, 2500);
    assert_eq!(
        blocks(&peer.reply(), base),
        [(1000, 2500), (5000, 6000), (3000, 4000)]
    );
    send(&mut peer, base, 7000, 8000);
    send(&mut peer, base, 9000, 10_000);
    let last = peer.replies().pop().unwrap();
    assert_eq!(
        blocks(&last, base),
        [(9000, 10_000), (7000, 8000), (1000, 2500), (5000, 6000)]
    );
    send(&mut peer, base, 0, 1000);
    let filled = peer.reply();
    assert_eq!(filled.ack, base + 2500);
    assert_eq!(blocks(&filled, base)[0], (9000, 10_000));
}

#[test]
fn three_blocks_fit_beside_timestamps() {
    let opts = TcpOptions {
        mss: Some(1460),
        sack_permitted: true,
        timestamps: Some(Timestamps { val: 1, ecr: 0 }),
        ..TcpOptions::default()
    };
    let (mut peer, _) = Peer::listening(with_buffer(60_000)).open(opts);
    let base = peer.nxt;
    for n in 0..6 {
        send(&mut peer, base, 1000 + n * 2000, 2000 + n * 2000);
    }
    let last = peer.replies().pop().unwrap();
    assert_eq!(blocks(&last, base).len(), 3);
    assert!(last.opts.timestamps.is_some());
}

/// RFC 2883: what came twice is told once, in the first block.
// proves RFC2883-4(2)
#[test]
fn a_duplicate_is_reported_once() {
    let (mut peer, _) = with_sack();
    let base = peer.nxt;
    send(&mut peer, base, 0, 1000);
    peer.replies();
    send(&mut peer, base, 0, 1000);
    let report = peer.reply();
    assert_eq!(
        (report.ack, blocks(&report, base)),
        (base + 1000, vec![(0, 1000)])
    );
    // Beyond a hole: the duplicate first, then the block it lies in.
    send(&mut peer, base, 2000, 4000);
    peer.replies();
    send(&mut peer, base, 2500, 3000);
    assert_eq!(blocks(&peer.reply(), base), [(2500, 3000), (2000, 4000)]);
    send(&mut peer, base, 1000, 1500);
    assert_eq!(blocks(&peer.reply(), base), [(2000, 4000)], "told already");
    // Partly old, partly new.
    send(&mut peer, base, 1400, 2000);
    assert_eq!(blocks(&peer.reply(), base), [(1400, 1500)]);
}

#[test]
fn no_blocks_for_a_peer_that_did_not_ask() {
    let (mut peer, _) = Peer::established(with_buffer(60_000));
    let base = peer.nxt;
    send(&mut peer, base, 1000, 2000);
    assert_eq!(blocks(&peer.reply(), base), []);
}

/// Whatever the order, overlap and duplication: the stream is exact, and every acknowledgement is
/// true.
// proves SHLD-31, MAY-13, RFC2018-4#2, RFC2018-8
#[test]
fn any_order_is_put_together_and_every_block_is_true() {
    for seed in 0..100 {
        let mut rng = Rng::new(seed);
        let len = rng.between(1, 20_000) as u32;
        let (mut peer, id) = with_sack();
        let base = peer.nxt;
        let (mut held, mut read) = (vec![false; len as usize + 1], Vec::new());
        while read.len() < len as usize {
            let from = rng.below(u64::from(len)) as u32;
            let from = if rng.chance(0.3) {
                read.len() as u32
            } else {
                from
            };
            let to = (from + rng.between(1, 1460) as u32).min(len);
            send(&mut peer, base, from, to);
            held[from as usize..to as usize].fill(true);
            let una = held.iter().position(|held| !held).unwrap() as u32;
            for ack in peer.replies() {
                assert_eq!(ack.ack - base, una, "seed {seed}");
                for (left, right) in blocks(&ack, base) {
                    assert!(
                        held[left as usize..right as usize].iter().all(|held| *held),
                        "seed {seed}"
                    );
                    let whole = right <= una || !held[right as usize];
                    let part_of_duplicate = (left, right) == blocks(&ack, base)[0];
                    assert!(whole || part_of_duplicate, "seed {seed}: {left}..{right}");
                }
            }
            if rng.chance(0.2) {
                read.extend(peer.read(id));
                peer.replies();
            }
        }
        STREAM.check(0, &read);
    }
}

/// RFC 9293 §3.8.6.2.2: the window moves by half the buffer or by a segment, not by a byte.
// proves MUST-39
#[test]
fn a_slow_reader_sends_no_crumbs() {
    let (mut peer, id) = Peer::established(with_buffer(10_000));
    let base = peer.nxt;
    let mut sent = 0;
    while sent < 10_000 {
        let to = (sent + 1460).min(10_000);
        send(&mut peer, base, sent, to);
        sent = to;
    }
    let full = peer.replies().pop().unwrap();
    assert_eq!((full.ack, full.wnd), (base + 10_000, 0));
    let mut updates = Vec::new();
    for _ in 0..10_000 {
        let mut byte = [0];
        assert_eq!(peer.on(|stack, now| stack.recv(now, id, &mut byte)), Ok(1));
        updates.extend(peer.replies());
    }
    assert!(!updates.is_empty());
    assert!(
        updates.len() <= 7,
        "{} updates for seven segments",
        updates.len()
    );
    assert!(updates[0].wnd >= 1460);
}

// proves MUST-66
#[test]
fn what_a_closed_window_still_takes() {
    let (mut peer, id) = Peer::established(with_buffer(2000));
    let base = peer.nxt;
    send(&mut peer, base, 0, 2000);
    assert_eq!(peer.replies().pop().unwrap().wnd, 0);
    peer.nxt = base + 2000;
    peer.write(id, &[1; 1000]);
    let data = peer.reply();
    peer.wait(Duration::from_secs(1));
    peer.replies();
    // A probe's byte is refused, its acknowledgement counts (RFC 9293 MUST-66).
    peer.send(&peer.seg().ack(data.end()).text(b"x"));
    assert_eq!(peer.reply().ack, base + 2000);
    assert_eq!(peer.host.stack.info(id).unwrap().unacked, 0);
    assert_eq!(peer.host.stack.readable(id), 2000);
    // So does a RST.
    peer.send(&Seg {
        ctl: Flags::RST,
        ..peer.seg()
    });
    assert_eq!(peer.state(id), State::Closed);
}

#[test]
fn data_beyond_the_window_is_cut_off() {
    let (mut peer, id) = Peer::established(with_buffer(2000));
    let base = peer.nxt;
    let seg = peer.seg().ctl(Flags::FIN).text(STREAM.bytes(0, 2500));
    peer.send(&seg);
    assert_eq!(
        peer.replies().pop().unwrap().ack,
        base + 2000,
        "neither the rest nor the FIN"
    );
    assert_eq!(peer.state(id), State::Established);
    assert_eq!(peer.read(id), STREAM.bytes(0, 2000));
}

#[test]
fn a_fin_before_the_data_waits_for_it() {
    let (mut peer, id) = Peer::established(with_buffer(60_000));
    let base = peer.nxt;
    let fin = peer
        .seg()
        .seq(base + 1000)
        .ctl(Flags::FIN)
        .text(STREAM.bytes(1000, 500));
    peer.send(&fin);
    assert_eq!(peer.reply().ack, base);
    assert_eq!(peer.state(id), State::Established);
    send(&mut peer, base, 0, 1000);
    assert_eq!(peer.state(id), State::CloseWait);
    assert_eq!(peer.reply().ack, fin.end());
    assert_eq!(peer.read(id), STREAM.bytes(0, 1500));
    assert!(peer.at_end(id));
    // Text behind the FIN does not exist.
    peer.send(&peer.seg().seq(fin.end()).text(b"ghost"));
    assert!(peer.at_end(id));
}

/// RFC 7323 §4.3: what is echoed is the timestamp of the oldest segment not yet acknowledged.
#[test]
fn a_delayed_ack_echoes_the_first_of_its_segments() {
    let mut config = with_buffer(60_000);
    config.tcp.delayed_ack.quick_segments = 0;
    let opts = TcpOptions {
        mss: Some(1460),
        timestamps: Some(Timestamps { val: 100, ecr: 0 }),
        ..TcpOptions::default()
    };
    let (mut peer, _) = Peer::listening(config).open(opts);
    let stamped = |peer: &Peer, val: u32| {
        let seg = peer.seg();
        let ecr = seg.opts.timestamps.unwrap().ecr;
        seg.timestamps(val, ecr)
    };
    let echo = |seg: &Seg| seg.opts.timestamps.unwrap().ecr;
    // Delayed: A then B, one acknowledgement, which echoes A's.
    let base = peer.nxt;
    peer.send(&stamped(&peer, 101).text([0; 1460]));
    peer.send(&stamped(&peer, 102).seq(base + 1460).text([0; 1460]));
    assert_eq!(echo(&peer.reply()), 101);
    // A hole: C is lost, D comes; the echo stays.
    let base = base + 2920;
    peer.send(&stamped(&peer, 104).seq(base + 1000).text([0; 1000]));
    assert_eq!(echo(&peer.reply()), 101);
    // C is sent again: its timestamp is taken.
    peer.send(&stamped(&peer, 105).seq(base).text([0; 1000]));
    assert_eq!(echo(&peer.reply()), 105);
}

/// RFC 7323 §5.3: an old timestamp marks an old segment, wherever it lies; a RST is not tested.
#[test]
fn old_timestamps_are_refused() {
    let opts = TcpOptions {
        mss: Some(1460),
        timestamps: Some(Timestamps { val: 1000, ecr: 0 }),
        ..TcpOptions::default()
    };
    let (mut peer, id) = Peer::listening(with_buffer(60_000)).open(opts);
    let ecr = peer.timestamps.unwrap().ecr;
    peer.send(&peer.seg().timestamps(999, ecr).text(b"old"));
    assert_eq!(peer.reply().ack, peer.nxt, "answered, not taken");
    assert_eq!(peer.host.stack.readable(id), 0);
    assert_eq!(peer.host.stack.stats().drop_tcp_paws, 1);
    // Without a timestamp it is taken: some old peers forget.
    let mut bare = peer.seg().text(b"bare");
    bare.opts.timestamps = None;
    peer.send(&bare);
    assert_eq!(peer.read(id), b"bare");
    peer.nxt = bare.end();
    // After 24 days of silence nobody knows what is old.
    peer.wait(Duration::from_secs(24 * 86_400 + 1));
    peer.replies();
    peer.send(&peer.seg().timestamps(1, ecr).text(b"young again"));
    assert_eq!(peer.read(id), b"young again");
    peer.replies();
    peer.send(&Seg {
        ctl: Flags::RST,
        ..peer.seg().seq(peer.nxt + 11).timestamps(0, 0)
    });
    assert_eq!(peer.state(id), State::Closed);
}

// proves MUST-30, MUST-33, MUST-62
#[test]
fn urgent_bytes_stay_in_the_stream() {
    let (mut peer, id) = Peer::established(with_buffer(60_000));
    let mut seg = peer.seg().ctl(Flags::URG).text(b"0123456789");
    seg.up = 4;
    peer.nxt = seg.end();
    peer.send(&seg);
    assert!(peer.host.events.contains(&Event::Urgent(id)));
    assert_eq!(peer.host.stack.urgent_remaining(id), Some(4));
    assert_eq!(peer.read(id), b"0123456789");
    assert_eq!(peer.host.stack.urgent_remaining(id), None);
    peer.replies();

    let sent = peer.on(|stack, now| stack.send_urgent(now, id, b"hurry"));
    assert_eq!(sent, Ok(5));
    let seg = peer.reply();
    assert!(seg.has(Flags::URG));
    assert_eq!(
        (seg.up, seg.text.as_slice()),
        (5, &b"hurry"[..]),
        "just after the last byte"
    );
}

#[test]
fn bytes_can_be_looked_at_and_taken_as_chunks() {
    let (mut peer, id) = Peer::established(with_buffer(5000));
    let base = peer.nxt;
    for (from, to) in [(0, 1460), (1460, 2920), (2920, 4380), (4380, 5000)] {
        send(&mut peer, base, from, to);
    }
    assert_eq!(peer.replies().pop().unwrap().wnd, 0);
    let mut look = [0; 100];
    assert_eq!(peer.host.stack.peek(id, &mut look), Ok(100));
    assert_eq!(look, STREAM.bytes(0, 100)[..]);
    let mut taken = Vec::new();
    while let Ok(Some(chunk)) = peer.on(|stack, _| stack.take_chunk(id)) {
        taken.extend_from_slice(&chunk);
    }
    STREAM.check(0, &taken);
    assert_eq!(taken.len(), 5000);
    peer.expect_silence();
    peer.on(|stack, now| stack.consumed(now, id, 5000));
    assert_eq!(
        peer.reply().wnd,
        5000,
        "room again only when they are done with"
    );
}

/// A receiver whose reader keeps up lets the window grow with what arrives in a round trip.
#[test]
fn the_buffer_grows_with_the_path() {
    let mut config = config(B);
    config.tcp.recv_buffer = BufferConfig {
        initial: 64 << 10,
        max: 4 << 20,
    };
    let mut a = estab_tests::world::config(estab_tests::A);
    a.tcp.send_buffer = BufferConfig {
        initial: 4 << 20,
        max: 4 << 20,
    };
    let mut world = estab_tests::World::with(a, config);
    let (client, server) = world.establish();
    let mut offset = 0;
    for _ in 0..400 {
        let room = world.stack(estab_tests::A).send_room(client);
        let bytes = STREAM.bytes(offset, room.min(1 << 20));
        if !bytes.is_empty() {
            world.write(estab_tests::A, client, &bytes);
            offset += bytes.len() as u64;
        }
        world.run_for(Duration::from_millis(5));
        world.read(B, server);
    }
    let info = world.stack(B).info(server).unwrap();
    assert!(info.recv_capacity > 512 << 10, "{}", info.recv_capacity);
    assert!(info.recv_capacity <= 4 << 20);
}
