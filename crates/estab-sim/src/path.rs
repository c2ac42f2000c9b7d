//! Both directions.

use estab_timer::{Duration, Instant};

use crate::{Bandwidth, Loss, Node, Pipe, Queue};

#[cfg(test)]
mod tests;

/// Both directions between two hosts.
#[derive(Debug)]
pub struct Path {
    /// From the first host to the second.
    pub there: Pipe,
    /// From the second host to the first.
    pub back: Pipe,
}

impl Path {
    /// A path of these nodes; the two directions draw from different sequences of `seed`.
    ///
    /// # Panics
    ///
    /// As [`Pipe::new`].
    pub fn new(there: &[Node], back: &[Node], seed: u64) -> Self {
        Self {
            there: Pipe::new(there, seed.wrapping_mul(2)),
            back: Pipe::new(back, seed.wrapping_mul(2).wrapping_add(1)),
        }
    }

    /// Describes a path as one does in words. See [`PathBuilder`].
    pub fn builder() -> PathBuilder {
        PathBuilder::default()
    }

    /// When a packet may arrive next at either end ([`Pipe::next_deadline`]).
    pub fn next_deadline(&self) -> Option<Instant> {
        let deadlines = [self.there.next_deadline(), self.back.next_deadline()];
        deadlines.into_iter().flatten().min()
    }
}

/// A path that is the same both ways, but for the nodes added with
/// [`there`](Self::there) and [`back`](Self::back).
///
/// Each way packets meet, as far as it was asked for: queue and rate, loss, delay, reordering,
/// the nodes added.
///
/// ```
/// use std::time::Duration;
/// use estab_sim::{Bandwidth, Loss, Node, Path};
///
/// // A satellite: 50 Mbit/s, a queue of one bandwidth-delay product, and 1 % of the packets to
/// // the second host lost.
/// let path = Path::builder()
///     .rtt(Duration::from_millis(600))
///     .rate(Bandwidth::mbit(50))
///     .queue_bdp(1.0)
///     .there(Node::Loss(Loss::Uniform(0.01)))
///     .seed(7)
///     .build();
/// assert_eq!(path.next_deadline(), None);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PathBuilder {
    rtt: Duration,
    rate: Option<Bandwidth>,
    queue: Buffer,
    loss: Option<Loss>,
    reorder: Option<(f64, Duration)>,
    there: Vec<Node>,
    back: Vec<Node>,
    seed: u64,
}

#[derive(Clone, Debug, Default)]
enum Buffer {
    #[default]
    Unbounded,
    Bdp(f64),
    Queue(Queue),
}

/// A queue measured in round trips holds at least so many bytes: two packets of the usual size.
const LEAST_QUEUE: u64 = 3_000;

impl PathBuilder {
    /// The round-trip time, half of it each way; 0 if not set. Waiting and sending come on top.
    pub fn rtt(mut self, rtt: Duration) -> Self {
        self.rtt = rtt;
        self
    }

    /// The rate each way; unlimited if not set.
    pub fn rate(mut self, rate: Bandwidth) -> Self {
        self.rate = Some(rate);
        self
    }

    /// A drop-tail queue of so many bandwidth-delay products, [`rate`](Self::rate) times
    /// [`rtt`](Self::rtt), but of 3,000 bytes at least. Without one, and without
    /// [`queue`](Self::queue), as much waits as comes. It needs a rate.
    pub fn queue_bdp(mut self, products: f64) -> Self {
        self.queue = Buffer::Bdp(products);
        self
    }

    /// This queue. It needs a rate.
    pub fn queue(mut self, queue: Queue) -> Self {
        self.queue = Buffer::Queue(queue);
        self
    }

    /// Loss behind the transmitter, each way: a probability, from 0 to 1.
    pub fn loss(self, probability: f64) -> Self {
        self.lose(Loss::Uniform(probability))
    }

    /// Loss of any kind behind the transmitter, each way.
    pub fn lose(mut self, loss: Loss) -> Self {
        self.loss = Some(loss);
        self
    }

    /// Packets are held back with this probability, for so long ([`Node::Reorder`]).
    pub fn reorder(mut self, probability: f64, delay: Duration) -> Self {
        self.reorder = Some((probability, delay));
        self
    }

    /// One more node on the way to the second host, behind all others.
    pub fn there(mut self, node: Node) -> Self {
        self.there.push(node);
        self
    }

    /// One more node on the way back, behind all others.
    pub fn back(mut self, node: Node) -> Self {
        self.back.push(node);
        self
    }

    /// The seed of the path's randomness; 0 if not set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The nodes, there and back.
    ///
    /// # Panics
    ///
    /// If there is a queue, but no rate.
    pub fn nodes(&self) -> (Vec<Node>, Vec<Node>) {
        let common = self.common();
        let with = |added: &[Node]| [&common, added].concat();
        (with(&self.there), with(&self.back))
    }

    /// The path.
    ///
    /// # Panics
    ///
    /// If there is a queue, but no rate, and as [`Pipe::new`].
    pub fn build(&self) -> Path {
        let (there, back) = self.nodes();
        Path::new(&there, &back, self.seed)
    }

    fn common(&self) -> Vec<Node> {
        let queue = match &self.queue {
            Buffer::Unbounded => None,
            Buffer::Bdp(products) => {
                let rate = self.rate.expect("a queue needs a rate");
                let bytes = rate.bytes_in(self.rtt) as f64 * products;
                Some(Queue::DropTail {
                    bytes: (bytes as u64).max(LEAST_QUEUE),
                })
            }
            Buffer::Queue(queue) => Some(queue.clone()),
        };
        let nodes = [
            queue.map(Node::Queue),
            self.rate.map(Node::Rate),
            self.loss.clone().map(Node::Loss),
            Some(Node::Delay(self.rtt / 2)),
            self.reorder
                .map(|(probability, delay)| Node::Reorder { probability, delay }),
        ];
        nodes.into_iter().flatten().collect()
    }
}
