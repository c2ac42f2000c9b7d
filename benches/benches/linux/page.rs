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
    /// The least and the largest of the kernel's goodput divided by the kernel's.
    again: (f64, f64),
    /// Packets that the relay wrote at most 100 µs late, of all.
    punctual: f64,
}

/// The head of the table.
pub(crate) const COLUMNS: &str = "\
| RTT | Mbit/s | lost | queue | overtaken | Linux, Mbit/s | our sender | our receiver | Linux again | on time |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

const HEAD: &str = "\
# Goodput beside Linux

CUBIC against CUBIC over the same emulated path, in real time: two kernels, each in a network
namespace of its own; then our sender in place of the first, then our receiver in place of the
second; then the two kernels once more. Goodput is what the receiving application got within the time
of a transfer, from the first SYN on: 40 round trips, 500 packets at the rate of the bottleneck and 2 s
at least. A ratio is the goodput divided by that of the first run, over the path with the same seed; the
median of five is given, and of Linux again the least and the largest, which tell how much of a ratio
is chance. Each host is a new network namespace: no routes or metrics are remembered, and nothing else
goes over the path. Both sides may grow their buffers equally far. Neither side has been idle, and
Linux has no `fq` in its way: it sends in bursts, ours is paced.
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
        let [kernel, sender, receiver, again] = PAIRS;
        let ratios = |pair| -> Vec<f64> {
            let ratios = of(pair).map(|it| it.outcome.goodput / goodput(kernel, it.seed));
            ratios.collect()
        };
        let again = ratios(again);
        let sum = |count: fn(&Sample) -> u64| samples.iter().map(count).sum::<u64>() as f64;
        Self {
            cell,
            reference: median(of(kernel).map(|it| it.outcome.goodput / 1e6).collect()),
            sender: median(ratios(sender)),
            receiver: median(ratios(receiver)),
            again: (
                again.iter().copied().fold(f64::INFINITY, f64::min),
                again.iter().copied().fold(0.0, f64::max),
            ),
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
            "| {rtt} ms | {rate} | {loss}% | {queue} | {reorder}% | {:.2} | {:.2} | {:.2} | {:.2} to {:.2} | {:.0}% |",
            self.reference,
            self.sender,
            self.receiver,
            self.again.0,
            self.again.1,
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
    let by_chance = rows
        .iter()
        .flat_map(|row| row.ratios().map(|ratio| (ratio, row.again.0)))
        .filter(|(ratio, least)| (*least..0.995).contains(ratio))
        .count();
    let worst = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    format!(
        "Of {} ratios {} are 1.00 or more and {} are 0.90 or more; the least is \
         {worst:.2}. Of those below 1.00\n{by_chance} are no further below than Linux is itself when \
         it is measured again.",
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
