//! The paths that are measured.

use std::time::Duration;

use estab_sim::{Bandwidth, Loss, Node, Path};

/// One path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// Of the empty path, in milliseconds.
    pub(crate) rtt: u64,
    /// Of the bottleneck, in Mbit/s.
    pub(crate) rate: u64,
    /// Packets lost at random on the way there, in percent.
    pub(crate) loss: f64,
    /// Room in the bottleneck's queue, in bandwidth-delay products.
    pub(crate) queue: f64,
    /// Packets that others overtake, in percent.
    pub(crate) reorder: f64,
}

const fn cell(rtt: u64, rate: u64, loss: f64, queue: f64, reorder: f64) -> Cell {
    Cell {
        rtt,
        rate,
        loss,
        queue,
        reorder,
    }
}

/// Those cells of the goodput grid that two processors carry without being what is measured.
pub(crate) const CELLS: [Cell; 32] = [
    cell(20, 1, 0.0, 1.0, 0.0),
    cell(100, 1, 0.0, 1.0, 0.0),
    cell(100, 1, 1.0, 1.0, 0.0),
    cell(100, 1, 0.0, 4.0, 0.0),
    cell(20, 20, 0.0, 0.1, 0.0),
    cell(20, 20, 0.0, 1.0, 0.0),
    cell(20, 20, 0.0, 4.0, 0.0),
    cell(20, 20, 0.1, 1.0, 0.0),
    cell(20, 20, 1.0, 1.0, 0.0),
    cell(20, 20, 5.0, 1.0, 0.0),
    cell(20, 20, 0.0, 1.0, 1.0),
    cell(20, 20, 1.0, 1.0, 1.0),
    cell(100, 20, 0.0, 0.1, 0.0),
    cell(100, 20, 0.0, 1.0, 0.0),
    cell(100, 20, 0.0, 4.0, 0.0),
    cell(100, 20, 0.1, 1.0, 0.0),
    cell(100, 20, 1.0, 1.0, 0.0),
    cell(100, 20, 5.0, 1.0, 0.0),
    cell(100, 20, 0.0, 1.0, 1.0),
    cell(100, 20, 1.0, 1.0, 1.0),
    cell(300, 20, 0.0, 1.0, 0.0),
    cell(300, 20, 0.1, 1.0, 0.0),
    cell(300, 20, 1.0, 1.0, 0.0),
    cell(1, 200, 0.0, 1.0, 0.0),
    cell(1, 200, 0.1, 1.0, 0.0),
    cell(1, 200, 1.0, 1.0, 0.0),
    cell(20, 200, 0.0, 1.0, 0.0),
    cell(20, 200, 0.1, 1.0, 0.0),
    cell(20, 200, 1.0, 1.0, 0.0),
    cell(20, 200, 0.0, 1.0, 1.0),
    cell(100, 200, 0.0, 1.0, 0.0),
    cell(100, 200, 0.1, 1.0, 0.0),
];

/// The longest packet, in bytes.
const MTU: u64 = 1500;

/// Mbit/s over all paths that are run at the same time, so that the processors have time to spare.
const AT_ONCE: u64 = 120;

impl Cell {
    /// What `--cells` compares with.
    pub(crate) fn name(&self) -> String {
        let Self {
            rtt,
            rate,
            loss,
            queue,
            reorder,
        } = self;
        format!("{rtt}ms {rate}mbit {loss}% {queue}bdp {reorder}%")
    }

    /// How long a transfer goes on: so many round trips and packets that one more or less is no
    /// percent.
    pub(crate) fn time(&self) -> Duration {
        let packets = Bandwidth::mbit(self.rate).time_of(500 * MTU);
        Duration::from_millis((40 * self.rtt).max(2_000)).max(packets)
    }

    /// How many transfers go on at the same time, each over a path of its own.
    pub(crate) fn at_once(&self) -> usize {
        (AT_ONCE / self.rate).clamp(1, 15) as usize
    }

    /// The path, in which chance is drawn from `seed`.
    pub(crate) fn path(&self, seed: u64) -> Path {
        let rtt = Duration::from_millis(self.rtt);
        let mut path = Path::builder()
            .rtt(rtt)
            .rate(Bandwidth::mbit(self.rate))
            .queue_bdp(self.queue)
            .seed(seed);
        if self.loss > 0.0 {
            path = path.there(Node::Loss(Loss::Uniform(self.loss / 100.0)));
        }
        if self.reorder > 0.0 {
            path = path.there(Node::Reorder {
                probability: self.reorder / 100.0,
                delay: rtt / 8,
            });
        }
        path.build()
    }
}
