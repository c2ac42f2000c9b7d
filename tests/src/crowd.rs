//! Very many connections between two stacks in one thread, on a clock of their own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use estab_proto::config::StackConfig;
use estab_proto::{ConnId, Instant, IpCidr, ListenConfig, ListenerId, RxMeta, Stack, State};

/// Connections opened at once.
const BATCH: usize = 256;

/// Local ports used per remote address.
const PORTS: usize = 50_000;

/// Two stacks, the connections between them, and their clock.
pub struct Crowd {
    /// The present.
    pub now: Instant,
    /// The stack that opens.
    pub client: Stack,
    /// The stack that listens, on any address.
    pub server: Stack,
    /// The connections, as the client and the server know them.
    pub ids: Vec<(ConnId, ConnId)>,
    /// Calls of `handle_timeout` at which something was due.
    pub wakeups: u64,
    listener: ListenerId,
    opened: usize,
    packet: Vec<u8>,
    ipv6: bool,
}

impl Crowd {
    /// Two stacks without connections, with room for `count` in the list of ids; `change` makes the
    /// configuration of both.
    ///
    /// # Panics
    ///
    /// If the port cannot be listened on.
    pub fn new(count: usize, ipv6: bool, change: impl Fn(&mut StackConfig)) -> Self {
        let now = Instant::from_secs(1000);
        let stack = |addr: IpAddr, any_ip| {
            let prefix = if ipv6 { 64 } else { 8 };
            let mut config = StackConfig {
                addrs: vec![IpCidr::new(addr, prefix)],
                any_ip,
                ..StackConfig::default()
            };
            config.limits.max_time_wait = usize::MAX;
            config.limits.max_half_open = usize::MAX;
            change(&mut config);
            Stack::new(config, [7; 32], now)
        };
        let client = stack(address(ipv6, 0), false);
        let mut server = stack(address(ipv6, 1), true);
        let listen = ListenConfig {
            port: Some(80),
            backlog: usize::MAX,
            ..ListenConfig::default()
        };
        let listener = server.listen(listen).expect("the port is free");
        Self {
            now,
            client,
            server,
            ids: Vec::with_capacity(count),
            wakeups: 0,
            listener,
            opened: 0,
            packet: Vec::with_capacity(2048),
            ipv6,
        }
    }

    /// The tuple of the `nth` connection: local and remote end of the client.
    pub fn ends(&self, nth: usize) -> (SocketAddr, SocketAddr) {
        let port = 1024 + (nth % PORTS) as u16;
        let remote = address(self.ipv6, 1 + (nth / PORTS) as u32);
        (
            SocketAddr::new(address(self.ipv6, 0), port),
            SocketAddr::new(remote, 80),
        )
    }

    /// The client sends SYNs for `count` more; nobody hears them yet.
    ///
    /// # Panics
    ///
    /// If a connection cannot be opened.
    pub fn knock(&mut self, count: usize) -> Vec<ConnId> {
        (0..count)
            .map(|_| {
                let (local, remote) = self.ends(self.opened);
                self.opened += 1;
                self.client
                    .connect(self.now, remote, Some(local), None)
                    .expect("the tuple is free")
            })
            .collect()
    }

    /// Opens `count` more connections.
    ///
    /// # Panics
    ///
    /// If one of them does not come to be.
    pub fn open(&mut self, count: usize) {
        let mut left = count;
        while left > 0 {
            let now = left.min(BATCH);
            for client in self.knock(now) {
                self.exchange();
                let (server, _) = self.server.accept(self.listener).expect("a connection");
                debug_assert_eq!(self.client.state(client), Some(State::Established));
                self.ids.push((client, server));
            }
            self.exchange();
            left -= now;
        }
    }

    /// A microsecond passes, then packets go there and back until none is left.
    pub fn exchange(&mut self) {
        self.now += Duration::from_micros(1);
        let now = self.now;
        for stack in [&mut self.client, &mut self.server] {
            while stack.poll_event().is_some() {}
            if stack.poll_timeout().is_some_and(|due| due <= now) {
                stack.handle_timeout(now);
                self.wakeups += 1;
            }
        }
        while carry(now, &mut self.client, &mut self.server, &mut self.packet)
            | carry(now, &mut self.server, &mut self.client, &mut self.packet)
        {}
    }

    /// `time` passes with nothing to say but what timers bring.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let due = [self.client.poll_timeout(), self.server.poll_timeout()];
            let next = due.into_iter().flatten().min();
            let Some(next) = next.filter(|&next| next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.exchange();
        }
        self.now = end;
    }

    /// The `nth` client sends a byte, its server answers with one, and both are read.
    ///
    /// # Panics
    ///
    /// If the bytes do not arrive.
    pub fn ping(&mut self, nth: usize) {
        let (client, server) = self.ids[nth];
        let mut byte = [nth as u8];
        let sent = self.client.send_slice(self.now, client, &byte);
        assert_eq!(sent, Ok(1));
        self.exchange();
        assert_eq!(self.server.recv(self.now, server, &mut byte), Ok(1));
        let sent = self.server.send_slice(self.now, server, &byte);
        assert_eq!(sent, Ok(1));
        self.exchange();
        assert_eq!(self.client.recv(self.now, client, &mut byte), Ok(1));
        assert_eq!(byte, [nth as u8]);
    }

    /// Closes every connection, the client first: its end stays in TIME-WAIT.
    pub fn close(&mut self) {
        for (client, server) in std::mem::take(&mut self.ids) {
            self.client.close(self.now, client);
            self.exchange();
            self.server.close(self.now, server);
            self.exchange();
        }
    }
}

/// The client's address is 0, the server's are those above it.
fn address(ipv6: bool, nth: u32) -> IpAddr {
    if ipv6 {
        Ipv6Addr::from_bits((0xfd00_u128 << 112) + u128::from(nth) + 1).into()
    } else {
        Ipv4Addr::from_bits(0x0a00_0001 + nth).into()
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
