//! Flows that share a bottleneck.

use std::time::Duration;

use estab_proto::congestion::Algorithm;
use estab_sim::transfer::{Flow, Report, Transfer};
use estab_sim::{Bandwidth, Path};

use crate::MS;

const SECOND: Duration = Duration::from_secs(1);

/// Flows of these kinds over 20 Mbit/s, each starting half a second after the one before.
fn share(kinds: &[Algorithm], rtt: Duration, time: Duration) -> Report {
    let path = Path::builder()
        .rtt(rtt)
        .rate(Bandwidth::mbit(20))
        .queue_bdp(1.0);
    let mut transfer = Transfer::new(path.build())
        .limit(time)
        .sample_every(100 * MS);
    for (kind, start) in kinds.iter().zip((0..).map(|n| n * SECOND / 2)) {
        transfer = transfer.flow(Flow::new(*kind).start(start));
    }
    transfer.run()
}

/// The bytes that each flow delivered after `since`.
fn shares(report: &Report, since: Duration) -> Vec<f64> {
    let flows = report.flows.iter();
    flows
        .map(|flow| (flow.delivered - flow.delivered_before(since)) as f64)
        .collect()
}

#[test]
fn two_flows_of_cubic_get_the_same() {
    for rtt in [20, 100] {
        let report = share(&[Algorithm::Cubic; 2], rtt * MS, 120 * SECOND);
        let fairness = report.fairness(20 * SECOND);
        assert!(fairness >= 0.95, "{fairness} at {rtt} ms");
    }
}

#[test]
fn eight_flows_get_the_same() {
    for kind in [Algorithm::Cubic, Algorithm::NewReno] {
        let report = share(&[kind; 8], 40 * MS, 120 * SECOND);
        let fairness = report.fairness(20 * SECOND);
        assert!(fairness >= 0.95, "{fairness} of {kind:?}");
    }
}

// Where the window of Reno is large enough, CUBIC takes what Reno would, and not much more
// (RFC 9438 §4.3).
#[test]
fn cubic_is_fair_to_reno_on_a_short_path() {
    let report = share(
        &[Algorithm::Cubic, Algorithm::NewReno],
        20 * MS,
        120 * SECOND,
    );
    let [cubic, reno] = shares(&report, 20 * SECOND)[..] else {
        unreachable!("two flows");
    };
    let ratio = cubic / reno;
    assert!((0.6..1.7).contains(&ratio), "{ratio}");
}
