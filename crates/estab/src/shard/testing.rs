//! Two stacks without a driver, and a device that is a list of packets.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use estab_proto::config::{StackConfig, TcpConfig};
use estab_proto::congestion::Pacing;
use estab_proto::{ConnId, IpCidr, ListenConfig, Stack};
use estab_timer::{Duration, Instant};

use super::rx::Receiver;
use super::steer::Inlet;
use super::tx::Sender;
use crate::clock::Clock;
use crate::device::{Caps, Device, Packet, Received};

/// Has packets to be received, and takes as many as there is room for.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) incoming: VecDeque<Vec<u8>>,
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) room: usize,
    pub(super) checksums: bool,
}

impl Script {
    pub(super) fn new() -> Self {
        Self {
            incoming: VecDeque::new(),
            sent: Vec::new(),
            room: usize::MAX,
            checksums: false,
        }
    }
}

impl Device for Script {
    fn caps(&self) -> Caps {
        Caps {
            checksum_offload: self.checksums,
            ..Caps::new(1500)
        }
    }

    fn poll_recv(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let Some(packet) = self.incoming.pop_front() else {
            // Nobody promised not to.
            buf.fill(0xee);
            return Poll::Pending;
        };
        buf[..packet.len()].copy_from_slice(&packet);
        Poll::Ready(Ok(Received::new(packet.len())))
    }

    fn poll_send(&mut self, _: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        assert_eq!(packet.segment_size(), None);
        if self.room == 0 {
            return Poll::Pending;
        }
        self.room -= 1;
        self.sent.push(packet.to_bytes().to_vec());
        Poll::Ready(Ok(()))
    }
}

/// A stack with its half of a driver.
pub(super) struct Host {
    pub(super) stack: Stack,
    pub(super) conn: ConnId,
    pub(super) device: Script,
    receiver: Receiver,
    sender: Sender,
    clock: Clock,
}

impl Host {
    fn new(addr: IpAddr, segments: bool, now: Instant) -> Self {
        let device = Script::new();
        let mut tcp = TcpConfig::modern();
        tcp.pacing = Pacing::Off;
        let config = StackConfig {
            tcp,
            addrs: vec![IpCidr::new(addr, if addr.is_ipv6() { 64 } else { 24 })],
            checksum_offload: segments,
            segmentation: segments.then_some(65_535),
            ..StackConfig::default()
        };
        Self {
            stack: Stack::new(config, [7; 32], now),
            conn: ConnId::default(),
            receiver: Receiver::new(device.caps().max_recv, segments),
            sender: Sender::new(device.caps(), segments),
            device,
            clock: Clock::new(),
        }
    }

    /// Gives the stack what came, at the moment `now`.
    pub(super) fn receive(&mut self, now: Instant) {
        let mut cx = Context::from_waker(Waker::noop());
        // The clock runs from zero: what it says never comes after what the stack knows.
        let mut time = self.stack_time(now);
        loop {
            let Self {
                stack,
                device,
                receiver,
                clock,
                ..
            } = self;
            let mut inlet = Inlet {
                stack,
                steering: None,
            };
            let more = receiver.receive(&mut cx, device, &mut inlet, clock, &mut time, false);
            while stack.poll_event().is_some() {}
            if !more.unwrap() && !receiver.is_guess() {
                return;
            }
        }
    }

    fn stack_time(&mut self, now: Instant) -> Instant {
        self.stack.handle_timeout(now);
        while self.stack.poll_event().is_some() {}
        now
    }

    /// What the stack has to say, in packets of the network.
    pub(super) fn transmit(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            let (device, stack) = (&mut self.device, &mut self.stack);
            let more = self.sender.transmit(&mut cx, device, stack, now).unwrap();
            while stack.poll_event().is_some() {}
            if self.sender.is_busy() && self.device.room == 0 {
                self.device.room = 3;
            } else if !more {
                return std::mem::take(&mut self.device.sent);
            }
        }
    }
}

/// Two hosts with a connection between them.
pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) client: Host,
    pub(super) server: Host,
}

impl Pair {
    pub(super) fn connected(ipv6: bool, segments: bool) -> Self {
        let now = Instant::from_secs(1000);
        let addr = |host: u8| match ipv6 {
            true => IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, u16::from(host)]),
            false => IpAddr::from([10, 0, 0, host]),
        };
        let mut pair = Self {
            now,
            client: Host::new(addr(1), segments, now),
            server: Host::new(addr(2), segments, now),
        };
        let listener = pair.server.stack.listen(ListenConfig {
            port: Some(80),
            ..ListenConfig::default()
        });
        let remote = (addr(2), 80).into();
        let conn = pair.client.stack.connect(now, remote, None, None);
        pair.client.conn = conn.unwrap();
        for _ in 0..3 {
            pair.step(|packets| packets);
        }
        (pair.server.conn, _) = pair.server.stack.accept(listener.unwrap()).unwrap();
        pair
    }

    /// Ten milliseconds pass, and packets go both ways, those to the server `through` something.
    /// Returns what the client sent.
    pub(super) fn step(
        &mut self,
        through: impl FnOnce(Vec<Vec<u8>>) -> Vec<Vec<u8>>,
    ) -> Vec<Vec<u8>> {
        self.now += Duration::from_millis(10);
        let sent = self.client.transmit(self.now);
        self.server.device.incoming.extend(through(sent.clone()));
        self.server.receive(self.now);
        let answers = self.server.transmit(self.now);
        self.client.device.incoming.extend(answers);
        self.client.receive(self.now);
        sent
    }

    pub(super) fn write(&mut self, text: &[u8]) {
        let (now, conn) = (self.now, self.client.conn);
        let text = Bytes::copy_from_slice(text);
        self.client.stack.send(now, conn, text).unwrap();
        while self.client.stack.poll_event().is_some() {}
    }

    /// Everything the server's application can read.
    pub(super) fn read(&mut self) -> Vec<u8> {
        let (now, conn) = (self.now, self.server.conn);
        let mut text = Vec::new();
        while let Ok(Some(chunk)) = self.server.stack.take_chunk(conn) {
            text.extend_from_slice(&chunk);
        }
        self.server.stack.consumed(now, conn, text.len());
        while self.server.stack.poll_event().is_some() {}
        text
    }
}
