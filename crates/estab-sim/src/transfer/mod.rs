//! Transfers between two TCP stacks over a path, in virtual time: how fast, and what the sender did.
//!
//! [`Flow`]s go from one host to another, each with settings of its own, and meet on the same
//! [`Path`]. [`Transfer::run`] lets them run, as fast as this computer can, and [`Report`]s what was
//! delivered and, if asked, every sender's variables over time and what happened to it.
//!
//! ```
//! use std::time::Duration;
//!
//! use estab_proto::congestion::Algorithm;
//! use estab_sim::transfer::{Flow, Transfer};
//! use estab_sim::{Bandwidth, Path};
//!
//! let path = Path::builder()
//!     .rtt(Duration::from_millis(100))
//!     .rate(Bandwidth::mbit(50))
//!     .loss(0.001)
//!     .seed(7)
//!     .build();
//! let flow = Flow::new(Algorithm::Cubic).bytes(1 << 20);
//! let report = Transfer::new(path).flow(flow).run();
//! assert_eq!(report.flows[0].delivered, 1 << 20);
//! println!("{:.1} Mbit/s", report.flows[0].goodput() / 1e6);
//! ```

mod run;
mod trace;

use std::time::Duration;

use estab_proto::Info;
use estab_proto::config::TcpConfig;
use estab_proto::congestion::Algorithm;

use crate::{Path, Stats};

pub use trace::{Happening, Moment, Sample};

/// One connection, which carries bytes one way.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The settings of both its ends.
    pub tcp: TcpConfig,
    /// When it opens, counted from the start of the transfer.
    pub start: Duration,
    /// How many bytes it carries; `None`: as many as it can, until the transfer ends.
    pub bytes: Option<u64>,
}

impl Flow {
    /// A flow that opens at once, under this congestion control and otherwise with the default
    /// settings, and carries as much as it can.
    pub fn new(congestion: Algorithm) -> Self {
        let mut tcp = TcpConfig::modern();
        tcp.congestion = congestion;
        Self {
            tcp,
            start: Duration::ZERO,
            bytes: None,
        }
    }

    /// Carries this many bytes, then ends.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// Opens this long after the start of the transfer.
    #[must_use]
    pub fn start(mut self, start: Duration) -> Self {
        self.start = start;
        self
    }

    /// Changes the settings of both its ends.
    #[must_use]
    pub fn tcp(mut self, change: impl FnOnce(&mut TcpConfig)) -> Self {
        change(&mut self.tcp);
        self
    }
}

/// Flows over a path.
#[derive(Debug)]
pub struct Transfer {
    path: Path,
    flows: Vec<Flow>,
    limit: Duration,
    every: Option<Duration>,
}

impl Transfer {
    /// No flows yet; at most a minute of virtual time; nothing is recorded but the outcome.
    pub fn new(path: Path) -> Self {
        Self {
            path,
            flows: Vec::new(),
            limit: Duration::from_secs(60),
            every: None,
        }
    }

    /// Adds a flow.
    #[must_use]
    pub fn flow(mut self, flow: Flow) -> Self {
        self.flows.push(flow);
        self
    }

    /// Ends after this much virtual time, if not all bytes were delivered before.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Records what happens, and a [`Sample`] of each flow and the length of the queue every so
    /// often; not more often than every microsecond.
    #[must_use]
    pub fn sample_every(mut self, interval: Duration) -> Self {
        self.every = Some(interval.max(Duration::from_micros(1)));
        self
    }

    /// Runs until every flow that ends has delivered its last byte, or up to the limit.
    ///
    /// The outcome depends on nothing but the path with its seed and the flows.
    pub fn run(self) -> Report {
        run::Run::new(self).finish()
    }
}

/// What came of a transfer.
#[derive(Clone, Debug)]
pub struct Report {
    /// The flows, in the order in which they were added.
    pub flows: Vec<Outcome>,
    /// How long it took, in virtual time.
    pub elapsed: Duration,
    /// Bytes that waited in the queues of the path's forward direction, at the time of each sample.
    pub queue: Vec<(Duration, u64)>,
    /// When packets were dropped on the way there, and how many: at the time at which a host next
    /// had something to do.
    pub drops: Vec<(Duration, u64)>,
    /// What the forward direction did to the packets.
    pub there: Stats,
    /// What the way back did to them.
    pub back: Stats,
}

impl Report {
    /// Jain's index of fairness of what the flows delivered from the time `since` on: 1 if they had
    /// equal shares, 1/n if one had all.
    pub fn fairness(&self, since: Duration) -> f64 {
        let shares: Vec<f64> = self
            .flows
            .iter()
            .map(|flow| (flow.delivered - flow.delivered_before(since)) as f64)
            .collect();
        let sum: f64 = shares.iter().sum();
        let squares: f64 = shares.iter().map(|share| share * share).sum();
        sum * sum / (shares.len() as f64 * squares)
    }
}

/// What came of one flow.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// When it opened, counted from the start of the transfer.
    pub start: Duration,
    /// When it had delivered its last byte; the end of the transfer if it had not.
    pub end: Duration,
    /// Whether it had.
    pub complete: bool,
    /// Bytes the receiving application read.
    pub delivered: u64,
    /// The sender's variables at the end; `None` if the connection failed.
    pub info: Option<Info>,
    /// The sender's variables over time.
    pub samples: Vec<Sample>,
    /// What happened to the sender.
    pub moments: Vec<Moment>,
}

impl Outcome {
    /// Bits per second delivered between its start and its end.
    pub fn goodput(&self) -> f64 {
        let time = self.end.saturating_sub(self.start).as_secs_f64();
        if time > 0.0 {
            self.delivered as f64 * 8.0 / time
        } else {
            0.0
        }
    }

    /// Bytes delivered up to the last sample not after `time`: needs samples.
    pub fn delivered_before(&self, time: Duration) -> u64 {
        let after = self.samples.partition_point(|sample| sample.at <= time);
        after
            .checked_sub(1)
            .map_or(0, |last| self.samples[last].delivered)
    }

    /// How often this happened: needs samples.
    pub fn count(&self, what: Happening) -> usize {
        self.moments
            .iter()
            .filter(|moment| moment.what == what)
            .count()
    }
}

#[cfg(test)]
mod tests;
