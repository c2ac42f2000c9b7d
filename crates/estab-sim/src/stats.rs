//! What became of the packets.

use std::fmt;

use estab_timer::Duration;

#[cfg(test)]
mod tests;

/// Packets dropped, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drops {
    /// By [`Node::Loss`](crate::Node::Loss).
    pub lost: u64,
    /// By a queue that was full.
    pub overflow: u64,
    /// By a queue that keeps itself short, before it was full.
    pub early: u64,
    /// By [`Node::Police`](crate::Node::Police).
    pub policed: u64,
    /// By [`Node::ThinAcks`](crate::Node::ThinAcks).
    pub thinned: u64,
    /// By [`Node::BlackHole`](crate::Node::BlackHole).
    pub too_large: u64,
    /// By [`Node::Outage`](crate::Node::Outage).
    pub outage: u64,
}

impl Drops {
    /// All of them.
    pub fn total(&self) -> u64 {
        let Self {
            lost,
            overflow,
            early,
            policed,
            thinned,
            too_large,
            outage,
        } = self;
        lost + overflow + early + policed + thinned + too_large + outage
    }

    /// Each cause with its name.
    fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("lost", self.lost),
            ("overflowed", self.overflow),
            ("dropped early", self.early),
            ("policed", self.policed),
            ("thinned", self.thinned),
            ("too large", self.too_large),
            ("in an outage", self.outage),
        ]
    }

    fn add(&mut self, other: &Self) {
        self.lost += other.lost;
        self.overflow += other.overflow;
        self.early += other.early;
        self.policed += other.policed;
        self.thinned += other.thinned;
        self.too_large += other.too_large;
        self.outage += other.outage;
    }
}

/// Counters of one node. At any time
/// `entered + duplicated = left + dropped.total() + held`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeStats {
    /// Which node it is: `"queue"`, `"delay"`, …
    pub name: &'static str,
    /// Packets that came.
    pub entered: u64,
    /// Packets that went on.
    pub left: u64,
    /// Bytes that went on.
    pub left_bytes: u64,
    /// Packets that did not.
    pub dropped: Drops,
    /// Packets marked with congestion experienced (RFC 3168 §5).
    pub marked: u64,
    /// Second copies made.
    pub duplicated: u64,
    /// Packets held back to be overtaken.
    pub reordered: u64,
    /// Packets damaged.
    pub corrupted: u64,
    /// Packets in the node now: waiting, being sent or on the way.
    pub held: u64,
    /// Bytes that wait in a queue now, without the packet being sent.
    pub queued_bytes: u64,
    /// The most bytes that waited at once.
    pub peak_bytes: u64,
    /// The sum of the times packets waited in the queue, of those that were sent or dropped from
    /// its head.
    pub waited: Duration,
    /// The longest of these times.
    pub longest_wait: Duration,
}

/// Counters of a [`Pipe`](crate::Pipe).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Packets put in.
    pub pushed: u64,
    /// Packets handed out.
    pub delivered: u64,
    /// Bytes handed out.
    pub delivered_bytes: u64,
    /// Packets that are through and were not asked for yet.
    pub arrived: u64,
    /// The nodes in order; a queue and the rate behind it share one entry, named `"queue"`.
    pub nodes: Vec<NodeStats>,
}

impl Stats {
    /// Packets dropped by all nodes.
    pub fn dropped(&self) -> Drops {
        let mut drops = Drops::default();
        for node in &self.nodes {
            drops.add(&node.dropped);
        }
        drops
    }

    /// Packets marked by all nodes.
    pub fn marked(&self) -> u64 {
        self.nodes.iter().map(|node| node.marked).sum()
    }

    /// Packets duplicated by all nodes.
    pub fn duplicated(&self) -> u64 {
        self.nodes.iter().map(|node| node.duplicated).sum()
    }

    /// Packets that are in a node now or have arrived and were not asked for.
    pub fn inside(&self) -> u64 {
        self.arrived + self.nodes.iter().map(|node| node.held).sum::<u64>()
    }

    /// The first node with this name.
    pub fn node(&self, name: &str) -> Option<&NodeStats> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

/// A line for the whole pipe and one for each node, with what is not 0.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pushed, delivered) = (self.pushed, self.delivered);
        write!(f, "{pushed} in, {delivered} out, {} inside", self.inside())?;
        for node in &self.nodes {
            write!(f, "\n  {node}")?;
        }
        Ok(())
    }
}

/// One line, with what is not 0.
impl fmt::Display for NodeStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {}", self.name, self.left, self.entered)?;
        let others = [
            ("marked", self.marked),
            ("duplicated", self.duplicated),
            ("reordered", self.reordered),
            ("corrupted", self.corrupted),
            ("held", self.held),
        ];
        for (name, count) in self.dropped.named().into_iter().chain(others) {
            if count > 0 {
                write!(f, ", {count} {name}")?;
            }
        }
        if self.peak_bytes > 0 {
            let (peak, longest) = (self.peak_bytes, self.longest_wait);
            write!(f, ", up to {peak} bytes for {longest:?}")?;
        }
        Ok(())
    }
}
