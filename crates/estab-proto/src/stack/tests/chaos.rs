//! Anything may come from the network, and anything may be called, in any order: nothing panics,
//! every packet sent is valid, every cap holds, and in the end nothing is left.

use alloc::vec;
use alloc::vec::Vec;

use estab_timer::Duration;

use crate::addr::IpCidr;
use crate::stack::secret::Secrets;
use crate::stack::testing::{Bench, OWN, PEER, Seg, ip_packet, peer};
use crate::stack::{ConnId, ListenConfig, ListenerId};
use crate::stats::Counts;
use crate::wire::tcp::Flags;
use crate::wire::{Icmpv4, IpPacket, protocol};

/// Choices that follow from a seed.
struct Dice(Secrets);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0.random() % sides
    }

    fn flip(&mut self) -> bool {
        self.roll(2) == 0
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> Option<T> {
        match items.len() {
            0 => None,
            len => items.get(self.roll(len as u64) as usize).cloned(),
        }
    }
}

struct Chaos {
    bench: Bench,
    dice: Dice,
    conns: Vec<ConnId>,
    listeners: Vec<ListenerId>,
    /// Packets of ours, which the peer may answer and routers may quote.
    sent: Vec<Vec<u8>>,
}

const MAX_HALF_OPEN: usize = 6;
const MAX_CONNECTIONS: usize = 12;
const MAX_TIME_WAIT: usize = 4;
const MAX_REPLIES: usize = 40;

impl Chaos {
    fn new(seed: u8) -> Self {
        let bench = Bench::with(|config| {
            config.addrs = vec![
                IpCidr::new(OWN.into(), 24),
                IpCidr::new("2001:db8::2".parse().unwrap(), 64),
            ];
            config.limits.max_half_open = MAX_HALF_OPEN;
            config.limits.max_connections = MAX_CONNECTIONS;
            config.limits.max_time_wait = MAX_TIME_WAIT;
            config.limits.max_replies = MAX_REPLIES;
            config.tcp.recv_buffer.initial = 4096;
            config.tcp.recv_buffer.max = 16384;
        });
        let dice = Dice(Secrets::new(&[seed; 32]));
        Self {
            bench,
            dice,
            conns: Vec::new(),
            listeners: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn step(&mut self) {
        match self.dice.roll(30) {
            0 => self.listen(),
            1 => self.connect(),
            2..=4 => self.call(),
            5 => self.pass_time(),
            6..=8 => self.fresh_segment(),
            9..=18 => self.answer(),
            19 => self.icmp(),
            20 => self.replay(),
            _ => self.drain(),
        }
        let counts = self.bench.stack.counts();
        assert!(counts.half_open <= MAX_HALF_OPEN && counts.incoming <= MAX_HALF_OPEN);
        assert!(counts.connections <= MAX_CONNECTIONS);
        assert!(counts.time_wait <= MAX_TIME_WAIT);
        assert!(counts.replies <= MAX_REPLIES);
    }

    fn listen(&mut self) {
        if self.listeners.len() < 3 {
            let config = ListenConfig {
                port: self.dice.flip().then_some(80),
                backlog: 1 + self.dice.roll(3) as usize,
                deferred: self.dice.flip(),
                ..ListenConfig::default()
            };
            self.listeners.extend(self.bench.stack.listen(config));
        } else {
            let listener = self.listeners.remove(self.dice.roll(3) as usize);
            self.bench.stack.close_listener(self.bench.now, listener);
        }
    }

    fn connect(&mut self) {
        let port = 1000 + self.dice.roll(4) as u16;
        let remote = if self.dice.flip() {
            peer(port)
        } else {
            "[2001:db8::1]:9".parse().unwrap()
        };
        self.conns
            .extend(self.bench.stack.connect(self.bench.now, remote, None, None));
    }

    fn call(&mut self) {
        let now = self.bench.now;
        let Some(listener) = self.dice.pick(&self.listeners) else {
            return;
        };
        self.conns
            .extend(self.bench.stack.accept(listener).map(|(id, _)| id));
        if let Some((attempt, _)) = self.bench.stack.next_incoming(listener) {
            match self.dice.roll(4) {
                0 => self.bench.stack.refuse_incoming(now, attempt),
                1 => self.bench.stack.ignore_incoming(attempt),
                2 => {}
                _ => self
                    .conns
                    .extend(self.bench.stack.accept_incoming(now, attempt)),
            }
        }
        let Some(id) = self.dice.pick(&self.conns) else {
            return;
        };
        let stack = &mut self.bench.stack;
        let size = self.dice.roll(5000) as usize;
        match self.dice.roll(14) {
            0..=3 => drop(stack.send_slice(now, id, &vec![1; size])),
            4 => drop(stack.send(now, id, vec![2; size].into())),
            5 => drop(stack.send_urgent(now, id, b"!")),
            6 | 7 => drop(stack.recv(now, id, &mut vec![0; size])),
            8 => {
                if let Ok(Some(chunk)) = stack.take_chunk(id) {
                    stack.consumed(now, id, chunk.len());
                }
            }
            9 => drop(stack.shutdown(now, id)),
            10 => stack.abort(now, id),
            11 => drop(stack.set_recv_buffer(now, id, size as u32)),
            12 => drop(stack.set_nodelay(now, id, size.is_multiple_of(2))),
            _ => stack.close(now, id),
        }
    }

    fn pass_time(&mut self) {
        // Mostly a moment, now and then minutes.
        let exponent = if self.dice.roll(10) == 0 {
            17
        } else {
            self.dice.roll(11)
        };
        self.bench.now += Duration::from_millis(self.dice.roll(1 << exponent));
        self.bench.stack.handle_timeout(self.bench.now);
    }

    /// A segment out of nowhere, now and then with a broken packet around it.
    fn fresh_segment(&mut self) {
        let ctl = Flags::from_bits_truncate(self.dice.roll(512) as u16);
        let ctl = if self.dice.flip() { Flags::SYN } else { ctl };
        let mut seg = Seg::syn(self.dice.roll(1 << 32) as u32);
        seg.ctl = ctl;
        seg.ack = self.dice.roll(1 << 32) as u32;
        seg.src.set_port(1000 + self.dice.roll(8) as u16);
        seg.text = vec![
            7;
            if self.dice.flip() {
                0
            } else {
                self.dice.roll(1500) as usize
            }
        ];
        let packet = seg.packet();
        self.feed(packet);
    }

    /// What a peer might answer to one of our segments: rightly, or nearly so.
    fn answer(&mut self) {
        let recent = self.sent.len().saturating_sub(4);
        let from = if self.dice.flip() { recent } else { 0 };
        let Some(packet) = self.dice.pick(&self.sent[from..]) else {
            return;
        };
        if IpPacket::parse(&packet).is_ok_and(|ip| ip.protocol() != protocol::TCP) {
            return;
        }
        let ours = Seg::read(&packet);
        if ours.ctl.contains(Flags::RST) {
            return;
        }
        let mut ctl = Flags::ACK;
        ctl.set(Flags::SYN, ours.ctl == Flags::SYN && self.dice.roll(8) > 0);
        ctl.set(Flags::FIN, self.dice.roll(6) == 0);
        ctl.set(Flags::RST, self.dice.roll(20) == 0);
        ctl.set(Flags::URG, self.dice.roll(20) == 0);
        let mut seg = Seg::answer(&ours, ctl);
        if ctl.contains(Flags::SYN) {
            seg.seq = 77;
            seg.opts = Seg::syn(0).opts;
        }
        if self.dice.flip() {
            let packet = seg.packet();
            return self.bench.feed(&packet);
        }
        if self.dice.flip() {
            seg.text = vec![8; self.dice.roll(3000) as usize];
        }
        if self.dice.roll(4) == 0 {
            seg.seq = seg
                .seq
                .wrapping_add(self.dice.roll(5000) as u32)
                .wrapping_sub(2500);
            seg.ack = seg
                .ack
                .wrapping_add(self.dice.roll(3) as u32)
                .wrapping_sub(1);
        }
        seg.wnd = self.dice.roll(65536) as u16;
        let packet = seg.packet();
        self.feed(packet);
    }

    fn icmp(&mut self) {
        let Some(quoted) = self.dice.pick(&self.sent) else {
            return;
        };
        let mtu = self.dice.roll(1600) as u16;
        let code = self.dice.roll(16) as u8;
        let message = match self.dice.roll(4) {
            0 => Icmpv4::EchoRequest {
                ident: 1,
                seq: 2,
                data: &quoted,
            },
            1 => Icmpv4::TimeExceeded {
                code: 0,
                quoted: &quoted,
            },
            _ => Icmpv4::Unreachable {
                code,
                mtu,
                quoted: &quoted,
            },
        };
        let mut body = vec![0; 2000];
        let len = message.emit(&mut body);
        body.truncate(len);
        let packet = ip_packet(PEER.into(), OWN.into(), protocol::ICMP, &body);
        self.feed(packet);
    }

    /// One of our own packets comes back.
    fn replay(&mut self) {
        if let Some(packet) = self.dice.pick(&self.sent) {
            self.feed(packet);
        }
    }

    fn feed(&mut self, mut packet: Vec<u8>) {
        if self.dice.roll(8) == 0 && !packet.is_empty() {
            let at = self.dice.roll(packet.len() as u64) as usize;
            packet[at] ^= 1 << self.dice.roll(8);
            packet.truncate(packet.len() - self.dice.roll(2) as usize);
        }
        self.bench.feed(&packet);
    }

    fn drain(&mut self) {
        for packet in self.bench.packets() {
            let ip = IpPacket::parse(&packet).expect("what we send is valid");
            assert!(packet.len() <= 1500);
            if ip.protocol() == protocol::TCP {
                Seg::read(&packet);
            }
            self.sent.push(packet);
        }
        let excess = self.sent.len().saturating_sub(30);
        self.sent.drain(..excess);
        self.bench.events();
        let now = self.bench.now;
        let due = self.bench.stack.poll_timeout();
        assert!(
            due.is_none_or(|at| at + Duration::from_secs(3600) > now),
            "a timer forgotten"
        );
    }

    fn end(mut self) {
        for listener in core::mem::take(&mut self.listeners) {
            self.bench.stack.close_listener(self.bench.now, listener);
        }
        for id in core::mem::take(&mut self.conns) {
            self.bench.stack.close(self.bench.now, id);
        }
        self.bench.sleep_through(Duration::from_secs(7200));
        assert_eq!(self.bench.stack.counts(), Counts::default());
    }
}

#[test]
fn nothing_panics_and_nothing_is_left() {
    for seed in 0..=255 {
        let mut chaos = Chaos::new(seed);
        chaos.listen();
        for _ in 0..3000 {
            chaos.step();
        }
        chaos.end();
    }
}
