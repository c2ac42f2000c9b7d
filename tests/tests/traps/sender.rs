//! Traps 13 to 16: loss, time and congestion.

use estab_proto::congestion::Algorithm;
use estab_proto::wire::{Flags, TcpOptions};
use estab_proto::{ConnId, SeqNumber};
use estab_tests::{Peer, Seg};

use crate::{established, fixed, millis, seconds, settings};

const MSS: u32 = 1000;

/// NewReno, segments of 1,000 bytes, 64 kB of window.
fn sender(sack: bool) -> (Peer, ConnId, SeqNumber) {
    let settings = settings(|tcp| {
        tcp.congestion = Algorithm::NewReno;
        // A probe would come before every timeout.
        tcp.recovery.tail_loss_probe = false;
        tcp.send_buffer = fixed(1 << 20);
    });
    let (peer, id) = Peer::listening(settings).open(TcpOptions {
        mss: Some(MSS as u16),
        sack_permitted: sack,
        ..TcpOptions::default()
    });
    let base = peer.rcv;
    (peer, id, base)
}

/// Duplicates carry no data, change no window and acknowledge nothing new; with SACK they bring
/// new blocks.
#[test]
fn trap_13_what_a_duplicate_is() {
    let (mut peer, id, base) = sender(false);
    peer.write(id, &[1; 10_000]);
    peer.replies();
    for n in 0..6 {
        peer.send(&peer.seg().wnd(60_000 + n));
        peer.send_text(b"the other way");
    }
    assert!(peer.replies().iter().all(|seg| seg.text.is_empty()));
    for n in 0..3 {
        peer.send(&peer.seg());
        let resent = peer.replies();
        assert_eq!(resent.iter().any(|seg| seg.seq == base), n == 2);
    }

    let (mut peer, id, base) = sender(true);
    peer.write(id, &[1; 10_000]);
    peer.replies();
    for _ in 0..10 {
        peer.send(&peer.seg());
    }
    peer.expect_silence();
    // With data, and another window: the block is what counts.
    for n in 2..5 {
        let seg = peer
            .seg()
            .sack(base + MSS, base + n * MSS)
            .text(b"!")
            .wnd(60_000);
        peer.nxt = seg.end();
        peer.send(&seg);
    }
    assert!(peer.replies().iter().any(|seg| seg.seq == base));
}

/// RTTVAR is made with the old SRTT; a retransmitted segment gives no sample and the back-off
/// stays until one comes.
// proves MUST-18
#[test]
fn trap_14_the_retransmission_timeout() {
    let (mut peer, id) = established(|_| ());
    let mut sample = |rtt: u64| {
        peer.write(id, b"x");
        let seg = peer.next_segment().unwrap();
        peer.wait(millis(rtt));
        peer.note(&seg);
        peer.send(&peer.seg());
        let info = peer.host.stack.info(id).unwrap();
        (info.rtt.unwrap(), info.rttvar.unwrap())
    };
    let (srtt, rttvar) = sample(100);
    let (next, next_var) = sample(140);
    let error = millis(140) - srtt;
    assert!(next.abs_diff((srtt * 7 + millis(140)) / 8) < millis(1));
    assert!(next_var.abs_diff((rttvar * 3 + error) / 4) < millis(1));

    let before = peer.host.stack.info(id).unwrap();
    peer.write(id, b"y");
    let lost = peer.reply();
    for _ in 0..3 {
        peer.wait_for_segment(seconds(10));
    }
    peer.note(&lost);
    peer.send(&peer.seg());
    let after = peer.host.stack.info(id).unwrap();
    assert_eq!(
        (after.rtt, after.rttvar),
        (before.rtt, before.rttvar),
        "Karn"
    );
    assert_eq!(after.rto, before.rto * 8, "kept");
    peer.write(id, b"z");
    let seg = peer.reply();
    peer.wait(millis(100));
    peer.note(&seg);
    peer.send(&peer.seg());
    assert!(peer.host.stack.info(id).unwrap().rto < before.rto * 2);
}

/// ssthresh comes from what is in flight, once a segment; idle time and a lost SYN start small.
// proves RFC5681-3.1eq.4, RFC5681-3.1#8
#[test]
fn trap_15_where_ssthresh_comes_from() {
    let (mut peer, id, _) = sender(true);
    // cwnd grows far beyond what the application then uses.
    for _ in 0..4 {
        peer.write(id, &[1; 40_000]);
        while peer.host.stack.info(id).unwrap().unsent > 0 {
            let last = peer.replies().pop().unwrap();
            peer.note(&last);
            peer.send(&peer.seg());
        }
        let last = peer.replies().pop().unwrap();
        peer.note(&last);
        peer.send(&peer.seg());
    }
    assert!(peer.host.stack.info(id).unwrap().cwnd >= 20 * MSS);
    peer.write(id, &[1; 6000]);
    peer.replies();
    peer.wait_for_segment(seconds(5));
    let first = peer.host.stack.info(id).unwrap();
    assert_eq!(first.ssthresh, 3 * MSS, "half of six in flight");
    assert_eq!(first.cwnd, MSS);
    peer.wait_for_segment(seconds(5));
    assert_eq!(peer.host.stack.info(id).unwrap().ssthresh, 3 * MSS, "held");

    let (mut peer, id, _) = sender(true);
    for _ in 0..4 {
        peer.write(id, &[1; 30_000]);
        while let Some(last) = peer.replies().pop() {
            peer.note(&last);
            peer.send(&peer.seg());
        }
    }
    peer.wait(seconds(60));
    peer.send_text(b"something comes in");
    peer.replies();
    peer.write(id, &[1; 40_000]);
    assert_eq!(peer.replies().len(), 10, "after a pause as at the start");
}

/// The newest block first, a duplicate told once; a receiver may take back what it reported.
#[test]
fn trap_16_sack_on_both_sides() {
    let (mut peer, _, _) = sender(true);
    let base = peer.nxt;
    let at = |n: u32| peer.seg().seq(base + n * MSS).text(vec![1; MSS as usize]);
    let segs: Vec<_> = (0..6).map(at).collect();
    let mut blocks = |seg: &Seg| {
        peer.send(seg);
        let blocks = peer.reply().opts.sack;
        let place = |n: SeqNumber| (n - base) / MSS;
        let pairs = blocks.iter().map(|b| (place(b.left), place(b.right)));
        pairs.collect::<Vec<_>>()
    };
    assert_eq!(blocks(&segs[1]), [(1, 2)]);
    assert_eq!(blocks(&segs[3]), [(3, 4), (1, 2)]);
    assert_eq!(blocks(&segs[5]), [(5, 6), (3, 4), (1, 2)]);
    assert_eq!(blocks(&segs[3])[0], (3, 4), "the duplicate");
    assert_eq!(blocks(&segs[4]), [(3, 6), (1, 2)], "told once");

    let (mut peer, id, base) = sender(true);
    peer.write(id, &[1; 5000]);
    peer.replies();
    peer.send(&peer.seg().sack(base, base + 2 * MSS));
    peer.send(&peer.seg().sack(base + MSS, base + 5 * MSS));
    peer.replies();
    // All of it is gone again at the receiver: the left edge goes out first after the timeout.
    let mut una = base;
    for _ in 0..50 {
        let (_, seg) = peer.wait_for_segment(seconds(130));
        if seg.seq == una && !seg.has(Flags::FIN) {
            una = seg.end();
        }
        for seg in peer.replies() {
            if seg.seq == una {
                una = seg.end();
            }
        }
        peer.send(&peer.seg().ack(una));
        if una == base + 5 * MSS {
            return;
        }
    }
    panic!("stuck\n{}", peer.trace);
}
