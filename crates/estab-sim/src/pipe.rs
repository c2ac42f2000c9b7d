//! One direction of a path.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use crate::Node;
use crate::stage::{self, Port, Stage};
use crate::stats::{NodeStats, Stats};

#[cfg(test)]
mod tests;

/// One direction of a path: packets go in at one end, and come out at the other when the nodes let
/// them, if they do.
///
/// A pipe does no I/O and knows no clock: the time is an argument, and must not go back (an earlier
/// time counts as the latest one told). What happens inside happens at its exact time however late
/// the pipe is asked, so a coarse timer delays the delivery of a packet, but never what comes after
/// it.
///
/// ```
/// use std::time::Duration;
/// use bytes::Bytes;
/// use estab_sim::{Bandwidth, Instant, Node, Pipe, Queue};
///
/// let nodes = [
///     Node::Queue(Queue::DropTail { bytes: 3000 }),
///     Node::Rate(Bandwidth::mbit(12)),
///     Node::Delay(Duration::from_millis(10)),
/// ];
/// let mut pipe = Pipe::new(&nodes, 1);
/// for _ in 0..4 {
///     pipe.push(Instant::ZERO, Bytes::from(vec![0; 1500]));
/// }
/// // One is being sent, two wait, and one was too much.
/// assert_eq!(pipe.queued_bytes(), 3000);
/// assert_eq!(pipe.stats().dropped().overflow, 1);
///
/// // A packet takes 1 ms to send and 10 ms to arrive.
/// assert!(pipe.poll(Instant::from_micros(10_999)).is_none());
/// for millis in [11, 12, 13] {
///     assert_eq!(pipe.next_deadline(), Some(Instant::from_millis(millis)));
///     assert!(pipe.poll(Instant::from_millis(millis)).is_some());
/// }
/// assert_eq!(pipe.next_deadline(), None);
/// ```
pub struct Pipe {
    stages: Vec<Box<dyn Stage>>,
    /// The time every packet takes at least behind the stage of the same index.
    behind: Vec<Duration>,
    now: Instant,
    /// Packets between nodes; empty between calls.
    work: VecDeque<(usize, Bytes)>,
    arrived: VecDeque<(Instant, Bytes)>,
    stats: Stats,
}

impl Pipe {
    /// A pipe made of `nodes`, in the order in which packets meet them, with randomness drawn from
    /// `seed`. The same nodes and seed, given the same packets at the same times, do the same on
    /// every machine.
    ///
    /// # Panics
    ///
    /// If a probability is not from 0 to 1, a [`Node::Queue`] does not stand directly before a
    /// [`Node::Rate`], or [`Node::ThinAcks`] shall keep one ACK in 0.
    pub fn new(nodes: &[Node], seed: u64) -> Self {
        let (names, stages): (Vec<_>, Vec<_>) = stage::build(nodes, seed).into_iter().unzip();
        let mut behind: Vec<_> = stages
            .iter()
            .rev()
            .scan(Duration::ZERO, |sum, stage| {
                let behind = *sum;
                *sum = sum.saturating_add(stage.latency());
                Some(behind)
            })
            .collect();
        behind.reverse();
        let node = |name| NodeStats {
            name,
            ..NodeStats::default()
        };
        Self {
            stages,
            behind,
            now: Instant::ZERO,
            work: VecDeque::new(),
            arrived: VecDeque::new(),
            stats: Stats {
                nodes: names.into_iter().map(node).collect(),
                ..Stats::default()
            },
        }
    }

    /// Puts a packet in at `now`.
    pub fn push(&mut self, now: Instant, packet: Bytes) {
        self.advance(now);
        self.stats.pushed += 1;
        self.work.push_back((0, packet));
        self.settle(self.now);
    }

    /// The next packet that has arrived by `now`.
    pub fn poll(&mut self, now: Instant) -> Option<Bytes> {
        self.poll_timed(now).map(|(_, packet)| packet)
    }

    /// The next packet that has arrived by `now`, with the exact time of its arrival.
    pub fn poll_timed(&mut self, now: Instant) -> Option<(Instant, Bytes)> {
        self.advance(now);
        let (at, packet) = self.arrived.pop_front()?;
        self.stats.arrived -= 1;
        self.stats.delivered += 1;
        self.stats.delivered_bytes += packet.len() as u64;
        Some((at, packet))
    }

    /// When a packet may arrive next, if nothing more is put in; none may, when the last ones in
    /// the pipe get lost. `None` if nothing is in the pipe. The time is in the past while a packet
    /// that has arrived was not asked for.
    pub fn next_deadline(&self) -> Option<Instant> {
        if let Some((at, _)) = self.arrived.front() {
            return Some(*at);
        }
        let deadlines = self.stages.iter().zip(&self.behind);
        deadlines
            .filter_map(|(stage, behind)| Some(stage.deadline()? + *behind))
            .min()
    }

    /// Lets time pass until `now` without asking for packets, so that
    /// [`stats`](Self::stats) and [`queued_bytes`](Self::queued_bytes) are up to date.
    pub fn advance(&mut self, now: Instant) {
        // What leaves the pipe first makes room for what comes at the same moment.
        while let Some((at, index)) = self.next_event().filter(|(at, _)| *at <= now) {
            self.now = self.now.max(at);
            let mut port = Port {
                stats: &mut self.stats.nodes[index],
                next: index + 1,
                work: &mut self.work,
            };
            self.stages[index].fire(at, &mut port);
            self.settle(at);
        }
        self.now = self.now.max(now);
    }

    /// The counters, as of the last call that told the time.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The bytes that wait in queues, as of the last call that told the time: the standing queue.
    /// Packets being sent or under way do not count.
    pub fn queued_bytes(&self) -> u64 {
        self.stats.nodes.iter().map(|node| node.queued_bytes).sum()
    }

    fn next_event(&self) -> Option<(Instant, usize)> {
        let deadlines = self.stages.iter().enumerate().rev();
        deadlines
            .filter_map(|(index, stage)| Some((stage.deadline()?, index)))
            .min_by_key(|(at, _)| *at)
    }

    /// Brings the packets between nodes to where they wait, or to the end.
    fn settle(&mut self, at: Instant) {
        while let Some((index, packet)) = self.work.pop_front() {
            let Some(stage) = self.stages.get_mut(index) else {
                self.stats.arrived += 1;
                self.arrived.push_back((at, packet));
                continue;
            };
            let stats = &mut self.stats.nodes[index];
            stats.entered += 1;
            let mut port = Port {
                stats,
                next: index + 1,
                work: &mut self.work,
            };
            stage.push(at, packet, &mut port);
        }
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("now", &self.now)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
