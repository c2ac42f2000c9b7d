//! Delay spikes and reordering on a link: nothing was lost, and nothing is paid for it.

use alloc::vec::Vec;

use estab_timer::Duration;

use super::link::{Link, MSS, Outcome};
use super::sender::Sender;
use crate::SeqNumber;
use crate::config::RecoveryConfig;
use crate::congestion::Algorithm;
use crate::recovery::{CaState, Evidence, Recovery};
use crate::wire::tcp::SackBlock;

const ISS: u32 = u32::MAX - 77_777;
const TOTAL: u32 = 400 * MSS;

/// What the peer and the rules offer.
#[derive(Clone, Copy, Debug)]
struct Peer {
    sack: bool,
    dsack: bool,
    timestamps: bool,
    rack: bool,
}

/// All combinations that make sense.
fn peers() -> Vec<Peer> {
    let mut peers = Vec::new();
    for bits in 0..16_u32 {
        let peer = Peer {
            sack: bits & 1 > 0,
            dsack: bits & 2 > 0,
            timestamps: bits & 4 > 0,
            rack: bits & 8 > 0,
        };
        if peer.sack || !(peer.dsack || peer.rack) {
            peers.push(peer);
        }
    }
    peers
}

/// A transfer without a loss, arranged by `arrange`.
fn run(peer: Peer, algorithm: Algorithm, arrange: impl FnOnce(&mut Link<'_>)) -> Outcome {
    let mut none = |_, _| false;
    let mut link = Link::new(ISS, TOTAL, algorithm, peer.sack, &mut none);
    let rules = if peer.rack {
        RecoveryConfig::MODERN
    } else {
        RecoveryConfig {
            frto: true,
            undo: true,
            ..RecoveryConfig::RFC_STRICT
        }
    };
    link.recovery = Recovery::new(SeqNumber::new(ISS), MSS, peer.sack).with_rules(&rules);
    link.timestamps = peer.timestamps;
    if peer.dsack {
        link.report_duplicates();
    }
    arrange(&mut link);
    link.run()
}

/// A spike of a second and a half fires the timer once. With or without timestamps and SACK: one
/// segment is sent again, and cwnd and ssthresh are what they were.
#[test]
fn a_delay_spike_that_fires_the_timer_is_undone() {
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic] {
        for peer in peers() {
            let outcome = run(peer, algorithm, |link| {
                link.spike = Some((Duration::from_millis(340), Duration::from_millis(1840)));
            });
            let case = (algorithm, peer, &outcome);
            assert_eq!((outcome.timeouts, outcome.retransmits), (1, 1), "{case:?}");
            assert_eq!(outcome.spurious.len(), 1, "{case:?}");
            let (spurious, cwnd, ssthresh) = outcome.spurious[0];
            assert!(spurious.timeout && spurious.undone, "{case:?}");
            let evidence = if peer.timestamps {
                Evidence::Timestamp
            } else {
                Evidence::Acknowledgments
            };
            assert_eq!(spurious.evidence, evidence, "{case:?}");
            assert_eq!((cwnd, ssthresh), outcome.before[0], "{case:?}");
            assert!(cwnd > 10 * MSS, "{case:?}");
            assert!(outcome.done_at < Duration::from_millis(2700), "{case:?}");
        }
    }
}

/// Without undoing, the same costs a flight of needless segments and the window.
#[test]
fn what_a_delay_spike_costs_otherwise() {
    let mut none = |_, _| false;
    let mut link = Link::new(ISS, TOTAL, Algorithm::NewReno, false, &mut none);
    link.spike = Some((Duration::from_millis(340), Duration::from_millis(1840)));
    let outcome = link.run();
    assert!(
        outcome.retransmits > 10 && outcome.cwnd < 60 * MSS,
        "{outcome:?}"
    );
}

/// One segment overtaken by many: fast retransmit is undone by the timestamp of the original, or when
/// the duplicate is reported.
#[test]
fn a_reordering_is_undone() {
    for peer in peers() {
        let outcome = run(peer, Algorithm::NewReno, |link| {
            link.late = |number| Duration::from_millis(if number == 60 { 40 } else { 0 });
        });
        let case = (peer, &outcome);
        assert_eq!((outcome.timeouts, outcome.episodes), (0, 1), "{case:?}");
        if !(peer.timestamps || peer.dsack) {
            assert_eq!(outcome.spurious.len(), 0, "{case:?}");
            continue;
        }
        assert_eq!(outcome.spurious.len(), 1, "{case:?}");
        let (spurious, cwnd, ssthresh) = outcome.spurious[0];
        assert!(!spurious.timeout && spurious.undone, "{case:?}");
        let (before, threshold) = outcome.before[0];
        assert_eq!((cwnd, ssthresh), (before, threshold), "{case:?}");
    }
}

/// A real loss is never taken back.
#[test]
fn a_loss_is_not_undone() {
    for peer in peers() {
        for lost in [60, 61, 120] {
            let mut drop = |number, _| number == lost;
            let mut link = Link::new(ISS, TOTAL, Algorithm::NewReno, peer.sack, &mut drop);
            let rules = RecoveryConfig {
                rack: peer.rack,
                ..RecoveryConfig::MODERN
            };
            link.recovery = Recovery::new(SeqNumber::new(ISS), MSS, peer.sack).with_rules(&rules);
            link.timestamps = peer.timestamps;
            if peer.dsack {
                link.report_duplicates();
            }
            let outcome = link.run();
            assert_eq!(outcome.spurious.len(), 0, "{peer:?} {outcome:?}");
        }
    }
}

/// A spike with a loss in it: what is lost is repaired, and whatever is undone, the end is the same.
#[test]
fn a_spike_with_a_loss_in_it_does_not_stall() {
    for peer in peers() {
        for lost in [58, 64, 70, 80] {
            let mut drop = |number, _| number == lost || number == lost + 3;
            let mut link = Link::new(ISS, TOTAL, Algorithm::Cubic, peer.sack, &mut drop);
            let rules = RecoveryConfig {
                rack: peer.rack,
                ..RecoveryConfig::MODERN
            };
            link.recovery = Recovery::new(SeqNumber::new(ISS), MSS, peer.sack).with_rules(&rules);
            link.timestamps = peer.timestamps;
            link.spike = Some((Duration::from_millis(340), Duration::from_millis(1840)));
            let outcome = link.run();
            assert!(
                outcome.done_at < Duration::from_secs(8),
                "{peer:?} {outcome:?}"
            );
        }
    }
}

/// What was sent again, and given up by a timeout, counts as in flight once more when the timeout proves
/// spurious. If it is lost in truth, what is sent after it shows that, without another timeout.
#[test]
fn a_retransmission_lost_before_an_undo_is_found_by_time() {
    let mut s = Sender::by(RecoveryConfig::MODERN, 10);
    s.wait(100);
    s.ack(0, &[(3, 10)]);
    assert_eq!(s.resend()[..], [0, 1, 2]);
    s.wait(300);
    s.time_out();
    assert_eq!(s.resend()[..], [0]);
    s.wait(1);
    let block = SackBlock {
        left: Sender::at(3),
        right: Sender::at(10),
    };
    let sample = s.input(Sender::at(1), &[block], |it| it.ts_echo = Some(1000));
    assert!(sample.spurious.is_some_and(|it| it.undone));
    assert_eq!(s.resend()[..], []);
    s.send(2);
    s.wait(100);
    s.ack(1, &[(3, 12)]);
    assert_eq!(s.resend()[..], [1, 2]);
    s.wait(100);
    s.ack(12, &[]);
    assert_eq!(
        (s.recovery.outstanding(), s.recovery.state()),
        (0, CaState::Open)
    );
}

/// RFC 2018 §8: an acknowledgment that ends where a selective one begins leaves it open what the peer
/// still has. Nothing is judged or sent again before the timer has settled that.
#[test]
fn while_the_receiver_is_in_doubt_nothing_is_sent_again() {
    for rules in [RecoveryConfig::MODERN, RecoveryConfig::RFC_STRICT] {
        let mut s = Sender::by(rules, 10);
        s.wait(100);
        s.ack(0, &[(1, 4)]);
        assert_eq!(s.resend()[..], [0]);
        s.wait(100);
        assert!(s.ack(1, &[]).reneged);
        assert_eq!(s.resend()[..], []);
        s.wait(50);
        s.time_out();
        assert_eq!((s.recovery.lost(), s.recovery.sacked()), (9 * MSS, 0));
        assert_eq!(s.resend()[..], [1]);
        // Had the peer kept it all, its next acknowledgment would have said so.
        let mut s = Sender::by(rules, 10);
        s.wait(100);
        s.ack(0, &[(1, 4)]);
        s.resend();
        s.wait(100);
        s.ack(1, &[]);
        s.ack(4, &[(6, 10)]);
        assert_eq!(s.resend()[..], [4, 5]);
    }
}
