//! Two stacks and the path between them, in steps.

use std::collections::HashSet;
use std::net::IpAddr;

use bytes::Bytes;
use estab_proto::config::StackConfig;
use estab_proto::{ConnId, IpCidr, ListenConfig, RxMeta, Stack};
use estab_tests::rng::Rng;
use estab_timer::{Duration, Instant};

use crate::offload::{cut, join, mark, text_at};
use crate::scene::{Faults, Scene, Step};

/// What is to be the same, step by step.
pub(crate) struct Outcome {
    pub(crate) log: Vec<String>,
    /// Super-segments handed out or in.
    pub(crate) super_segments: usize,
}

struct Host {
    stack: Stack,
    conn: Option<ConnId>,
    /// Whether its device cuts what it sends.
    cuts: bool,
    /// Packets on their way to it, and those that are overtaken.
    inbox: Vec<Vec<u8>>,
    late: Vec<Vec<u8>>,
    /// The sequence numbers that arrived.
    seen: HashSet<u32>,
}

pub(crate) struct World {
    now: Instant,
    client: Host,
    server: Host,
    joins: bool,
    /// Whether payload is handed over apart from its headers.
    apart: bool,
    /// Draws what the path does.
    rng: Rng,
    super_segments: usize,
}

fn addr(ipv6: bool, host: u8) -> IpAddr {
    if ipv6 {
        IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, u16::from(host)])
    } else {
        IpAddr::from([10, 0, 0, host])
    }
}

impl World {
    pub(crate) fn new(scene: &Scene, cuts: bool, joins: bool, apart: bool) -> Self {
        let now = Instant::from_secs(1);
        let ipv6 = scene.ipv6;
        let host = |number: u8, cuts: bool| {
            let config = StackConfig {
                tcp: scene.tcp[usize::from(number) - 1].clone(),
                mtu: scene.mtu,
                addrs: vec![IpCidr::new(addr(ipv6, number), if ipv6 { 64 } else { 24 })],
                checksum_offload: true,
                segmentation: cuts.then_some(65_535),
                ..StackConfig::default()
            };
            Host {
                stack: Stack::new(config, [number; 32], now),
                conn: None,
                cuts,
                inbox: Vec::new(),
                late: Vec::new(),
                seen: HashSet::new(),
            }
        };
        let (mut client, mut server) = (host(1, cuts), host(2, cuts));
        let listener = server
            .stack
            .listen(ListenConfig {
                port: Some(80),
                ..ListenConfig::default()
            })
            .unwrap();
        let remote = (addr(ipv6, 2), 80).into();
        client.conn = Some(client.stack.connect(now, remote, None, None).unwrap());
        let mut world = Self {
            now,
            client,
            server,
            joins,
            apart,
            rng: Rng::new(scene.seed),
            super_segments: 0,
        };
        for _ in 0..4 {
            world.exchange(1_000, Faults::default());
        }
        world.server.conn = Some(world.server.stack.accept(listener).unwrap().0);
        world
    }

    pub(crate) fn run(mut self, steps: &[Step]) -> Outcome {
        let mut log = Vec::new();
        for step in steps {
            let now = self.now;
            self.client.act(
                now,
                step,
                step.client_writes,
                step.client_reads,
                step.client_ends,
            );
            self.server.act(
                now,
                step,
                step.server_writes,
                step.server_reads,
                step.server_ends,
            );
            let mut entry = self.exchange(step.lasts_us, step.faults);
            entry += &self.client.state();
            entry += &self.server.state();
            log.push(entry);
        }
        Outcome {
            log,
            super_segments: self.super_segments,
        }
    }

    /// Lets time pass and everything that is on its way arrive. Tells what was sent.
    fn exchange(&mut self, lasts_us: u64, faults: Faults) -> String {
        self.now += Duration::from_micros(lasts_us);
        let mut trace = String::new();
        let Self {
            now,
            client,
            server,
            joins,
            apart,
            rng,
            super_segments,
        } = self;
        *super_segments += client.arrive(*now, *joins, *apart);
        *super_segments += server.arrive(*now, *joins, *apart);
        for upwards in [true, false] {
            let (from, to) = match upwards {
                true => (&mut *client, &mut *server),
                false => (&mut *server, &mut *client),
            };
            let mut fresh = Vec::new();
            *super_segments += from.depart(*now, &mut fresh);
            // The checksum stands for the text.
            trace.extend(fresh.iter().map(|packet| {
                let (headers, text) = packet.split_at(text_at(packet));
                format!("{headers:02x?} {}\n", text.len())
            }));
            let late = std::mem::take(&mut to.late);
            for packet in fresh {
                to.pass(packet, rng, faults);
            }
            to.inbox.extend(late);
        }
        trace
    }
}

impl Host {
    /// Lets a packet of the network come as far as the path lets it.
    fn pass(&mut self, mut packet: Vec<u8>, rng: &mut Rng, faults: Faults) {
        // Everything is drawn for each, so that one fault does not change the others.
        let [lost, twice, late, marked] = [
            faults.loss,
            faults.duplication,
            faults.overtaking,
            faults.mark,
        ]
        .map(|probability| rng.chance(probability));
        if marked {
            mark(&mut packet);
        }
        if twice {
            self.inbox.push(packet.clone());
        }
        match (lost, late) {
            (true, _) => {}
            (false, true) => self.late.push(packet),
            (false, false) => self.inbox.push(packet),
        }
    }

    /// What its application does.
    fn act(&mut self, now: Instant, step: &Step, writes: usize, reads: usize, ends: bool) {
        let Some(conn) = self.conn else { return };
        if let Some(nodelay) = step.nodelay {
            let _ = self.stack.set_nodelay(now, conn, nodelay);
        }
        if writes > 0 && self.stack.send_room(conn) > 0 {
            let _ = self.stack.send(now, conn, Bytes::from(vec![7; writes]));
        }
        let mut buf = vec![0; reads];
        let _ = self.stack.recv(now, conn, &mut buf);
        if ends {
            let _ = self.stack.shutdown(now, conn);
        }
        while self.stack.poll_event().is_some() {}
    }

    fn arrive(&mut self, now: Instant, joins: bool, apart: bool) -> usize {
        while self.stack.poll_timeout().is_some_and(|due| due <= now) {
            self.stack.handle_timeout(now);
            while self.stack.poll_event().is_some() {}
        }
        let inbox = std::mem::take(&mut self.inbox);
        let packets = if joins {
            join(inbox, &mut self.seen)
        } else {
            inbox.into_iter().map(|packet| (packet, None)).collect()
        };
        let mut super_segments = 0;
        for (packet, segment_size) in packets {
            super_segments += usize::from(segment_size.is_some());
            let packet = Bytes::from(packet);
            let meta = RxMeta {
                segment_size,
                backing: Some(&packet),
                ..RxMeta::default()
            };
            if apart {
                let at = text_at(&packet);
                let payload = packet.slice(at..);
                let meta = RxMeta {
                    payload: Some(&payload),
                    ..meta
                };
                self.stack.handle_packet(now, &packet[..at], meta);
            } else {
                self.stack.handle_packet(now, &packet, meta);
            }
        }
        super_segments
    }

    fn depart(&mut self, now: Instant, outbox: &mut Vec<Vec<u8>>) -> usize {
        let mut super_segments = 0;
        let mut packet = Vec::new();
        while let Some(transmit) = self.stack.poll_transmit(now) {
            let size = transmit.segment_size();
            assert!(self.cuts || size.is_none());
            super_segments += usize::from(size.is_some());
            packet.clear();
            transmit.write_to(&mut packet);
            outbox.extend(cut(&packet, size));
        }
        while self.stack.poll_event().is_some() {}
        super_segments
    }

    /// All that can be seen of it, but for how its memory lies.
    fn state(&self) -> String {
        let Some(mut info) = self.conn.and_then(|conn| self.stack.info(conn)) else {
            return String::new();
        };
        info.memory = 0;
        let mut stats = *self.stack.stats();
        (stats.packets_in, stats.bytes_in) = (0, 0);
        // Less work with fewer packets.
        (stats.flow_lookups, stats.timer_moves) = (0, 0);
        (stats.packets_out, stats.bytes_out) = (0, 0);
        format!("{info:?}\n{stats:?}\n")
    }
}
