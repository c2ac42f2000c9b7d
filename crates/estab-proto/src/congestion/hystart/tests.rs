use estab_timer::Instant;

use super::*;
use crate::congestion::tests::{MSS, sample};
use crate::congestion::{Algorithm, Controller};

const MS: Duration = Duration::from_millis(1);

/// A sender that fills its window, acknowledged a segment at a time.
struct Flow {
    cc: Controller,
    now: Instant,
    delivered: u64,
    in_flight: u32,
}

impl Flow {
    fn new(algorithm: Algorithm, hystart: Option<Paced>) -> Self {
        let cc = Controller::with_hystart(algorithm, MSS, hystart);
        Self {
            in_flight: cc.cwnd(),
            cc,
            now: Instant::from_secs(1),
            delivered: 0,
        }
    }

    /// One acknowledgment of `acked` bytes.
    fn ack(&mut self, acked: u32, rtt: Duration) {
        self.delivered += u64::from(acked);
        self.in_flight -= acked;
        self.now += Duration::from_micros(100);
        self.cc.on_ack(&AckSample {
            rtt: Some(rtt),
            delivered: self.delivered,
            in_flight: self.in_flight,
            ..sample(self.now, acked)
        });
        self.in_flight = self.in_flight.max(self.cc.cwnd());
    }

    /// A round trip in which the whole flight is acknowledged; gives how many times the window is
    /// what it was.
    fn round(&mut self, rtt: Duration) -> f64 {
        let (before, mut left) = (self.cc.cwnd(), self.in_flight);
        while left > 0 {
            self.ack(left.min(MSS), rtt);
            left -= left.min(MSS);
        }
        f64::from(self.cc.cwnd()) / f64::from(before)
    }

    fn in_avoidance(&self) -> bool {
        !self.cc.in_slow_start()
    }
}

fn flows() -> [Flow; 2] {
    [Algorithm::Cubic, Algorithm::NewReno].map(|algorithm| Flow::new(algorithm, Some(Paced::No)))
}

/// While the round trips stay what they are, slow start is RFC 5681's.
// proves RFC9406-4.2#1, RFC9438-4.10
#[test]
fn an_empty_queue_leaves_slow_start_alone() {
    for mut flow in flows() {
        for round in 1..=6 {
            flow.round(100 * MS);
            assert_eq!(flow.cc.cwnd(), (10 * MSS) << round);
        }
    }
}

/// The round trip has grown by an eighth in a round of eight samples: growth slows to a quarter, and
/// after five rounds congestion avoidance begins, all without a loss.
// proves RFC9406-4.2#2, RFC9406-4.2#3, RFC9406-4.2#5
#[test]
fn a_growing_queue_ends_slow_start() {
    for mut flow in flows() {
        assert_eq!(flow.round(80 * MS), 2.0);
        // The last seven of a round grow as ever, and the eighth sees it.
        let grown = flow.round(90 * MS);
        assert!((1.4..1.6).contains(&grown), "{grown}");
        // The partial round counts as the first of the five.
        for _ in 0..3 {
            let grown = flow.round(95 * MS);
            assert!((grown - 1.25).abs() < 0.01, "{grown}");
            assert!(!flow.in_avoidance());
        }
        flow.round(95 * MS);
        assert!(flow.in_avoidance());
        assert!(flow.cc.ssthresh() < 80 * MSS);
        let grown = flow.round(95 * MS);
        assert!(grown < 1.05, "{grown}");
    }
}

/// Less than an eighth, but at least 4 ms and at most 16 ms.
// proves RFC9406-4.2#2
#[test]
fn the_threshold_has_bounds() {
    for (base, quiet, grown) in [(8, 11, 12), (80, 89, 90), (800, 815, 816)] {
        for (rtt, ends) in [(quiet, false), (grown, true)] {
            for mut flow in flows() {
                flow.round(base * MS);
                for _ in 0..20 {
                    flow.ack(MSS, rtt * MS);
                }
                let before = flow.cc.cwnd();
                flow.ack(MSS, rtt * MS);
                let quarter = flow.cc.cwnd() - before == MSS / 4;
                assert_eq!(quarter, ends, "{base} {rtt}");
            }
        }
    }
}

/// Seven samples are too few.
// proves RFC9406-4.2#2
#[test]
fn eight_samples_are_wanted() {
    let mut flow = Flow::new(Algorithm::Cubic, Some(Paced::No));
    flow.round(50 * MS);
    for count in 1..=9 {
        let before = flow.cc.cwnd();
        flow.ack(MSS, 100 * MS);
        let growth = flow.cc.cwnd() - before;
        assert_eq!(growth, if count < 8 { MSS } else { MSS / 4 }, "{count}");
    }
}

/// The round trips were but a burst of jitter: slow start goes on, watched as before.
// proves RFC9406-4.2#4
#[test]
fn a_shorter_round_trip_resumes_slow_start() {
    for mut flow in flows() {
        flow.round(80 * MS);
        flow.round(95 * MS);
        flow.round(95 * MS);
        flow.round(85 * MS);
        let grown = flow.round(85 * MS);
        assert_eq!(grown, 2.0);
        assert!(!flow.in_avoidance());
        for _ in 0..6 {
            flow.round(120 * MS);
        }
        assert!(flow.in_avoidance());
    }
}

/// A loss or a mark ends it as it ends slow start, and a later slow start is not watched.
// proves RFC9406-4.2#5, RFC9406-4.3#3
#[test]
fn only_the_first_slow_start_is_watched() {
    for (mut flow, mark) in flows().into_iter().zip([false, true]) {
        flow.round(80 * MS);
        flow.round(95 * MS);
        let (now, flight) = (flow.now, flow.in_flight);
        if mark {
            flow.cc.on_ecn(now, flight);
        } else {
            flow.cc.on_congestion(now, flight);
        }
        assert!(flow.in_avoidance());
        flow.cc.on_rto(now, flight, true);
        flow.in_flight = MSS;
        for round in 1..=3 {
            flow.round((95 + 20 * round) * MS);
            assert_eq!(flow.cc.cwnd(), MSS << round);
        }
    }
}

/// An acknowledgment of much counts for eight segments unless sending is paced.
// proves RFC9406-4.3#1
#[test]
fn an_acknowledgment_counts_for_eight_segments_unless_paced() {
    for (hystart, counted) in [(Some(Paced::No), 8), (Some(Paced::Yes), 20), (None, 20)] {
        let mut flow = Flow::new(Algorithm::Cubic, hystart);
        flow.round(80 * MS);
        flow.ack(20 * MSS, 80 * MS);
        assert_eq!(flow.cc.cwnd(), (20 + counted) * MSS);
    }
}

// proves RFC9406-4.3#2
#[test]
fn the_divisor_is_at_least_two() {
    const { assert!(CSS_GROWTH_DIVISOR >= 2) };
}
