//! Two stacks that hand each other packets in one thread, on a clock of their own.

use std::time::Duration;
use std::{array, mem};

use bytes::Bytes;
use estab_proto::config::{StackConfig, TcpConfig};
use estab_proto::{ConnId, IpCidr, ListenConfig, ListenerId, RxMeta, Stack, State};
use estab_timer::Instant;

/// The first port listened on; more connections than one port can tell apart use those above it.
const FIRST_PORT: u16 = 80;

/// Connections to one port.
const PER_PORT: usize = 10_000;

/// Room in each buffer.
const WINDOW: u32 = 1 << 20;

/// Packets a driver reads before it lets the stack answer.
const BURST: usize = 16;

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
        Self::with(|_| ())
    }

    /// The same with links that carry super-segments and vouch for checksums.
    pub fn offloading() -> Self {
        Self::with(|config| {
            config.segmentation = Some(u16::MAX.into());
            config.checksum_offload = true;
        })
    }

    /// The same whose connections do not become dormant while many are made.
    pub fn awake() -> Self {
        Self::with(|config| config.dormant_after = None)
    }

    fn with(adapt: impl Fn(&mut StackConfig)) -> Self {
        let now = Instant::from_secs(1);
        let [client, mut server] = array::from_fn(|end| {
            let mut config = StackConfig {
                addrs: vec![IpCidr::new([10, 0, 0, 1 + end as u8].into(), 24)],
                tcp: TcpConfig::modern(),
                ..StackConfig::default()
            };
            // A window that grows would make another transfer of each.
            config.tcp.recv_buffer.initial = WINDOW;
            config.tcp.send_buffer.initial = WINDOW;
            adapt(&mut config);
            Stack::new(config, [1; 32], now)
        });
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

    /// The same two stacks with a connection, as the client and the server know it.
    pub fn connected(mut self) -> (Self, (ConnId, ConnId)) {
        let ids = self.connect(0);
        (self, ids)
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
        self.pass();
        let mut any = false;
        while self.carry(usize::MAX) {
            any = true;
        }
        any
    }

    /// Ten microseconds pass, and what is due happens.
    fn pass(&mut self) {
        self.now += Duration::from_micros(10);
        let now = self.now;
        for stack in [&mut self.client, &mut self.server] {
            if stack.poll_timeout().is_some_and(|due| due <= now) {
                stack.handle_timeout(now);
            }
        }
    }

    /// Up to so many packets go there, then as many back; whether there was any.
    fn carry(&mut self, most: usize) -> bool {
        let now = self.now;
        carry(
            now,
            most,
            &mut self.client,
            &mut self.server,
            &mut self.there,
        ) | carry(
            now,
            most,
            &mut self.server,
            &mut self.client,
            &mut self.back,
        )
    }

    /// Time passes with nothing said, and what timers bring is exchanged.
    pub fn idle(&mut self, time: Duration) {
        self.now += time;
        self.exchange();
    }

    /// The client sends `data`, the server reads all of it. Packets come in bursts, each of which is
    /// answered and read before the next.
    pub fn send(&mut self, (client, server): (ConnId, ConnId), data: &Bytes) {
        let mut left = data.clone();
        let mut missing = data.len();
        while missing > 0 {
            if !left.is_empty() && self.client.send_room(client) > 0 {
                let taken = self.client.send(self.now, client, left.clone());
                let taken = taken.expect("an open connection");
                left = left.slice(taken..);
            }
            self.pass();
            if !self.carry(BURST) {
                // A timer is what goes on next: an acknowledgement, or the pacer.
                let due = [self.client.poll_timeout(), self.server.poll_timeout()];
                self.now = due.into_iter().flatten().min().unwrap_or(self.now);
            }
            while let Ok(Some(chunk)) = self.server.take_chunk(server) {
                missing -= chunk.len();
                self.server.consumed(self.now, server, chunk.len());
            }
        }
        self.exchange();
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}

/// Carries up to `most` packets over, and takes the events of both; whether there was any.
fn carry(
    now: Instant,
    most: usize,
    from: &mut Stack,
    to: &mut Stack,
    packet: &mut Vec<u8>,
) -> bool {
    let checksum_verified = from.config().checksum_offload;
    let mut carried = 0;
    while carried < most
        && let Some(transmit) = from.poll_transmit(now)
    {
        let segment_size = transmit.segment_size();
        packet.clear();
        transmit.write_to(packet);
        let meta = RxMeta {
            checksum_verified,
            segment_size,
            ..RxMeta::default()
        };
        if segment_size.is_some() {
            // Long enough to be kept as it is.
            let backing = Bytes::from(mem::take(packet));
            let backing_meta = RxMeta {
                backing: Some(&backing),
                ..meta
            };
            to.handle_packet(now, &backing, backing_meta);
        } else {
            to.handle_packet(now, packet, meta);
        }
        carried += 1;
    }
    while from.poll_event().is_some() {}
    while to.poll_event().is_some() {}
    carried > 0
}
