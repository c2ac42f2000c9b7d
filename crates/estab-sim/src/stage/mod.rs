//! The nodes at work, a file each.

use std::collections::VecDeque;

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use crate::rng::Rng;
use crate::stats::NodeStats;
use crate::{Node, Queue};

mod black_hole;
mod corrupt;
mod delay;
mod duplicate;
mod jitter;
mod loss;
mod outage;
mod police;
mod queue;
mod rate;
mod reorder;
mod stall;
mod thin_acks;

/// A node at work. It is told every time in order, and never later than its deadline.
pub(crate) trait Stage: Send {
    /// A packet comes at `at`.
    fn push(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>);

    /// When it does something by itself.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The deadline is now.
    fn fire(&mut self, at: Instant, port: &mut Port<'_>) {
        let _ = (at, port);
    }

    /// The time every packet takes at least.
    fn latency(&self) -> Duration {
        Duration::ZERO
    }
}

/// Where packets leave a node.
pub(crate) struct Port<'a> {
    /// The node's counters.
    pub(crate) stats: &'a mut NodeStats,
    /// The index of the node behind it.
    pub(crate) next: usize,
    /// Packets on their way to the node with this index, oldest first.
    pub(crate) work: &'a mut VecDeque<(usize, Bytes)>,
}

impl Port<'_> {
    /// Sends a packet on to the next node.
    pub(crate) fn pass(&mut self, packet: Bytes) {
        self.stats.left += 1;
        self.stats.left_bytes += packet.len() as u64;
        self.work.push_back((self.next, packet));
    }
}

/// Builds what `nodes` describe, with the name each has in the statistics.
///
/// # Panics
///
/// As [`Pipe::new`](crate::Pipe::new).
pub(crate) fn build(nodes: &[Node], seed: u64) -> Vec<(&'static str, Box<dyn Stage>)> {
    let mut stages = Vec::with_capacity(nodes.len());
    let mut queue: Option<&Queue> = None;
    for (index, node) in nodes.iter().enumerate() {
        let rng = Rng::new(seed, index as u64);
        if let Node::Rate(rate) = node {
            let name = if queue.is_some() { "queue" } else { "rate" };
            stages.push((name, rate::stage(*rate, queue.take())));
            continue;
        }
        assert!(queue.is_none(), "a queue must stand directly before a rate");
        match node {
            Node::Queue(discipline) => queue = Some(discipline),
            node => stages.push(simple(node, rng)),
        }
    }
    assert!(queue.is_none(), "a queue must stand directly before a rate");
    stages
}

/// The nodes that are a stage each.
fn simple(node: &Node, rng: Rng) -> (&'static str, Box<dyn Stage>) {
    match node {
        Node::Rate(_) | Node::Queue(_) => unreachable!("one stage together"),
        Node::Delay(time) => ("delay", delay::stage(*time)),
        Node::Jitter(most) => ("jitter", jitter::stage(*most, rng)),
        Node::Loss(loss) => ("loss", loss::stage(loss, rng)),
        Node::Reorder { probability, delay } => {
            ("reorder", reorder::stage(*probability, *delay, rng))
        }
        Node::Duplicate(probability) => ("duplicate", duplicate::stage(*probability, rng)),
        Node::Corrupt(probability) => ("corrupt", corrupt::stage(*probability, rng)),
        Node::Police { rate, burst } => ("police", police::stage(*rate, *burst)),
        Node::ThinAcks {
            keep_one_in,
            within,
        } => ("thin acks", thin_acks::stage(*keep_one_in, *within)),
        Node::BlackHole { mtu } => ("black hole", black_hole::stage(*mtu)),
        Node::Outage(spans) => ("outage", outage::stage(spans)),
        Node::Stall(spans) => ("stall", stall::stage(spans)),
    }
}

/// Packets that leave a node at times which never go back.
#[derive(Default)]
struct Line(VecDeque<(Instant, Bytes)>);

impl Line {
    fn hold(&mut self, until: Instant, packet: Bytes, port: &mut Port<'_>) {
        port.stats.held += 1;
        self.0.push_back((until, packet));
    }

    fn deadline(&self) -> Option<Instant> {
        self.0.front().map(|(until, _)| *until)
    }

    fn release(&mut self, at: Instant, port: &mut Port<'_>) {
        while let Some((_, packet)) = self.0.pop_front_if(|(until, _)| *until <= at) {
            port.stats.held -= 1;
            port.pass(packet);
        }
    }
}
