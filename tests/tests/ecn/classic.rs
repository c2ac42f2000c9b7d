//! RFC 3168, as receiver and as sender.

use estab_proto::SeqNumber;
use estab_proto::wire::EcnCodepoint::{Ce, Ect0, NotEct};
use estab_proto::wire::Flags;
use estab_tests::{Peer, Seg};

use crate::{MSS, classic, info, millis, tick};

/// The peer sends `len` bytes in one segment, marked or not.
fn data(peer: &mut Peer, marked: bool, flags: Flags) {
    let seg = peer.seg().ctl(flags).text(vec![7; 100]);
    peer.nxt = seg.end();
    peer.send(&seg.with_ecn(if marked { Ce } else { Ect0 }));
}

// proves RFC3168-6.1.3#1
#[test]
fn ece_goes_on_every_segment_until_cwr() {
    let (mut peer, id, _) = classic(|_| ());
    data(&mut peer, false, Flags::empty());
    assert_eq!(peer.reply().ctl, Flags::ACK);
    data(&mut peer, true, Flags::empty());
    assert_eq!(peer.reply().ctl, Flags::ACK | Flags::ECE);
    for _ in 0..3 {
        data(&mut peer, false, Flags::empty());
        assert_eq!(peer.reply().ctl, Flags::ACK | Flags::ECE);
    }
    peer.write(id, b"answer");
    let answer = peer.reply();
    assert!(answer.has(Flags::ECE), "data too");
    peer.note(&answer);
    data(&mut peer, true, Flags::CWR);
    assert!(
        peer.reply().has(Flags::ECE),
        "CWR is older than the mark beside it"
    );
    data(&mut peer, false, Flags::CWR);
    assert_eq!(peer.reply().ctl, Flags::ACK);
    assert_eq!(info(&peer, id).received_ce, 2);
    assert_eq!(peer.host.stack.stats().ce_in, 2);
}

// proves RFC3168-6.1.3#2
#[test]
fn a_delayed_ack_reports_the_mark_of_any_segment_it_covers() {
    let (mut peer, _, _) = classic(|tcp| tcp.delayed_ack.quick_segments = 0);
    // The first mark is told at once; more wait for company.
    data(&mut peer, true, Flags::empty());
    assert!(peer.reply().has(Flags::ECE));
    data(&mut peer, false, Flags::CWR);
    assert!(!peer.reply().has(Flags::ECE));
    let marked = peer.seg().text(vec![7; 100]).with_ecn(Ce);
    peer.nxt = marked.end();
    let other = peer.seg().text(vec![7; 100]).with_ecn(Ect0);
    peer.nxt = other.end();
    peer.send_burst(&[marked, other]);
    let ack = peer.reply();
    assert_eq!((ack.ack, ack.has(Flags::ECE)), (peer.nxt, true));
}

// proves RFC3168-6.1.4, RFC3168-6.1.5, RFC3168-6.1.6
#[test]
fn marks_on_what_cannot_be_marked() {
    let (mut peer, id, _) = classic(|_| ());
    // A bare ACK.
    peer.send(&peer.seg().with_ecn(Ce));
    // A duplicate of what came already, and what lies beyond the window.
    data(&mut peer, false, Flags::empty());
    peer.replies();
    let old = peer.seg().seq(peer.nxt.back(100)).text(vec![7; 100]);
    peer.send(&old.with_ecn(Ce));
    let ahead = peer.seg().seq(peer.nxt + 10_000_000).text(vec![7; 100]);
    peer.send(&ahead.with_ecn(Ce));
    assert!(peer.replies().iter().all(|ack| !ack.has(Flags::ECE)));
    data(&mut peer, false, Flags::empty());
    assert_eq!(peer.reply().ctl, Flags::ACK);
    assert_eq!(info(&peer, id).ecn, estab_proto::EcnMode::Classic);
}

// proves RFC3168-6.1.6
#[test]
fn a_marked_window_probe_is_reported() {
    let (mut peer, _, _) = classic(|tcp| {
        tcp.recv_buffer = estab_proto::config::BufferConfig {
            initial: 1000,
            max: 1000,
        };
    });
    let full = peer.seg().text(vec![7; 1000]).with_ecn(Ect0);
    peer.nxt = full.end();
    peer.send(&full);
    assert_eq!(peer.replies().last().unwrap().wnd, 0);
    peer.send(&peer.seg().text(b"p".as_slice()).with_ecn(Ce));
    let ack = peer.reply();
    assert_eq!((ack.ack, ack.has(Flags::ECE)), (peer.nxt, true));
}

/// The host writes, and everything it sends is returned.
fn burst(peer: &mut Peer, id: estab_proto::ConnId, segments: usize) -> Vec<Seg> {
    peer.write(id, &vec![1; segments * MSS as usize]);
    peer.replies()
}

/// The peer acknowledges up to `ack`, with these flags.
fn acknowledge(peer: &mut Peer, ack: SeqNumber, flags: Flags) -> Vec<Seg> {
    tick(peer);
    peer.rcv = ack;
    peer.send(&peer.seg().ctl(flags));
    peer.replies()
}

// proves RFC3168-6.1.2#1, RFC3168-6.1.2#2, RFC3168-6.1.2#3, RFC8511-3
#[test]
fn one_mark_one_reduction() {
    let (mut peer, id, base) = classic(|tcp| tcp.timestamps = false);
    let sent = burst(&mut peer, id, 40);
    assert_eq!(sent.len(), 10);
    assert!(sent.iter().all(|seg| seg.ecn() == Ect0));
    peer.wait(millis(50));
    let before = info(&peer, id);
    let out = acknowledge(&mut peer, base + MSS, Flags::ECE);
    let after = info(&peer, id);
    assert_eq!(after.ssthresh, before.cwnd * 8 / 10, "0.8 of what was out");
    assert!(
        out.iter().all(|seg| seg.seq.after_eq(base + 10 * MSS)),
        "nothing again"
    );
    // The whole window reports it: that is the same mark.
    let mut new = out;
    for n in 2..=10 {
        new.extend(acknowledge(&mut peer, base + n * MSS, Flags::ECE));
        assert_eq!(info(&peer, id).ssthresh, after.ssthresh);
        assert!(info(&peer, id).cwnd <= before.cwnd, "no growth");
    }
    assert!(new.iter().all(|seg| seg.ecn() == Ect0));
    let cwr: Vec<_> = new.iter().map(|seg| seg.has(Flags::CWR)).collect();
    assert_eq!(cwr.iter().filter(|cwr| **cwr).count(), 1);
    assert!(cwr[0], "on the first new data");
    assert_eq!(info(&peer, id).cwnd, after.ssthresh);
    assert_eq!(info(&peer, id).delivered_ce, 10);
    // What was sent after the reduction may be marked again.
    acknowledge(&mut peer, base + 11 * MSS, Flags::ECE);
    assert!(info(&peer, id).ssthresh < after.ssthresh);
}

// proves RFC3168-6.1.5, RFC3168-6.1.2#3
#[test]
fn what_is_sent_again_is_not_ecn_capable_and_has_no_cwr() {
    let (mut peer, id, base) = classic(|tcp| tcp.timestamps = false);
    burst(&mut peer, id, 20);
    peer.wait(millis(50));
    let mut out = Vec::new();
    for n in 2..=10 {
        tick(&mut peer);
        let seg = peer.seg().sack(base + MSS, base + n * MSS);
        peer.send(&seg);
        out.extend(peer.replies());
    }
    let (again, new): (Vec<_>, Vec<_>) = out.iter().partition(|seg| seg.seq == base);
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].ecn(), again[0].has(Flags::CWR)), (NotEct, false));
    assert!(!new.is_empty());
    assert!(new.iter().all(|seg| seg.ecn() == Ect0));
    assert!(
        new.iter().any(|seg| seg.has(Flags::CWR)),
        "a loss counts as well"
    );
}

// proves RFC3168-6.1.4, RFC3168-6.1.6, RFC8311-4.3
#[test]
fn only_new_data_is_ecn_capable() {
    let (mut peer, id, _) = classic(|_| ());
    data(&mut peer, false, Flags::empty());
    assert_eq!(peer.reply().ecn(), NotEct, "a bare ACK");
    peer.wnd = 0;
    peer.send(&peer.seg());
    peer.write(id, b"waits");
    let (_, probe) = peer.wait_for_segment(millis(60_000));
    assert!(probe.text.is_empty());
    assert_eq!(probe.ecn(), NotEct, "a window probe");
    peer.wnd = 60_000;
    peer.send(&peer.seg());
    assert_eq!(peer.reply().ecn(), Ect0);
    let (_, again) = peer.wait_for_segment(millis(60_000));
    assert_eq!(again.ecn(), NotEct, "sent again");
    peer.on(|stack, now| stack.abort(now, id));
    let reset = peer.reply();
    assert!(reset.has(Flags::RST));
    assert_eq!(reset.ecn(), NotEct, "a RST");
}

/// The Diffserv field is the application's, the two bits below are ECN's.
#[test]
fn the_diffserv_field_stays_beside_it() {
    let (mut peer, id, _) = classic(|tcp| tcp.tos = 0xff);
    peer.write(id, b"x");
    assert_eq!(peer.reply().tos, 0xfc | 0b10);
    peer.on(|stack, now| stack.set_tos(now, id, 0x2b)).unwrap();
    peer.write(id, b"y");
    tick(&mut peer);
    peer.rcv += 1;
    peer.send(&peer.seg());
    assert_eq!(peer.reply().tos, 0x28 | 0b10);
    assert_eq!(peer.host.stack.tos(id), Some(0x28));
}

// proves RFC3168-6.1.2#4, RFC9438-4.6#3
#[test]
fn a_mark_at_a_window_of_one_segment_waits_for_the_timer() {
    let (mut peer, id, base) = classic(|tcp| {
        tcp.recovery.tail_loss_probe = false;
        tcp.recovery.frto = false;
        tcp.recovery.undo = false;
    });
    burst(&mut peer, id, 10);
    // Everything is lost: the window collapses to one segment.
    let (_, again) = peer.wait_for_segment(millis(10_000));
    assert_eq!(again.seq, base);
    assert_eq!(info(&peer, id).cwnd, MSS - 12);
    peer.write(id, &[2; 5000]);
    tick(&mut peer);
    let all = base + info(&peer, id).unacked;
    let out = acknowledge(&mut peer, all, Flags::ECE);
    assert!(out.is_empty(), "held: {out:?}");
    let rto = info(&peer, id).rto;
    let since = peer.now;
    let (at, next) = peer.wait_for_segment(millis(10_000));
    assert_eq!(at - since, rto);
    assert!(next.seq.after(base) && !next.text.is_empty());
    assert_eq!(
        peer.host.stack.stats().retransmission_timeouts,
        1,
        "that was none"
    );
}
