//! Two hosts, a link, and a clock that jumps to whatever happens next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use estab_proto::config::StackConfig;
use estab_proto::wire::EcnCodepoint;
use estab_proto::{ConnId, FourTuple, Instant, IpCidr, ListenConfig, ListenerId, Stack, State};

use crate::host::Host;
use crate::link::{Faults, Link};
use crate::rng::Rng;
use crate::segment::Seg;
use crate::trace::Trace;

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The end that usually opens.
    A,
    /// The end that usually listens.
    B,
}

pub use Side::{A, B};

impl Side {
    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            A => B,
            B => A,
        }
    }
}

/// The port on which B listens in [`World::establish`].
pub const PORT: u16 = 80;

/// The time one way on the link of [`World::new`].
pub const DELAY: Duration = Duration::from_millis(10);

/// What [`World::step`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A packet arrived at this end.
    Arrival(Side, Vec<u8>),
    /// A deadline of this end was due.
    Wake(Side),
    /// Nothing more happens until the time given; the clock stands there.
    Quiet,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    at: Instant,
    order: u64,
    to: Side,
    packet: Vec<u8>,
}

/// Whether a segment that this end sends goes on the link.
pub type Pass = Box<dyn FnMut(Side, &Seg) -> bool>;

/// Two hosts and what is between them.
pub struct World {
    /// The time.
    pub now: Instant,
    /// A and B.
    pub hosts: [Host; 2],
    /// From A to B, and back.
    pub links: [Link; 2],
    /// What was sent.
    pub trace: Trace,
    /// Asked of every segment sent, by whom it was, whether it goes on the link: for losing a
    /// certain one.
    pub pass: Option<Pass>,
    /// Asked of every ECN-capable segment that goes on the link: whether the link marks it.
    pub mark: Option<Pass>,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    order: u64,
}

/// The address of an end: in 10.0.0.0/24 and fd00::/64.
pub fn addr(side: Side, ipv6: bool) -> IpAddr {
    let last = match side {
        A => 1,
        B => 2,
    };
    if ipv6 {
        IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, last])
    } else {
        IpAddr::from([10, 0, 0, last as u8])
    }
}

/// The settings of an end of [`World::new`]: both addresses, everything else the default.
pub fn config(side: Side) -> StackConfig {
    StackConfig {
        addrs: vec![
            IpCidr::new(addr(side, false), 24),
            IpCidr::new(addr(side, true), 64),
        ],
        ..StackConfig::default()
    }
}

impl World {
    /// Two hosts with the default settings on a link that delays by [`DELAY`] and nothing else.
    pub fn new() -> Self {
        Self::with(config(A), config(B))
    }

    /// Two hosts with these settings on such a link.
    pub fn with(a: StackConfig, b: StackConfig) -> Self {
        let faults = Faults::none(DELAY);
        Self::faulty(
            [a, b],
            [faults.clone(), faults],
            Rng::new(0),
            Instant::from_secs(1),
        )
    }

    /// Two hosts on a link with faults, at the time `start`.
    pub fn faulty(
        configs: [StackConfig; 2],
        faults: [Faults; 2],
        mut rng: Rng,
        start: Instant,
    ) -> Self {
        let hosts = configs.map(|config| Host::new(config, rng.next_u64(), start));
        let links = faults.map(|faults| Link::new(faults, rng.fork()));
        Self {
            now: start,
            hosts,
            links,
            trace: Trace::default(),
            pass: None,
            mark: None,
            in_flight: BinaryHeap::new(),
            order: 0,
        }
    }

    /// An end.
    pub fn host(&mut self, side: Side) -> &mut Host {
        &mut self.hosts[side as usize]
    }

    /// The stack of an end.
    pub fn stack(&self, side: Side) -> &Stack {
        &self.hosts[side as usize].stack
    }

    /// Gives a stack a command and puts on the link what it sends.
    pub fn on<R>(&mut self, side: Side, command: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        let now = self.now;
        let result = command(&mut self.host(side).stack, now);
        self.drain(side);
        result
    }

    /// Puts on the link what a stack has to send.
    pub fn drain(&mut self, side: Side) {
        let now = self.now;
        for packet in self.host(side).drain(now) {
            self.send(side, packet);
        }
    }

    /// Puts a packet on the link as if `side` had sent it.
    pub fn send(&mut self, side: Side, packet: Vec<u8>) {
        self.trace.sent(self.now, side, &packet);
        if let Some(pass) = &mut self.pass
            && let Some(seg) = Seg::parse(&packet)
            && !pass(side, &seg)
        {
            return;
        }
        let packet = self.marked(side, packet);
        for (at, packet) in self.links[side as usize].carry(self.now, packet) {
            self.order += 1;
            let (order, to) = (self.order, side.other());
            self.in_flight.push(Reverse(InFlight {
                at,
                order,
                to,
                packet,
            }));
        }
    }

    /// The packet with CE, if it is ECN-capable and the link marks it.
    fn marked(&mut self, side: Side, packet: Vec<u8>) -> Vec<u8> {
        if let Some(mark) = &mut self.mark
            && let Some(mut seg) = Seg::parse(&packet)
            && seg.ecn() != EcnCodepoint::NotEct
            && mark(side, &seg)
        {
            seg.tos = EcnCodepoint::Ce.on(seg.tos);
            return seg.packet();
        }
        packet
    }

    /// When something happens next.
    pub fn next_event(&self) -> Option<Instant> {
        let arrival = self.in_flight.peek().map(|Reverse(next)| next.at);
        let deadlines = self.hosts.iter().filter_map(Host::deadline);
        deadlines.chain(arrival).min().map(|at| at.max(self.now))
    }

    /// How many packets are on the link.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Goes on to what happens next, but not beyond `limit`.
    pub fn step(&mut self, limit: Instant) -> Step {
        let Some(at) = self.next_event().filter(|at| *at <= limit) else {
            self.now = self.now.max(limit);
            return Step::Quiet;
        };
        self.now = at;
        if self
            .in_flight
            .peek()
            .is_some_and(|Reverse(next)| next.at <= at)
        {
            let Some(Reverse(next)) = self.in_flight.pop() else {
                unreachable!("peeked")
            };
            self.trace.arrived(at, next.to, &next.packet);
            self.host(next.to).receive(at, &next.packet);
            self.drain(next.to);
            return Step::Arrival(next.to, next.packet);
        }
        let due = |side: &Side| {
            self.hosts[*side as usize]
                .deadline()
                .is_some_and(|due| due <= at)
        };
        let Some(side) = [A, B].into_iter().find(due) else {
            unreachable!("something was due")
        };
        self.host(side).wake(at);
        self.drain(side);
        Step::Wake(side)
    }

    /// Lets time pass until a packet arrives, and returns its segment.
    ///
    /// # Panics
    ///
    /// If none ever will, or it is no segment.
    pub fn deliver(&mut self) -> Seg {
        loop {
            match self.step(Instant::NEVER) {
                Step::Arrival(_, packet) => return Seg::parse(&packet).expect("a segment"),
                Step::Wake(_) => {}
                Step::Quiet => panic!("nothing will ever arrive\n{}", self.trace),
            }
        }
    }

    /// Takes the packet that would arrive next off the link.
    ///
    /// # Panics
    ///
    /// If no packet is on the link, or it is no segment.
    pub fn lose(&mut self) -> Seg {
        let Some(Reverse(next)) = self.in_flight.pop() else {
            panic!("nothing on the link\n{}", self.trace);
        };
        Seg::parse(&next.packet).expect("a segment")
    }

    /// Takes everything off the link.
    pub fn lose_all(&mut self) {
        self.in_flight.clear();
    }

    /// Lets time pass until `until`, with whatever happens on the way.
    pub fn run_until(&mut self, until: Instant) {
        while self.step(until) != Step::Quiet {}
    }

    /// Lets this much time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Goes on until `done`, and returns when that was.
    ///
    /// # Panics
    ///
    /// If that is not so after `limit`.
    pub fn run_to(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> Instant {
        let end = self.now + limit;
        while !done(self) {
            if self.step(end) == Step::Quiet {
                assert!(done(self), "not reached in {limit:?}\n{}", self.trace);
            }
        }
        self.now
    }

    /// Goes on until nothing is on the link and no timer runs at all.
    ///
    /// # Panics
    ///
    /// If that is not so after `limit`.
    pub fn run_to_rest(&mut self, limit: Duration) -> Instant {
        self.run_to(limit, |world| world.next_event().is_none())
    }

    /// Lets a stack listen on `port`.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn listen(&mut self, side: Side, port: u16) -> ListenerId {
        let config = ListenConfig {
            port: Some(port),
            ..ListenConfig::default()
        };
        self.on(side, |stack, _| stack.listen(config))
            .expect("the port is free")
    }

    /// Starts an open from `side` to `port` of the other end.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn connect(&mut self, side: Side, port: u16, ipv6: bool) -> ConnId {
        let remote = SocketAddr::new(addr(side.other(), ipv6), port);
        self.on(side, |stack, now| stack.connect(now, remote, None, None))
            .expect("an open")
    }

    /// A connection from A to a listener of B on [`PORT`], established on both ends and with
    /// nothing on the link.
    ///
    /// # Panics
    ///
    /// If it is not established.
    pub fn establish(&mut self) -> (ConnId, ConnId) {
        let listener = self.listen(B, PORT);
        let a = self.connect(A, PORT, false);
        let mut accepted = None;
        self.run_to(Duration::from_secs(10), |world| {
            accepted = accepted.or_else(|| world.on(B, |stack, _| stack.accept(listener)));
            accepted.is_some() && world.in_flight() == 0
        });
        let (b, _) = accepted.expect("run until accepted");
        assert_eq!(self.state(A, a), State::Established);
        assert_eq!(self.state(B, b), State::Established);
        (a, b)
    }

    /// The state of a connection.
    ///
    /// # Panics
    ///
    /// If there is none with this id.
    pub fn state(&self, side: Side, id: ConnId) -> State {
        self.stack(side).state(id).expect("a connection")
    }

    /// What holds this connection's four-tuple at the other end, by whatever kind of record.
    pub fn status(&self, side: Side, tuple: &FourTuple) -> State {
        self.stack(side).status(tuple)
    }

    /// Reads everything there is to read.
    ///
    /// # Panics
    ///
    /// If the connection failed.
    pub fn read(&mut self, side: Side, id: ConnId) -> Vec<u8> {
        let mut bytes = vec![0; self.stack(side).readable(id)];
        if !bytes.is_empty() {
            let n = self.on(side, |stack, now| stack.recv(now, id, &mut bytes));
            assert_eq!(n, Ok(bytes.len()));
        }
        bytes
    }

    /// Writes all of `bytes`, which fit.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub fn write(&mut self, side: Side, id: ConnId, bytes: &[u8]) {
        let n = self.on(side, |stack, now| stack.send_slice(now, id, bytes));
        assert_eq!(n, Ok(bytes.len()));
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// The same connection as the other end names it.
pub fn mirrored(tuple: &FourTuple) -> FourTuple {
    FourTuple {
        local: tuple.remote,
        remote: tuple.local,
    }
}
