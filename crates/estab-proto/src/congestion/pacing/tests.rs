use super::*;
use crate::congestion::{Algorithm, Controller};

const MSS: u32 = 1000;
const MS: Duration = Duration::from_millis(1);

/// Sends for `time` as fast as the pacer lets it, with timers that fire `late`; gives the bytes and the
/// largest burst.
fn send(rate: u64, time: Duration, late: Duration) -> (u64, u32) {
    let (mut pacer, rate) = (Pacer::default(), Rate::per_second(rate));
    let start = Instant::from_secs(5);
    let (mut now, mut sent, mut burst, mut largest) = (start, 0, 0, 0);
    while now < start + time {
        sent += u64::from(MSS);
        burst += MSS;
        largest = largest.max(burst);
        if let Some(next) = pacer.on_sent(now, MSS, MSS, rate) {
            now = next + late;
            pacer.on_timer(now);
            burst = 0;
        }
    }
    (sent, largest)
}

#[test]
fn the_rate_holds_on_average_with_late_timers() {
    for rate in [100_000, 1_000_000, 12_500_000, 125_000_000, 1_250_000_000] {
        for late in [Duration::ZERO, MS / 3, MS, 3 * MS] {
            let (sent, burst) = send(rate, Duration::from_secs(1), late);
            let most = rate * 6 / 1000 + 3 * u64::from(MSS);
            assert!(sent.abs_diff(rate) <= most, "{rate} {late:?} {sent}");
            assert!(u64::from(burst) <= most, "{rate} {late:?} {burst}");
        }
    }
}

/// A slow path gets segments in pairs, a fast one a millisecond's worth.
#[test]
fn bursts_are_short() {
    for (rate, burst) in [
        (50_000, 2000),
        (1_000_000, 2000),
        (10_000_000, 10_000),
        (100_000_000, 100_000),
    ] {
        let mut pacer = Pacer::default();
        let rate = Rate::per_second(rate);
        let mut now = Instant::from_secs(1);
        for _ in 0..10 {
            let mut sent = MSS;
            now = loop {
                match pacer.on_sent(now, MSS, MSS, rate) {
                    Some(next) => break next,
                    None => sent += MSS,
                }
            };
            assert_eq!(sent, burst);
        }
        assert_eq!(pacer.quantum(), burst);
    }
}

/// What was not sent for want of data or of a window is not sent in a burst later, and what a timer
/// was late by is made up for once.
#[test]
fn only_a_late_timer_is_made_up_for() {
    let (mut pacer, rate) = (Pacer::default(), Rate::per_second(1_000_000));
    let mut burst = |now, late| {
        if late {
            pacer.on_timer(now);
        }
        let mut sent = MSS;
        while pacer.on_sent(now, MSS, MSS, rate).is_none() {
            sent += MSS;
        }
        sent
    };
    for (at, late, sent) in [
        (1000, false, 2),
        (2000, false, 2),
        (2003, true, 3),
        (2500, false, 2),
        (3000, true, 6),
        (3500, false, 2),
    ] {
        assert_eq!(burst(Instant::from_millis(at), late), sent * MSS, "{at}");
    }
}

#[test]
fn the_rate_follows_the_window_and_the_round_trip() {
    let mut cc = Controller::new(Algorithm::NewReno, MSS);
    assert_eq!(Rate::of(&cc, None, None), None);
    let rate = |cc: &Controller, max| Rate::of(cc, Some(100 * MS), max).map(Rate::bytes_per_second);
    assert_eq!(rate(&cc, None), Some(400_000));
    assert_eq!(rate(&cc, Some(150_000)), Some(150_000));
    assert_eq!(rate(&cc, Some(450_000)), Some(400_000));
    cc.on_congestion(Instant::ZERO, 10 * MSS);
    assert_eq!(rate(&cc, None), Some(60_000));
}

/// Extremes neither overflow nor stop.
#[test]
fn extremes_are_harmless() {
    let mut cc = Controller::new(Algorithm::NewReno, MSS);
    cc.set_cwnd(u32::MAX);
    let now = Instant::from_secs(1 << 30);
    for srtt in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        for max in [None, Some(0), Some(u64::MAX)] {
            let rate = Rate::of(&cc, Some(srtt), max).unwrap();
            let mut pacer = Pacer::default();
            for len in [0, 1, u32::MAX] {
                let next = pacer.on_sent(now, len, 65_535, rate);
                assert!(next.is_none_or(|next| now < next && next <= now + HORIZON));
            }
            rate.bytes_per_second();
        }
    }
}

/// Four windows a round trip while the window doubles, 1.2 otherwise; and 1.2 times the threshold on the
/// last doubling, or while recovery brings the window down to it: four times would be a burst there.
#[test]
fn the_rate_follows_the_window() {
    let rate = |cwnd: u32, ssthresh: Option<u32>| {
        let mut cc = Controller::new(Algorithm::NewReno, MSS);
        if let Some(ssthresh) = ssthresh {
            cc.set_cwnd(2 * ssthresh * MSS);
            cc.on_congestion(Instant::ZERO, 2 * ssthresh * MSS);
        }
        cc.set_cwnd(cwnd * MSS);
        let srtt = Some(Duration::from_secs(1));
        Rate::of(&cc, srtt, None).map(Rate::bytes_per_second)
    };
    assert_eq!(rate(100, None), Some(400_000));
    assert_eq!(rate(49, Some(100)), Some(196_000));
    for cwnd in [50, 75, 99, 100] {
        assert_eq!(rate(cwnd, Some(100)), Some(120_000), "{cwnd}");
    }
    assert_eq!(rate(200, Some(100)), Some(240_000));
}
