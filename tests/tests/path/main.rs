//! What loss costs, and how flows share: whole transfers over emulated paths, in virtual time.

mod queues;
mod repair;
mod sharing;

use std::time::Duration;

use estab_sim::transfer::{Flow, Outcome, Transfer};
use estab_sim::{Node, Path, PathBuilder};

const MS: Duration = Duration::from_millis(1);

/// The round-trip time of the empty path in most tests.
const RTT: Duration = Duration::from_millis(100);

/// Payload of a full segment: 1,500 bytes without headers and timestamps.
const MSS: u64 = 1448;

/// The outcome of one flow.
fn alone(path: &PathBuilder, flow: Flow, limit: Duration) -> Outcome {
    let transfer = Transfer::new(path.build()).flow(flow).limit(limit);
    let mut report = transfer.sample_every(10 * MS).run();
    report.flows.remove(0)
}

/// A path on which nothing happens but what `there` does.
fn path_with(there: Node) -> PathBuilder {
    Path::builder().rtt(RTT).there(there)
}
