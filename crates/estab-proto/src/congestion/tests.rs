use alloc::vec::Vec;

use estab_timer::{Duration, Instant};

use super::*;

pub(super) const MSS: u32 = 1000;

/// An acknowledgment of `acked` bytes in a flight that fills the window.
pub(super) fn sample(now: Instant, acked: u32) -> AckSample {
    AckSample {
        newly_acked: acked,
        is_cwnd_limited: true,
        ..AckSample::new(now)
    }
}

const NOW: Instant = Instant::from_secs(1);

fn controllers() -> [Controller; 2] {
    [Algorithm::NewReno, Algorithm::Cubic].map(|algorithm| Controller::new(algorithm, MSS))
}

#[test]
fn cubic_is_the_default() {
    assert_eq!(Algorithm::default(), Algorithm::Cubic);
}

/// RFC 5681 §3.1, RFC 6928 §2.
// proves RFC5681-3.1#3
#[test]
fn a_lost_syn_leaves_one_segment() {
    for mut cc in controllers() {
        assert!(cc.in_slow_start());
        cc.on_handshake_done(false);
        assert_eq!((cc.cwnd(), cc.ssthresh()), (10 * MSS, u32::MAX));
        cc.on_handshake_done(true);
        assert_eq!((cc.cwnd(), cc.ssthresh()), (MSS, u32::MAX));
    }
}

/// RFC 5681 §3.2 step 2, RFC 9438 §4.6.
#[test]
fn congestion_reduces_by_the_flight_without_limited_transmit() {
    for (mut cc, share) in controllers().into_iter().zip([50, 70]) {
        cc.on_congestion(NOW, 12 * MSS);
        assert_eq!((cc.cwnd(), cc.ssthresh()), (100 * share, 100 * share));
        cc.on_recovery_exit(NOW);
        assert_eq!(cc.cwnd(), 100 * share);
        // A flight that did not use the window.
        cc.on_congestion(NOW, 4 * MSS);
        assert_eq!(cc.cwnd(), 40 * share);
        // The least threshold is two segments.
        cc.on_congestion(NOW, MSS);
        assert_eq!((cc.cwnd(), cc.ssthresh()), (2 * MSS, 2 * MSS));
    }
}

/// RFC 5681 §3.1, RFC 9438 §4.8.
#[test]
fn timeouts_collapse_and_hold_the_threshold() {
    for (mut cc, share) in controllers().into_iter().zip([50, 70]) {
        cc.on_rto(NOW, 8 * MSS, true);
        assert_eq!((cc.cwnd(), cc.ssthresh()), (MSS, 80 * share));
        cc.on_rto(NOW, 8 * MSS, false);
        assert_eq!((cc.cwnd(), cc.ssthresh()), (MSS, 80 * share));
        assert!(cc.in_slow_start());
    }
}

// proves RFC9438-4.6#2
#[test]
fn nothing_grows_in_recovery_or_unused() {
    for mut cc in controllers() {
        cc.on_ack(&AckSample {
            in_recovery: true,
            ..sample(NOW, 5 * MSS)
        });
        cc.on_ack(&AckSample {
            is_cwnd_limited: false,
            ..sample(NOW, 5 * MSS)
        });
        assert_eq!(cc.cwnd(), 10 * MSS);
        cc.on_ack(&sample(NOW, 5 * MSS));
        assert_eq!(cc.cwnd(), 15 * MSS);
    }
}

/// RFC 5681 §4.1.
#[test]
fn idling_for_longer_than_the_timeout_restarts() {
    let rto = Duration::from_secs(1);
    for mut cc in controllers() {
        for _ in 0..70 {
            cc.on_ack(&sample(NOW, MSS));
        }
        cc.on_idle(NOW, rto, rto);
        assert_eq!(cc.cwnd(), 80 * MSS);
        cc.on_idle(NOW, rto * 2, rto);
        assert_eq!((cc.cwnd(), cc.ssthresh()), (10 * MSS, u32::MAX));
        cc.on_idle(NOW, rto * 2, rto);
        assert_eq!(cc.cwnd(), 10 * MSS);
    }
}

// proves MAY-18
#[test]
fn an_algorithm_may_be_the_users() {
    #[derive(Debug)]
    struct Halt;
    impl CongestionControl for Halt {
        fn on_ack(&mut self, window: &mut Window, sample: &AckSample) {
            window.set_cwnd(sample.newly_acked);
        }
        fn on_congestion(&mut self, window: &mut Window, _now: Instant, _flight: u32) {
            window.set_cwnd(0);
        }
        fn on_rto(&mut self, window: &mut Window, _now: Instant, flight: u32, _first: bool) {
            window.set_ssthresh(flight);
        }
    }
    let mut cc = Controller::custom(Box::new(Halt), MSS);
    cc.on_ack(&sample(NOW, 1234));
    assert_eq!(cc.cwnd(), 1234);
    cc.on_rto(NOW, 5678, true);
    assert_eq!(cc.ssthresh(), 2000);
    cc.on_congestion(NOW, 1);
    cc.on_recovery_exit(NOW);
    assert_eq!(cc.cwnd(), MSS);
    cc.limit_cwnd(0);
    assert_eq!(cc.cwnd(), MSS);
}

/// RFC 9438 §4.9, RFC 4015 §3.2: all is as it was, and what grew meanwhile stays.
#[test]
fn a_reduction_can_be_taken_back() {
    for mut cc in controllers() {
        cc.on_congestion(NOW, 10 * MSS);
        for _ in 0..4 {
            cc.on_ack(&sample(NOW, cc.cwnd()));
        }
        let (cwnd, ssthresh, before) = (cc.cwnd(), cc.ssthresh(), cc.snapshot());
        cc.on_congestion(NOW, cwnd);
        cc.on_rto(NOW, cwnd, true);
        assert_eq!(cc.cwnd(), MSS);
        cc.restore(NOW, &before);
        assert_eq!((cc.cwnd(), cc.ssthresh()), (cwnd, ssthresh));
        cc.set_cwnd(2 * cwnd);
        cc.restore(NOW, &before);
        assert_eq!(cc.cwnd(), 2 * cwnd);
    }
}

/// RFC 3168 §6.1.2: an algorithm that says nothing of ECN answers as it does to loss.
#[test]
fn ecn_counts_as_loss_unless_the_algorithm_knows_better() {
    #[derive(Debug)]
    struct Half;
    impl CongestionControl for Half {
        fn on_ack(&mut self, _window: &mut Window, _sample: &AckSample) {}
        fn on_congestion(&mut self, window: &mut Window, _now: Instant, flight: u32) {
            window.reduce(flight / 2);
        }
        fn on_rto(&mut self, _window: &mut Window, _now: Instant, _flight: u32, _first: bool) {}
    }
    let mut cc = Controller::custom(Box::new(Half), MSS);
    assert!(cc.uses_prr() && !cc.wants_rate());
    cc.on_ecn(NOW, 100 * MSS);
    assert_eq!(cc.cwnd(), 5 * MSS);
    assert_eq!(cc.pacing_rate(), None);
}

/// RFC 8511 §3 and §3.1: a mark reduces by less than a loss, eight tenths for NewReno and 0.85 for
/// CUBIC.
// proves RFC8511-3, RFC8511-3.1, RFC8311-4.1
#[test]
fn a_mark_reduces_by_less_than_a_loss() {
    for (mut cc, share) in controllers().into_iter().zip([80, 85]) {
        cc.on_ecn(NOW, 10 * MSS);
        assert_eq!((cc.cwnd(), cc.ssthresh()), (100 * share, 100 * share));
        // What limited transmit sent is not counted.
        cc.on_ecn(NOW, 20 * MSS);
        assert_eq!(cc.cwnd(), share * share);
    }
}

/// RFC 9438 §4.6, RFC 3168 §6.1.2: marks reduce the window to one segment, losses to two.
// proves RFC9438-4.6#1, RFC9438-4.6#3
#[test]
fn marks_reduce_to_one_segment_and_losses_to_two() {
    for mut cc in controllers() {
        cc.on_congestion(NOW, MSS);
        assert_eq!((cc.cwnd(), cc.ssthresh()), (2 * MSS, 2 * MSS));
        let mut windows = Vec::new();
        while cc.cwnd() > MSS {
            cc.on_ecn(NOW, cc.cwnd());
            windows.push(cc.cwnd());
        }
        assert!(windows.is_sorted_by(|a, b| a > b));
        assert_eq!((cc.cwnd(), cc.ssthresh()), (MSS, 2 * MSS));
    }
}
