use estab_timer::Duration;

use super::*;
use crate::congestion::Algorithm;

const UNA: SeqNumber = SeqNumber::new(u32::MAX - 1500);
const MSS: u32 = 1000;

fn at(segment: u32) -> SeqNumber {
    UNA + segment * MSS
}

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// The first segment, sent at 100 ms.
fn front(lost: bool) -> Record {
    let mut board = crate::recovery::scoreboard::Scoreboard::new(UNA);
    board.push(ms(100), MSS, MSS);
    if lost {
        board.mark_first_lost(MSS);
    }
    *board.front().unwrap()
}

fn controller() -> Controller {
    Controller::new(Algorithm::NewReno, MSS)
}

fn begin(timeout: bool) -> Undo {
    Undo::begin(&controller(), &front(true), timeout, Frto::Off, None)
}

/// The first segment was sent again at 300 ms.
fn resent(timeout: bool) -> Undo {
    let mut undo = begin(timeout);
    undo.on_retransmitted(ms(300), at(0), MSS);
    undo
}

/// An acknowledgment of new data that echoes a tick.
fn answer(echo: u32) -> Testimony {
    Testimony {
        advanced: true,
        all: false,
        echo: Some(echo),
        duplicate: None,
        reports_duplicates: false,
    }
}

fn report(left: u32, right: u32) -> Testimony {
    Testimony {
        advanced: false,
        echo: None,
        duplicate: Some(Range {
            left: at(left),
            right: at(right),
        }),
        ..answer(0)
    }
}

/// RFC 3522 §3.2 step 4, §3.4: only what was echoed since the original and before the retransmission
/// answers the original; the tick of the retransmission may answer either.
#[test]
fn the_echo_of_the_original() {
    for (echo, expected) in [
        (0, None),
        (99, None),
        (100, Some(Evidence::Timestamp)),
        (299, Some(Evidence::Timestamp)),
        (300, None),
        (301, None),
        (u32::MAX, None),
    ] {
        for timeout in [false, true] {
            assert_eq!(resent(timeout).weigh(&answer(echo)), expected, "{echo}");
        }
    }
    let silent = Testimony {
        echo: None,
        ..answer(0)
    };
    assert_eq!(resent(true).weigh(&silent), None);
}

/// A retransmission in the millisecond of the original proves nothing.
#[test]
fn one_tick_for_both_proves_nothing() {
    let mut undo = begin(false);
    undo.on_retransmitted(Instant::from_micros(100_999), at(0), MSS);
    assert_eq!(undo.weigh(&answer(100)), None);
}

/// The clock's ticks wrap after 49 days.
#[test]
fn ticks_wrap() {
    let wrap = 1_u64 << 32;
    let record = Record {
        sent_at: ms(wrap - 100),
        ..front(true)
    };
    let mut undo = Undo::begin(&controller(), &record, true, Frto::Off, None);
    undo.on_retransmitted(ms(wrap + 100), at(0), MSS);
    assert_eq!(undo.weigh(&answer(50)), Some(Evidence::Timestamp));
}

/// RFC 3522 §3.2: the first acknowledgment of new data decides, and the first retransmission counts.
#[test]
fn only_the_first_answer_counts() {
    let mut undo = resent(true);
    undo.on_another_timeout(Frto::Off);
    undo.on_retransmitted(ms(900), at(0), MSS);
    assert_eq!(undo.weigh(&answer(300)), None);
    assert_eq!(undo.weigh(&answer(100)), None);
}

/// RFC 3522 §3.2 step 5: neither with a D-SACK, nor after a timeout if everything is acknowledged by a
/// peer that may not report duplicates.
#[test]
fn an_old_echo_may_answer_the_retransmission() {
    let all = Testimony {
        all: true,
        ..answer(100)
    };
    assert_eq!(resent(true).weigh(&all), None);
    assert_eq!(resent(false).weigh(&all), Some(Evidence::Timestamp));
    let known = Testimony {
        reports_duplicates: true,
        ..all
    };
    assert_eq!(resent(true).weigh(&known), Some(Evidence::Timestamp));
    let mut undo = resent(true);
    undo.on_retransmitted(ms(300), at(1), MSS);
    let reported = Testimony {
        advanced: true,
        echo: Some(100),
        ..report(0, 1)
    };
    assert_eq!(undo.weigh(&reported), None);
}

/// Whatever is acknowledged before anything was sent again was not lost, whoever says so.
#[test]
fn an_answer_before_the_retransmission_needs_no_timestamp() {
    let silent = Testimony {
        echo: None,
        ..answer(0)
    };
    assert_eq!(begin(true).weigh(&silent), Some(Evidence::Timestamp));
}

/// Segments that were sent again before the episode, as a probe: the answer must be older than that.
/// Not the first segment lost: the answer is about another one.
#[test]
fn the_first_segment_must_be_what_is_lost() {
    let probed = Record {
        retransmitted: true,
        sent_at: ms(200),
        ..front(true)
    };
    let begin = |record: &Record, timeout| {
        let mut undo = Undo::begin(&controller(), record, timeout, Frto::Off, None);
        undo.on_retransmitted(ms(300), at(0), MSS);
        undo
    };
    assert_eq!(begin(&probed, true).weigh(&answer(200)), None);
    assert_eq!(
        begin(&probed, true).weigh(&answer(199)),
        Some(Evidence::Timestamp)
    );
    assert_eq!(begin(&front(false), false).weigh(&answer(100)), None);
    let sacked = Record {
        sacked: true,
        ..front(false)
    };
    assert_eq!(begin(&sacked, true).weigh(&answer(100)), None);
}

/// RFC 3708: all retransmissions, each once, and nothing else.
#[test]
fn every_retransmission_must_be_reported() {
    let mut undo = resent(false);
    undo.on_retransmitted(ms(301), at(3), MSS);
    undo.on_retransmitted(ms(302), at(4), MSS);
    assert_eq!(undo.weigh(&report(0, 1)), None);
    assert_eq!(undo.weigh(&report(0, 1)), None, "reported already");
    assert_eq!(undo.weigh(&report(1, 2)), None, "not sent again");
    assert_eq!(undo.weigh(&report(3, 4)), None);
    let half = Testimony {
        duplicate: Some(Range {
            left: at(4),
            right: at(5).back(1),
        }),
        ..report(0, 0)
    };
    assert_eq!(undo.weigh(&half), None, "half of it was not there");
    undo.end(at(9));
    assert_eq!(undo.weigh(&report(4, 5)), Some(Evidence::Duplicates));
    assert_eq!(undo.weigh(&report(4, 5)), None);
}

/// What was sent twice again is to be reported twice; offload may report several at once.
#[test]
fn duplicates_are_counted() {
    let mut undo = resent(true);
    undo.on_retransmitted(ms(900), at(0), MSS);
    assert_eq!(undo.weigh(&report(0, 1)), None);
    assert_eq!(undo.weigh(&report(0, 1)), Some(Evidence::Duplicates));

    let mut undo = resent(true);
    undo.on_retransmitted(ms(900), at(1), MSS);
    undo.on_retransmitted(ms(900), at(2), MSS);
    assert_eq!(undo.weigh(&report(0, 3)), Some(Evidence::Duplicates));
}

/// An episode with hundreds of retransmissions had losses; memory for them has a bound.
#[test]
fn too_many_retransmissions_are_not_followed() {
    let mut undo = begin(false);
    for segment in 0..300 {
        undo.on_retransmitted(ms(300), at(segment), MSS);
    }
    assert_eq!(undo.weigh(&report(0, 300)), None);
    assert_eq!(begin(false).weigh(&report(0, 300)), None);
}

/// RFC 4015 §3.4: what the peer reported as congestion stays answered.
#[test]
fn a_report_of_congestion_is_not_taken_back() {
    let (mut cc, now) = (controller(), ms(400));
    let undo = || Undo::begin(&controller(), &front(true), false, Frto::Off, None);
    cc.on_congestion(now, 10 * MSS);
    let reduced = (cc.cwnd(), cc.ssthresh());
    let mut congested = undo();
    congested.on_congestion_reported();
    assert!(congested.settle(at(1)));
    assert!(!congested.restore(now, &mut cc));
    assert_eq!((cc.cwnd(), cc.ssthresh()), reduced);
    assert!(undo().restore(now, &mut cc));
    assert_eq!((cc.cwnd(), cc.ssthresh()), (10 * MSS, u32::MAX));
}

/// Once proved, an episode is proved.
#[test]
fn an_episode_is_settled_once() {
    let mut undo = resent(false);
    assert!(undo.settle(at(10)));
    assert!(!undo.settle(at(10)));
    assert_eq!(undo.weigh(&answer(100)), None);
    assert_eq!(undo.weigh(&report(0, 1)), None);
    undo.end(at(10));
    assert!(!undo.is_done(at(10), at(20)) && undo.is_done(at(10) + 1, at(20)));
}

/// Until a flight has passed an acknowledgment lets out a burst's worth, or twice what it covers.
#[test]
fn the_window_fills_up_gently() {
    let mut undo = resent(false);
    assert_eq!(undo.allowance(at(5)), u32::MAX);
    undo.settle(at(5));
    undo.limit_burst(at(5), 2 * MSS, 10 * MSS);
    assert_eq!(undo.allowance(at(5)), 10 * MSS);
    assert_eq!(undo.allowance(at(15)), 0);
    assert_eq!(undo.allowance(at(16)), 0);
    undo.limit_burst(at(15), 20 * MSS, 10 * MSS);
    assert_eq!(undo.allowance(at(15)), 40 * MSS);
}

/// RFC 4015 §3.1 step 11: for data sent since, and only if it was the timer.
#[test]
fn the_estimate_comes_back_with_the_first_sample() {
    let mut rtt = estab_timer::RttEstimator::new(&estab_timer::RtoConfig::default());
    rtt.on_sample(Duration::from_millis(100));
    for (timeout, expected) in [(true, rtt.snapshot()), (false, None)] {
        let mut undo = resent(timeout);
        undo.keep_estimate(rtt.snapshot());
        undo.keep_estimate(None);
        assert_eq!(undo.estimate(at(6)), None);
        undo.settle(at(5));
        assert_eq!(undo.estimate(at(5)), None);
        assert_eq!(undo.estimate(at(6)), expected);
    }
}

/// A late original may be reported long after the episode, but not for ever.
#[test]
fn an_episode_is_remembered_for_some_round_trips() {
    let mut undo = resent(false);
    undo.end(at(10));
    for round in 1..=ROUNDS {
        let una = at(u32::from(round) * 10);
        assert!(!undo.is_done(una, una + 10 * MSS));
        assert_eq!(undo.is_done(una + 1, una + 10 * MSS), round == ROUNDS);
    }
    assert_eq!(undo.weigh(&report(0, 1)), Some(Evidence::Duplicates));
}

/// The controller after a reduction, and an episode that begins then and has sent `segment` again.
fn another(cc: &mut Controller, last: Option<Undo>, segment: u32) -> Undo {
    let mut undo = Undo::begin(cc, &front(true), false, Frto::Off, last);
    cc.on_congestion(ms(300), cc.cwnd());
    undo.on_retransmitted(ms(300), at(segment), MSS);
    undo.end(at(20));
    undo
}

/// One episode after another, all needless: in whatever order that is proved, the window of before
/// the first comes back in the end.
#[test]
fn a_series_of_episodes_is_undone() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut cc = controller();
        let mut undo = None;
        for segment in 0..3 {
            undo = Some(another(&mut cc, undo, segment));
        }
        let mut undo = undo.unwrap();
        assert_eq!(cc.cwnd(), 2 * MSS);
        for segment in order {
            let evidence = undo.weigh(&report(segment, segment + 1));
            if evidence.is_some() && undo.settle(at(20)) {
                assert!(undo.restore(ms(400), &mut cc));
            }
        }
        assert_eq!(
            (cc.cwnd(), cc.ssthresh()),
            (10 * MSS, u32::MAX),
            "{order:?}"
        );
    }
}

/// An episode in between was right: what came before it and after it is undone, and its reduction
/// stays; and however many there were, a few are remembered.
#[test]
fn a_reduction_between_needless_ones_stays() {
    let mut cc = controller();
    let first = another(&mut cc, None, 0);
    let second = another(&mut cc, Some(first), 1);
    let mut third = another(&mut cc, Some(second), 2);
    assert_eq!(third.weigh(&report(0, 1)), None);
    assert_eq!(third.weigh(&report(2, 3)), Some(Evidence::Duplicates));
    assert!(third.settle(at(20)) && third.restore(ms(400), &mut cc));
    // Before the third, which is after the second.
    assert_eq!(cc.cwnd(), 10 * MSS / 4);

    let mut cc = controller();
    let mut last = None;
    for segment in 0..20 {
        last = Some(another(&mut cc, last, segment));
    }
    assert_eq!(last.unwrap().earlier.len(), MAX_EARLIER);
}

/// What is remembered of retransmissions, of this episode and of those before it, is charged to the
/// connection.
#[test]
fn what_is_remembered_is_counted() {
    let mut last = None;
    let mut sizes = alloc::vec::Vec::new();
    for _ in 0..3 {
        let mut undo = Undo::begin(&controller(), &front(true), false, Frto::Off, last.take());
        for number in 0..100 {
            undo.on_retransmitted(ms(300), at(number), MSS);
        }
        sizes.push(undo.allocated());
        last = Some(undo);
    }
    let copies = 100 * size_of::<Range>();
    assert!(
        sizes[0] >= copies && sizes[1] >= 2 * copies && sizes[2] >= 3 * copies,
        "{sizes:?}"
    );
}
