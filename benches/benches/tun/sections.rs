//! How the figures are grouped: a table and a picture each.

use crate::figures::{Cell, Figure, Samples, Spread};
use crate::rows::{Load, ROWS, Row};
use crate::stacks::{STACKS, Stack};

/// One kind of figure over the rows that have it.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// Of the picture's file; none has no picture.
    pub(crate) picture: Option<&'static str>,
    pub(crate) figure: Figure,
    /// What absolute values are measured in, with that many decimals.
    pub(crate) unit: &'static str,
    pub(crate) decimals: usize,
    /// Whether the table has ratios to the reference instead of absolute values.
    pub(crate) relative: bool,
}

/// What ratios are to.
pub(crate) const REFERENCE: Stack = Stack::Veth;

const fn section(title: &'static str, figure: Figure, unit: &'static str) -> Section {
    Section {
        title,
        picture: None,
        figure,
        unit,
        decimals: 2,
        relative: true,
    }
}

/// All of them.
pub(crate) const SECTIONS: [Section; 9] = [
    Section {
        picture: Some("bulk"),
        decimals: 1,
        ..section("Goodput, more is better", Figure::Goodput, "Gbit/s")
    },
    Section {
        relative: false,
        ..section(
            "Fairness: Jain's index over the flows, 1 is best",
            Figure::Fairness,
            "",
        )
    },
    Section {
        picture: Some("cpu"),
        ..section(
            "Processor time of the whole machine for a gigabyte, less is better",
            Figure::MachinePerGigabyte,
            "s",
        )
    },
    section(
        "Processor time of the stack's process for a gigabyte, less is better",
        Figure::ProcessPerGigabyte,
        "s",
    ),
    Section {
        picture: Some("echo"),
        decimals: 1,
        ..section(
            "Round trip of a byte, median, less is better",
            Figure::Median,
            "µs",
        )
    },
    Section {
        decimals: 1,
        ..section(
            "Round trip of a byte, 99th percentile, less is better",
            Figure::Slowest,
            "µs",
        )
    },
    Section {
        picture: Some("connections"),
        decimals: 0,
        ..section(
            "Connections a second, more is better",
            Figure::Rate,
            "a second",
        )
    },
    Section {
        picture: Some("memory"),
        decimals: 0,
        relative: false,
        ..section(
            "Bytes of the process for an idle connection, less is better",
            Figure::Memory,
            "bytes",
        )
    },
    Section {
        relative: false,
        ..section(
            "Processor microseconds of the process for an idle connection in a second, less is better",
            Figure::IdleCpu,
            "µs",
        )
    },
];

impl Section {
    /// The rows that have the figure.
    pub(crate) fn rows(&self, samples: &Samples) -> Vec<&'static Row> {
        let has_it = |row: &&Row| match (self.figure, row.load) {
            (Figure::Goodput | Figure::MachinePerGigabyte | Figure::ProcessPerGigabyte, load) => {
                matches!(load, Load::Bulk(..))
            }
            (Figure::Fairness, Load::Bulk(_, flows)) => flows > 1,
            (Figure::Median | Figure::Slowest, load) => load == Load::Echo,
            (Figure::Rate, load) => matches!(load, Load::Connect(_)),
            (Figure::Memory | Figure::IdleCpu, load) => matches!(load, Load::Idle(_)),
            _ => false,
        };
        let measured = |row: &&'static Row| samples.0.iter().any(|sample| sample.row == *row);
        ROWS.iter().filter(has_it).filter(measured).collect()
    }

    /// The contestants that were measured in any of these rows.
    pub(crate) fn stacks(&self, samples: &Samples) -> Vec<Stack> {
        let rows = self.rows(samples);
        let measured = |stack: &Stack| {
            samples
                .0
                .iter()
                .any(|it| it.stack == *stack && rows.contains(&it.row))
        };
        STACKS.into_iter().filter(measured).collect()
    }

    /// Whether the table has ratios: not without what they are to.
    pub(crate) fn is_relative(&self, samples: &Samples) -> bool {
        self.relative && self.stacks(samples).contains(&REFERENCE)
    }

    /// What stands in the table.
    pub(crate) fn value(
        &self,
        samples: &Samples,
        row: &'static Row,
        stack: Stack,
    ) -> Option<Spread> {
        let cell: Cell = (row, stack, self.figure);
        match self.is_relative(samples) {
            true => samples.ratio(cell, (row, REFERENCE, self.figure)),
            false => samples.absolute(cell),
        }
    }

    /// Decimals of what stands in the table.
    pub(crate) fn decimals(&self, samples: &Samples) -> usize {
        match self.is_relative(samples) {
            true => 2,
            false => self.decimals,
        }
    }
}
