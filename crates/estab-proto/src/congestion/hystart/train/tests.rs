use estab_timer::Duration;

use super::*;
use crate::congestion::tests::{MSS, sample};
use crate::congestion::{Algorithm, Controller};
use crate::recovery::AckSample;

const MIN_RTT: Duration = Duration::from_millis(100);

/// A slow start whose acknowledgments come so often, and each so late after the round trip of the
/// empty path: how much of the round has passed, in milliseconds, when it ends.
fn ends(spacing: Duration, late: impl Fn(Duration) -> Duration) -> Option<u128> {
    let began = Instant::from_secs(1);
    let mut cc = Controller::new(Algorithm::Cubic, MSS);
    let (mut now, mut delivered) = (began, 0);
    while now < began + MIN_RTT {
        delivered += u64::from(MSS);
        cc.on_ack(&AckSample {
            delivered,
            in_flight: 1000 * MSS,
            rtt: Some(MIN_RTT + late(now - began)),
            min_rtt: Some(MIN_RTT),
            ..sample(now, MSS)
        });
        if !cc.in_slow_start() {
            assert!(cc.cwnd() - cc.ssthresh() < MSS);
            return Some((now - began).as_millis());
        }
        now += spacing;
    }
    None
}

const SPACING: Duration = Duration::from_millis(1);

/// A queue builds at once: what is measured with the first segments is not waited for.
#[test]
fn acknowledgments_for_half_a_round_trip_end_slow_start() {
    assert_eq!(ends(SPACING, |since| since / 2), Some(50));
    // The queue is seen later.
    assert_eq!(ends(SPACING, |since| since / 5), Some(63));
}

/// The train is long because it was sent so.
#[test]
fn without_a_queue_it_goes_on() {
    assert_eq!(ends(SPACING, |_| Duration::ZERO), None);
    assert_eq!(ends(SPACING, |since| since / 10), None);
}

#[test]
fn after_a_gap_it_is_another_train() {
    let queue = |since: Duration| since / 2;
    assert_eq!(ends(Duration::from_millis(6), queue), Some(54));
    assert_eq!(ends(Duration::from_millis(7), queue), None);
}

#[test]
fn a_burst_is_no_train() {
    let (mut train, now) = (Train::default(), Instant::from_secs(1));
    assert!((0..100).all(|_| !train.on_ack(now, 1)));
}

#[test]
fn the_clock_may_wrap() {
    let first = Instant::from_micros(u64::from(u32::MAX) - 1000);
    let mut train = Train::default();
    for ms in 0..5 {
        assert!(!train.on_ack(first + ms * SPACING, 10_000), "{ms}");
    }
    assert!(train.on_ack(first + 5 * SPACING, 10_000));
    assert!(!train.on_ack(first + 8 * SPACING, 10_000));
}
