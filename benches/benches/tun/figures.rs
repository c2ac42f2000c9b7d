//! What is found out, and what the rounds make of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::rows::Row;
use crate::stacks::Stack;

/// What share of the median is so little that it wants to be explained.
const OUTLIER: f64 = 0.3;

/// What one measurement tells.
pub(crate) type Figures = BTreeMap<Figure, f64>;

/// A kind of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// Gbit/s that the applications get.
    Goodput,
    /// Jain's index over the flows: 1 if all get the same, 1/n if one gets all.
    Fairness,
    /// Processor seconds of the stack's process for 10⁹ bytes.
    ProcessPerGigabyte,
    /// The same of the whole machine.
    MachinePerGigabyte,
    /// Share of the time in which the stack's process could have run, but others did.
    Disturbed,
    /// Microseconds of a round trip.
    Median,
    /// Microseconds that 99 of 100 round trips do not exceed.
    Slowest,
    /// Connections in a second.
    Rate,
    /// Processor microseconds of the stack's process for a round trip or a connection.
    ProcessEach,
    /// The same of the whole machine.
    MachineEach,
    /// Bytes of the process's memory for a connection.
    Memory,
    /// Processor microseconds of the process for a connection in a second.
    IdleCpu,
}

impl Figure {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Goodput => "goodput_gbit_s",
            Self::Fairness => "jain",
            Self::ProcessPerGigabyte => "process_cpu_s_per_gb",
            Self::MachinePerGigabyte => "machine_cpu_s_per_gb",
            Self::Disturbed => "process_wait_share",
            Self::Median => "p50_us",
            Self::Slowest => "p99_us",
            Self::Rate => "connections_per_s",
            Self::ProcessEach => "process_cpu_us_each",
            Self::MachineEach => "machine_cpu_us_each",
            Self::Memory => "rss_bytes_each",
            Self::IdleCpu => "idle_cpu_us_each_per_s",
        }
    }

    /// Whether more is better.
    pub(crate) const fn rises(self) -> bool {
        matches!(self, Self::Goodput | Self::Fairness | Self::Rate)
    }
}

/// Why there are no figures.
#[derive(Debug)]
pub(crate) enum Missing {
    /// The contestant does not take part in this run.
    Absent(String),
    /// It was measured, and something went wrong.
    Failed(String),
}

/// One measurement.
pub(crate) struct Sample {
    pub(crate) round: usize,
    pub(crate) row: &'static Row,
    pub(crate) stack: Stack,
    /// What was found out, or why nothing was.
    pub(crate) outcome: Result<Figures, Missing>,
    pub(crate) evidence: Evidence,
}

impl Sample {
    /// For the log, with what was counted.
    pub(crate) fn log(&self) -> Value {
        let mut line = self.json();
        line["counted"] = json!(self.evidence.stack);
        line["kernel_counted"] = json!(self.evidence.kernel);
        let shares = self.evidence.shares;
        line["elapsed_s"] = json!(shares.elapsed);
        line["client_ran_waited_s"] = json!(shares.client);
        line["server_ran_waited_s"] = json!(shares.server);
        line["others_ran_s"] = json!(shares.others);
        line["stolen_s"] = json!(shares.stolen);
        line
    }

    /// For the eye.
    pub(crate) fn json(&self) -> Value {
        let mut line = json!({
            "round": self.round,
            "row": self.row.name,
            "stack": self.stack.name(),
        });
        match &self.outcome {
            Ok(figures) => {
                for (figure, value) in figures {
                    line[figure.name()] = json!(value);
                }
            }
            Err(Missing::Failed(why)) => line["failed"] = json!(why),
            Err(Missing::Absent(why)) => line["absent"] = json!(why),
        }
        line
    }
}

/// What the rounds gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            1 => values[middle],
            _ => (values[middle - 1] + values[middle]) / 2.0,
        };
        Some(Self { median, min, max })
    }

    /// The median, and in brackets from where to where.
    pub(crate) fn text(&self, decimals: usize) -> String {
        let Self { median, min, max } = self;
        match min == max {
            true => format!("{median:.decimals$}"),
            false => format!("{median:.decimals$} ({min:.decimals$}–{max:.decimals$})"),
        }
    }
}

/// All measurements.
#[derive(Default)]
pub(crate) struct Samples(pub(crate) Vec<Sample>);

/// What a cell of a table is about.
pub(crate) type Cell = (&'static Row, Stack, Figure);

impl Samples {
    /// The figure in one round.
    fn value(&self, round: usize, (row, stack, figure): Cell) -> Option<f64> {
        let is_it = |it: &&Sample| (it.round, it.row, it.stack) == (round, row, stack);
        let sample = self.0.iter().find(is_it)?;
        sample.outcome.as_ref().ok()?.get(&figure).copied()
    }

    fn rounds(&self) -> usize {
        self.0.iter().map(|it| it.round).max().unwrap_or(0)
    }

    pub(crate) fn absolute(&self, cell: Cell) -> Option<Spread> {
        Spread::of(
            (1..=self.rounds())
                .filter_map(|round| self.value(round, cell))
                .collect(),
        )
    }

    /// The figure divided by another of the same round.
    pub(crate) fn ratio(&self, cell: Cell, to: Cell) -> Option<Spread> {
        let ratio = |round| Some(self.value(round, cell)? / self.value(round, to)?);
        Spread::of((1..=self.rounds()).filter_map(ratio).collect())
    }

    /// Why the contestant failed in this row, if it did in any round.
    pub(crate) fn failure(&self, row: &Row, stack: Stack) -> Option<&Missing> {
        let failed = self
            .0
            .iter()
            .find(|it| it.row == row && it.stack == stack && it.outcome.is_err());
        failed?.outcome.as_ref().err()
    }

    /// The measurements that went wrong, each with what it is of the median of its rounds, if there is
    /// one: those that failed, and those that are many times as bad as the median.
    pub(crate) fn outliers(&self) -> impl Iterator<Item = (&Sample, Option<f64>)> {
        self.0.iter().filter_map(|sample| match &sample.outcome {
            Ok(figures) => {
                let figure = sample.row.figure();
                let cell = (sample.row, sample.stack, figure);
                let ratio = figures.get(&figure)? / self.absolute(cell)?.median;
                let goodness = if figure.rises() { ratio } else { ratio.recip() };
                (goodness < OUTLIER).then_some((sample, Some(ratio)))
            }
            Err(Missing::Failed(_)) => Some((sample, None)),
            Err(Missing::Absent(_)) => None,
        })
    }

    /// The best of several contestants in the median.
    pub(crate) fn best(
        &self,
        row: &'static Row,
        stacks: &[Stack],
        figure: Figure,
    ) -> Option<Stack> {
        let median = |stack: Stack| Some((stack, self.absolute((row, stack, figure))?.median));
        let medians = stacks.iter().filter_map(|stack| median(*stack));
        let best = match figure.rises() {
            true => medians.max_by(|a, b| a.1.total_cmp(&b.1)),
            false => medians.min_by(|a, b| a.1.total_cmp(&b.1)),
        };
        best.map(|(stack, _)| stack)
    }
}
