//! What it costs when packets are lost, late or out of order.

use std::time::Duration;

use estab_proto::congestion::{Algorithm, Pacing};
use estab_proto::recovery::CaState;
use estab_sim::transfer::{Flow, Happening, Outcome, Sample, Transfer};
use estab_sim::{Bandwidth, Loss, Node, Path};

use crate::{MS, MSS, RTT, alone, path_with};

/// SYN and the ACK that ends the handshake come before the first segment.
const BEFORE: u64 = 2;

/// A transfer of so many segments of which those with these numbers, from 0, are lost. Packets are
/// counted as they pass: a retransmission has a number too.
fn transfer(segments: u64, lost: &[u64]) -> Outcome {
    let packets = lost.iter().map(|segment| BEFORE + segment).collect();
    let path = path_with(Node::Loss(Loss::Exactly(packets)));
    // The last one is not quite full: there is room for the FIN.
    let flow = Flow::new(Algorithm::Cubic).bytes(segments * MSS - 48);
    let outcome = alone(&path, flow, Duration::from_secs(60));
    assert!(outcome.complete, "{outcome:#?}");
    outcome
}

/// How much longer it takes because of the losses.
fn cost(segments: u64, lost: &[u64]) -> (Duration, Outcome) {
    let outcome = transfer(segments, lost);
    let undisturbed = transfer(segments, &[]);
    assert!(undisturbed.count(Happening::Retransmitted) == 0);
    (outcome.end.saturating_sub(undisturbed.end), outcome)
}

#[test]
fn a_loss_costs_one_round_trip() {
    // In the first window, which is sent at once; the last segment has nothing behind it.
    for lost in 0..9 {
        let (cost, outcome) = cost(10, &[lost]);
        // One or two that overtook it may have been reordered: they get a quarter of a round
        // trip (RFC 8985 §6.2 step 4).
        let expected = if lost < 7 { RTT } else { RTT * 5 / 4 };
        assert_eq!(cost, expected, "{lost}");
        assert!(is_repaired_at_once(&outcome), "{lost}");
    }
    // In the second, of which a part is still to be sent, spread over time, when the loss shows.
    for lost in 10..29 {
        let (cost, outcome) = cost(30, &[lost]);
        assert!(cost <= RTT * 5 / 4, "{lost}: {cost:?}");
        assert!(is_repaired_at_once(&outcome), "{lost}");
    }
}

fn is_repaired_at_once(outcome: &Outcome) -> bool {
    let sent_again = outcome.info.as_ref().map(|info| info.retransmits);
    outcome.count(Happening::TimedOut) == 0 && sent_again == Some(1)
}

#[test]
fn losses_in_one_window_cost_one_round_trip_together() {
    let (cost, outcome) = cost(30, &[11, 14, 15, 20]);
    assert!(cost <= RTT + 10 * MS, "{cost:?}");
    assert_eq!(outcome.count(Happening::RecoveryBegan), 1);
    assert_eq!(outcome.info.map(|info| info.retransmits), Some(4));
}

#[test]
fn a_lost_tail_is_repaired_without_a_timeout() {
    // The probe goes out two round trips after the last ACK, a single segment's when the timeout is
    // due, and is the last segment. What else was lost shows when it is acknowledged, a round trip
    // later, and is sent again as proportional rate reduction allows: one, two, four.
    for (lost, round_trips) in [
        (&[29][..], 4),
        (&[28, 29], 4),
        (&[27, 28, 29], 5),
        (&[25, 26, 27, 28, 29], 6),
    ] {
        let (cost, outcome) = cost(30, lost);
        assert!(cost <= round_trips * RTT + 10 * MS, "{lost:?}: {cost:?}");
        assert_eq!(outcome.count(Happening::Probed), 1, "{lost:?}");
        assert_eq!(outcome.count(Happening::TimedOut), 0, "{lost:?}");
    }
}

#[test]
fn a_lost_tail_with_its_probe_costs_one_timeout() {
    // Packet 30 behind the first is the probe: one is all that RFC 8985 §7.3 allows.
    let (_, outcome) = cost(30, &[29, 30]);
    assert_eq!(outcome.count(Happening::Probed), 1);
    assert_eq!(outcome.count(Happening::TimedOut), 1);
}

#[test]
fn a_burst_shorter_than_a_round_trip_costs_one_timeout_at_most() {
    for start in [700, 950, 1500, 2200] {
        // The stack's clock starts one second after the path's.
        let start = start * MS;
        let outage = Node::Outage(vec![start + 1000 * MS..start + 1000 * MS + RTT * 4 / 5]);
        let path = path_with(outage).rate(Bandwidth::mbit(20)).queue_bdp(1.0);
        let flow = Flow::new(Algorithm::Cubic).bytes(4 << 20);
        let outcome = alone(&path, flow, Duration::from_secs(60));
        assert!(outcome.complete);
        let timeouts = outcome.count(Happening::TimedOut);
        assert!(timeouts <= 1, "{timeouts} after {start:?}");
    }
}

#[test]
fn reordering_costs_no_reduction_once_it_was_seen() {
    let reorder = Node::Reorder {
        probability: 0.01,
        delay: RTT / 8,
    };
    let path = path_with(reorder)
        .rate(Bandwidth::mbit(20))
        .queue_bdp(4.0)
        .seed(3);
    let flow = Flow::new(Algorithm::Cubic).bytes(2 << 20);
    let outcome = alone(&path, flow, Duration::from_secs(60));
    let began: Vec<_> = outcome
        .moments
        .iter()
        .filter(|moment| moment.what == Happening::RecoveryBegan)
        .map(|moment| moment.at)
        .collect();
    assert!(began.len() <= 1, "{began:?}");
    assert_eq!(outcome.count(Happening::TimedOut), 0);
}

/// The receive window keeps ahead of what waits for the hole to be filled, so what is in flight in
/// recovery falls only by as much as pacing spreads it.
#[test]
fn a_loss_in_slow_start_does_not_fill_the_receive_window() {
    for (lost, bound) in [(75, 0.6), (100, 0.6), (127, 0.6), (200, 0.6), (300, 0.95)] {
        let path = Path::builder().rtt(RTT).rate(Bandwidth::mbit(50));
        let node = Node::Loss(Loss::Exactly(vec![BEFORE + lost]));
        let transfer = Transfer::new(path.there(node).build()).flow(Flow::new(Algorithm::Cubic));
        let report = transfer.sample_every(5 * MS).limit(12 * RTT).run();
        let samples = &report.flows[0].samples;
        let in_recovery = samples.iter().filter(|it| it.ca_state == CaState::Recovery);
        let fill = |it: &Sample| f64::from(it.in_flight) / f64::from(it.ssthresh.unwrap_or(1));
        let least = in_recovery.map(fill).fold(f64::INFINITY, f64::min);
        assert!((bound..2.0).contains(&least), "{least} {lost}");
    }
}

/// A loss in slow start finds a part of the window held back by the pacer: it is the window that is
/// reduced, not what has left of it.
#[test]
fn a_paced_sender_keeps_as_much_as_one_that_sends_in_bursts() {
    let threshold = |pacing| {
        let path = Path::builder().rtt(RTT).rate(Bandwidth::mbit(50));
        let node = Node::Loss(Loss::Exactly(vec![BEFORE + 127]));
        let flow = Flow::new(Algorithm::Cubic).tcp(|tcp| tcp.pacing = pacing);
        let transfer = Transfer::new(path.there(node).build()).flow(flow);
        let report = transfer.sample_every(MS).limit(7 * RTT).run();
        report.flows[0].samples.iter().find_map(|it| it.ssthresh)
    };
    let [paced, burst] = [Pacing::Auto, Pacing::Off].map(threshold);
    assert_eq!(paced, burst);
    // Ten segments, and one more for each that arrived before it.
    assert_eq!(paced, Some(137 * MSS as u32 * 7 / 10));
}
