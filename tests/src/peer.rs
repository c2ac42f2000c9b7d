//! One stack against a peer that sends what the test says, segment by segment.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use estab_proto::config::StackConfig;
use estab_proto::wire::{Flags, TcpOptions, Timestamps};
use estab_proto::{ConnId, FourTuple, Instant, ListenConfig, ListenerId, SeqNumber, Stack, State};

use crate::host::Host;
use crate::segment::Seg;
use crate::trace::Trace;
use crate::world::{A, B, PORT, addr, config};

/// The peer's initial sequence number unless a test chooses another.
pub const ISS: SeqNumber = SeqNumber::new(1_000_000);

/// The peer's port.
pub const PEER_PORT: u16 = 5_000;

/// A stack (the host, at B's address) and its scripted peer (at A's).
pub struct Peer {
    /// The stack under test.
    pub host: Host,
    /// The time.
    pub now: Instant,
    /// The host's end.
    pub remote: SocketAddr,
    /// The peer's end.
    pub local: SocketAddr,
    /// The peer's SND.NXT: goes into [`seg`](Self::seg).
    pub nxt: SeqNumber,
    /// What the peer acknowledges: goes into [`seg`](Self::seg).
    pub rcv: SeqNumber,
    /// The window field of [`seg`](Self::seg).
    pub wnd: u16,
    /// The timestamps option of [`seg`](Self::seg).
    pub timestamps: Option<Timestamps>,
    /// The host's listener on [`PORT`], if it was made to listen.
    pub listener: Option<ListenerId>,
    /// What went back and forth.
    pub trace: Trace,
    sent: VecDeque<(Instant, Vec<u8>)>,
}

impl Peer {
    /// A host with the default settings and nothing done yet.
    pub fn new() -> Self {
        Self::with(config(B))
    }

    /// A host with these settings and nothing done yet.
    pub fn with(config: StackConfig) -> Self {
        let now = Instant::from_secs(1);
        Self {
            host: Host::new(config, 7, now),
            now,
            remote: SocketAddr::new(addr(B, false), PORT),
            local: SocketAddr::new(addr(A, false), PEER_PORT),
            nxt: ISS,
            rcv: SeqNumber::new(0),
            wnd: u16::MAX,
            timestamps: None,
            listener: None,
            trace: Trace::default(),
            sent: VecDeque::new(),
        }
    }

    /// The same over IPv6. To be said before anything is sent.
    pub fn ipv6(mut self) -> Self {
        self.remote.set_ip(addr(B, true));
        self.local.set_ip(addr(A, true));
        self
    }

    /// A host that listens on [`PORT`].
    pub fn listening(config: StackConfig) -> Self {
        let mut peer = Self::with(config);
        peer.listen(ListenConfig {
            port: Some(PORT),
            ..ListenConfig::default()
        });
        peer
    }

    /// A connection the peer opened to a listening host: MSS 1460, a window of 65,535, no other
    /// option; accepted, and nothing left to be looked at.
    pub fn established(config: StackConfig) -> (Self, ConnId) {
        Self::listening(config).open(TcpOptions {
            mss: Some(1460),
            ..TcpOptions::default()
        })
    }

    /// Makes the host listen.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn listen(&mut self, config: ListenConfig) -> ListenerId {
        let listener = self
            .on(|stack, _| stack.listen(config))
            .expect("a listener");
        self.listener = Some(listener);
        listener
    }

    /// Opens a connection to the listening host with these options in the SYN, and accepts it.
    ///
    /// # Panics
    ///
    /// If it does not become established.
    pub fn open(mut self, opts: TcpOptions) -> (Self, ConnId) {
        let id = self.handshake(opts);
        (self, id)
    }

    /// [`open`](Self::open) by reference.
    ///
    /// # Panics
    ///
    /// If it does not become established.
    pub fn handshake(&mut self, opts: TcpOptions) -> ConnId {
        let syn = Seg { opts, ..self.syn() };
        self.timestamps = syn.opts.timestamps;
        self.send(&syn);
        let syn_ack = self.reply();
        assert_eq!(syn_ack.ctl, Flags::SYN | Flags::ACK, "{syn_ack}");
        assert_eq!(syn_ack.ack, syn.seq + 1, "{syn_ack}");
        self.nxt = syn.end();
        self.note(&syn_ack);
        self.send(&self.seg());
        let id = self.accept().expect("the handshake is complete");
        assert_eq!(self.state(id), State::Established);
        self.expect_silence();
        id
    }

    /// A connection the host opened to the peer, which answered with these options in its SYN-ACK.
    ///
    /// # Panics
    ///
    /// If it does not become established.
    pub fn opened_by_host(config: StackConfig, opts: TcpOptions) -> (Self, ConnId) {
        let mut peer = Self::with(config);
        let id = peer.connect_host();
        let syn = peer.reply();
        peer.note(&syn);
        let mut syn_ack = Seg { opts, ..peer.syn() }.ack(peer.rcv);
        if let (Some(ours), Some(theirs)) = (&mut syn_ack.opts.timestamps, syn.opts.timestamps) {
            ours.ecr = theirs.val;
        }
        peer.timestamps = syn_ack
            .opts
            .timestamps
            .filter(|_| syn.opts.timestamps.is_some());
        peer.send(&syn_ack);
        peer.nxt = syn_ack.end();
        peer.reply();
        assert_eq!(peer.state(id), State::Established);
        (peer, id)
    }

    /// Makes the host open a connection to the peer; the SYN is left to be looked at.
    ///
    /// # Panics
    ///
    /// If the host cannot.
    pub fn connect_host(&mut self) -> ConnId {
        let to = self.local;
        let id = self
            .on(|stack, now| stack.connect(now, to, None, None))
            .expect("an open");
        self.remote = self.host.stack.tuple(id).expect("just made").local;
        id
    }

    /// A segment with the peer's current numbers, window and timestamps, and the ACK bit.
    pub fn seg(&self) -> Seg {
        let seg = Seg::new(self.local, self.remote)
            .seq(self.nxt)
            .ack(self.rcv)
            .wnd(self.wnd);
        Seg {
            opts: TcpOptions {
                timestamps: self.timestamps,
                ..TcpOptions::default()
            },
            ..seg
        }
    }

    /// A SYN with SEG.SEQ = [`nxt`](Self::nxt), without options.
    pub fn syn(&self) -> Seg {
        Seg::new(self.local, self.remote)
            .seq(self.nxt)
            .wnd(self.wnd)
            .ctl(Flags::SYN)
    }

    /// The connection as the host names it.
    pub fn tuple(&self) -> FourTuple {
        FourTuple {
            local: self.remote,
            remote: self.local,
        }
    }

    /// Gives the host a segment.
    pub fn send(&mut self, seg: &Seg) {
        self.send_raw(&seg.packet());
    }

    /// Gives the host a packet.
    pub fn send_raw(&mut self, packet: &[u8]) {
        self.give(packet);
        self.drain();
    }

    /// Gives the host several segments before it may answer, as a device that hands over bursts.
    pub fn send_burst(&mut self, segs: &[Seg]) {
        for seg in segs {
            self.give(&seg.packet());
        }
        self.drain();
    }

    fn give(&mut self, packet: &[u8]) {
        self.trace.sent(self.now, A, packet);
        self.host.receive(self.now, packet);
    }

    /// Sends the next bytes of the peer's stream.
    pub fn send_text(&mut self, text: &[u8]) {
        let seg = self.seg().ctl(Flags::PSH).text(text);
        self.nxt = seg.end();
        self.send(&seg);
    }

    /// Sends a FIN behind the peer's stream.
    pub fn send_fin(&mut self) {
        let seg = self.seg().ctl(Flags::FIN);
        self.nxt = seg.end();
        self.send(&seg);
    }

    /// Acknowledges everything up to the end of `seg`, and answers its timestamp from now on.
    pub fn note(&mut self, seg: &Seg) {
        self.rcv = seg.end();
        if let (Some(ours), Some(theirs)) = (&mut self.timestamps, seg.opts.timestamps) {
            ours.ecr = theirs.val;
        }
    }

    /// Gives the host a command.
    pub fn on<R>(&mut self, command: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        let result = command(&mut self.host.stack, self.now);
        self.drain();
        result
    }

    fn drain(&mut self) {
        for packet in self.host.drain(self.now) {
            self.trace.sent(self.now, B, &packet);
            self.sent.push_back((self.now, packet));
        }
    }

    /// The next packet the host sent, of whatever kind, with the time it was sent.
    pub fn next_packet(&mut self) -> Option<(Instant, Vec<u8>)> {
        self.sent.pop_front()
    }

    /// The next segment the host sent.
    pub fn next_segment(&mut self) -> Option<Seg> {
        self.next_packet()
            .map(|(_, packet)| Seg::parse(&packet).expect("a segment"))
    }

    /// All segments the host sent and nobody looked at yet.
    pub fn replies(&mut self) -> Vec<Seg> {
        std::iter::from_fn(|| self.next_segment()).collect()
    }

    /// The one segment the host sent.
    ///
    /// # Panics
    ///
    /// If it sent none or several.
    pub fn reply(&mut self) -> Seg {
        let Some(seg) = self.next_segment() else {
            panic!("no answer\n{}", self.trace)
        };
        self.expect_silence();
        seg
    }

    /// Checks that the host has sent nothing more.
    ///
    /// # Panics
    ///
    /// If it has.
    pub fn expect_silence(&self) {
        assert!(
            self.sent.is_empty(),
            "more was sent than expected\n{}",
            self.trace
        );
    }

    /// Lets time pass until `until`; deadlines are handled when they are due.
    pub fn wait_until(&mut self, until: Instant) {
        while let Some(due) = self.host.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.host.wake(self.now);
            self.drain();
        }
        self.now = self.now.max(until);
    }

    /// Lets this much time pass.
    pub fn wait(&mut self, time: Duration) {
        self.wait_until(self.now + time);
    }

    /// Waits until the host sends something by itself, and returns when, and what.
    ///
    /// # Panics
    ///
    /// If it does not within `limit`.
    pub fn wait_for_segment(&mut self, limit: Duration) -> (Instant, Seg) {
        let end = self.now + limit;
        while self.sent.is_empty() {
            let due = self.host.deadline().filter(|due| *due <= end);
            let Some(due) = due else {
                panic!("silent for {limit:?}\n{}", self.trace)
            };
            self.wait_until(due);
        }
        let (at, packet) = self.sent.pop_front().expect("just checked");
        (at, Seg::parse(&packet).expect("a segment"))
    }

    /// Takes a connection from the listener.
    pub fn accept(&mut self) -> Option<ConnId> {
        let listener = self.listener.expect("listening");
        self.on(|stack, _| stack.accept(listener)).map(|(id, _)| id)
    }

    /// The state of a connection.
    ///
    /// # Panics
    ///
    /// If there is none with this id.
    pub fn state(&self, id: ConnId) -> State {
        self.host.stack.state(id).expect("a connection")
    }

    /// What holds the four-tuple.
    pub fn status(&self) -> State {
        self.host.stack.status(&self.tuple())
    }

    /// Reads everything the application of the host can read.
    ///
    /// # Panics
    ///
    /// If the connection failed.
    pub fn read(&mut self, id: ConnId) -> Vec<u8> {
        let mut bytes = vec![0; self.host.stack.readable(id)];
        if !bytes.is_empty() {
            let n = self.on(|stack, now| stack.recv(now, id, &mut bytes));
            assert_eq!(n, Ok(bytes.len()));
        }
        bytes
    }

    /// Whether the application of the host has read everything and the peer's FIN with it.
    pub fn at_end(&mut self, id: ConnId) -> bool {
        self.on(|stack, now| stack.recv(now, id, &mut [0])) == Ok(0)
    }

    /// Lets the application of the host write all of `bytes`, which fit.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub fn write(&mut self, id: ConnId, bytes: &[u8]) {
        let n = self.on(|stack, now| stack.send_slice(now, id, bytes));
        assert_eq!(n, Ok(bytes.len()));
    }
}

impl Default for Peer {
    fn default() -> Self {
        Self::new()
    }
}
