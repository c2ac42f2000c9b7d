//! A sender and a receiver on a long, fast path, in virtual time.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use estab_proto::config::{Limits, StackConfig, TcpConfig};
use estab_proto::{ConnId, Info, IpCidr, ListenConfig, RxMeta, Stack};
use estab_sim::{Path, Pipe};
use estab_timer::{Duration, Instant};

const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const RECEIVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

/// What is sent, again and again.
static BLOCK: [u8; 64 << 10] = [0x55; 64 << 10];

/// The longest packet of a plain segment.
const MTU: usize = 1500;

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) path: Path,
    pub(crate) sender: Stack,
    pub(crate) receiver: Stack,
    pub(crate) from: Vec<ConnId>,
    pub(crate) to: Vec<ConnId>,
    /// Bytes the receiving application has read of each connection.
    pub(crate) delivered: Vec<u64>,
    /// Whether the sending application writes all it can.
    pub(crate) is_writing: bool,
    /// Whether the receiving application reads.
    pub(crate) is_reading: bool,
}

/// Whether segments go over the path as the super-segments they were made as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segments {
    Plain,
    Super,
}

impl World {
    /// One connection over `path`, just opened.
    pub(crate) fn new(path: Path, segments: Segments, tcp: TcpConfig) -> Self {
        Self::crowded(path, segments, tcp, Limits::default(), 1)
    }

    /// Several connections between stacks with these limits.
    pub(crate) fn crowded(
        path: Path,
        segments: Segments,
        tcp: TcpConfig,
        limits: Limits,
        connections: usize,
    ) -> Self {
        let now = Instant::from_secs(1);
        let host = |addr, secret| {
            let config = StackConfig {
                limits: limits.clone(),
                addrs: vec![IpCidr::new(addr, 24)],
                checksum_offload: true,
                segmentation: (segments == Segments::Super).then_some(65_535),
                tcp: tcp.clone(),
                ..StackConfig::default()
            };
            Stack::new(config, [secret; 32], now)
        };
        let (mut sender, mut receiver) = (host(SENDER, 1), host(RECEIVER, 2));
        let listener = receiver.listen(ListenConfig {
            port: Some(80),
            ..ListenConfig::default()
        });
        let remote = SocketAddr::new(RECEIVER, 80);
        let from = (0..connections)
            .map(|_| sender.connect(now, remote, None, None).unwrap())
            .collect();
        let mut world = Self {
            now,
            path,
            sender,
            receiver,
            from,
            to: Vec::new(),
            delivered: vec![0; connections],
            is_writing: false,
            is_reading: true,
        };
        while world.to.len() < connections {
            world.step();
            while let Some((id, _)) = world.receiver.accept(listener.unwrap()) {
                world.to.push(id);
            }
        }
        world
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, lasts: Duration) {
        let end = self.now + lasts;
        loop {
            self.exchange();
            match self.next().filter(|next| *next <= end) {
                Some(next) => self.now = self.now.max(next),
                None => break,
            }
            self.arrive();
        }
        self.now = end;
    }

    /// Bits per second that arrive while this time passes.
    pub(crate) fn rate_during(&mut self, lasts: Duration) -> f64 {
        let before: u64 = self.delivered.iter().sum();
        self.run(lasts);
        let delivered = self.delivered.iter().sum::<u64>() - before;
        delivered as f64 * 8.0 / lasts.as_secs_f64()
    }

    pub(crate) fn info(&self) -> Info {
        let info = self.sender.info(self.from[0]);
        info.expect("the connection lives")
    }

    /// Whatever happens next.
    fn step(&mut self) {
        self.exchange();
        self.now = self.next().expect("something goes on").max(self.now);
        self.arrive();
    }

    fn next(&self) -> Option<Instant> {
        let timers = [self.sender.poll_timeout(), self.receiver.poll_timeout()];
        let deadlines = timers.into_iter().chain([self.path.next_deadline()]);
        deadlines.flatten().min()
    }

    fn arrive(&mut self) {
        deliver(self.now, &mut self.path.there, &mut self.receiver);
        deliver(self.now, &mut self.path.back, &mut self.sender);
        for stack in [&mut self.sender, &mut self.receiver] {
            while stack.poll_event().is_some() {}
            if stack.poll_timeout().is_some_and(|due| due <= self.now) {
                stack.handle_timeout(self.now);
            }
        }
    }

    /// Sends what there is to send, and lets the applications write and read, until nothing moves.
    fn exchange(&mut self) {
        loop {
            let wrote = self.is_writing && self.write();
            let read = self.is_reading && self.read();
            let sent = send(self.now, &mut self.sender, &mut self.path.there)
                | send(self.now, &mut self.receiver, &mut self.path.back);
            while self.sender.poll_event().is_some() {}
            while self.receiver.poll_event().is_some() {}
            if !(wrote || read || sent) {
                return;
            }
        }
    }

    fn write(&mut self) -> bool {
        let mut any = false;
        for &id in &self.from {
            while let room @ 1.. = self.sender.send_room(id) {
                let block = Bytes::from_static(&BLOCK[..room.min(BLOCK.len())]);
                any |= self.sender.send(self.now, id, block).is_ok();
            }
        }
        any
    }

    fn read(&mut self) -> bool {
        let mut any = false;
        for (&id, delivered) in self.to.iter().zip(&mut self.delivered) {
            while let Ok(Some(chunk)) = self.receiver.take_chunk(id) {
                self.receiver.consumed(self.now, id, chunk.len());
                *delivered += chunk.len() as u64;
                any = true;
            }
        }
        any
    }
}

/// Gives a stack the packets that arrive now.
fn deliver(now: Instant, pipe: &mut Pipe, to: &mut Stack) {
    while let Some(packet) = pipe.poll(now) {
        let meta = RxMeta {
            checksum_verified: true,
            // All segments have timestamps, and are cut where a plain one would end.
            segment_size: (packet.len() > MTU).then_some(1448),
            backing: Some(&packet),
            ..RxMeta::default()
        };
        to.handle_packet(now, &packet, meta);
    }
}

/// Puts on the path what a stack has to send; returns whether that was anything.
fn send(now: Instant, from: &mut Stack, pipe: &mut Pipe) -> bool {
    let mut any = false;
    while let Some(transmit) = from.poll_transmit(now) {
        let mut packet = Vec::with_capacity(transmit.len());
        transmit.write_to(&mut packet);
        pipe.push(now, Bytes::from(packet));
        any = true;
    }
    any
}
