//! Episodes that prove needless, segment by segment: all is as if they had not been.

use alloc::format;
use alloc::string::String;

use estab_timer::{Duration, Instant, RtoConfig, RttEstimator};

use super::sender::{MSS, Sender, UNA};
use crate::config::RecoveryConfig;
use crate::congestion::{Algorithm, Controller};
use crate::recovery::{AckInput, AckSample, CaState, Evidence, Recovery};
use crate::wire::tcp::SackBlock;

/// Only what this file is about.
const RULES: RecoveryConfig = RecoveryConfig {
    frto: true,
    undo: true,
    ..RecoveryConfig::RFC_STRICT
};

/// `segments` are out at 1 s, in a window of just these in congestion avoidance.
pub(super) fn sender(sack: bool, segments: u32) -> Sender {
    with_rules(&RULES, sack, segments)
}

pub(super) fn with_rules(rules: &RecoveryConfig, sack: bool, segments: u32) -> Sender {
    let mut s = Sender::new(sack, 0);
    s.recovery = Recovery::new(UNA, MSS, sack).with_rules(rules);
    s.cc = Controller::new(Algorithm::NewReno, MSS);
    s.cc.set_cwnd(2 * segments * MSS);
    s.cc.on_congestion(s.now, 2 * segments * MSS);
    assert_eq!(s.windows(), (segments, segments));
    s.send(segments);
    s
}

/// The whole state of the controller.
pub(super) fn state(s: &Sender) -> String {
    format!("{:?}", s.cc.snapshot())
}

pub(super) fn later(s: &mut Sender, millis: u64) {
    s.now += Duration::from_millis(millis);
}

pub(super) fn block(left: u32, right: u32) -> SackBlock {
    SackBlock {
        left: Sender::at(left),
        right: Sender::at(right),
    }
}

/// An acknowledgment that echoes a tick.
pub(super) fn echo(s: &mut Sender, ack: u32, sack: &[SackBlock], tick: u32) -> AckSample {
    let now = s.now;
    s.input(Sender::at(ack), sack, |input| {
        input.ts_echo = Some(tick);
        input.ts_rtt = Some(now - Instant::from_millis(tick.into()));
    })
}

/// Three duplicates that begin recovery of the first segment, sent at 1 s, at 1.1 s.
pub(super) fn reordered(s: &mut Sender) {
    later(s, 100);
    for arrived in 1..4 {
        let block = [block(1, 1 + arrived)];
        let blocks = if s.recovery.sack { &block[..] } else { &[] };
        let now = s.now;
        s.input(Sender::at(0), blocks, |input| input.now = now);
    }
    assert_eq!(s.recovery.state(), CaState::Recovery);
    assert_eq!(s.resend()[..], [0]);
}

/// RFC 3522, RFC 4015: the first acknowledgment after a timeout answers the original. Everything is
/// as before, to the bit, and only new data goes out.
// proves RFC3522-3.2(4), RFC4015-3.1(8)
#[test]
fn a_timeout_is_undone_by_timestamp() {
    for sack in [false, true] {
        let mut s = sender(sack, 10);
        let before = state(&s);
        later(&mut s, 300);
        s.time_out();
        assert_eq!(s.windows(), (1, 5));
        assert_eq!(s.resend()[..], [0]);
        later(&mut s, 200);
        let sample = echo(&mut s, 1, &[], 1000);
        let spurious = sample.spurious.unwrap();
        assert_eq!(spurious.evidence, Evidence::Timestamp);
        assert!(spurious.timeout && spurious.undone);
        assert_eq!((sample.state, s.recovery.lost()), (CaState::Open, 0));
        assert_eq!(state(&s), before);
        // How late the original was is measured (RFC 4015 §3.6).
        assert_eq!(sample.rtt, Some(Duration::from_millis(500)));
        assert_eq!(s.recovery.next_retransmit(&s.cc), None);
        assert_eq!(s.pipe_and_quota(), (9, 1));
        s.send(1);
        for ack in 2..=11 {
            assert_eq!(s.ack(ack, &[]).spurious, None);
        }
        assert_eq!(s.recovery.total_retransmits(), 1);
    }
}

/// The same for CUBIC, whose curve goes on: but for the round-trip time, which was measured.
// proves RFC9438-4.9
#[test]
fn the_curve_of_cubic_comes_back() {
    let mut s = sender(true, 10);
    s.cc = Controller::new(Algorithm::Cubic, MSS);
    s.cc.set_cwnd(20 * MSS);
    s.cc.on_congestion(s.now, 20 * MSS);
    let mut seen = state(&s);
    for undone in [false, true] {
        later(&mut s, 300);
        s.time_out();
        assert_ne!(state(&s), seen);
        s.resend();
        later(&mut s, 200);
        // Ambiguous the first time: no sample changes the smoothed round-trip time.
        let now = s.now;
        let sample = s.input(Sender::at(1), &[], |input| {
            input.ts_echo = Some(if undone { 1000 } else { 1300 });
            input.now = now;
        });
        assert_eq!(sample.spurious.is_some(), undone);
        if !undone {
            s = sender(true, 10);
            s.cc = Controller::new(Algorithm::Cubic, MSS);
            s.cc.set_cwnd(20 * MSS);
            s.cc.on_congestion(s.now, 20 * MSS);
            later(&mut s, 0);
            seen = curve(&state(&s));
        }
    }
    assert_eq!(curve(&state(&s)), seen);
}

/// Without the fields that follow every acknowledgment.
fn curve(state: &str) -> String {
    let volatile = ["srtt: ", "last_ack: "];
    state
        .split(", ")
        .filter(|field| !volatile.iter().any(|name| field.starts_with(name)))
        .map(|field| format!("{field}, "))
        .collect()
}

/// RFC 3522 §3.2: what echoes the retransmission, or its tick, does not undo; nor does a later one.
// proves RFC3522-3.2
#[test]
fn an_answer_to_the_retransmission_undoes_nothing() {
    for tick in [1300, 1301, 999, 0] {
        let mut s = sender(true, 10);
        s.now += Duration::from_millis(300);
        s.time_out();
        s.resend();
        later(&mut s, 600);
        s.time_out();
        s.resend();
        later(&mut s, 100);
        assert_eq!(echo(&mut s, 1, &[], tick).spurious, None, "{tick}");
        // The second answer is too late to say anything.
        assert_eq!(echo(&mut s, 1, &[], 1000).spurious, None, "{tick}");
        assert_eq!(s.recovery.state(), CaState::Loss);
    }
}

/// RFC 3522 §3.3: all acknowledgments of a flight were lost. A peer that reports duplicates says so,
/// and the timestamp counts for nothing beside that; one that does not may be answering the
/// retransmission.
// proves RFC3522-3.2(5)
#[test]
fn lost_acknowledgments_are_not_taken_for_a_spike() {
    let timed_out = || {
        let mut s = sender(true, 10);
        later(&mut s, 300);
        s.time_out();
        s.resend();
        later(&mut s, 100);
        s
    };
    let mut s = timed_out();
    assert_eq!(echo(&mut s, 10, &[], 1000).spurious, None);
    let mut s = timed_out();
    let only_eifel = echo(&mut s, 10, &[block(1, 2)], 1000);
    assert_eq!(only_eifel.spurious, None);
    // As in Linux, the duplicate itself proves that the segment was not lost.
    let mut s = timed_out();
    let evidence = echo(&mut s, 10, &[block(0, 1)], 1000)
        .spurious
        .unwrap()
        .evidence;
    assert_eq!(evidence, Evidence::Duplicates);
}

/// A late first segment: the reduction is undone and nothing else is sent again.
#[test]
fn a_reordering_is_undone_by_timestamp() {
    for sack in [false, true] {
        let mut s = sender(sack, 10);
        let before = state(&s);
        reordered(&mut s);
        assert_eq!(s.windows(), (5, 5));
        later(&mut s, 1);
        let sample = echo(&mut s, 4, &[], 1000);
        let spurious = sample.spurious.unwrap();
        assert_eq!(spurious.evidence, Evidence::Timestamp);
        assert!(!spurious.timeout && spurious.undone);
        assert_eq!((sample.state, state(&s)), (CaState::Open, before));
        assert_eq!(s.recovery.in_flight(), 6 * MSS);
        assert_eq!(s.recovery.next_retransmit(&s.cc), None);
    }
}

/// RFC 3708: without timestamps it takes the report of every retransmission, which comes after the
/// episode.
// proves RFC2883-5
#[test]
fn a_reordering_is_undone_by_dsack() {
    let mut s = sender(true, 10);
    let before = state(&s);
    reordered(&mut s);
    later(&mut s, 10);
    let sample = s.ack(10, &[]);
    assert_eq!((sample.spurious, sample.state), (None, CaState::Open));
    assert_eq!(s.windows(), (5, 5));
    later(&mut s, 50);
    let sample = s.ack(10, &[(0, 1)]);
    let spurious = sample.spurious.unwrap();
    assert_eq!(spurious.evidence, Evidence::Duplicates);
    assert!(spurious.undone && !spurious.timeout && sample.dsack);
    assert_eq!(state(&s), before);
    assert_eq!(s.ack(10, &[(0, 1)]).spurious, None);
}

/// What only waited to be sent again is not lost any more, either.
#[test]
fn segments_marked_lost_are_unmarked() {
    let mut s = sender(true, 20);
    later(&mut s, 100);
    s.ack(0, &[(6, 20)]);
    assert_eq!((s.recovery.lost(), s.windows().0), (6 * MSS, 10));
    assert_eq!(s.resend()[..], [0, 1, 2, 3, 4, 5]);
    later(&mut s, 1);
    let sample = echo(&mut s, 1, &[], 1000);
    assert!(sample.spurious.is_some());
    // The originals and what was sent again are under way.
    assert_eq!((s.recovery.lost(), s.recovery.in_flight()), (0, 10 * MSS));
    assert_eq!(sample.state, CaState::Disorder);
    assert_eq!(s.windows(), (20, 20));
    assert_eq!(s.ack(20, &[]).state, CaState::Open);
}

/// A timeout that answers a loss in fast recovery belongs to the same episode, and its first
/// acknowledgment has come already.
#[test]
fn a_timeout_in_recovery_is_no_new_episode() {
    let mut s = sender(true, 10);
    reordered(&mut s);
    later(&mut s, 50);
    assert_eq!(echo(&mut s, 1, &[block(2, 5)], 1100).spurious, None);
    later(&mut s, 300);
    s.time_out();
    s.resend();
    later(&mut s, 10);
    assert_eq!(echo(&mut s, 2, &[block(2, 5)], 1000).spurious, None);
    assert_eq!(s.recovery.state(), CaState::Loss);
}

/// RFC 4015 §3.4: congestion that the peer reports stays answered, but data that is not lost is not
/// sent again.
// proves RFC4015-3.1(9),3.4
#[test]
fn congestion_reported_meanwhile_is_not_undone() {
    let mut s = sender(true, 10);
    later(&mut s, 300);
    s.time_out();
    s.resend();
    later(&mut s, 100);
    let sample = s.input(Sender::at(1), &[], |input| {
        input.ts_echo = Some(1000);
        input.ece = true;
    });
    let spurious = sample.spurious.unwrap();
    assert!(!spurious.undone);
    assert!(s.cc.cwnd() <= 2 * MSS);
    assert_eq!(s.recovery.next_retransmit(&s.cc), None);
}

/// The same if it is reported by what told of the loss.
#[test]
fn congestion_reported_with_the_loss_is_not_undone() {
    let mut s = sender(true, 10);
    later(&mut s, 100);
    for arrived in 1..4 {
        let now = s.now;
        s.input(Sender::at(0), &[block(1, 1 + arrived)], |input| {
            input.now = now;
            input.ece = arrived == 3;
        });
    }
    assert_eq!(s.resend()[..], [0]);
    let spurious = echo(&mut s, 4, &[], 1000).spurious.unwrap();
    assert!(!spurious.undone);
    assert_eq!(s.windows().1, 5);
}

/// RFC 4015 §3.1 step 9: the window is back, but no burst of more than an initial window goes out.
// proves RFC4015-3.1(9)
#[test]
fn an_undone_timeout_makes_no_burst() {
    let mut s = sender(true, 40);
    later(&mut s, 300);
    s.time_out();
    s.resend();
    later(&mut s, 100);
    s.ack(1, &[(39, 40)]);
    let mut s = sender(true, 40);
    later(&mut s, 300);
    s.time_out();
    s.resend();
    later(&mut s, 100);
    assert!(echo(&mut s, 30, &[], 1000).spurious.is_some());
    assert_eq!((s.windows().0, s.pipe_and_quota()), (40, (10, 10)));
    s.send(10);
    assert_eq!(s.pipe_and_quota(), (20, 0));
    s.ack(31, &[]);
    assert_eq!(s.pipe_and_quota(), (19, 10));
    s.send(10);
    s.ack(40, &[]);
    // Text that repeats the acknowledgment takes nothing back.
    let quota = s.pipe_and_quota();
    assert!(quota.1 > 10);
    s.input(Sender::at(40), &[], |input| input.text = true);
    assert_eq!(s.pipe_and_quota(), quota);
    s.send(s.pipe_and_quota().1);
    // A flight later the window alone counts.
    s.ack(41, &[]);
    assert_eq!(s.pipe_and_quota().1, s.windows().0 - s.pipe_and_quota().0);
}

/// RFC 4015 §3.1 steps 0 and 11: the spike is remembered with the first sample of new data.
// proves RFC4015-3.1(0), RFC4015-3.1(11)
#[test]
fn the_estimator_learns_of_the_spike() {
    let mut rtt = RttEstimator::new(&RtoConfig::default());
    rtt.on_sample(Duration::from_millis(100));
    let mut s = sender(true, 10);
    later(&mut s, 300);
    s.time_out();
    s.recovery.keep_estimate(rtt.snapshot());
    s.resend();
    later(&mut s, 200);
    assert_eq!(echo(&mut s, 1, &[], 1000).estimate_before, None);
    s.send(1);
    for ack in 2..=10 {
        assert_eq!(s.ack(ack, &[]).estimate_before, None);
    }
    assert_eq!(s.ack(11, &[]).estimate_before, rtt.snapshot());
    s.send(1);
    assert_eq!(s.ack(12, &[]).estimate_before, None);
}

/// RFC 5682 §4: F-RTO alone leaves the window reduced, and sends nothing again needlessly.
#[test]
fn the_switches_are_apart() {
    let only_frto = RecoveryConfig {
        undo: false,
        ..RULES
    };
    let mut s = with_rules(&only_frto, true, 10);
    s.time_out();
    s.resend();
    later(&mut s, 10);
    assert_eq!(echo(&mut s, 1, &[], 1000).spurious, None);
    s.send(2);
    let spurious = echo(&mut s, 2, &[], 1000).spurious.unwrap();
    assert!(!spurious.undone);
    assert_eq!(s.windows().1, 5);
    assert_eq!((s.recovery.state(), s.recovery.lost()), (CaState::Open, 0));

    let only_undo = RecoveryConfig {
        frto: false,
        ..RULES
    };
    let mut s = with_rules(&only_undo, true, 10);
    s.time_out();
    s.resend();
    s.ack(1, &[]);
    assert_eq!(s.resend()[..], [1, 2]);
    let mut s = with_rules(&RecoveryConfig::RFC_STRICT, true, 10);
    reordered(&mut s);
    assert_eq!(echo(&mut s, 4, &[], 1000).spurious, None);
    assert_eq!(s.recovery.undo.as_ref().map(|_| ()), None);
}

/// RFC 2018 §8: an acknowledgment that ends where a selective one begins. What the receiver has
/// dropped is sent again after a timeout, and the connection goes on.
// proves RFC2018-5#1, RFC2018-5#2
#[test]
fn reneging_is_noticed_and_survived() {
    let mut s = sender(true, 10);
    assert!(!s.ack(0, &[(1, 4)]).reneged);
    s.resend();
    assert!(s.ack(1, &[]).reneged);
    assert_eq!(s.recovery.sacked(), 3 * MSS);
    s.time_out();
    assert_eq!((s.recovery.sacked(), s.recovery.lost()), (0, 9 * MSS));
    for next in 1..10 {
        let resent = s.recovery.total_retransmits();
        s.resend();
        assert!(
            s.recovery.total_retransmits() > resent || next > 5,
            "{next}"
        );
        assert!(!s.ack(next + 1, &[]).reneged);
    }
    assert_eq!(s.recovery.outstanding(), 0);
    assert_eq!(s.recovery.state(), CaState::Open);
}

/// Whatever a peer says, proof brings the window back to where the episode began and no further, and
/// in between it grows by no more than was acknowledged.
// proves RFC3522-3.4, RFC4015-2
#[test]
fn forged_evidence_gains_nothing() {
    let mut proofs = 0;
    for (timeout, sack) in [(false, true), (true, true), (false, false), (true, false)] {
        let mut s = sender(sack, 20);
        // Of this episode and the four before it, which may be proved later.
        let mut windows = [s.cc.cwnd(); 5];
        for acked in 0..30 {
            later(&mut s, 100);
            windows[acked as usize % 5] = s.cc.cwnd();
            let before = windows.into_iter().max().unwrap();
            if timeout {
                s.time_out();
            }
            for arrived in 4..7 {
                s.ack(acked, &[(acked + 1, acked + arrived)]);
            }
            s.resend();
            let now = s.now.as_millis() as u32;
            // The first in their order, each with the ticks that look most like an original's.
            let lies = [
                (acked, now - 50, 1),
                (acked, now, 2),
                (acked + 1, 0, 1),
                (acked + 1, now - 100, 0),
                (acked + 1, now - 900, 1),
                (acked + 1, now, 2),
            ];
            let blocks = [block(acked, acked + 1), block(acked, acked + 20)];
            for (ack, tick, reports) in lies.into_iter().cycle().take(60) {
                later(&mut s, 1);
                let cwnd = s.cc.cwnd();
                let sample = echo(&mut s, ack, &blocks[..reports], tick);
                if sample.spurious.is_some() {
                    proofs += 1;
                    assert!(s.cc.cwnd() <= before, "{acked}");
                } else {
                    assert!(s.cc.cwnd() <= cwnd + sample.newly_acked, "{acked}");
                }
            }
            s.send(1);
        }
    }
    assert!(proofs > 20);
}

/// An episode is undone once. What grows afterwards is not lost again to a second proof, nor does the
/// second proof bring it back.
#[test]
fn an_episode_is_undone_once() {
    let mut s = sender(true, 10);
    reordered(&mut s);
    later(&mut s, 1);
    assert!(echo(&mut s, 4, &[], 1000).spurious.is_some());
    s.cc.on_congestion(s.now, 10 * MSS);
    assert_eq!(s.windows(), (5, 5));
    assert_eq!(echo(&mut s, 5, &[block(0, 1)], 1000).spurious, None);
    assert_eq!(s.windows(), (5, 5));
}

/// The record of an episode is given back when nothing more can be said about it.
#[test]
fn nothing_is_kept_for_ever() {
    let mut s = sender(true, 10);
    reordered(&mut s);
    s.ack(10, &[]);
    for acked in 10..26 {
        assert!(s.recovery.undo.is_some(), "{acked}");
        s.send(1);
        s.ack(acked + 1, &[]);
    }
    assert!(s.recovery.undo.is_none());
    s.send(1);
    let input = AckInput::new(s.now, Sender::at(27));
    s.recovery.on_ack(&input, &mut s.cc);
    assert_eq!(s.recovery.outstanding(), 0);
}
