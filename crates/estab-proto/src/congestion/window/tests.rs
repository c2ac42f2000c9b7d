use estab_timer::Instant;

use super::*;
use crate::congestion::tests::sample;

/// RFC 6928 §2, equation 1.
// proves RFC5681-3.1#1
#[test]
fn the_initial_window_counts_bytes() {
    for (mss, window) in [
        (48, 480),
        (536, 5360),
        (1460, 14_600),
        (8960, 17_920),
        (65_535, 131_070),
    ] {
        assert_eq!(Window::initial(mss), window);
        assert_eq!(Window::new(mss).cwnd(), window);
    }
    assert_eq!(Window::new(0).cwnd(), 10);
    assert_eq!(Window::new(u32::MAX).mss(), 65_535);
}

#[test]
fn the_window_has_bounds() {
    let mut window = Window::new(1000);
    window.set_cwnd(0);
    assert_eq!(window.cwnd(), 1000);
    window.grow(u32::MAX);
    assert_eq!(window.cwnd(), MAX_CWND);
    window.set_ssthresh(0);
    assert_eq!(window.ssthresh(), 2000);
}

/// RFC 5681 §3.1.
// proves RFC5681-3.1#10
#[test]
fn a_smaller_mss_keeps_the_segments_and_a_larger_the_bytes() {
    let mut window = Window::new(1400);
    window.set_mss(700);
    assert_eq!(window.cwnd(), 7000);
    window.set_mss(1400);
    assert_eq!(window.cwnd(), 7000);
    window.set_mss(9000);
    assert_eq!(window.cwnd(), 9000);
}

/// RFC 5681 §3.1: up to the threshold, and what is left is for congestion avoidance.
#[test]
fn slow_start_ends_at_the_threshold() {
    let mut window = Window::new(1000);
    assert_eq!(window.slow_start(&sample(Instant::ZERO, 4000)), 0);
    assert_eq!(window.cwnd(), 14_000);
    window.set_ssthresh(15_000);
    assert_eq!(window.slow_start(&sample(Instant::ZERO, 4000)), 3000);
    assert_eq!((window.cwnd(), window.in_slow_start()), (15_000, false));
    assert_eq!(window.slow_start(&sample(Instant::ZERO, 4000)), 4000);
}

/// RFC 3465 §2.3: after a timeout an acknowledgment of much that was received before counts for one
/// segment.
#[test]
fn slow_start_after_a_timeout_counts_one_segment_an_ack() {
    let mut window = Window::new(1000);
    window.set_ssthresh(50_000);
    window.collapse();
    let jump = AckSample {
        prior_state: CaState::Loss,
        ..sample(Instant::ZERO, 40_000)
    };
    assert_eq!(window.slow_start(&jump), 0);
    assert_eq!(window.cwnd(), 2000);
}

/// RFC 5681 §4.1, RFC 7661 §4.4.3.
#[test]
fn a_restart_remembers_the_window_in_the_threshold() {
    let mut window = Window::new(1000);
    window.set_cwnd(40_000);
    window.reduce(40_000);
    window.set_cwnd(80_000);
    window.restart();
    assert_eq!((window.cwnd(), window.ssthresh()), (10_000, 60_000));
    window.set_cwnd(5000);
    window.restart();
    assert_eq!((window.cwnd(), window.ssthresh()), (5000, 60_000));
}

/// RFC 6928 §2: a path that lost from the initial window restarts as RFC 3390 says.
#[test]
fn a_loss_at_the_start_makes_restarts_smaller() {
    for (mss, restart) in [(500, 2000), (1460, 4380), (9000, 18_000)] {
        let mut window = Window::new(mss);
        window.reduce(window.cwnd() / 2);
        window.set_cwnd(1_000_000);
        window.restart();
        assert_eq!(window.cwnd(), restart);
    }
}

/// RFC 2861 §3.1.
#[test]
fn an_unused_window_comes_halfway_down() {
    let mut window = Window::new(1000);
    window.reduce(80_000);
    window.validate(80_000);
    assert_eq!((window.cwnd(), window.ssthresh()), (80_000, 80_000));
    window.validate(20_000);
    assert_eq!((window.cwnd(), window.ssthresh()), (50_000, 80_000));
    for _ in 0..20 {
        window.validate(0);
    }
    // The initial window needs no proof.
    assert_eq!((window.cwnd(), window.ssthresh()), (10_000, 80_000));
    window.set_cwnd(4000);
    window.validate(0);
    assert_eq!(window.cwnd(), 4000);
    // In the first slow start there is no threshold to lower.
    let mut first = Window::new(1000);
    first.set_cwnd(40_000);
    first.validate(0);
    assert_eq!((first.cwnd(), first.ssthresh()), (25_000, u32::MAX));
}
