//! One stack, and many peers that send what a test says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use estab_proto::config::StackConfig;
use estab_proto::wire::Flags;
use estab_proto::{ConnId, Instant, IpCidr, ListenConfig, SeqNumber};
use estab_tests::host::Host;
use estab_tests::segment::Seg;

const HOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 80);

/// The peers' initial sequence number: the window wraps early.
const ISS: SeqNumber = SeqNumber::new(u32::MAX - 100_000);

/// The most text of a segment.
pub(crate) const MSS: u32 = 1460;

/// A peer, as it sees the stack.
pub(crate) struct Peer {
    local: SocketAddr,
    pub(crate) conn: ConnId,
    /// What the stack has acknowledged, and how far its window goes.
    pub(crate) una: SeqNumber,
    pub(crate) edge: SeqNumber,
    /// What the stack has sent in order.
    rcv: SeqNumber,
    scale: u8,
}

pub(crate) struct Crowd {
    pub(crate) now: Instant,
    pub(crate) host: Host,
    pub(crate) peers: Vec<Peer>,
}

impl Crowd {
    /// A stack with this budget and so many connections, accepted, with windows that can grow.
    pub(crate) fn new(budget: usize, peers: u16) -> Self {
        let mut config = StackConfig {
            addrs: vec![IpCidr::new(HOST.ip(), 16)],
            ..StackConfig::default()
        };
        config.limits.buffer_bytes = budget;
        let now = Instant::from_secs(1);
        let mut host = Host::new(config, 7, now);
        let listener = host.stack.listen(ListenConfig {
            port: Some(80),
            backlog: peers.into(),
            ..ListenConfig::default()
        });
        let mut crowd = Self {
            now,
            host,
            peers: Vec::new(),
        };
        for port in 1..=peers {
            let local = SocketAddr::new(Ipv4Addr::new(10, 0, 0, 1).into(), port);
            let mut syn = Seg::new(local, HOST)
                .seq(ISS)
                .ctl(Flags::SYN)
                .mss(MSS as u16);
            syn.opts.window_scale = Some(14);
            syn.opts.sack_permitted = true;
            crowd.send(&syn);
            let answer = crowd.drain().pop().expect("a SYN-ACK");
            let scale = answer.opts.window_scale.expect("scaling is on");
            let rcv = answer.seq + 1;
            crowd.send(&Seg::new(local, HOST).seq(ISS + 1).ack(rcv));
            let accepted = crowd.host.stack.accept(*listener.as_ref().unwrap());
            crowd.peers.push(Peer {
                local,
                conn: accepted.expect("its handshake is complete").0,
                una: ISS + 1,
                edge: ISS + 1 + u32::from(answer.wnd),
                rcv,
                scale,
            });
        }
        crowd.drain();
        crowd
    }

    /// The bytes that all buffers hold.
    pub(crate) fn held(&self) -> usize {
        self.host.stack.counts().buffer_bytes
    }

    /// A peer sends `len` bytes from `offset` bytes beyond what was acknowledged.
    pub(crate) fn text(&mut self, peer: usize, offset: u32, len: u32) {
        let Peer {
            local, una, rcv, ..
        } = self.peers[peer];
        let seg = Seg::new(local, HOST)
            .seq(una + offset)
            .ack(rcv)
            .text(vec![7; len as usize]);
        self.send(&seg);
        self.drain();
    }

    /// The stack's application reads up to `max` bytes.
    pub(crate) fn read(&mut self, peer: usize, max: usize) -> usize {
        let mut buf = vec![0; max];
        let conn = self.peers[peer].conn;
        let n = self.host.stack.recv(self.now, conn, &mut buf).unwrap_or(0);
        self.drain();
        n
    }

    /// The stack's application writes as much as it may, `max` bytes at most.
    pub(crate) fn write(&mut self, peer: usize, max: usize) -> usize {
        let conn = self.peers[peer].conn;
        let text = vec![9; max];
        let n = self.host.stack.send_slice(self.now, conn, &text);
        self.drain();
        n.unwrap_or(0)
    }

    /// A peer acknowledges everything the stack has sent.
    pub(crate) fn acknowledge(&mut self, peer: usize) {
        let Peer {
            local, una, rcv, ..
        } = self.peers[peer];
        self.send(&Seg::new(local, HOST).seq(una).ack(rcv));
        self.drain();
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        while self.host.deadline().is_some_and(|due| due <= self.now) {
            self.host.wake(self.now);
            self.drain();
        }
    }

    fn send(&mut self, seg: &Seg) {
        self.host.receive(self.now, &seg.packet());
    }

    /// What the stack sends, which the peers take note of.
    fn drain(&mut self) -> Vec<Seg> {
        let packets = self.host.drain(self.now);
        self.host.events.clear();
        let segs: Vec<_> = packets
            .iter()
            .filter_map(|packet| Seg::parse(packet))
            .collect();
        for seg in &segs {
            let known = self.peers.get_mut(usize::from(seg.dst.port()) - 1);
            let Some(peer) = known.filter(|_| !seg.has(Flags::SYN)) else {
                continue;
            };
            let edge = seg.ack + (u32::from(seg.wnd) << peer.scale);
            // What the scale cannot express is left out (RFC 7323 §2.4).
            let least = peer.edge.back((1 << peer.scale) - 1);
            assert!(!edge.before(least), "the right edge moved left: {seg}");
            (peer.una, peer.edge) = (seg.ack, edge.max(peer.edge));
            if seg.seq == peer.rcv {
                peer.rcv = seg.end();
            }
        }
        segs
    }
}
