use super::*;
use crate::congestion::Algorithm;
use Supply::{Buffered, Exhausted, Plenty};

const MSS: u32 = 1000;
const RTO: Duration = Duration::from_millis(300);

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// A controller in congestion avoidance with a window of a hundred segments.
fn steady() -> Controller {
    let mut cc = Controller::new(Algorithm::NewReno, MSS);
    cc.set_cwnd(200 * MSS);
    cc.on_congestion(ms(0), 200 * MSS);
    assert_eq!((cc.cwnd(), cc.in_slow_start()), (100 * MSS, false));
    cc
}

fn usage() -> Usage {
    Usage::new(SeqNumber::new(0))
}

#[test]
fn a_timeout_without_a_full_window_tells_the_largest_flight() {
    let (cc, mut usage) = (steady(), usage());
    for (at, flight, expected) in [
        (1000, 99_001, None),
        (1100, 20_000, None),
        (1200, 40_000, None),
        (1299, 30_000, None),
        (1300, 30_000, Some(40_000)),
        // The next one counts from here.
        (1599, 10_000, None),
        (1600, 5000, Some(10_000)),
    ] {
        let underused = usage.underused(ms(at), RTO, flight, Exhausted, &cc, MSS);
        assert_eq!(underused, expected, "{at}");
    }
}

#[test]
fn a_full_window_starts_the_count_again() {
    let (cc, mut usage) = (steady(), usage());
    for at in (1000..5000).step_by(250) {
        assert_eq!(
            usage
                .underused(ms(at), RTO, 10_000, Exhausted, &cc, MSS)
                .is_some(),
            at == 1000
        );
        assert_eq!(
            usage.underused(ms(at), RTO, 99_500, Exhausted, &cc, MSS),
            None
        );
    }
}

/// In slow start the window is twice what was used a round ago.
#[test]
fn half_a_window_is_enough_in_slow_start() {
    let mut cc = Controller::new(Algorithm::NewReno, MSS);
    cc.set_cwnd(100 * MSS);
    let mut usage = usage();
    assert_eq!(
        usage.underused(ms(1000), RTO, 50_001, Exhausted, &cc, MSS),
        None
    );
    assert_eq!(
        usage.underused(ms(2000), RTO, 50_001, Exhausted, &cc, MSS),
        None
    );
    assert_eq!(
        usage.underused(ms(3000), RTO, 50_000, Exhausted, &cc, MSS),
        Some(50_000)
    );
}

/// Ticks wrap after 52 days.
#[test]
fn the_clock_wraps() {
    let (cc, mut usage) = (steady(), usage());
    let wrap = (1_u64 << 52) / 1_000_000;
    usage.underused(ms(wrap - 100), RTO, 100_000, Exhausted, &cc, MSS);
    assert_eq!(
        usage.underused(ms(wrap + 100), RTO, 1000, Exhausted, &cc, MSS),
        None
    );
    assert_eq!(
        usage.underused(ms(wrap + 200), RTO, 1000, Exhausted, &cc, MSS),
        Some(1000)
    );
}

/// A burst is judged by its end; a full send buffer hides how much the application has.
#[test]
fn more_data_and_a_full_buffer_prove_nothing() {
    let (cc, mut usage) = (steady(), usage());
    for (at, flight, supply, expected) in [
        (1000, 1000, Plenty, None),
        (1000, 99_500, Exhausted, None),
        (2000, 1000, Plenty, None),
        (2000, 20_000, Exhausted, Some(20_000)),
        (3000, 20_000, Buffered, None),
        (3200, 10_000, Exhausted, None),
        (3300, 10_000, Exhausted, Some(10_000)),
    ] {
        let underused = usage.underused(ms(at), RTO, flight, supply, &cc, MSS);
        assert_eq!(underused, expected, "{at}");
    }
}
