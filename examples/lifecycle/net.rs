//! Two stacks, a link and a clock that jumps to the next event.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use estab_proto::config::StackConfig;
use estab_proto::wire::{IpPacket, Segment};
use estab_proto::{
    CallError, ConnId, ConnectionError, Event, FourTuple, Instant, IpCidr, ListenConfig, RxMeta,
    Stack, State,
};
use estab_timer::KeepaliveConfig;

use crate::ladder::Ladder;

/// The link's delay, one way.
pub(crate) const DELAY: Duration = Duration::from_millis(10);

/// The two ends: A opens, B listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    A,
    B,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// After how long a segment arrives; `None` if it is lost.
pub(crate) type Fate = Box<dyn FnMut(Side, &Segment<'_>) -> Option<Duration>>;

struct Host {
    stack: Stack,
    connection: Option<ConnId>,
    error: Option<ConnectionError>,
    /// The peer's FIN was read.
    at_end: bool,
    /// No more timers, no more answers.
    silent: bool,
}

struct Packet {
    to: Side,
    arrives: Instant,
    bytes: Vec<u8>,
    /// The packet's line in the ladder.
    line: usize,
}

pub(crate) struct Net {
    now: Instant,
    hosts: [Host; 2],
    link: Vec<Packet>,
    pub(crate) ladder: Ladder,
    pub(crate) fate: Fate,
}

fn address(side: Side) -> SocketAddr {
    match side {
        Side::A => SocketAddr::from(([10, 0, 0, 1], 40_000)),
        Side::B => SocketAddr::from(([10, 0, 0, 2], 80)),
    }
}

/// The connection as `side` sees it.
fn tuple(side: Side) -> FourTuple {
    FourTuple {
        local: address(side),
        remote: address(side.other()),
    }
}

fn stack(side: Side, secret: u8, now: Instant) -> Stack {
    let addrs = vec![IpCidr::new(address(side).ip(), 24)];
    let mut config = StackConfig {
        addrs,
        ..StackConfig::default()
    };
    if side == Side::B {
        config.tcp.keepalive = Some(KeepaliveConfig::default());
    }
    Stack::new(config, [secret; 32], now)
}

impl Net {
    pub(crate) fn new() -> Self {
        let now = Instant::ZERO;
        let hosts = [(Side::A, 1), (Side::B, 2)].map(|(side, secret)| Host {
            stack: stack(side, secret, now),
            connection: None,
            error: None,
            at_end: false,
            silent: false,
        });
        let fate: Fate = Box::new(|_, _| Some(DELAY));
        Self {
            now,
            hosts,
            link: Vec::new(),
            ladder: Ladder::default(),
            fate,
        }
    }

    fn host(&mut self, side: Side) -> &mut Host {
        &mut self.hosts[side as usize]
    }

    fn state(&self, side: Side) -> State {
        self.hosts[side as usize].stack.status(&tuple(side))
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn error(&self, side: Side) -> Option<ConnectionError> {
        self.hosts[side as usize].error
    }

    /// Something worth a line of its own, said by or about `side`.
    pub(crate) fn note(&mut self, side: Side, text: &str) {
        let state = self.state(side);
        self.ladder.note(self.now, side, text, state);
    }

    // What the applications do.

    pub(crate) fn listen(&mut self) -> Result<(), Box<dyn Error>> {
        self.note(Side::A, "");
        self.note(Side::B, "");
        let config = ListenConfig {
            port: Some(address(Side::B).port()),
            ..ListenConfig::default()
        };
        self.host(Side::B).stack.listen(config)?;
        self.note(Side::B, "listen");
        Ok(())
    }

    pub(crate) fn connect(&mut self) -> Result<(), Box<dyn Error>> {
        self.note(Side::A, "connect");
        let now = self.now;
        let connection = self.host(Side::A).stack.connect(
            now,
            address(Side::B),
            Some(address(Side::A)),
            None,
        )?;
        self.host(Side::A).connection = Some(connection);
        self.drain(Side::A);
        Ok(())
    }

    pub(crate) fn send(&mut self, side: Side, text: &'static str) -> Result<(), Box<dyn Error>> {
        self.note(side, &format!("send \"{text}\""));
        let (now, id) = (self.now, self.connection(side)?);
        self.host(side)
            .stack
            .send(now, id, Bytes::from_static(text.as_bytes()))?;
        self.drain(side);
        Ok(())
    }

    pub(crate) fn shutdown(&mut self, side: Side) -> Result<(), Box<dyn Error>> {
        self.note(side, "shutdown");
        let (now, id) = (self.now, self.connection(side)?);
        self.host(side).stack.shutdown(now, id)?;
        self.drain(side);
        Ok(())
    }

    fn connection(&self, side: Side) -> Result<ConnId, Box<dyn Error>> {
        self.hosts[side as usize]
            .connection
            .ok_or_else(|| format!("{side:?}: no connection").into())
    }

    /// Puts the SYN of an earlier connection between the same two endpoints on the link.
    pub(crate) fn inject_old_syn(&mut self) -> Result<(), Box<dyn Error>> {
        let mut earlier = stack(Side::A, 3, self.now);
        earlier.connect(self.now, address(Side::B), Some(address(Side::A)), None)?;
        let syn = earlier.poll_transmit(self.now).ok_or("a SYN")?;
        let mut bytes = Vec::new();
        syn.write_to(&mut bytes);
        self.note(Side::A, "an old duplicate SYN is still in the network");
        self.post(Side::A, bytes);
        Ok(())
    }

    /// `side` loses power.
    pub(crate) fn silence(&mut self, side: Side) {
        self.host(side).silent = true;
    }

    // Checks.

    pub(crate) fn expect(&mut self, a: State, b: State) -> Result<(), Box<dyn Error>> {
        let found = (self.state(Side::A), self.state(Side::B));
        if found == (a, b) {
            return Ok(());
        }
        self.ladder.print();
        Err(format!("at {:?}: A and B are {found:?}, not {:?}", self.now, (a, b)).into())
    }

    /// Nothing of the connection is left on `side`, once the application lets go of it.
    pub(crate) fn expect_released(&mut self, side: Side) -> Result<(), Box<dyn Error>> {
        let (now, id) = (self.now, self.connection(side)?);
        self.host(side).stack.close(now, id);
        let counts = self.host(side).stack.counts();
        if (counts.connections, counts.time_wait, counts.timers) != (0, 0, 0) {
            return Err(format!("{side:?} still holds {counts:?}").into());
        }
        Ok(())
    }

    // The clock and the link.

    /// Lets `time` pass.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            self.deliver();
            for side in [Side::A, Side::B] {
                self.fire(side);
            }
        }
        self.now = end;
    }

    fn next_event(&self) -> Option<Instant> {
        let timers = self.hosts.iter().filter(|host| !host.silent);
        let timers = timers.filter_map(|host| host.stack.poll_timeout());
        timers
            .chain(self.link.iter().map(|packet| packet.arrives))
            .min()
    }

    fn deliver(&mut self) {
        while let Some(due) = self
            .link
            .iter()
            .position(|packet| packet.arrives <= self.now)
        {
            let Packet {
                to, bytes, line, ..
            } = self.link.remove(due);
            let now = self.now;
            self.host(to)
                .stack
                .handle_packet(now, &bytes, RxMeta::default());
            let state = self.state(to);
            self.ladder.arrived(line, now, state);
            self.drain(to);
        }
    }

    fn fire(&mut self, side: Side) {
        let now = self.now;
        if self.host(side).silent
            || self
                .host(side)
                .stack
                .poll_timeout()
                .is_none_or(|at| at > now)
        {
            return;
        }
        let before = self.state(side);
        self.host(side).stack.handle_timeout(now);
        self.drain(side);
        if before == State::TimeWait && self.state(side) != before {
            self.note(side, "2MSL have passed: forgotten");
        }
    }

    /// After anything that happened to a stack: its packets, its events.
    fn drain(&mut self, side: Side) {
        let now = self.now;
        loop {
            let mut bytes = Vec::new();
            match self.host(side).stack.poll_transmit(now) {
                Some(transmit) => transmit.write_to(&mut bytes),
                None => break,
            }
            self.post(side, bytes);
        }
        while let Some(event) = self.host(side).stack.poll_event() {
            self.on_event(side, event);
        }
    }

    fn on_event(&mut self, side: Side, event: Event) {
        match event {
            Event::Listener(id) => {
                // One is enough: without the listener, B ends in CLOSED as in the textbook.
                if let Some((connection, _)) = self.host(side).stack.accept(id) {
                    let now = self.now;
                    self.host(side).connection = Some(connection);
                    self.host(side).stack.close_listener(now, id);
                }
            }
            Event::Readable(id) => self.read(side, id),
            Event::Closed(_, Some(error)) => {
                self.host(side).error = Some(error);
                self.note(side, &error.to_string());
            }
            _ => {}
        }
    }

    fn read(&mut self, side: Side, id: ConnId) {
        let (now, mut buffer) = (self.now, [0; 256]);
        loop {
            match self.host(side).stack.recv(now, id, &mut buffer) {
                Ok(0) => break self.at_end(side),
                Ok(_) => {}
                Err(CallError::WouldBlock) => break,
                // The event that ends the connection tells.
                Err(CallError::Ended(_)) => return,
                Err(error) => return self.note(side, &error.to_string()),
            }
        }
        self.drain(side);
    }

    fn at_end(&mut self, side: Side) {
        if !std::mem::replace(&mut self.host(side).at_end, true) {
            self.note(side, "end of the stream");
        }
    }

    /// Hands a packet to the link.
    fn post(&mut self, from: Side, bytes: Vec<u8>) {
        let packet = IpPacket::parse(&bytes).expect("our own packet");
        let segment = Segment::parse(packet.payload(), packet.src(), packet.dst(), true)
            .expect("our own segment");
        let state = self.state(from);
        let line = self.ladder.sent(self.now, from, &segment, state);
        if let Some(delay) = (self.fate)(from, &segment) {
            self.link.push(Packet {
                to: from.other(),
                arrives: self.now + delay,
                bytes,
                line,
            });
        }
    }
}
