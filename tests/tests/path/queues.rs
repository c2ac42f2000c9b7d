//! How much waits in the bottleneck's queue.

use std::time::Duration;

use estab_proto::config::Ecn;
use estab_proto::congestion::Algorithm;
use estab_sim::transfer::{Flow, Happening, Report, Transfer};
use estab_sim::{Bandwidth, Path, Queue};

use crate::MS;

const RATE: Bandwidth = Bandwidth::mbit(20);
const RTT: Duration = Duration::from_millis(40);
const TIME: Duration = Duration::from_secs(60);
const WARM: Duration = Duration::from_secs(10);

fn bdp() -> u64 {
    RATE.bytes_in(RTT)
}

fn run(flow: Flow, queue: Queue) -> Report {
    let path = Path::builder().rtt(RTT).rate(RATE).queue(queue).build();
    let transfer = Transfer::new(path).flow(flow).limit(TIME);
    transfer.sample_every(10 * MS).run()
}

/// What waits after the start, in bandwidth-delay products: on average, and at most.
fn standing(report: &Report) -> (f64, f64) {
    let waiting = report.queue.iter().filter(|(at, _)| *at > WARM);
    let bytes: Vec<u64> = waiting.map(|(_, bytes)| *bytes).collect();
    let mean = bytes.iter().sum::<u64>() as f64 / bytes.len() as f64;
    let most = bytes.iter().copied().max().unwrap_or_default() as f64;
    (mean / bdp() as f64, most / bdp() as f64)
}

/// Of what the bottleneck could carry, in percent of its rate.
fn used(report: &Report) -> f64 {
    100.0 * report.flows[0].goodput() / RATE.bits_per_second() as f64
}

#[test]
fn bbr_keeps_the_queue_short_where_cubic_fills_it() {
    let bytes = 4 * bdp();
    let run = |algorithm| run(Flow::new(algorithm), Queue::DropTail { bytes });
    let (cubic, bbr) = (run(Algorithm::Cubic), run(Algorithm::Bbr));
    let ((cubic_mean, cubic_most), (bbr_mean, bbr_most)) = (standing(&cubic), standing(&bbr));
    assert!(
        cubic_mean > 2.5 && cubic_most > 3.9,
        "{cubic_mean} {cubic_most}"
    );
    assert!(bbr_mean < 1.0 && bbr_most < 1.5, "{bbr_mean} {bbr_most}");
    assert!(used(&cubic) > 94.0 && used(&bbr) > 90.0);
}

#[test]
fn codel_keeps_the_queue_short_and_marks_instead_of_dropping() {
    let codel = |ecn| Queue::codel(4 * bdp(), ecn);
    let marked = Flow::new(Algorithm::Cubic).tcp(|tcp| tcp.ecn = Ecn::Accurate);
    let (dropped, marked) = (
        run(Flow::new(Algorithm::Cubic), codel(false)),
        run(marked, codel(true)),
    );
    for report in [&dropped, &marked] {
        let (mean, _) = standing(report);
        assert!(mean < 0.5, "{mean}");
        assert!(used(report) > 80.0, "{}", used(report));
    }
    assert!(dropped.there.dropped().early > 0);
    assert!(marked.there.marked() > 0);
    let repeated = marked.flows[0].info.as_ref().map(|info| info.retransmits);
    assert_eq!(marked.there.dropped().total(), repeated.unwrap_or_default());
}

#[test]
fn dctcp_holds_the_queue_at_the_threshold() {
    let threshold = bdp() / 5;
    let flow = Flow::new(Algorithm::Dctcp).tcp(|tcp| tcp.ecn = Ecn::Accurate);
    let report = run(
        flow,
        Queue::Threshold {
            bytes: 4 * bdp(),
            threshold,
        },
    );
    let (mean, most) = standing(&report);
    assert!(mean < 0.35 && most < 0.6, "{mean} {most}");
    assert!(used(&report) > 90.0, "{}", used(&report));
}

/// A queue that holds what the path does is long enough for the first slow start: it ends when the
/// bottleneck is never idle any more, and not a round trip later.
#[test]
fn slow_start_ends_before_a_queue_of_one_product_overflows() {
    for (rtt, rate) in [(20, 20), (100, 20), (300, 20), (20, 200), (100, 200)] {
        let (rtt, rate) = (rtt * MS, Bandwidth::mbit(rate));
        let path = Path::builder().rtt(rtt).rate(rate).queue_bdp(1.0).build();
        let flow = Flow::new(Algorithm::Cubic);
        let report = Transfer::new(path).flow(flow).limit(12 * rtt).run();
        assert_eq!(report.there.dropped().total(), 0, "{rtt:?} {rate}");
        let used = report.flows[0].delivered as f64 / rate.bytes_in(12 * rtt) as f64;
        assert!(used > 0.3, "{rtt:?} {rate} {used}");
    }
}

/// A queue of a tenth of the product overflows in slow start, and then it is enough: what recovery sends
/// meanwhile is paced by the window it arrives at, not by that of slow start, and loses nothing more.
#[test]
fn a_short_queue_costs_one_reduction() {
    for (rtt, rate) in [(20, 20), (100, 20), (20, 200), (100, 200)] {
        let (rtt, rate) = (rtt * MS, Bandwidth::mbit(rate));
        let path = Path::builder().rtt(rtt).rate(rate).queue_bdp(0.1).build();
        let flow = Flow::new(Algorithm::Cubic);
        let transfer = Transfer::new(path).flow(flow).limit(12 * rtt);
        let report = transfer.sample_every(MS).run();
        let outcome = &report.flows[0];
        assert_eq!(outcome.count(Happening::RecoveryBegan), 1, "{rtt:?} {rate}");
        assert_eq!(outcome.count(Happening::TimedOut), 0, "{rtt:?} {rate}");
    }
}
