//! Traps 11 and 12: FIN and TIME-WAIT.

use estab_proto::wire::{Flags, TcpOptions, Timestamps};
use estab_proto::{SeqNumber, State};
use estab_tests::world::{B, config};
use estab_tests::{Peer, Seg};

use crate::{established, fixed, seconds};

/// A FIN is one number behind the last byte: taken in order only, at a closed window too, sent
/// once, and repeated with its own number.
#[test]
fn trap_11_fin() {
    // Before the data.
    let (mut peer, id) = established(|tcp| tcp.recv_buffer = fixed(2000));
    let base = peer.nxt;
    peer.send(&peer.seg().seq(base + 1000).ctl(Flags::FIN));
    assert_eq!(peer.reply().ack, base);
    assert_eq!(peer.state(id), State::Established);
    peer.send(&peer.seg().text([1; 1000]));
    assert_eq!(peer.replies().pop().unwrap().ack, base + 1001);
    assert_eq!(peer.state(id), State::CloseWait);
    // Text behind it, and the FIN again with a part of the data.
    peer.send(&peer.seg().seq(base + 1001).text(b"ghost"));
    peer.send(&peer.seg().seq(base + 990).text([1; 10]).ctl(Flags::FIN));
    assert_eq!(peer.read(id).len(), 1000);
    assert!(peer.at_end(id));
    peer.replies();
    // CLOSE in CLOSE-WAIT leads to LAST-ACK; a second CLOSE sends no second FIN.
    peer.nxt = base + 1001;
    peer.write(id, b"rest");
    peer.on(|stack, now| stack.shutdown(now, id)).unwrap();
    peer.on(|stack, now| stack.shutdown(now, id)).unwrap();
    let sent = peer.replies();
    let fins: Vec<_> = sent.iter().filter(|seg| seg.has(Flags::FIN)).collect();
    assert_eq!(fins.len(), 1);
    assert_eq!(peer.state(id), State::LastAck);
    let fin = fins[0].end().back(1);
    // Only the FIN is lost.
    peer.rcv = fin;
    peer.send(&peer.seg());
    let (_, again) = peer.wait_for_segment(seconds(5));
    assert_eq!((again.ctl & Flags::FIN, again.seq), (Flags::FIN, fin));
    peer.rcv = again.end();
    peer.send(&peer.seg());
    assert_eq!(peer.state(id), State::Closed);

    // At a closed window.
    let (mut peer, id) = established(|tcp| tcp.recv_buffer = fixed(1000));
    peer.send_text(&[1; 1000]);
    peer.send_fin();
    assert_eq!(peer.state(id), State::CloseWait);
    assert_eq!(peer.replies().pop().unwrap().ack, peer.nxt);
}

/// The host in TIME-WAIT since a moment ago; the peer's FIN.
fn time_wait(timestamps: bool) -> (Peer, SeqNumber) {
    let (mut peer, id) = Peer::listening(config(B)).open(TcpOptions {
        mss: Some(1460),
        timestamps: timestamps.then_some(Timestamps { val: 1000, ecr: 0 }),
        ..TcpOptions::default()
    });
    peer.on(|stack, now| stack.close(now, id));
    let fin = peer.reply();
    peer.note(&fin);
    let theirs = peer.nxt;
    peer.send_fin();
    peer.reply();
    assert_eq!(peer.status(), State::TimeWait);
    (peer, theirs)
}

/// Only the peer's FIN starts 2MSL over, no RST ends it, and a SYN opens anew exactly when it
/// cannot be old.
// proves MUST-13, SHLD-4, MAY-2
#[test]
fn trap_12_time_wait() {
    let restarted = |act: fn(&Peer, SeqNumber) -> Seg| {
        let (mut peer, fin) = time_wait(false);
        peer.wait(seconds(30));
        let seg = act(&peer, fin);
        peer.send(&seg);
        peer.wait(seconds(31));
        peer.status() == State::TimeWait
    };
    let rst = |peer: &Peer, _| Seg {
        ctl: Flags::RST,
        ..peer.seg()
    };
    assert!(restarted(|peer, fin| peer.seg().seq(fin).ctl(Flags::FIN)));
    assert!(!restarted(|peer, fin| peer
        .seg()
        .seq(fin.back(5))
        .text(b"old")));
    assert!(!restarted(|peer, _| peer.seg()));
    assert!(!restarted(rst));
    let (mut peer, fin) = time_wait(false);
    let seg = rst(&peer, fin);
    peer.send(&seg);
    peer.expect_silence();
    assert_eq!(peer.status(), State::TimeWait);

    let reopens = |timestamps: bool, val: Option<u32>, at: i32| {
        let (mut peer, fin) = time_wait(timestamps);
        let mut syn = peer.syn().seq(fin + at as u32);
        if let Some(val) = val {
            syn = syn.timestamps(val, 0);
        }
        peer.send(&syn);
        peer.status() == State::SynReceived
    };
    assert!(reopens(true, Some(1001), -5000), "newer");
    assert!(reopens(true, Some(1000), 1), "equal, and a higher number");
    assert!(!reopens(true, Some(1000), -1), "equal, and a lower");
    assert!(!reopens(true, Some(999), 1), "older");
    assert!(reopens(false, None, 1));
    assert!(!reopens(false, None, -1));
    assert!(reopens(false, Some(1), -1), "timestamps are new");
}
