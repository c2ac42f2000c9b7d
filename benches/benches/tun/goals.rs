//! What the numbers should be, and whether they are.

use std::fmt;

use Bound::{AtLeast, AtMost};
use Figure::{Fairness, Goodput, Median, Memory, Rate, Slowest};

use crate::figures::{Cell, Figure, Samples, Spread};
use crate::rows::{Family, ROWS, Row, named};
use crate::stacks::{PEERS, Stack};

/// A bound on a number.
#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// One number and its bound.
pub(crate) struct Goal {
    what: String,
    bound: Bound,
    got: Option<Spread>,
    decimals: usize,
}

impl Goal {
    fn new(what: impl Into<String>, bound: Bound, got: Option<Spread>) -> Self {
        let (what, decimals) = (what.into(), 2);
        Self {
            what,
            bound,
            got,
            decimals,
        }
    }

    /// Whether the run has what it is about.
    pub(crate) const fn is_measured(&self) -> bool {
        self.got.is_some()
    }

    fn verdict(&self) -> String {
        let Some(Spread { median, .. }) = self.got else {
            return "not measured".to_owned();
        };
        let (is_met, beyond) = match self.bound {
            AtLeast(least) => (median >= least, 1.0 - median / least),
            AtMost(most) => (median <= most, median / most - 1.0),
        };
        match is_met {
            true => "met".to_owned(),
            false => format!("**missed** by {:.0}%", 100.0 * beyond),
        }
    }
}

/// The head of the table.
pub(crate) const COLUMNS: &str = "\
| figure | goal | measured | |
|---|---:|---:|---|";

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.decimals;
        let bound = match self.bound {
            AtLeast(least) => format!("≥ {least:.decimals$}"),
            AtMost(most) => format!("≤ {most:.decimals$}"),
        };
        let got = self.got.map_or("–".to_owned(), |it| it.text(decimals));
        write!(
            f,
            "| {} | {bound} | {got} | {} |",
            self.what,
            self.verdict()
        )
    }
}

/// What is asked of ours.
pub(crate) fn goals(samples: &Samples) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (way, least) in [("up", 0.9), ("down", 0.7)] {
        goals.extend(bulk(samples, way, least));
    }
    goals.extend(small(samples));
    goals.extend(v6(samples));
    goals.extend(idle(samples));
    goals
}

fn ours(row: &str, figure: Figure) -> Cell {
    (named(row), Stack::Estab, figure)
}

fn beside(samples: &Samples, row: &str, figure: Figure, other: Stack) -> Option<Spread> {
    samples.ratio(ours(row, figure), (named(row), other, figure))
}

fn within(samples: &Samples, row: &str, other: &str, figure: Figure) -> Option<Spread> {
    samples.ratio(ours(row, figure), ours(other, figure))
}

/// Many bytes one way; `least` is the share of what the kernel does over veth.
fn bulk(samples: &Samples, way: &str, least: f64) -> [Goal; 7] {
    let [one, many, plain] = ["1 flow", "64 flows", "no offload"].map(|it| format!("{way}, {it}"));
    [
        Goal::new(
            format!("{one}, to the limit program"),
            AtLeast(0.85),
            beside(samples, &one, Goodput, Stack::Limit),
        ),
        Goal::new(
            format!("{one}, to the kernel over veth"),
            AtLeast(least),
            beside(samples, &one, Goodput, Stack::Veth),
        ),
        Goal::new(
            format!("{plain}, to the limit program"),
            AtLeast(0.95),
            beside(samples, &plain, Goodput, Stack::Limit),
        ),
        Goal::new(
            format!("{many}, to 1 flow"),
            AtLeast(0.9),
            within(samples, &many, &one, Goodput),
        ),
        Goal::new(
            format!("{many}, Jain's index"),
            AtLeast(0.95),
            samples.absolute(ours(&many, Fairness)),
        ),
        Goal::new(
            format!("{one}, to the best of the peers"),
            AtLeast(5.0),
            beside_the_best_peer(samples, named(&one), Goodput),
        ),
        Goal::new(
            format!("{one}, to gVisor"),
            AtLeast(2.0),
            beside(samples, &one, Goodput, Stack::Gvisor),
        ),
    ]
}

/// What is done once for a byte or a connection.
fn small(samples: &Samples) -> [Goal; 4] {
    let (row, worst) = worst_beside_peers(samples);
    let request = "connect, request, close";
    [
        Goal::new(
            format!("the row that is worst beside the peers{row}"),
            AtLeast(1.0),
            worst,
        ),
        Goal::new(
            "echo, p50, to the kernel over loopback",
            AtMost(1.15),
            beside(samples, "echo", Median, Stack::Loopback),
        ),
        Goal::new(
            "echo, p99, to the kernel over loopback",
            AtMost(1.5),
            beside(samples, "echo", Slowest, Stack::Loopback),
        ),
        Goal::new(
            format!("{request}, to the kernel over loopback"),
            AtLeast(1.0),
            beside(samples, request, Rate, Stack::Loopback),
        ),
    ]
}

/// IPv6 beside IPv4.
fn v6(samples: &Samples) -> Vec<Goal> {
    let goal = |row: &str, other: &str, figure: Figure| {
        let bound = if figure.rises() {
            AtLeast(0.95)
        } else {
            AtMost(1.05)
        };
        Goal::new(
            format!("{row}, to IPv4"),
            bound,
            within(samples, row, other, figure),
        )
    };
    let rows = ROWS.iter().filter(|row| row.family == Family::V6);
    rows.filter_map(|row| Some(goal(row.name, row.beside?, row.figure())))
        .collect()
}

/// Connections that nobody uses.
fn idle(samples: &Samples) -> [Goal; 2] {
    ["1,000 idle", "10,000 idle"].map(|row| Goal {
        decimals: 0,
        ..Goal::new(
            format!("{row}, bytes of the process each"),
            AtMost(1024.0),
            samples.absolute(ours(row, Memory)),
        )
    })
}

/// How many times as good as the best of the peers ours is.
fn beside_the_best_peer(samples: &Samples, row: &'static Row, figure: Figure) -> Option<Spread> {
    let best = samples.best(row, &PEERS, figure)?;
    let [ours, theirs]: [Cell; 2] = [(row, Stack::Estab, figure), (row, best, figure)];
    match figure.rises() {
        true => samples.ratio(ours, theirs),
        false => samples.ratio(theirs, ours),
    }
}

/// Where ours is least ahead of the peers, and by which factor.
fn worst_beside_peers(samples: &Samples) -> (String, Option<Spread>) {
    let figures = [Goodput, Median, Slowest, Rate, Memory];
    let cells = ROWS
        .iter()
        .flat_map(|row| figures.map(|figure| (row, figure)));
    let factors =
        cells.filter_map(|(row, figure)| Some((row, beside_the_best_peer(samples, row, figure)?)));
    match factors.min_by(|a, b| a.1.median.total_cmp(&b.1.median)) {
        Some((row, worst)) => (format!(" ({})", row.name), Some(worst)),
        None => (String::new(), None),
    }
}
