//! A stack under test, and a peer whose every packet the test makes by hand.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use estab_timer::{Duration, Instant};

use crate::addr::{FourTuple, IpCidr};
use crate::config::StackConfig;
use crate::event::Event;
use crate::seq::{SeqNumber, WireWindow};
use crate::stack::{ConnId, ListenConfig, ListenerId, RxMeta, Stack};
use crate::wire::tcp::{Flags, Segment, TcpOptions, Timestamps, fill_checksum};
use crate::wire::{IpPacket, IpRepr, Sum, protocol};

pub(crate) const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// Our port 80.
pub(crate) fn server() -> SocketAddr {
    SocketAddr::new(OWN.into(), 80)
}

/// The peer's end with this port.
pub(crate) fn peer(port: u16) -> SocketAddr {
    SocketAddr::new(PEER.into(), port)
}

/// A segment, whoever sends it.
#[derive(Clone)]
pub(crate) struct Seg {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) ctl: Flags,
    pub(crate) wnd: u16,
    pub(crate) opts: TcpOptions,
    pub(crate) text: Vec<u8>,
}

impl fmt::Debug for Seg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            src,
            dst,
            seq,
            ack,
            ctl,
            wnd,
            opts,
            text,
        } = self;
        let len = text.len();
        write!(
            f,
            "<{src} > {dst} {ctl:?} seq {seq} ack {ack} wnd {wnd} len {len} {opts:?}>"
        )
    }
}

impl Seg {
    /// A segment from the peer's port 1000 to ours.
    pub(crate) fn new(ctl: Flags, seq: u32, ack: u32) -> Self {
        Self {
            src: peer(1000),
            dst: server(),
            seq,
            ack,
            ctl,
            wnd: 65535,
            opts: TcpOptions::default(),
            text: Vec::new(),
        }
    }

    /// A SYN with the options of a current system.
    pub(crate) fn syn(seq: u32) -> Self {
        let mut seg = Self::new(Flags::SYN, seq, 0);
        seg.opts = TcpOptions {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some(Timestamps { val: 500, ecr: 0 }),
            ..TcpOptions::default()
        };
        seg
    }

    /// The answer a peer gives to `other`: the next of its sequence, everything acknowledged.
    pub(crate) fn answer(other: &Seg, ctl: Flags) -> Self {
        let len = other.text.len() as u32
            + u32::from(other.ctl.contains(Flags::SYN))
            + u32::from(other.ctl.contains(Flags::FIN));
        let mut seg = Self::new(ctl, other.ack, other.seq.wrapping_add(len));
        (seg.src, seg.dst) = (other.dst, other.src);
        seg.opts.timestamps = other.opts.timestamps.map(|ts| Timestamps {
            val: ts.ecr,
            ecr: ts.val,
        });
        seg
    }

    pub(crate) fn port(mut self, port: u16) -> Self {
        self.src.set_port(port);
        self
    }

    pub(crate) fn to(mut self, dst: SocketAddr) -> Self {
        self.dst = dst;
        self
    }

    pub(crate) fn text(mut self, text: &[u8]) -> Self {
        self.text = text.to_vec();
        self
    }

    pub(crate) fn stamp(mut self, val: u32, ecr: u32) -> Self {
        self.opts.timestamps = Some(Timestamps { val, ecr });
        self
    }

    pub(crate) fn plain(mut self) -> Self {
        self.opts = TcpOptions::default();
        self
    }

    /// The packet, IP header first.
    pub(crate) fn packet(&self) -> Vec<u8> {
        let seg = Segment {
            src_port: self.src.port(),
            dst_port: self.dst.port(),
            seq: SeqNumber::new(self.seq),
            ack: SeqNumber::new(self.ack),
            ctl: self.ctl,
            wnd: WireWindow(self.wnd),
            up: 0,
            opts: self.opts.clone(),
            ecn: Default::default(),
            source_route: None,
            malformed_options: false,
            text: &[],
        };
        let mut tcp = alloc::vec![0; 60];
        let len = seg.emit_header(&mut tcp);
        tcp.truncate(len);
        let (src, dst) = (self.src.ip(), self.dst.ip());
        fill_checksum(&mut tcp, Sum::of(&self.text), self.text.len(), src, dst);
        tcp.extend_from_slice(&self.text);
        ip_packet(src, dst, protocol::TCP, &tcp)
    }

    /// Reads a packet of ours, whose checksums must be right.
    pub(crate) fn read(packet: &[u8]) -> Self {
        let ip = IpPacket::parse(packet).expect("a good IP header");
        let seg = Segment::parse(ip.payload(), ip.src(), ip.dst(), true).expect("a good segment");
        assert!(!seg.malformed_options);
        Self {
            src: SocketAddr::new(ip.src(), seg.src_port),
            dst: SocketAddr::new(ip.dst(), seg.dst_port),
            seq: seg.seq.to_u32(),
            ack: seg.ack.to_u32(),
            ctl: seg.ctl,
            wnd: seg.wnd.0,
            opts: seg.opts.clone(),
            text: seg.text.to_vec(),
        }
    }
}

/// A packet around `payload`.
pub(crate) fn ip_packet(src: IpAddr, dst: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let ip = IpRepr {
        src,
        dst,
        protocol,
        hop_limit: 64,
        traffic_class: 0,
        ident: 7,
        dont_fragment: true,
        flow_label: 0,
    };
    let mut packet = alloc::vec![0; ip.header_len()];
    ip.emit(payload.len(), &mut packet);
    packet.extend_from_slice(payload);
    packet
}

/// A stack and its time.
pub(crate) struct Bench {
    pub(crate) stack: Stack,
    pub(crate) now: Instant,
}

impl Bench {
    /// A stack at 10.0.0.2/24.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same, with a configuration changed by `change`.
    pub(crate) fn with(change: impl FnOnce(&mut StackConfig)) -> Self {
        let mut config = StackConfig {
            addrs: alloc::vec![IpCidr::new(OWN.into(), 24)],
            ..StackConfig::default()
        };
        change(&mut config);
        let now = Instant::from_secs(1_000_000);
        Self {
            stack: Stack::new(config, [42; 32], now),
            now,
        }
    }

    /// A listener on port 80.
    pub(crate) fn listen(&mut self, backlog: usize) -> ListenerId {
        self.listen_as(ListenConfig {
            port: Some(80),
            backlog,
            ..ListenConfig::default()
        })
    }

    pub(crate) fn listen_as(&mut self, config: ListenConfig) -> ListenerId {
        self.stack.listen(config).expect("the port is free")
    }

    /// Gives the stack a packet.
    pub(crate) fn feed(&mut self, packet: &[u8]) {
        self.stack
            .handle_packet(self.now, packet, RxMeta::default());
    }

    /// Gives the stack a segment and returns what it answers at once.
    pub(crate) fn send(&mut self, seg: &Seg) -> Vec<Seg> {
        self.feed(&seg.packet());
        self.output()
    }

    /// The one answer to a segment.
    pub(crate) fn ask(&mut self, seg: &Seg) -> Seg {
        let mut answers = self.send(seg);
        assert_eq!(answers.len(), 1, "{seg:?} is answered by {answers:?}");
        answers.remove(0)
    }

    /// Nothing answers a segment.
    pub(crate) fn ask_in_vain(&mut self, seg: &Seg) {
        let answers = self.send(seg);
        assert!(answers.is_empty(), "{seg:?} is answered by {answers:?}");
    }

    /// The packets the stack has to send.
    pub(crate) fn packets(&mut self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        while let Some(transmit) = self.stack.poll_transmit(self.now) {
            let mut packet = Vec::new();
            transmit.write_to(&mut packet);
            assert_eq!(packet.len(), transmit.len());
            packets.push(packet);
        }
        packets
    }

    /// The segments the stack has to send.
    pub(crate) fn output(&mut self) -> Vec<Seg> {
        self.packets()
            .iter()
            .map(|packet| Seg::read(packet))
            .collect()
    }

    /// The events the stack has to tell.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.stack.poll_event()).collect()
    }

    /// Lets time pass, waking the stack whenever it wants; returns what it sends meanwhile.
    pub(crate) fn sleep(&mut self, time: Duration) -> Vec<(Instant, Seg)> {
        let end = self.now + time;
        let mut sent = Vec::new();
        loop {
            sent.extend(self.output().into_iter().map(|seg| (self.now, seg)));
            self.events();
            match self.stack.poll_timeout() {
                Some(at) if at <= end => {
                    self.now = self.now.max(at);
                    self.stack.handle_timeout(self.now);
                }
                _ => break,
            }
        }
        self.now = end;
        sent
    }

    /// Lets time pass as [`sleep`](Self::sleep) does, whatever is sent meanwhile.
    pub(crate) fn sleep_through(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.packets();
            self.events();
            match self.stack.poll_timeout() {
                Some(at) if at <= end => {
                    self.now = self.now.max(at);
                    self.stack.handle_timeout(self.now);
                }
                _ => break,
            }
        }
        self.now = end;
    }

    /// A whole handshake from the peer's `port`: the third segment of it, and what the stack
    /// answered.
    pub(crate) fn handshake(&mut self, port: u16) -> (Seg, Vec<Seg>) {
        let syn_ack = self.ask(&Seg::syn(100).port(port));
        assert_eq!(syn_ack.ctl, Flags::SYN | Flags::ACK);
        let ack = Seg::answer(&syn_ack, Flags::ACK);
        let answers = self.send(&ack);
        (ack, answers)
    }

    /// An accepted connection from the peer's `port`, and the segment that opened it.
    pub(crate) fn accepted(&mut self, listener: ListenerId, port: u16) -> (ConnId, Seg) {
        let (ack, _) = self.handshake(port);
        let (id, tuple) = self.stack.accept(listener).expect("a connection");
        assert_eq!(
            tuple,
            FourTuple {
                local: server(),
                remote: peer(port)
            }
        );
        (id, ack)
    }
}
