//! What was measured, as a table.

use std::fmt;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use crate::cell::Cell;
use crate::run::{Outcome, PAIRS, Pair};

/// One transfer.
pub(crate) struct Sample {
    pub(crate) pair: Pair,
    pub(crate) seed: u64,
    pub(crate) outcome: Outcome,
}

/// What a cell gave.
pub(crate) struct Row {
    cell: Cell,
    /// Median goodput of the kernel with itself, in Mbit/s.
    reference: f64,
    /// Median of our sender's goodput divided by the kernel's over the same path.
    sender: f64,
    /// The same of our receiver.
    receiver: f64,
    /// Packets that the relay wrote at most 100 µs late, of all.
    punctual: f64,
}

/// The head of the table.
pub(crate) const COLUMNS: &str = "\
| RTT | Mbit/s | lost | queue | overtaken | Linux, Mbit/s | our sender | our receiver | on time |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

const HEAD: &str = "\
# Goodput beside Linux

CUBIC against CUBIC over the same emulated path, in real time: two kernels, each in a network
namespace of its own; then our sender in place of the first, then our receiver in place of the
second. Goodput is what the receiving application got within the time of a transfer, 40 round trips
but 2 s at least and 6 s at most, from the first SYN on. A ratio is ours divided by Linux's over the
path with the same seed; the median of five is given. Both sides may grow their buffers equally far.
\"On time\" is the share of packets that the relay delivered at most 100 µs late, a measure of how much
the machine itself disturbed the run.

The path is a drop-tail queue of so many bandwidth-delay products, the bottleneck, half the
round-trip time, then loss and reordering, by which a packet comes an eighth of a round trip late;
the way back is the same without the last two.

`cargo bench -p estab-benches --bench linux -- --write` measures all and writes this page, except
what stands under the last heading.
";

/// The heading of the part that is not measured.
const REMARKS: &str = "\n## Where it is less than Linux";

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Row {
    pub(crate) fn new(cell: Cell, samples: Vec<Sample>) -> Self {
        let goodput = |pair, seed| {
            let found = samples.iter().find(|it| (it.pair, it.seed) == (pair, seed));
            found.map_or(f64::NAN, |it| it.outcome.goodput)
        };
        let of = |pair| samples.iter().filter(move |it| it.pair == pair);
        let ratio = |pair| {
            let ratios =
                of(pair).map(|it| it.outcome.goodput / goodput(Pair::KernelToKernel, it.seed));
            median(ratios.collect())
        };
        let [kernel, sender, receiver] = PAIRS;
        let sum = |count: fn(&Sample) -> u64| samples.iter().map(count).sum::<u64>() as f64;
        Self {
            cell,
            reference: median(of(kernel).map(|it| it.outcome.goodput / 1e6).collect()),
            sender: ratio(sender),
            receiver: ratio(receiver),
            punctual: sum(|it| it.outcome.lateness.within_100_us)
                / sum(|it| it.outcome.lateness.packets),
        }
    }

    fn ratios(&self) -> [f64; 2] {
        [self.sender, self.receiver]
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cell {
            rtt,
            rate,
            loss,
            queue,
            reorder,
        } = self.cell;
        write!(
            f,
            "| {rtt} ms | {rate} | {loss}% | {queue} | {reorder}% | {:.2} | {:.2} | {:.2} | {:.0}% |",
            self.reference,
            self.sender,
            self.receiver,
            100.0 * self.punctual,
        )
    }
}

/// How many ratios are how good. What rounds to 1.00 counts as such.
pub(crate) fn summary(rows: &[Row]) -> String {
    let ratios: Vec<_> = rows.iter().flat_map(Row::ratios).collect();
    let from = |least: f64| {
        ratios
            .iter()
            .filter(|ratio| **ratio >= least - 0.005)
            .count()
    };
    let worst = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    format!(
        "Of {} ratios {} are 1.00 or more and {} are 0.90 or more; the least is {worst:.2}.",
        ratios.len(),
        from(1.0),
        from(0.9),
    )
}

/// Writes the page, and keeps the remarks that are on it.
pub(crate) fn write(file: &Path, rows: &[Row]) -> io::Result<()> {
    let mut page = format!("{HEAD}\n{}\n\n{COLUMNS}\n", summary(rows));
    for row in rows {
        let _ = writeln!(page, "{row}");
    }
    let old = fs::read_to_string(file).unwrap_or_default();
    if let Some(remarks) = old.find(REMARKS) {
        page.push_str(&old[remarks..]);
    }
    fs::write(file, page)
}
