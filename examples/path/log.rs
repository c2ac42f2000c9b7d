//! The event log: a line of JSON for each sample and for everything that happened, in order.

use std::io::{self, Write};

use estab_sim::transfer::{Happening, Moment, Report, Sample};
use serde_json::{Value, json};

/// Writes the log.
pub(crate) fn write(report: &Report, mut to: impl Write) -> io::Result<()> {
    let mut lines = Vec::new();
    for (index, flow) in report.flows.iter().enumerate() {
        lines.extend(flow.samples.iter().map(|it| (it.at, sample(index, it))));
        lines.extend(flow.moments.iter().map(|it| (it.at, moment(index, it))));
    }
    let queue = report.queue.iter();
    lines.extend(queue.map(|(at, bytes)| {
        let line = json!({ "time": at.as_secs_f64(), "event": "queue", "bytes": bytes });
        (*at, line)
    }));
    let drops = report.drops.iter();
    lines.extend(drops.map(|(at, packets)| {
        let line = json!({ "time": at.as_secs_f64(), "event": "lost", "packets": packets });
        (*at, line)
    }));
    lines.sort_by_key(|(at, _)| *at);
    for (_, line) in lines {
        writeln!(to, "{line}")?;
    }
    Ok(())
}

fn sample(flow: usize, it: &Sample) -> Value {
    json!({
        "time": it.at.as_secs_f64(),
        "flow": flow,
        "event": "sample",
        "cwnd": it.cwnd,
        "ssthresh": it.ssthresh,
        "in_flight": it.in_flight,
        "rtt": it.rtt.map(|rtt| rtt.as_secs_f64()),
        "min_rtt": it.min_rtt.map(|rtt| rtt.as_secs_f64()),
        "pacing_rate": it.pacing_rate,
        "ca_state": format!("{:?}", it.ca_state),
        "retransmits": it.retransmits,
        "delivered": it.delivered,
    })
}

fn moment(flow: usize, it: &Moment) -> Value {
    json!({
        "time": it.at.as_secs_f64(),
        "flow": flow,
        "event": name(it.what),
        "count": it.count,
        "cwnd": it.cwnd,
        "ssthresh": it.ssthresh,
        "in_flight": it.in_flight,
    })
}

/// The name of an event in the log.
fn name(what: Happening) -> &'static str {
    match what {
        Happening::Opened => "opened",
        Happening::RecoveryBegan => "recovery_began",
        Happening::ReductionBegan => "reduction_began",
        Happening::RecoveryEnded => "recovery_ended",
        Happening::TimedOut => "timed_out",
        Happening::Probed => "probed",
        Happening::Undone => "undone",
        Happening::Retransmitted => "retransmitted",
        Happening::Completed => "completed",
    }
}
