//! Two stacks that hand each other packets in one thread, on a clock of their own.

use std::time::Duration;

use bytes::Bytes;
use estab_proto::config::{StackConfig, TcpConfig};
use estab_proto::{ConnId, IpCidr, ListenConfig, ListenerId, RxMeta, Stack, State};
use estab_timer::Instant;

/// The first port listened on; more connections than one port can tell apart use those above it.
const FIRST_PORT: u16 = 80;

/// Connections to one port.
const PER_PORT: usize = 10_000;

/// Two stacks and their clock.
pub struct Pair {
    /// The present.
    pub now: Instant,
    /// The stack that opens.
    pub client: Stack,
    /// The stack that listens, on any port.
    pub server: Stack,
    listener: ListenerId,
    /// The last packet each way.
    there: Vec<u8>,
    back: Vec<u8>,
}

impl Pair {
    /// Two stacks without connections.
    pub fn new() -> Self {
        let now = Instant::from_secs(1);
        let stack = |addr: [u8; 4]| {
            let config = StackConfig {
                addrs: vec![IpCidr::new(addr.into(), 24)],
                tcp: TcpConfig::modern(),
                ..StackConfig::default()
            };
            Stack::new(config, [1; 32], now)
        };
        let client = stack([10, 0, 0, 1]);
        let mut server = stack([10, 0, 0, 2]);
        let listen = ListenConfig {
            port: None,
            backlog: usize::MAX,
            ..ListenConfig::default()
        };
        let listener = server.listen(listen).expect("every port");
        Self {
            now,
            client,
            server,
            listener,
            there: Vec::new(),
            back: Vec::new(),
        }
    }

    /// Two stacks with so many connections, each as the client and the server know it.
    pub fn connected(count: usize) -> (Self, Vec<(ConnId, ConnId)>) {
        let mut pair = Self::new();
        let ids = (0..count).map(|nth| pair.connect(nth)).collect();
        (pair, ids)
    }

    /// The `nth` connection, established at both ends.
    pub fn connect(&mut self, nth: usize) -> (ConnId, ConnId) {
        let port = FIRST_PORT + (nth / PER_PORT) as u16;
        let remote = ([10, 0, 0, 2], port).into();
        let client = self
            .client
            .connect(self.now, remote, None, None)
            .expect("a free port");
        while self.client.state(client) != Some(State::Established) {
            self.exchange();
        }
        self.exchange();
        let (server, _) = self.server.accept(self.listener).expect("a connection");
        (client, server)
    }

    /// The packet the client sent last: after [`connect`](Self::connect), the handshake's last ACK.
    pub fn last_ack(&self) -> &[u8] {
        &self.there
    }

    /// Ten microseconds pass, then packets go there and back until none is left; whether there was
    /// any.
    pub fn exchange(&mut self) -> bool {
        self.now += Duration::from_micros(10);
        let now = self.now;
        for stack in [&mut self.client, &mut self.server] {
            if stack.poll_timeout().is_some_and(|due| due <= now) {
                stack.handle_timeout(now);
            }
        }
        let mut any = false;
        while carry(now, &mut self.client, &mut self.server, &mut self.there)
            | carry(now, &mut self.server, &mut self.client, &mut self.back)
        {
            any = true;
        }
        any
    }

    /// Time passes with nothing said, and what timers bring is exchanged.
    pub fn idle(&mut self, time: Duration) {
        self.now += time;
        self.exchange();
    }

    /// The client sends `data`, the server reads all of it.
    pub fn send(&mut self, (client, server): (ConnId, ConnId), data: &Bytes) {
        let mut left = data.clone();
        let mut missing = data.len();
        while missing > 0 {
            if !left.is_empty() && self.client.send_room(client) > 0 {
                let taken = self.client.send(self.now, client, left.clone());
                let taken = taken.expect("an open connection");
                left = left.slice(taken..);
            }
            if !self.exchange() {
                // A timer is what goes on next: an acknowledgement, or the pacer.
                let due = [self.client.poll_timeout(), self.server.poll_timeout()];
                self.now = due.into_iter().flatten().min().unwrap_or(self.now);
            }
            while let Ok(Some(chunk)) = self.server.take_chunk(server) {
                missing -= chunk.len();
                self.server.consumed(self.now, server, chunk.len());
            }
        }
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}

/// Carries what `from` has to send over to `to`, and takes the events of both; whether there was any.
fn carry(now: Instant, from: &mut Stack, to: &mut Stack, packet: &mut Vec<u8>) -> bool {
    let mut carried = false;
    while let Some(transmit) = from.poll_transmit(now) {
        packet.clear();
        transmit.write_to(packet);
        to.handle_packet(now, packet, RxMeta::default());
        carried = true;
    }
    while from.poll_event().is_some() {}
    while to.poll_event().is_some() {}
    carried
}
