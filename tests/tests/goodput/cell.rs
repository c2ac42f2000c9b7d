//! The grid: which paths, under which congestion control, and what one run over each gives.

use std::time::Duration;

use estab_proto::config::{BufferConfig, Ecn};
use estab_proto::congestion::Algorithm;
use estab_sim::transfer::{Flow, Transfer};
use estab_sim::{Bandwidth, Loss, Node, Path, Queue};

pub(crate) const RTTS: [u64; 4] = [1, 20, 100, 300];
pub(crate) const RATES: [u64; 4] = [1, 20, 200, 1000];
pub(crate) const QUEUES: [f64; 3] = [0.1, 1.0, 4.0];
pub(crate) const LOSSES: [f64; 4] = [0.0, 0.1, 1.0, 5.0];
pub(crate) const REORDERS: [f64; 2] = [0.0, 1.0];

pub(crate) const CONTROLLERS: [(&str, Algorithm); 4] = [
    ("NewReno", Algorithm::NewReno),
    ("CUBIC", Algorithm::Cubic),
    ("BBR", Algorithm::Bbr),
    ("DCTCP", Algorithm::Dctcp),
];

/// The longest packet, in bytes.
const MTU: u64 = 1500;

/// A run goes on for so many round trips, unless that is too few packets or too many.
const ROUND_TRIPS: u64 = 40;

/// Packets that the path could carry during a run: so many at least, and at most unless that were
/// fewer than [`LEAST_ROUND_TRIPS`].
const PACKETS: (u64, u64) = (2_000, 400_000);

const LEAST_ROUND_TRIPS: u64 = 16;

/// One path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    /// Of the empty path, in milliseconds.
    pub(crate) rtt: u64,
    /// Of the bottleneck, in Mbit/s.
    pub(crate) rate: u64,
    /// Room in its queue, in bandwidth-delay products.
    pub(crate) queue: f64,
    /// Packets lost at random, in percent.
    pub(crate) loss: f64,
    /// Packets that others overtake, in percent.
    pub(crate) reorder: f64,
}

impl Cell {
    /// Every one.
    pub(crate) fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for rtt in RTTS {
            for rate in RATES {
                for queue in QUEUES {
                    for loss in LOSSES {
                        cells.extend(REORDERS.map(|reorder| Self {
                            rtt,
                            rate,
                            queue,
                            loss,
                            reorder,
                        }));
                    }
                }
            }
        }
        cells
    }

    /// Whether the cell is of those that are always run: little work, and one of every kind.
    pub(crate) fn is_representative(&self) -> bool {
        let small = self.rate == 20 && [20, 100].contains(&self.rtt) && self.queue >= 1.0;
        let slow = self.rate == 1 && self.rtt == 300 && self.queue == 1.0;
        let fast = self.rate == 200 && self.rtt == 1 && self.queue == 0.1;
        (small || slow || fast) && [0.0, 1.0].contains(&self.loss)
    }

    /// Whether there is anything to learn: DCTCP is for networks with short round trips.
    pub(crate) fn suits(&self, congestion: Algorithm) -> bool {
        congestion != Algorithm::Dctcp || self.rtt <= 20
    }

    fn rtt(&self) -> Duration {
        Duration::from_millis(self.rtt)
    }

    fn bandwidth(&self) -> Bandwidth {
        Bandwidth::mbit(self.rate)
    }

    fn bdp(&self) -> u64 {
        self.bandwidth().bytes_in(self.rtt())
    }

    /// How long a run goes on.
    pub(crate) fn time(&self) -> Duration {
        let per_packet = self.bandwidth().time_of(MTU).as_nanos() as u64;
        let rtt = self.rtt().as_nanos() as u64;
        let (least, most) = (per_packet * PACKETS.0, per_packet * PACKETS.1);
        let nanos = (ROUND_TRIPS * rtt)
            .clamp(least, most)
            .max(LEAST_ROUND_TRIPS * rtt);
        Duration::from_nanos(nanos)
    }

    fn path(&self, congestion: Algorithm) -> Path {
        let bytes = ((self.bdp() as f64 * self.queue) as u64).max(4 * MTU);
        let queue = if congestion == Algorithm::Dctcp {
            // RFC 8257 §3.1 leaves the threshold open; a seventh of the product is DCTCP's least.
            let threshold = (self.bdp() / 7).max(2 * MTU);
            Queue::Threshold { bytes, threshold }
        } else {
            Queue::DropTail { bytes }
        };
        let one_way = Node::Delay(self.rtt() / 2);
        let mut there = vec![
            Node::Queue(queue),
            Node::Rate(self.bandwidth()),
            one_way.clone(),
        ];
        if self.loss > 0.0 {
            there.push(Node::Loss(Loss::Uniform(self.loss / 100.0)));
        }
        if self.reorder > 0.0 {
            there.push(Node::Reorder {
                probability: self.reorder / 100.0,
                delay: self.rtt() / 8,
            });
        }
        Path::new(&there, &[one_way], 1)
    }

    /// Goodput under this controller, in hundredths of a percent of the bottleneck's rate.
    pub(crate) fn run(&self, congestion: Algorithm) -> u32 {
        // What the window may grow to: the grid measures congestion control, not buffers.
        let room = 2 * self.bdp() + (self.bdp() as f64 * self.queue) as u64;
        let max = u32::try_from(room)
            .unwrap_or(u32::MAX)
            .clamp(16 << 20, 256 << 20);
        let flow = Flow::new(congestion).tcp(|tcp| {
            tcp.send_buffer = BufferConfig {
                max,
                ..tcp.send_buffer
            };
            tcp.recv_buffer = BufferConfig {
                max,
                ..tcp.recv_buffer
            };
            if congestion == Algorithm::Dctcp {
                tcp.ecn = Ecn::Accurate;
            }
        });
        let report = Transfer::new(self.path(congestion))
            .flow(flow)
            .limit(self.time())
            .run();
        let most = self.bandwidth().bytes_in(self.time());
        let hundredths = report.flows[0].delivered * 10_000 / most;
        u32::try_from(hundredths).expect("no more than the bottleneck lets pass")
    }
}
