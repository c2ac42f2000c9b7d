use std::time::Duration;

use estab_proto::congestion::Algorithm;

use super::{Flow, Happening, Report, Transfer};
use crate::{Bandwidth, Loss, Node, Path};

const MS: Duration = Duration::from_millis(1);

fn path() -> crate::PathBuilder {
    Path::builder().rtt(100 * MS)
}

fn one(path: &crate::PathBuilder, bytes: u64) -> Report {
    let flow = Flow::new(Algorithm::Cubic).bytes(bytes);
    Transfer::new(path.build())
        .flow(flow)
        .sample_every(10 * MS)
        .run()
}

#[test]
fn the_first_bytes_take_a_round_trip_and_a_half() {
    let report = one(&path(), 1000);
    let flow = &report.flows[0];
    assert!(flow.complete);
    assert_eq!((flow.delivered, flow.end), (1000, 150 * MS));
    assert_eq!(report.elapsed, 150 * MS);
    assert_eq!(flow.count(Happening::Opened), 1);
    assert_eq!(flow.count(Happening::Completed), 1);
    assert_eq!(flow.delivered_before(149 * MS), 0);
    assert_eq!(flow.delivered_before(150 * MS), 1000);
}

#[test]
fn a_flow_opens_when_it_is_told_to() {
    let late = Flow::new(Algorithm::NewReno).bytes(1).start(250 * MS);
    let report = Transfer::new(path().build())
        .flow(Flow::new(Algorithm::Cubic).bytes(1))
        .flow(late)
        .run();
    let ends: Vec<_> = report.flows.iter().map(|flow| flow.end).collect();
    assert_eq!(ends, [150 * MS, 400 * MS]);
    assert!(report.flows[0].samples.is_empty(), "nobody asked for any");
}

#[test]
fn an_endless_flow_ends_at_the_limit() {
    let path = path().rate(Bandwidth::mbit(10)).queue_bdp(1.0).build();
    let report = Transfer::new(path)
        .flow(Flow::new(Algorithm::Cubic))
        .limit(10 * Duration::from_secs(1))
        .sample_every(100 * MS)
        .run();
    let flow = &report.flows[0];
    assert_eq!(
        (report.elapsed, flow.complete),
        (Duration::from_secs(10), false)
    );
    assert!((8e6..10e6).contains(&flow.goodput()), "{}", flow.goodput());
    assert_eq!(flow.samples.len(), 101);
    assert_eq!(report.queue.len(), 101);
    let longest = report.queue.iter().map(|(_, bytes)| *bytes).max();
    assert!(longest > Some(100_000), "{longest:?}");
}

#[test]
fn what_happens_is_noted() {
    let lossy = path().there(Node::Loss(Loss::Exactly(vec![20])));
    let report = one(&lossy, 100_000);
    let flow = &report.flows[0];
    assert_eq!(report.there.dropped().lost, 1);
    let happened: Vec<_> = flow.moments.iter().map(|moment| moment.what).collect();
    assert_eq!(flow.count(Happening::RecoveryBegan), 1, "{happened:?}");
    assert_eq!(flow.count(Happening::RecoveryEnded), 1, "{happened:?}");
    assert_eq!(flow.count(Happening::Retransmitted), 1, "{happened:?}");
    assert_eq!(flow.count(Happening::TimedOut), 0, "{happened:?}");
    assert!(flow.moments.is_sorted_by_key(|moment| moment.at));
}

#[test]
fn a_seed_names_one_run() {
    let run = |seed| {
        let path = path().rate(Bandwidth::mbit(20)).queue_bdp(0.5).loss(0.01);
        let report = one(&path.seed(seed), 1 << 20);
        (
            report.flows[0].samples.clone(),
            report.flows[0].moments.clone(),
        )
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn fairness_is_1_for_equal_shares() {
    let flows = || Flow::new(Algorithm::Cubic).bytes(50_000);
    let report = |transfer: Transfer| transfer.sample_every(MS).run();
    let both = report(Transfer::new(path().build()).flow(flows()).flow(flows()));
    assert_eq!(both.fairness(Duration::ZERO), 1.0);
    let none = Flow::new(Algorithm::Cubic).start(Duration::from_secs(1));
    let alone = Transfer::new(path().build()).flow(flows()).flow(none);
    assert_eq!(
        report(alone.limit(Duration::from_secs(1))).fairness(Duration::ZERO),
        0.5
    );
}
