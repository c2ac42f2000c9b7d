//! Traps of loss recovery by time: RACK-TLP and PRR.

use estab_proto::ConnId;
use estab_proto::config::RecoveryConfig;
use estab_proto::congestion::{Algorithm, Pacing};
use estab_proto::recovery::CaState;
use estab_proto::seq::SeqNumber;
use estab_proto::wire::TcpOptions;
use estab_tests::{Peer, Seg};

use crate::{fixed, millis, settings};

const MSS: u32 = 1000;

/// A connection to a host 100 ms away that has SACK; where its stream begins.
fn far() -> (Peer, ConnId, SeqNumber) {
    let settings = settings(|tcp| {
        tcp.congestion = Algorithm::NewReno;
        tcp.pacing = Pacing::Off;
        tcp.recovery = RecoveryConfig::MODERN;
        tcp.send_buffer = fixed(1 << 20);
    });
    let mut peer = Peer::listening(settings);
    let mut syn = peer.syn();
    syn.opts = TcpOptions {
        mss: Some(MSS as u16),
        sack_permitted: true,
        ..TcpOptions::default()
    };
    peer.nxt = syn.end();
    peer.send(&syn);
    let syn_ack = peer.reply();
    peer.note(&syn_ack);
    peer.wait(millis(100));
    peer.send(&peer.seg());
    let id = peer.accept().expect("open");
    let base = peer.rcv;
    (peer, id, base)
}

/// The numbers of the segments sent, in MSS from `base`.
fn numbers(segs: &[Seg], base: SeqNumber) -> Vec<u32> {
    segs.iter().map(|seg| (seg.seq - base) / MSS).collect()
}

/// Acknowledges up to segment `ack` and reports those from `left` to `right`; what is sent then.
fn report(peer: &mut Peer, base: SeqNumber, ack: u32, left: u32, right: u32) -> Vec<u32> {
    let at = |n: u32| base + n * MSS;
    let mut seg = peer.seg().ack(at(ack));
    if left < right {
        seg = seg.sack(at(left), at(right));
    }
    peer.send(&seg);
    numbers(&peer.replies(), base)
}

fn is_in(peer: &Peer, id: ConnId, state: CaState) -> bool {
    peer.host.stack.info(id).expect("open").ca_state == state
}

/// No window until reordering is seen, a timer after that; equal times are told apart by their
/// numbers, and a retransmission is judged like anything else.
// proves RFC8985-3.3.2#1, RFC8985-3.3.2#2, RFC8985-6.2step2, RFC8985-6.2step3, RFC8985-6.2step5#1, RFC8985-6.2step5#2, RFC8985-9.2
#[test]
fn trap_17_the_reordering_window_of_rack() {
    // A single loss: the third report, and no later.
    let (mut peer, id, base) = far();
    peer.write(id, &[1; 10 * MSS as usize]);
    peer.replies();
    peer.wait(millis(100));
    assert_eq!(report(&mut peer, base, 0, 1, 2), []);
    assert_eq!(report(&mut peer, base, 0, 1, 3), []);
    assert_eq!(report(&mut peer, base, 0, 1, 4), [0]);

    // Sent in one moment, what has a higher number than anything reported is not lost.
    let (mut peer, id, base) = far();
    peer.write(id, &[1; 10 * MSS as usize]);
    peer.replies();
    peer.wait(millis(100));
    let mut again = report(&mut peer, base, 0, 3, 6);
    again.extend(report(&mut peer, base, 0, 3, 7));
    again.extend(report(&mut peer, base, 0, 3, 8));
    assert_eq!(again, [0, 1, 2]);

    // Two overtake one by an eighth of a round trip: nothing is sent again. From then on three
    // reports are not enough: a quarter of a round trip passes, without another acknowledgement.
    let (mut peer, id, base) = far();
    peer.write(id, &[1; 10 * MSS as usize]);
    peer.replies();
    peer.wait(millis(100));
    assert_eq!(report(&mut peer, base, 0, 1, 3), []);
    peer.wait(millis(12));
    assert_eq!(report(&mut peer, base, 3, 0, 0), []);
    assert_eq!(report(&mut peer, base, 3, 4, 8), []);
    assert!(is_in(&peer, id, CaState::Disorder));
    let before = peer.now;
    let (at, seg) = peer.wait_for_segment(millis(100));
    assert_eq!((seg.seq - base) / MSS, 3);
    assert!(
        (millis(24)..=millis(40)).contains(&(at - before)),
        "{:?}",
        at - before
    );

    // The retransmission is lost as well: what was sent after it tells, not the timer.
    let (mut peer, id, base) = far();
    peer.write(id, &[1; 30 * MSS as usize]);
    peer.replies();
    peer.wait(millis(100));
    assert_eq!(report(&mut peer, base, 0, 1, 6), [0]);
    assert_eq!(report(&mut peer, base, 0, 1, 7), [10]);
    peer.wait(millis(100));
    let again = report(&mut peer, base, 0, 1, 11);
    assert_eq!(again[0], 0);
    assert_eq!(peer.host.stack.stats().retransmission_timeouts, 0);
}

/// One probe for a round trip, of the last segment, whatever the window; the timeout after it.
// proves RFC8985-7.2, RFC8985-7.3#1, RFC8985-7.3#2, RFC8985-7.3#3, RFC8985-7.4.2, RFC8985-8
#[test]
fn trap_18_the_account_of_tail_loss_probes() {
    // The tail and its probe are lost: the timeout is next, not a second probe.
    let (mut peer, id, base) = far();
    peer.write(id, &[1; 5 * MSS as usize]);
    peer.replies();
    let start = peer.now;
    let (at, probe) = peer.wait_for_segment(millis(1000));
    assert_eq!((at - start, (probe.seq - base) / MSS), (millis(200), 4));
    let (after, first) = peer.wait_for_segment(millis(1000));
    assert_eq!((after - at, (first.seq - base) / MSS), (millis(300), 0));
    assert_eq!(peer.host.stack.stats().retransmission_timeouts, 1);

    // Not while something is reported: RACK's timer runs alone.
    let (mut peer, id, base) = far();
    peer.write(id, &[1; 5 * MSS as usize]);
    peer.replies();
    peer.wait(millis(100));
    assert_eq!(report(&mut peer, base, 3, 4, 5), []);
    let start = peer.now;
    let (at, seg) = peer.wait_for_segment(millis(1000));
    assert_eq!((at - start, (seg.seq - base) / MSS), (millis(25), 3));

    // A full congestion window does not hold the probe, the peer's window does.
    for (window, expected) in [(60_000, 10), (10_000, 9)] {
        let (mut peer, id, base) = far();
        peer.send(&peer.seg().wnd(window));
        peer.write(id, &[1; 20 * MSS as usize]);
        assert_eq!(peer.replies().len(), 10);
        let (_, probe) = peer.wait_for_segment(millis(250));
        assert_eq!((probe.seq - base) / MSS, expected);
    }

    // A repaired loss reduces once; a needless probe, as a D-SACK tells, does not.
    for is_needless in [false, true] {
        let (mut peer, id, base) = far();
        peer.write(id, &[1; 10 * MSS as usize]);
        peer.replies();
        peer.wait(millis(100));
        report(&mut peer, base, 8, 0, 0);
        peer.wait_for_segment(millis(250));
        report(&mut peer, base, 10, 0, 0);
        if is_needless {
            report(&mut peer, base, 10, 9, 10);
        }
        peer.write(id, &[1; MSS as usize]);
        peer.replies();
        peer.wait(millis(100));
        report(&mut peer, base, 11, 0, 0);
        let info = peer.host.stack.info(id).expect("open");
        assert_eq!(info.ssthresh == u32::MAX, is_needless);
    }
}

/// What was reported before does not count as in flight, everything sent counts, the first
/// acknowledgement sends, the window in the end is ssthresh.
// proves RFC9937-3, RFC9937-6.1, RFC9937-6.2#2, RFC9937-6.2#3, RFC9937-6.2#4, RFC9937-6.2#5, RFC9937-6.2#6, RFC9937-6.3, RFC9937-6.4
#[test]
fn trap_19_the_account_of_prr() {
    // Two were reported before it begins: its flight is eight. Half of what arrives is sent while
    // more than ssthresh is out, new data included in the count.
    let (mut peer, id, base) = far();
    peer.write(id, &[1; 10 * MSS as usize]);
    peer.replies();
    peer.wait(millis(100));
    report(&mut peer, base, 0, 1, 3);
    assert_eq!(report(&mut peer, base, 0, 1, 4), [0], "the first sends");
    peer.write(id, &[1; 10 * MSS as usize]);
    let mut sent = numbers(&peer.replies(), base);
    for right in 5..=10 {
        sent.extend(report(&mut peer, base, 0, 1, right));
    }
    assert_eq!(sent, [10, 11, 12, 13], "up to ssthresh and no further");
    report(&mut peer, base, 14, 0, 0);
    let info = peer.host.stack.info(id).expect("open");
    assert_eq!((info.cwnd, info.ssthresh), (5 * MSS, 5 * MSS));

    // Seven of ten lost: as much as arrives, and one more only for what is safe.
    let (mut peer, id, base) = far();
    peer.write(id, &[1; 10 * MSS as usize]);
    peer.replies();
    peer.wait(millis(100));
    assert_eq!(report(&mut peer, base, 0, 7, 10), [0, 1, 2]);
    peer.wait(millis(100));
    assert_eq!(report(&mut peer, base, 1, 7, 10), [3, 4]);

    // The application has nothing more: the window is ssthresh in the end all the same.
    let (mut peer, id, base) = far();
    peer.write(id, &[1; 10 * MSS as usize]);
    peer.replies();
    peer.wait(millis(100));
    assert_eq!(report(&mut peer, base, 0, 1, 10), [0]);
    peer.wait(millis(100));
    report(&mut peer, base, 10, 0, 0);
    let info = peer.host.stack.info(id).expect("open");
    assert_eq!((info.cwnd, info.ssthresh), (5 * MSS, 5 * MSS));
    assert!(is_in(&peer, id, CaState::Open));
}
