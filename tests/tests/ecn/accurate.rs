//! RFC 9768, as receiver and as sender.

use estab_proto::wire::EcnCodepoint::{Ce, Ect0, Ect1, NotEct};
use estab_proto::wire::{AccEcn, AccEcnOrder, Flags};
use estab_proto::{ConnId, SeqNumber};
use estab_tests::{Peer, Seg};

use crate::{MSS, accurate, ace, asked, info, millis, settings, tick};
use estab_proto::config::Ecn;

/// Payload of a full segment beside timestamps.
const FULL: u32 = MSS - 12;

fn data(peer: &mut Peer, field: estab_proto::wire::EcnCodepoint) {
    let seg = ace(peer, 5).text(vec![7; 100]);
    peer.nxt = seg.end();
    peer.send(&seg.with_ecn(field));
}

// proves RFC9768-3.2,3.2.2, RFC9768-3.1.5#3
#[test]
fn each_segment_tells_how_many_came_marked() {
    let (mut peer, id, _) = accurate(|_| ());
    data(&mut peer, Ect0);
    assert_eq!(peer.reply().ctl.ace(), 5);
    for n in 1..=10u8 {
        data(&mut peer, Ce);
        let ack = peer.reply();
        assert_eq!(ack.ctl, Flags::ACK.with_ace(5 + n));
    }
    assert_eq!(info(&peer, id).received_ce, 10);
    // A marked ACK counts as well; the bits are no CWR.
    peer.send(&ace(&peer, 7).with_ecn(Ce));
    peer.expect_silence();
    data(&mut peer, Ect0);
    assert_eq!(peer.reply().ctl.ace(), (5 + 11) & 7);
    // What is not acceptable does not.
    let old = ace(&peer, 5).seq(peer.nxt.back(100)).text(vec![7; 100]);
    peer.send(&old.with_ecn(Ce));
    assert_eq!(peer.reply().ctl.ace(), (5 + 11) & 7);
    // A RST tells it too.
    peer.on(|stack, now| stack.abort(now, id));
    let reset = peer.reply();
    assert_eq!(
        (reset.has(Flags::RST), reset.ctl.ace()),
        (true, (5 + 11) & 7)
    );
}

// proves RFC9768-3.2.2.5.1
#[test]
fn marks_on_bare_acks_are_told_at_the_third() {
    let (mut peer, _, _) = accurate(|_| ());
    for n in 1..=9u32 {
        tick(&mut peer);
        peer.send(&ace(&peer, 5).with_ecn(Ce));
        match n % 3 {
            0 => {
                let ack = peer.reply();
                assert!(
                    ack.opts.sack.is_empty(),
                    "it must not look like a duplicate"
                );
                assert_eq!(u32::from(ack.ctl.ace()), (5 + n) & 7);
            }
            _ => peer.expect_silence(),
        }
    }
}

/// Beside a hole too: the hole was reported when it was found.
// proves RFC9768-3.2.2.5.1
#[test]
fn an_ack_of_acks_has_no_sack_blocks() {
    let (mut peer, _, _) = accurate(|_| ());
    let ahead = ace(&peer, 5).seq(peer.nxt + 1000).text(vec![7; 100]);
    peer.send(&ahead.with_ecn(Ect0));
    assert_eq!(peer.reply().opts.sack.len(), 1);
    for _ in 0..3 {
        tick(&mut peer);
        peer.send(&ace(&peer, 5).with_ecn(Ce));
    }
    let ack = peer.reply();
    assert_eq!((ack.ctl.ace(), ack.opts.sack.len()), (0, 0));
    let more = ace(&peer, 5).seq(peer.nxt + 1100).text(vec![7; 100]);
    peer.send(&more.with_ecn(Ect0));
    assert_eq!(peer.reply().opts.sack.len(), 1, "the next has them again");
}

// proves RFC9768-3.2.3, RFC9768-3.2.1
#[test]
fn the_option_tells_bytes() {
    let (mut peer, _, _) = accurate(|_| ());
    let mut counters = |field| {
        data(&mut peer, field);
        let option = peer.reply().opts.accecn;
        option.map(|it| (it.e0b(), it.ceb(), it.e1b()))
    };
    assert_eq!(counters(Ect0), Some((Some(101), Some(0), Some(1))));
    assert_eq!(counters(Ce), Some((Some(101), Some(100), Some(1))));
    assert_eq!(counters(Ect0), Some((Some(201), Some(100), None)));
    assert_eq!(counters(Ect1), Some((Some(201), Some(100), Some(101))));
}

// proves RFC9768-3.2.3.3
#[test]
fn two_sack_blocks_come_first() {
    let (mut peer, _, _) = accurate(|_| ());
    let mut hole = |n: u32, field| {
        let seg = ace(&peer, 5).seq(peer.nxt + n * 1000).text(vec![7; 100]);
        peer.send(&seg.with_ecn(field));
        peer.reply().opts
    };
    // The first options are long: beside one block there is room, beside two there is not.
    let opts = hole(1, Ect0);
    assert_eq!(
        (opts.sack.len(), opts.accecn.map(|it| it.len())),
        (1, Some(11))
    );
    let opts = hole(3, Ce);
    assert_eq!((opts.sack.len(), opts.accecn), (2, None));
    let opts = hole(5, Ect0);
    assert_eq!(opts.sack.len(), 3, "{opts:?}");
}

#[test]
fn a_short_option_leaves_two_sack_blocks() {
    let (mut peer, id, _) = accurate(|_| ());
    // The long options have gone out with these.
    for _ in 0..3 {
        data(&mut peer, Ect0);
        peer.reply();
    }
    let mut last = None;
    for n in [1u32, 3, 5, 7] {
        let seg = ace(&peer, 5).seq(peer.nxt + n * 1000).text(vec![7; 100]);
        peer.send(&seg.with_ecn(if n == 7 { Ce } else { Ect0 }));
        last = Some(peer.reply().opts);
    }
    let opts = last.unwrap();
    assert_eq!(opts.sack.len(), 2);
    assert_eq!(opts.accecn.unwrap().ceb(), Some(100));
    assert_eq!(info(&peer, id).received_ce, 1);
}

fn acknowledge(peer: &mut Peer, ack: SeqNumber, count: u32, option: Option<[u32; 2]>) -> Vec<Seg> {
    tick(peer);
    peer.rcv = ack;
    let mut seg = ace(peer, (count & 7) as u8);
    seg.opts.accecn = option.map(|counters| AccEcn::new(AccEcnOrder::E0bFirst, &counters));
    peer.send(&seg);
    peer.replies()
}

fn burst(peer: &mut Peer, id: ConnId, segments: u32) -> Vec<Seg> {
    peer.write(id, &vec![1; (segments * FULL) as usize]);
    peer.replies()
}

// proves RFC9768-3.1.5#3, RFC8511-3
#[test]
fn a_count_that_moves_reduces_once_a_round_trip() {
    let (mut peer, id, base) = accurate(|_| ());
    let sent = burst(&mut peer, id, 60);
    assert!(
        sent.iter()
            .all(|seg| seg.ecn() == Ect0 && seg.ctl.ace() == 5)
    );
    let end = sent.last().unwrap().end();
    peer.wait(millis(50));
    let before = info(&peer, id);
    let mut out = acknowledge(&mut peer, base + 2 * FULL, 6, None);
    let reduced = info(&peer, id).ssthresh;
    assert!(reduced < before.cwnd && reduced > before.cwnd / 2);
    for n in 3..9 {
        out.extend(acknowledge(&mut peer, base + n * FULL, 4 + n, None));
        assert_eq!(info(&peer, id).ssthresh, reduced);
    }
    assert_eq!(info(&peer, id).delivered_ce, 7);
    assert_eq!(peer.host.stack.stats().ce_reported, 7);
    assert!(out.iter().all(|seg| seg.ctl.ace() == 5), "no CWR");
    out.extend(acknowledge(&mut peer, end, 12, None));
    assert_eq!(info(&peer, id).ssthresh, reduced);
    let next = out.first().unwrap().end();
    acknowledge(&mut peer, next, 13, None);
    assert!(info(&peer, id).ssthresh < reduced, "the next round trip");
}

// proves RFC9768-3.2.2.5.2, RFC9768-3.2.3
#[test]
fn a_long_ack_is_read_on_the_safe_side_unless_the_option_knows() {
    for (option, marked) in [(None, 8), (Some([1 + 8 * FULL, 0]), 0)] {
        let (mut peer, id, _) = accurate(|_| ());
        let sent = burst(&mut peer, id, 9);
        peer.wait(millis(50));
        acknowledge(&mut peer, sent[7].end(), 5, option);
        assert_eq!(info(&peer, id).delivered_ce, marked, "{option:?}");
    }
}

/// What was overtaken on the way says nothing: its count is behind.
#[test]
fn an_old_ack_is_not_seven_marks() {
    let (mut peer, id, base) = accurate(|_| ());
    burst(&mut peer, id, 8);
    peer.wait(millis(50));
    tick(&mut peer);
    peer.rcv = base + FULL;
    let old = ace(&peer, 5);
    acknowledge(&mut peer, base + 2 * FULL, 6, None);
    assert_eq!(info(&peer, id).delivered_ce, 1);
    peer.send(&old);
    // The same number, an older time.
    peer.send(&old.ack(base + 2 * FULL));
    assert_eq!(info(&peer, id).delivered_ce, 1);
}

// proves RFC9768-3.2.2.4
#[test]
fn a_path_that_clears_the_count_ends_ect() {
    let (mut peer, syn_ack) = asked(settings(Ecn::Passive, |_| ()), 0b111);
    assert_eq!(syn_ack.ctl.ace(), 0b010);
    // The handshake ends with data, so its count is one.
    let first = peer.seg().text(b"hello".to_vec()).with_ecn(Ect0);
    peer.nxt = first.end();
    peer.send(&first);
    peer.replies();
    let id = peer.accept().unwrap();
    peer.write(id, b"data");
    let data = peer.reply();
    assert_eq!((data.ecn(), data.ctl.ace()), (NotEct, 5));
    // Later zeroes are counts.
    let (mut peer, id, base) = accurate(|_| ());
    burst(&mut peer, id, 4);
    acknowledge(&mut peer, base + 3 * FULL, 8, None);
    assert_eq!(info(&peer, id).delivered_ce, 3);
    peer.write(id, &[3; 5]);
    acknowledge(&mut peer, base + 4 * FULL, 8, None);
    assert!(peer.host.stack.info(id).unwrap().delivered_ce == 3);
}

// proves RFC3168-6.1.5, RFC3168-6.1.4
#[test]
fn only_new_data_is_ecn_capable() {
    let (mut peer, id, base) = accurate(|_| ());
    data(&mut peer, Ect0);
    assert_eq!(peer.reply().ecn(), NotEct);
    burst(&mut peer, id, 3);
    let (_, again) = peer.wait_for_segment(millis(10_000));
    assert_eq!(again.ecn(), NotEct);
    assert!(again.seq.after_eq(base));
    assert_eq!(again.opts.accecn, None, "an option may be why it was lost");
}
