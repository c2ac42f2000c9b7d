//! Loss told by time, rule by rule (RFC 8985 §6, §7; RFC 9937).

use estab_timer::{Duration, RtoConfig, RttEstimator, Timer};

use super::sender::{MSS, Sender, UNA};
use crate::config::RecoveryConfig;
use crate::recovery::CaState;
use crate::wire::tcp::SackBlock;

/// RACK and TLP, without PRR, whose window would blur what is under test.
const RACK: RecoveryConfig = RecoveryConfig {
    rack: true,
    tail_loss_probe: true,
    ..RecoveryConfig::RFC_STRICT
};

const PRR: RecoveryConfig = RecoveryConfig { prr: true, ..RACK };

/// An estimator that has seen one sample of 100 ms.
fn measured() -> RttEstimator {
    let mut rtt = RttEstimator::new(&RtoConfig::default());
    rtt.on_sample(Duration::from_millis(100));
    rtt
}

impl Sender {
    /// The timer that runs, and in how many milliseconds it expires.
    fn timer(&self) -> Option<(Timer, u64)> {
        let (timer, at) = self.recovery.deadline(&measured())?;
        Some((timer, (at - self.now).as_millis() as u64))
    }

    fn lost(&self) -> u32 {
        self.recovery.lost() / MSS
    }
}

/// Before reordering was seen the third segment reported begins recovery at once, whatever the time.
// proves RFC8985-3.3.2#1
#[test]
fn the_third_segment_begins_recovery() {
    let mut s = Sender::by(RACK, 10);
    s.wait(100);
    assert_eq!(s.ack(0, &[(2, 3)]).state, CaState::Disorder);
    assert_eq!(s.ack(0, &[(2, 4)]).state, CaState::Disorder);
    assert_eq!(s.lost(), 0);
    let sample = s.ack(0, &[(2, 5)]);
    // Zero and one were sent before two to four, at the same time; five to nine were not.
    assert_eq!(
        (sample.state, sample.newly_lost),
        (CaState::Recovery, 2 * MSS)
    );
    // In an episode nothing is waited for.
    let sample = s.ack(0, &[(6, 7), (2, 5)]);
    assert_eq!(sample.newly_lost, MSS);
}

/// Fewer are enough once a quarter of the round trip has passed, by the timer if nothing else comes.
// proves RFC8985-6.2step5#1, RFC8985-8
#[test]
fn a_reordering_window_passes() {
    let mut s = Sender::by(RACK, 10);
    s.wait(100);
    s.ack(0, &[(1, 2)]);
    assert_eq!((s.lost(), s.timer()), (0, Some((Timer::Reorder, 25))));
    s.wait(24);
    s.recovery.on_reorder_timeout(s.now, &mut s.cc);
    assert_eq!((s.lost(), s.recovery.state()), (0, CaState::Disorder));
    s.wait(1);
    s.recovery.on_reorder_timeout(s.now, &mut s.cc);
    assert_eq!((s.lost(), s.recovery.state()), (1, CaState::Recovery));
    assert_eq!(s.resend()[..], [0]);
    // What was sent later is not in question: the timer is the retransmission timer again.
    assert_eq!(s.timer().map(|it| it.0), Some(Timer::Retransmit));
}

/// Two segments that change places make the sender wait from then on, whatever is reported.
// proves RFC8985-6.2step3, RFC8985-3.3.2#2
#[test]
fn what_was_overtaken_is_waited_for() {
    let mut s = Sender::by(RACK, 10);
    s.wait(100);
    assert!(!s.ack(0, &[(1, 2)]).reordered);
    assert!(s.ack(2, &[]).reordered && s.recovery.reordering_seen());
    s.send(2);
    let sample = s.ack(2, &[(3, 10)]);
    assert_eq!((sample.state, s.lost()), (CaState::Disorder, 0));
    assert_eq!(s.timer(), Some((Timer::Reorder, 25)));
    let sample = s.ack(10, &[]);
    assert_eq!(
        (sample.state, s.recovery.total_retransmits()),
        (CaState::Open, 0)
    );
    // A retransmission that fills a hole is not overtaken, nor are blocks in any order.
    let mut s = Sender::by(RACK, 10);
    s.wait(100);
    s.ack(0, &[(8, 9), (5, 6), (3, 4)]);
    s.resend();
    s.wait(100);
    s.ack(5, &[]);
    assert!(!s.recovery.reordering_seen());
}

/// A retransmission is lost like anything else, a round trip after it was sent.
// proves RFC8985-6.2step5#2, RFC8985-6.1
#[test]
fn a_retransmission_is_lost_when_a_later_one_arrives() {
    let mut s = Sender::by(RACK, 10);
    s.wait(100);
    s.ack(0, &[(2, 8)]);
    assert_eq!(s.resend()[..], [0, 1]);
    assert_eq!(s.recovery.retransmitted(), 2 * MSS);
    // What was sent before them says nothing of them.
    s.wait(50);
    assert_eq!(s.ack(0, &[(2, 9)]).newly_lost, 0);
    s.wait(50);
    // The second of them does, and also of the last segment, which was sent before.
    let sample = s.ack(0, &[(1, 9)]);
    assert_eq!(sample.newly_lost, 2 * MSS);
    assert_eq!((s.lost(), s.recovery.retransmitted()), (2, 0));
    assert_eq!(s.resend()[..], [0, 9]);
    // So does new data.
    s.send(1);
    s.wait(100);
    assert_eq!(s.ack(0, &[(10, 11), (1, 9)]).newly_lost, 2 * MSS);
    assert_eq!(s.resend()[..], [0, 9]);
    s.wait(100);
    assert_eq!(s.ack(11, &[]).state, CaState::Open);
    assert_eq!(s.recovery.total_retransmits(), 6);
}

/// What was sent again after new data of the same moment is not overtaken by it.
// proves RFC8985-6.2step2
#[test]
fn a_moment_has_an_order() {
    let mut s = Sender::by(RACK, 10);
    s.cc.set_cwnd(30 * MSS);
    s.wait(100);
    s.ack(0, &[(1, 3)]);
    s.send(4);
    s.ack(0, &[(1, 4)]);
    assert_eq!(s.resend()[..], [0]);
    s.send(2);
    s.wait(100);
    assert_eq!(s.ack(0, &[(10, 14), (1, 4)]).newly_lost, 6 * MSS);
    assert_eq!(
        s.recovery.retransmitted(),
        MSS,
        "sent after ten to thirteen"
    );
    assert_eq!(
        s.ack(0, &[(10, 15), (1, 4)]).newly_lost,
        MSS,
        "but before fourteen"
    );
}

/// Without PRR the loss of a retransmission reduces the window once more, once a round trip.
// proves RFC8985-9.3
#[test]
fn a_lost_retransmission_is_a_sign_of_congestion() {
    let reductions = |rules| {
        let mut s = Sender::by(rules, 20);
        s.wait(100);
        s.ack(0, &[(2, 16)]);
        s.resend();
        let first = s.cc.ssthresh();
        s.wait(100);
        s.ack(0, &[(2, 17)]);
        s.send(1);
        s.wait(100);
        s.ack(0, &[(20, 21), (2, 17)]);
        (first, s.cc.ssthresh(), s.recovery.state())
    };
    let (first, then, state) = reductions(RACK);
    assert!(then < first && state == CaState::Recovery, "{first} {then}");
    let (first, then, _) = reductions(PRR);
    assert_eq!(then, first);
}

/// What came back sooner than any round trip was the original: it moves nothing, and neither does
/// what the timestamp says to be older.
// proves RFC8985-6.2step2
#[test]
fn an_ambiguous_retransmission_is_not_believed() {
    let lost_after = |wait, echo: Option<u32>| {
        let mut s = Sender::by(RACK, 10);
        s.wait(100);
        s.ack(0, &[(1, 4)]);
        s.resend();
        // Sent before the retransmission, and long enough ago to be lost if that arrived.
        s.wait(wait);
        let before = s.now.as_millis() as u32 - wait as u32;
        let sample = s.input(Sender::at(4), &[], |input| {
            input.ts_echo = echo.map(|ago| before - ago);
        });
        (sample.newly_lost, s.recovery.outstanding() / MSS)
    };
    // Four to nine were sent before it.
    assert_eq!(lost_after(99, None).0, 0);
    assert_eq!(lost_after(100, None).0, 6 * MSS);
    assert_eq!(lost_after(100, Some(0)).0, 6 * MSS);
    assert_eq!(lost_after(100, Some(1)).0, 0);
}

/// Each segment is judged once, and RFC 6675's own rules are silent.
// proves RFC8985-9.2
#[test]
fn nothing_is_judged_twice() {
    let mut s = Sender::by(RACK, 20);
    s.wait(100);
    let mut found = 0;
    for end in 2..=20 {
        found += s.ack(0, &[(1, end)]).newly_lost;
        assert_eq!(s.recovery.next_rescue(&s.cc), None);
    }
    assert_eq!(found, MSS);
    assert_eq!(s.resend()[..], [0]);
    assert_eq!(s.resend()[..], []);
    assert_eq!(s.rescue(), None);
}

/// The timeout of the first segment says nothing of those sent just before.
// proves RFC8985-6.3
#[test]
fn a_timeout_marks_what_had_the_time() {
    let mut s = Sender::by(RACK, 0);
    s.cc.set_cwnd(20 * MSS);
    s.send(1);
    s.wait(100);
    s.ack(1, &[]);
    s.send(3);
    s.wait(210);
    s.send(2);
    s.wait(90);
    assert_eq!(s.timer().map(|it| it.0), Some(Timer::TailLossProbe));
    s.time_out();
    // One to three were sent 300 ms ago, four and five 90: the round trip takes 100.
    assert_eq!(s.lost(), 3);
    assert_eq!(s.recovery.in_flight(), 2 * MSS);
    assert_eq!(s.resend()[..], [1]);
    // Its acknowledgment tells.
    s.wait(100);
    let sample = s.ack(2, &[]);
    assert_eq!(sample.newly_lost, 2 * MSS);
}

/// The probe comes after two round trips, later if the peer may be delaying the acknowledgment of
/// the only segment, and never later than the timeout.
// proves RFC8985-7.2
#[test]
fn when_to_probe() {
    let mut s = Sender::by(RACK, 3);
    assert_eq!(s.timer(), Some((Timer::TailLossProbe, 200)));
    // New data and what acknowledges data start it over.
    s.wait(50);
    s.send(1);
    assert_eq!(s.timer(), Some((Timer::TailLossProbe, 200)));
    s.wait(50);
    s.ack(2, &[]);
    assert_eq!(s.timer(), Some((Timer::TailLossProbe, 200)));
    // One segment: 2 * 100 + 200 ms is beyond the timeout of 300.
    s.ack(3, &[]);
    assert_eq!(s.timer(), Some((Timer::TailLossProbe, 300)));
    s.ack(4, &[]);
    assert_eq!(s.timer(), None);
    // Two small ones are two: the peer acknowledges the second at once.
    for seq in [0, 10] {
        s.recovery.on_sent(s.now, Sender::at(4) + seq, 10);
    }
    assert_eq!(s.timer(), Some((Timer::TailLossProbe, 200)));
    // Not while something is reported beyond a hole, nor in an episode.
    let mut s = Sender::by(RACK, 10);
    s.wait(100);
    s.ack(0, &[(1, 2)]);
    assert_eq!(s.timer().map(|it| it.0), Some(Timer::Reorder));
    s.ack(0, &[(1, 4)]);
    assert_eq!(s.timer().map(|it| it.0), Some(Timer::Retransmit));
    let mut s = Sender::by(RACK, 3);
    s.time_out();
    assert_eq!(s.timer().map(|it| it.0), Some(Timer::Retransmit));
    // Without an estimate: a second, as the timeout.
    let s = Sender::by(RACK, 3);
    let unknown = RttEstimator::new(&RtoConfig::default());
    let (timer, at) = s.recovery.deadline(&unknown).unwrap();
    assert_eq!(
        (timer, at - s.now),
        (Timer::TailLossProbe, Duration::from_secs(1))
    );
}

/// One probe; then the retransmission timer runs anew, and nothing else does until something is heard.
// proves RFC8985-7.3#1, RFC8985-7.3#2, RFC8985-7.3#3
#[test]
fn what_to_probe_with() {
    let mut s = Sender::by(RACK, 3);
    s.wait(200);
    assert!(s.recovery.on_probe_timeout(s.now));
    let probe = s.recovery.next_probe().unwrap();
    assert_eq!((probe.seq, probe.len), (Sender::at(2), MSS), "the last one");
    s.recovery.on_retransmitted(s.now, probe.seq, probe.len);
    assert_eq!(
        (s.recovery.next_probe(), s.timer()),
        (None, Some((Timer::Retransmit, 300)))
    );
    // It counts as one more in flight, beyond the window.
    assert_eq!(s.recovery.in_flight(), 4 * MSS);
    assert!(!s.recovery.on_probe_timeout(s.now), "one at a time");
    // New data instead, though the window is full.
    let mut s = Sender::by(RACK, 3);
    s.wait(200);
    assert!(s.recovery.on_probe_timeout(s.now));
    assert_eq!(s.recovery.quota(&s.cc), 0);
    s.send(1);
    assert_eq!(s.timer(), Some((Timer::Retransmit, 300)));
    // Its acknowledgment shows what was lost before it.
    s.wait(100);
    assert_eq!(s.ack(0, &[(3, 4)]).state, CaState::Recovery);
    assert_eq!(s.lost(), 3);
}

/// The probe repaired a loss which nothing else told of: the window is reduced once, when data beyond
/// it is acknowledged.
// proves RFC8985-7.4.2
#[test]
fn a_repair_is_paid_for() {
    let repaired = |dsack: bool| {
        let mut s = Sender::by(RACK, 10);
        s.wait(100);
        s.ack(9, &[]);
        s.wait(400);
        assert!(s.recovery.on_probe_timeout(s.now));
        let probe = s.recovery.next_probe().unwrap();
        s.recovery.on_retransmitted(s.now, probe.seq, probe.len);
        s.wait(100);
        s.ack(10, &[]);
        if dsack {
            s.ack(10, &[(9, 10)]);
        }
        assert_eq!(s.cc.ssthresh(), u32::MAX);
        s.send(4);
        s.wait(100);
        assert_eq!(s.ack(12, &[]).state, CaState::Open);
        let reduced = s.recovery.take_reduced();
        assert!(!s.recovery.take_reduced());
        let ssthresh = s.cc.ssthresh();
        s.ack(14, &[]);
        assert_eq!(s.cc.ssthresh(), ssthresh);
        (reduced, ssthresh)
    };
    assert_eq!(repaired(false), (true, 2 * MSS));
    assert_eq!(repaired(true), (false, u32::MAX));
}

/// The flight that recovery begins with: what was reported before is not in it.
// proves RFC9937-6.1, RFC9937-6.2#1, RFC9937-6.2#2, RFC9937-6.4
#[test]
fn a_reduction_counts_from_the_flight() {
    let rules = RecoveryConfig {
        rack: false,
        tail_loss_probe: false,
        ..PRR
    };
    for rules in [PRR, rules] {
        let mut s = Sender::by(rules, 20);
        s.wait(100);
        s.ack(0, &[(1, 3)]);
        let sample = s.ack(0, &[(1, 4)]);
        assert_eq!(sample.state, CaState::Recovery);
        // RecoverFS is 20 - 3 + 1: one segment arrived of 18, and the window goes to ten.
        assert_eq!(s.recovery.in_flight(), 16 * MSS);
        assert_eq!(s.cc.cwnd(), 17 * MSS, "{rules:?}");
        assert_eq!(s.resend()[..], [0], "the first does not wait");
        // Six of 18 earn 3.3 segments, which is four, and one of them was sent.
        s.ack(0, &[(1, 9)]);
        assert_eq!(s.cc.cwnd() - s.recovery.in_flight(), 3 * MSS);
        assert_eq!(s.recovery.quota(&s.cc), 3 * MSS);
        s.send(3);
        assert!(s.recovery.in_flight() <= s.cc.cwnd());
        // The end: the window that was aimed at, though less is in flight.
        s.wait(100);
        assert_eq!(s.ack(20, &[]).state, CaState::Open);
        assert_eq!((s.cc.cwnd(), s.cc.ssthresh()), (10 * MSS, 10 * MSS));
    }
}

/// What the passing of time finds lost makes no room at once: it is sent again as data arrives.
// proves RFC9937-3, RFC8985-9.3
#[test]
fn a_timer_releases_no_burst() {
    let mut s = Sender::by(PRR, 20);
    s.wait(100);
    s.ack(0, &[(18, 19)]);
    s.wait(25);
    s.recovery.on_reorder_timeout(s.now, &mut s.cc);
    assert_eq!((s.lost(), s.recovery.state()), (18, CaState::Recovery));
    assert_eq!(s.resend()[..], [0], "one, by which recovery begins");
    s.wait(75);
    // Slow start, as long as that is safe.
    s.ack(1, &[(18, 19)]);
    assert_eq!(s.resend()[..], [1, 2]);
}

/// The same without SACK, where a duplicate stands for a segment.
#[test]
fn duplicates_are_deliveries() {
    let mut s = Sender::new(false, 20);
    s.recovery = s.recovery.with_rules(&RecoveryConfig::MODERN);
    s.cc.set_cwnd(20 * MSS);
    s.wait(100);
    for _ in 0..3 {
        s.ack(0, &[]);
    }
    assert_eq!((s.recovery.state(), s.lost()), (CaState::Recovery, 1));
    assert_eq!(s.resend()[..], [0]);
    let mut sent = 0;
    for _ in 0..16 {
        s.ack(0, &[]);
        let quota = s.recovery.quota(&s.cc) / MSS;
        s.send(quota);
        sent += quota;
    }
    assert!((7..=9).contains(&sent), "half of them: {sent}");
    s.wait(100);
    assert_eq!(s.ack(20, &[]).state, CaState::Open);
    assert_eq!((s.cc.cwnd(), s.cc.ssthresh()), (10 * MSS, 10 * MSS));
}

/// A report of congestion reduces the window in proportion, once a round trip, and a loss in the same
/// round trip does not reduce it again.
#[test]
fn reports_of_congestion_reduce_once() {
    let mut s = Sender::by(PRR, 20);
    s.wait(100);
    let report = |s: &mut Sender, ack, sack: &[SackBlock]| {
        s.input(Sender::at(ack), sack, |input| input.ece = true)
    };
    assert_eq!(report(&mut s, 1, &[]).state, CaState::Cwr);
    let ssthresh = s.cc.ssthresh();
    assert!(s.recovery.take_reduced() && ssthresh < 20 * MSS);
    assert!(s.cc.cwnd() > ssthresh, "not at once: {}", s.cc.cwnd());
    for ack in 2..6 {
        let sample = report(&mut s, ack, &[]);
        assert!(sample.in_recovery && sample.state == CaState::Cwr);
        let quota = s.recovery.quota(&s.cc) / MSS;
        s.send(quota);
        assert!(s.recovery.in_flight() <= s.cc.cwnd());
    }
    let block = SackBlock {
        left: Sender::at(7),
        right: Sender::at(12),
    };
    assert_eq!(report(&mut s, 6, &[block]).state, CaState::Recovery);
    assert_eq!(s.cc.ssthresh(), ssthresh);
    assert_eq!(s.resend()[..], [6]);
    s.wait(100);
    let end = s.sent;
    assert_eq!(s.ack(end, &[]).state, CaState::Open);
    assert_eq!((s.cc.cwnd(), s.cc.ssthresh()), (ssthresh, ssthresh));
    assert!(!s.recovery.take_reduced());
}

/// The scoreboard holds no more than what is outstanding, in bytes, and in records a bounded number
/// beyond one per segment, and so does the queue of retransmissions.
// proves RFC8985-4
#[test]
fn the_books_are_bounded() {
    let mut s = Sender::by(RACK, 0);
    s.cc.set_cwnd(1 << 20);
    for n in 0..100_000_u32 {
        if s.recovery.quota(&s.cc) == 0 {
            break;
        }
        s.recovery.on_sent(s.now, UNA + n, 1);
    }
    assert!(s.recovery.board.records() <= 2048 + 200);
    for _ in 0..10_000 {
        s.wait(1);
        s.recovery.on_retransmitted(s.now, UNA, 1);
        s.recovery.on_retransmitted(s.now, UNA + 5, 1);
    }
    s.recovery.board.check();
    // Times are kept as they are, far finer than a quarter of any round trip.
    s.now += Duration::from_nanos(7);
    s.recovery.on_retransmitted(s.now, UNA, 1);
    assert_eq!(s.recovery.oldest_unacked_sent_at(), Some(s.now));
}
