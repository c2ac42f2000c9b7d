//! The grid as a page: a table for each controller, a row for each path, a column for each way of
//! losing and overtaking.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cell::{CONTROLLERS, Cell, LOSSES, QUEUES, RATES, REORDERS, RTTS};

const HEAD: &str = "\
# Goodput over the grid

One transfer over each path, in virtual time: what the receiving application got from the first SYN
on, slow start included, in percent of the bottleneck's rate. Headers leave at most 96.5 of it.

The path is a drop-tail queue of so many bandwidth-delay products, at least four packets, then the
bottleneck, half the round-trip time, loss and reordering; the way back is the other half of the
round-trip time. A packet that is overtaken comes an eighth of a round trip late. DCTCP has a queue
that marks from a seventh of the product on, and is run over short paths only. A run lasts 40 round
trips, but 2,000 packets at least and, from 16 round trips on, not more than 400,000.

`cargo test --release -p estab-tests --test goodput` compares a part of these tables with the code,
exactly; with `ESTAB_REWRITE=1` it runs all and writes this page.
";

/// Hundredths of a percent, by controller and place in the grid.
pub(crate) type Results = BTreeMap<(&'static str, Key), u32>;

/// A cell in whole numbers: round-trip time, rate, and tenths of queue, loss and reordering.
type Key = [u64; 5];

pub(crate) fn key(cell: &Cell) -> Key {
    let tenths = |value: f64| (value * 10.0).round() as u64;
    [
        cell.rtt,
        cell.rate,
        tenths(cell.queue),
        tenths(cell.loss),
        tenths(cell.reorder),
    ]
}

/// The columns: reordering within loss.
fn columns() -> impl Iterator<Item = (f64, f64)> + Clone {
    LOSSES
        .into_iter()
        .flat_map(|loss| REORDERS.map(|reorder| (loss, reorder)))
}

/// The page for these results.
pub(crate) fn page(results: &Results) -> String {
    let mut page = HEAD.to_owned();
    for (name, algorithm) in CONTROLLERS {
        let _ = write!(page, "\n## {name}\n\n| RTT | Mbit/s | queue |");
        for (loss, reorder) in columns() {
            let overtaken = if reorder > 0.0 { ", overtaken" } else { "" };
            let _ = write!(page, " {loss}%{overtaken} |");
        }
        let _ = writeln!(
            page,
            "\n|---:|---:|---:|{}",
            "---:|".repeat(columns().count())
        );
        for rtt in RTTS {
            for rate in RATES {
                for queue in QUEUES {
                    let cells = columns().map(|(loss, reorder)| Cell {
                        rtt,
                        rate,
                        queue,
                        loss,
                        reorder,
                    });
                    if cells.clone().all(|cell| cell.suits(algorithm)) {
                        row(&mut page, name, cells, results);
                    }
                }
            }
        }
    }
    page
}

fn row(
    page: &mut String,
    name: &'static str,
    mut cells: impl Iterator<Item = Cell> + Clone,
    results: &Results,
) {
    let Some(Cell {
        rtt, rate, queue, ..
    }) = cells.clone().next()
    else {
        return;
    };
    let _ = write!(page, "| {rtt} ms | {rate} | {queue} |");
    for cell in cells.by_ref() {
        let _ = match results.get(&(name, key(&cell))) {
            Some(goodput) => write!(page, " {}.{:02} |", goodput / 100, goodput % 100),
            None => write!(page, " |"),
        };
    }
    page.push('\n');
}

/// The results that stand on a page.
///
/// # Panics
///
/// If it is not one of ours.
pub(crate) fn parse(page: &str) -> Results {
    let mut results = Results::new();
    let mut controller = None;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            controller = CONTROLLERS
                .iter()
                .map(|(name, _)| *name)
                .find(|name| *name == heading);
        }
        let fields: Vec<_> = line.split('|').map(str::trim).collect();
        let (Some(name), [_, rtt, rate, queue, rest @ .., _]) = (controller, fields.as_slice())
        else {
            continue;
        };
        let Some(rtt) = rtt.strip_suffix(" ms").and_then(|rtt| rtt.parse().ok()) else {
            continue;
        };
        for ((loss, reorder), field) in columns().zip(rest) {
            let rate = rate.parse().expect("a rate");
            let queue = queue.parse().expect("a queue");
            let cell = Cell {
                rtt,
                rate,
                queue,
                loss,
                reorder,
            };
            let goodput = field
                .replace('.', "")
                .parse()
                .expect("a percentage with two decimals");
            results.insert((name, key(&cell)), goodput);
        }
    }
    results
}
