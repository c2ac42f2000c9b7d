//! A network between two devices with several queues each, which steers as it is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use estab::device::{Caps, Device, Packet, Received};
use estab::proto::wire::{IpPacket, Ipv4Header};
use estab::{Stack, StackBuilder};

/// On which queue a packet arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Steering {
    /// On any.
    Random,
    /// On the one that was last written to for the flow, as with a TUN; on any, if there is none.
    LastWriter,
}

/// What the network does.
#[derive(Clone, Copy)]
pub(crate) struct Network {
    pub(crate) steering: Steering,
    /// Bytes of an IPv4 packet beyond which it is cut into fragments.
    pub(crate) fragment: usize,
    pub(crate) seed: u64,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            steering: Steering::Random,
            fragment: usize::MAX,
            seed: 1,
        }
    }
}

/// A flow as the network sees it: addresses and ports of a packet, source first.
pub(crate) type Flow = Vec<u8>;

/// One end: a device with queues, as the test sees it.
#[derive(Clone)]
pub(crate) struct End(Arc<Mutex<Inner>>);

struct Inner {
    network: Network,
    queues: Vec<Port>,
    /// The queues that were written to for a flow, the last one last.
    writers: BTreeMap<Flow, Vec<usize>>,
    random: u64,
}

#[derive(Default)]
struct Port {
    packets: VecDeque<Vec<u8>>,
    waker: Option<Waker>,
    failing: Option<Failure>,
    dropped: bool,
}

/// How a queue fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    Error,
    Panic,
}

/// One queue of an end: what a driver has.
pub(crate) struct Queue {
    own: End,
    peer: End,
    index: usize,
}

fn flow_of(packet: &[u8], reversed: bool) -> Flow {
    let Ok(ip) = IpPacket::parse(packet) else {
        return Flow::new();
    };
    let mut ends = [
        (ip.src().to_string(), &ip.payload()[..2]),
        (ip.dst().to_string(), &ip.payload()[2..4]),
    ];
    if reversed {
        ends.reverse();
    }
    ends.iter()
        .flat_map(|(addr, port)| [addr.as_bytes(), port].concat())
        .collect()
}

impl End {
    fn new(network: Network, queues: usize, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            network,
            queues: (0..queues).map(|_| Port::default()).collect(),
            writers: BTreeMap::new(),
            random: seed,
        })))
    }

    /// A packet arrives on the queue that the network chooses.
    fn arrive(&self, packet: Vec<u8>) {
        let mut inner = self.0.lock().unwrap();
        let known = match inner.network.steering {
            Steering::Random => None,
            Steering::LastWriter => {
                let writers = inner.writers.get(&flow_of(&packet, true));
                writers.and_then(|writers| writers.last().copied())
            }
        };
        let queue = known.unwrap_or_else(|| {
            let random = inner.random.wrapping_mul(6_364_136_223_846_793_005);
            inner.random = random.wrapping_add(1_442_695_040_888_963_407);
            (inner.random >> 33) as usize % inner.queues.len()
        });
        let port = &mut inner.queues[queue];
        port.packets.push_back(packet);
        let waker = port.waker.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Has a queue fail.
    pub(crate) fn fail(&self, queue: usize, how: Failure) {
        let mut inner = self.0.lock().unwrap();
        inner.queues[queue].failing = Some(how);
        let waker = inner.queues[queue].waker.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Queues whose device was dropped.
    pub(crate) fn dropped(&self) -> usize {
        let inner = self.0.lock().unwrap();
        inner.queues.iter().filter(|port| port.dropped).count()
    }

    /// For each flow sent from here the queues it was sent on.
    pub(crate) fn writers(&self) -> Vec<BTreeSet<usize>> {
        let inner = self.0.lock().unwrap();
        let writers = inner.writers.values();
        writers
            .map(|writers| writers.iter().copied().collect())
            .collect()
    }
}

impl Device for Queue {
    fn caps(&self) -> Caps {
        Caps::new(1500)
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let mut inner = self.own.0.lock().unwrap();
        let port = &mut inner.queues[self.index];
        match port.failing {
            Some(Failure::Error) => return Poll::Ready(Err(io::Error::from_raw_os_error(5))),
            Some(Failure::Panic) => {
                drop(inner);
                panic!("the test's device panics");
            }
            None => {}
        }
        let Some(packet) = port.packets.pop_front() else {
            port.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        buf[..packet.len()].copy_from_slice(&packet);
        Poll::Ready(Ok(Received::new(packet.len())))
    }

    fn poll_send(&mut self, _: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        let packet = packet.to_bytes();
        let mut inner = self.own.0.lock().unwrap();
        let writers = inner.writers.entry(flow_of(&packet, false)).or_default();
        if writers.last() != Some(&self.index) {
            writers.push(self.index);
        }
        let network = inner.network;
        drop(inner);
        if packet.len() > network.fragment && packet[0] >> 4 == 4 {
            fragments(&packet, network.fragment).for_each(|piece| self.peer.arrive(piece));
        } else {
            self.peer.arrive(packet.to_vec());
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // Poisoned by the device that panics.
        let mut inner = self.own.0.lock().unwrap_or_else(|e| e.into_inner());
        inner.queues[self.index].dropped = true;
    }
}

/// A packet in pieces of at most `size` bytes, header included.
fn fragments(packet: &[u8], size: usize) -> impl Iterator<Item = Vec<u8>> {
    let len = (size - 20) / 8 * 8;
    let payload = &packet[20..];
    let addr = |at: usize| Ipv4Addr::from(<[u8; 4]>::try_from(&packet[at..at + 4]).unwrap());
    // The stack leaves it zero: it lets nobody cut what it sends.
    let sum = u16::from_be_bytes([packet[36], packet[37]]);
    let ident = sum ^ u16::from_be_bytes([packet[26], packet[27]]);
    payload.chunks(len).enumerate().map(move |(n, piece)| {
        let mut fragment = vec![0; 20];
        Ipv4Header {
            src: addr(12),
            dst: addr(16),
            protocol: packet[9],
            ttl: packet[8],
            tos: packet[1],
            ident,
            dont_fragment: false,
            more_fragments: (n + 1) * len < payload.len(),
            fragment_offset: (n * len) as u16,
        }
        .emit(piece.len(), &mut fragment);
        fragment.extend_from_slice(piece);
        fragment
    })
}

/// Two ends with so many queues.
pub(crate) fn network(network: Network, queues: [usize; 2]) -> [(End, Vec<Queue>); 2] {
    let seed = network.seed;
    let ends = [
        End::new(network, queues[0], seed),
        End::new(network, queues[1], !seed),
    ];
    [0, 1].map(|own| {
        let queue = |index| Queue {
            own: ends[own].clone(),
            peer: ends[1 - own].clone(),
            index,
        };
        (ends[own].clone(), (0..queues[own]).map(queue).collect())
    })
}

/// What a stack at one of the ends starts with: 10.0.0.1 and fd00::1, or 10.0.0.2 and fd00::2.
pub(crate) fn builder(end: usize) -> StackBuilder {
    Stack::builder()
        .addr(format!("10.0.0.{}/24", end + 1).as_str())
        .addr(format!("fd00::{}/64", end + 1).as_str())
}

/// A stack at each end, with drivers on the current runtime.
pub(crate) fn stacks(settings: Network, queues: [usize; 2]) -> ([End; 2], [Stack; 2]) {
    let [(left, left_queues), (right, right_queues)] = network(settings, queues);
    let stacks = [
        builder(0).build_sharded(left_queues).unwrap(),
        builder(1).build_sharded(right_queues).unwrap(),
    ];
    ([left, right], stacks)
}
