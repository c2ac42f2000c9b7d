extern crate std;

use estab_timer::Duration;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::*;
use crate::congestion::tests::{MSS, sample};

/// A sender that fills its window, acknowledged once per two segments.
struct Flow {
    cubic: Cubic,
    window: Window,
    now: Instant,
    rtt: Duration,
}

impl Flow {
    /// A flow that just lost something at `cwnd` segments.
    fn new(cwnd: u32, rtt: Duration) -> Self {
        let (mut cubic, mut window) = (Cubic::default(), Window::new(MSS));
        let now = Instant::from_secs(1);
        window.set_cwnd(cwnd * MSS);
        cubic.on_congestion(&mut window, now, cwnd * MSS);
        let mut flow = Self {
            cubic,
            window,
            now,
            rtt,
        };
        flow.cubic.observe(&AckSample {
            rtt: Some(rtt),
            ..sample(now, 0)
        });
        flow.cubic.last_ack = now;
        flow
    }

    /// A round trip in which the whole window is acknowledged.
    fn round(&mut self) {
        let acks = (self.window.cwnd() / (2 * MSS)).max(1);
        for _ in 0..acks {
            self.now += self.rtt / acks;
            let sample = AckSample {
                rtt: Some(self.rtt),
                ..sample(self.now, 2 * MSS)
            };
            self.cubic.on_ack(&mut self.window, &sample);
        }
    }

    /// Of the congestion avoidance stage.
    fn k(&self) -> u32 {
        match self.cubic.phase {
            Phase::Avoidance(stage) => stage.k,
            Phase::Slow(_) => panic!("no stage has begun"),
        }
    }

    /// In segments.
    fn cwnd(&self) -> f64 {
        f64::from(self.window.cwnd()) / f64::from(MSS)
    }
}

proptest! {
    #![proptest_config(Config { rng_seed: RngSeed::Fixed(9438), failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_cube_root_is_rounded_down(n in prop_oneof![any::<u64>(), 0u64..10_000, Just(u64::MAX)]) {
        let root = u128::from(cbrt(n));
        prop_assert!(root.pow(3) <= u128::from(n) && u128::from(n) < (root + 1).pow(3));
    }

    /// Equations 1 and 2 of RFC 9438 §4.2, in floating point.
    // proves RFC9438-4.1, RFC9438-4.2#1
    #[test]
    fn the_curve_is_that_of_the_rfc(
        cwnd in 2u32..100_000,
        above in 0u32..100_000,
        mss in 48u32..9000,
        millis in 0u64..300_000,
    ) {
        let mut window = Window::new(mss);
        window.set_cwnd(cwnd * mss);
        window.set_ssthresh(0);
        let mut cubic = Cubic { w_max: (window.cwnd() / mss).saturating_add(above).min(u32::MAX / mss) * mss, ..Cubic::default() };
        let stage = cubic.begin_stage(&window);
        let segments = |bytes: u64| bytes as f64 / f64::from(mss);
        let (w_max, from) = (segments(cubic.w_max.into()), segments(window.cwnd().into()));
        let k = ((w_max - from).max(0.0) / 0.4).cbrt();
        prop_assert!((f64::from(stage.k) / 1024.0 - k).abs() < 0.002);
        let t = millis as f64 / 1e3;
        let expected = (0.4 * (t - k).powi(3) + w_max).max(0.0);
        let got = segments(cubic.w_cubic(stage.k, millis * 1_000_000, mss));
        // A tick on each of t and K.
        let slack = 0.1 + 1.2 * (t - k).powi(2) * 0.003;
        prop_assert!((got - expected).abs() <= slack, "{} {}", got, expected);
    }
}

/// RFC 9438 §4.2, §4.4, §4.5: down to 0.7, back at W_max after K, and beyond.
// proves RFC9438-4.2#1, RFC9438-4.4-4.5
#[test]
fn a_wide_window_follows_the_curve() {
    let mut flow = Flow::new(1000, Duration::from_millis(100));
    assert_eq!(flow.cwnd(), 700.0);
    let k = (300f64 / 0.4).cbrt();
    for round in 1..200 {
        flow.round();
        let t = f64::from(round - 1) / 10.0;
        let curve = 0.4 * (t - k).powi(3) + 1000.0;
        assert!(
            (flow.cwnd() / curve - 1.0).abs() < 0.02,
            "{t}: {} {curve}",
            flow.cwnd()
        );
    }
    assert!(flow.cwnd() > 1300.0);
}

/// RFC 9438 §4.3: on a short path as Reno would, 9/17 of a segment a round trip up to the window
/// before the loss and a whole one from there.
// proves RFC9438-4.3
#[test]
fn a_narrow_window_grows_as_reno() {
    let mut flow = Flow::new(20, Duration::from_millis(1));
    assert_eq!(flow.cwnd(), 14.0);
    for _ in 0..8 {
        flow.round();
    }
    assert!(
        (flow.cwnd() - (14.0 + 8.0 * 9.0 / 17.0)).abs() < 0.5,
        "{}",
        flow.cwnd()
    );
    while flow.cwnd() < 20.5 {
        flow.round();
    }
    let before = flow.cwnd();
    for _ in 0..10 {
        flow.round();
    }
    assert!(
        (flow.cwnd() - before - 10.0).abs() < 0.8,
        "{} {before}",
        flow.cwnd()
    );
}

/// RFC 9438 §4.7.
// proves RFC9438-4.7
#[test]
fn a_second_loss_below_the_plateau_lowers_it() {
    let mut flow = Flow::new(1000, Duration::from_millis(100));
    assert_eq!(flow.cubic.w_max, 1000 * MSS);
    flow.round();
    let cwnd = flow.window.cwnd();
    flow.cubic.on_congestion(&mut flow.window, flow.now, cwnd);
    assert_eq!(flow.cubic.w_max, (u64::from(cwnd) * 85 / 100) as u32);
    assert_eq!(flow.cubic.cwnd_prior, cwnd);
}

/// RFC 9438 §4.7 says SHOULD: who is alone may want the window back.
#[test]
fn without_fast_convergence_the_plateau_is_where_the_loss_was() {
    let mut flow = Flow::new(1000, Duration::from_millis(100));
    flow.window.set_fast_convergence(false);
    let before = flow.window;
    for _ in 0..2 {
        flow.round();
        let cwnd = flow.window.cwnd();
        flow.cubic.on_congestion(&mut flow.window, flow.now, cwnd);
        assert_eq!((flow.cubic.w_max, flow.cubic.cwnd_prior), (cwnd, cwnd));
        // An undo brings no other setting.
        flow.window.restore(&before);
    }
}

/// RFC 9438 §4.6: by what was in flight, and never below two segments.
#[test]
fn the_reduction_is_by_flight() {
    let mut flow = Flow::new(1000, Duration::from_millis(100));
    flow.cubic
        .on_congestion(&mut flow.window, flow.now, 100 * MSS);
    assert_eq!(flow.cwnd(), 70.0);
    flow.cubic.on_congestion(&mut flow.window, flow.now, 0);
    assert_eq!(flow.cwnd(), 2.0);
}

/// RFC 9438 §4.8: the stage after a timeout starts on the plateau.
// proves RFC9438-4.8
#[test]
fn a_timeout_restarts_the_curve() {
    let mut flow = Flow::new(1000, Duration::from_millis(100));
    flow.round();
    flow.cubic
        .on_rto(&mut flow.window, flow.now, 500 * MSS, true);
    assert_eq!((flow.cwnd(), flow.window.ssthresh()), (1.0, 350 * MSS));
    while flow.window.in_slow_start() {
        flow.round();
    }
    flow.round();
    assert_eq!((flow.k(), flow.cubic.w_max / MSS), (0, 350));
    let start = flow.cwnd();
    for _ in 0..10 {
        flow.round();
    }
    assert!(flow.cwnd() - start < 10.0 && flow.cwnd() > start);
}

/// RFC 9438 §4.2, §5.8: time in which the window was not used, or nothing was sent at all, is not on
/// the curve.
// proves RFC9438-4.2,5.8
#[test]
fn unused_time_does_not_count() {
    let mut flow = Flow::new(1000, Duration::from_millis(100));
    flow.round();
    let cwnd = flow.cwnd();
    for _ in 0..100 {
        flow.now += flow.rtt;
        let idle = AckSample {
            is_cwnd_limited: false,
            ..sample(flow.now, MSS)
        };
        flow.cubic.on_ack(&mut flow.window, &idle);
    }
    flow.now += Duration::from_secs(60);
    assert_eq!(flow.cwnd(), cwnd);
    for _ in 0..3 {
        let before = flow.cwnd();
        flow.round();
        assert!(flow.cwnd() < before * 1.1, "{before} {}", flow.cwnd());
    }
}

/// RFC 5681 §4.1: after a restart the curve begins anew where slow start ends.
#[test]
fn a_restart_begins_another_stage() {
    let mut flow = Flow::new(1000, Duration::from_millis(100));
    for _ in 0..50 {
        flow.round();
    }
    let rto = Duration::from_secs(1);
    flow.now += rto * 60;
    let before = flow.cwnd();
    flow.cubic
        .on_idle(&mut flow.window, flow.now, rto * 60, rto);
    assert_eq!(flow.cwnd(), 10.0);
    while flow.window.in_slow_start() {
        flow.round();
    }
    let start = flow.cwnd();
    assert!((start / before - 0.75).abs() < 0.02);
    flow.round();
    let k = ((1000.0 - start) / 0.4).cbrt();
    assert!(
        (f64::from(flow.k()) / 1024.0 - k).abs() < 0.1,
        "{}",
        flow.k()
    );
    assert!(flow.cwnd() < start * 1.1);
}

/// RFC 9438 §4.2: at most half as much again in a round trip, however late on the curve.
// proves RFC9438-4.2#2
#[test]
fn growth_is_bounded() {
    let mut flow = Flow::new(100, Duration::from_secs(20));
    for _ in 0..10 {
        let before = flow.cwnd();
        flow.round();
        assert!(flow.cwnd() <= before * 1.7, "{before} {}", flow.cwnd());
    }
    assert!(flow.cwnd() > 500.0);
}
