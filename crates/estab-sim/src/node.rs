//! What a path is made of.

use std::ops::Range;

use estab_timer::Duration;

use crate::Bandwidth;

/// One thing that happens to packets on their way. A [`Pipe`](crate::Pipe) is a list of nodes, which
/// each packet passes in order.
///
/// Probabilities are per packet, from 0 to 1, and drawn by the pipe's seed, for each node from a
/// sequence of its own. Lengths are those of the whole IP packet.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Node {
    /// A transmitter: one packet after the other, each for the time its bits take, exact over any
    /// number of packets. A packet goes on when its last bit is sent. What comes meanwhile waits in
    /// the [`Queue`](Node::Queue) directly in front of it, or, without one, for as long as it takes.
    Rate(Bandwidth),
    /// Where packets wait for the [`Rate`](Node::Rate), which must be the next node. The packet
    /// being sent is not in the queue any more, so a packet that finds the transmitter idle passes
    /// however short the queue is.
    Queue(Queue),
    /// Every packet takes this time, in order.
    Delay(Duration),
    /// Every packet takes a time drawn evenly from 0 to this, but none overtakes another: it waits
    /// for the one before it.
    Jitter(Duration),
    /// Packets that do not arrive.
    Loss(Loss),
    /// A packet chosen with this probability is held back while those behind it pass.
    Reorder {
        /// Of being held back.
        probability: f64,
        /// For how long.
        delay: Duration,
    },
    /// Packets that arrive twice, one copy right behind the other.
    Duplicate(f64),
    /// Packets of which one bit, drawn evenly, is flipped.
    Corrupt(f64),
    /// A token bucket: a packet for which there are too few tokens is dropped. Nothing is delayed.
    Police {
        /// At which the bucket fills.
        rate: Bandwidth,
        /// Bytes the bucket holds; it is full at first. A packet longer than this never passes.
        burst: u64,
    },
    /// ACKs made fewer, as cable modems and wireless links do: a TCP segment that is nothing but an
    /// acknowledgement is held, and dropped when a newer one of the same flow comes. It goes when it
    /// is the `keep_one_in`th since the last that went, when it was held for `within`, or when
    /// something else of its flow comes, before it.
    ThinAcks {
        /// Of so many ACKs in a row one goes on; at least 1, which is all.
        keep_one_in: u32,
        /// How long one is held at most.
        within: Duration,
    },
    /// Drops every packet longer than `mtu` bytes and tells nobody: a path MTU black hole
    /// (RFC 2923 §2.1).
    BlackHole {
        /// The longest packet that passes, in bytes.
        mtu: u64,
    },
    /// Drops every packet that comes within one of these spans, counted from the origin of time
    /// ([`Instant::ZERO`](crate::Instant::ZERO)).
    Outage(Vec<Range<Duration>>),
    /// Holds every packet that comes within one of these spans until its end, when all go at once,
    /// in order: a delay spike, such as that of a handover. The spans are counted as those of
    /// [`Outage`](Node::Outage).
    Stall(Vec<Range<Duration>>),
}

/// A queue in front of a [`Node::Rate`], first in, first out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Queue {
    /// Drops a packet that does not fit any more.
    DropTail {
        /// Bytes that may wait.
        bytes: u64,
    },
    /// Drops a packet that does not fit, and marks one that comes while more than `threshold`
    /// bytes wait, if it is capable of ECN: the marking that DCTCP wants (RFC 8257 §3.1).
    Threshold {
        /// Bytes that may wait.
        bytes: u64,
        /// Bytes from which packets are marked.
        threshold: u64,
    },
    /// CoDel (RFC 8289): drops from the head of the queue, ever more often, while packets wait
    /// longer than `target` for at least `interval`.
    CoDel {
        /// Bytes that may wait; a packet that does not fit is dropped.
        bytes: u64,
        /// The acceptable standing delay; 5 ms in RFC 8289 §4.
        target: Duration,
        /// About the longest usual round-trip time; 100 ms in RFC 8289 §4.
        interval: Duration,
        /// Packets capable of ECN are marked instead of dropped (RFC 3168 §5).
        ecn: bool,
    },
}

impl Queue {
    /// CoDel with the target and interval of RFC 8289, 5 ms and 100 ms.
    pub const fn codel(bytes: u64, ecn: bool) -> Self {
        Self::CoDel {
            bytes,
            target: Duration::from_millis(5),
            interval: Duration::from_millis(100),
            ecn,
        }
    }
}

/// Which packets do not arrive.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Each with this probability, whatever happens to others.
    Uniform(f64),
    /// In bursts: a chain of two states, good and bad, which starts in good and may change after
    /// each packet.
    GilbertElliott {
        /// The probability of changing from good to bad.
        p: f64,
        /// The probability of changing from bad to good; a bad state lasts 1/r packets on average.
        r: f64,
        /// The probability that a packet arrives in the bad state.
        h: f64,
        /// The probability that a packet arrives in the good state.
        k: f64,
    },
    /// These and no others; the first packet that comes to the node is number 0.
    Exactly(Vec<u64>),
}

impl Loss {
    /// Bursts in which every packet is lost, `length` packets long on average, such that the
    /// fraction `rate` of all packets is lost: the simple Gilbert model.
    ///
    /// # Panics
    ///
    /// If `rate` is not from 0 to below 1, `length` is below 1, or the two do not go together
    /// (a rate near 1 wants long bursts).
    pub fn bursts(rate: f64, length: f64) -> Self {
        assert!((0.0..1.0).contains(&rate) && length >= 1.0);
        let r = 1.0 / length;
        let p = r * rate / (1.0 - rate);
        assert!(p <= 1.0, "bursts of {length} cannot lose {rate}");
        Self::GilbertElliott {
            p,
            r,
            h: 0.0,
            k: 1.0,
        }
    }
}
