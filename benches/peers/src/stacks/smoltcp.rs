//! smoltcp in a loop of its own, as its documentation says: packets are read in bursts, the sockets
//! polled once for each, and the application works on their buffers without a copy.
//!
//! A socket begins to listen when a SYN for its port has come, so that there are no more of them than
//! connections; smoltcp looks at each for every packet. Nothing stays in TIME-WAIT, which would
//! keep a socket with its buffers for ten seconds.

use std::io;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpCidr, IpVersion, Ipv4Packet, Ipv6Packet, TcpPacket};
use tokio::time::{Sleep, sleep};
use tokio_tun::Tun;

use crate::options::Serve;
use crate::service::{ECHO, IDLE, PERIOD, PORTS, REQUEST, SINK, SOURCE, pattern};
use crate::{ready, tun};

/// Packets read before the sockets send.
const BURST: usize = 64;

/// Bytes of the buffers of connections that say little.
const SMALL: usize = 16 << 10;

/// Bytes that an echo moves at a time.
const SCRATCH: usize = 64 << 10;

/// Serves until the interface is gone.
pub(crate) async fn serve(serve: &Serve) -> io::Result<()> {
    let mut server = Server::new(serve)?;
    ready();
    let timer = sleep(Duration::ZERO);
    tokio::pin!(timer);
    loop {
        let now = Instant::now();
        let any = server.turn(now)?;
        if !any {
            server.wait(now, timer.as_mut()).await?;
        }
    }
}

struct Server {
    phy: Phy,
    interface: Interface,
    sockets: SocketSet<'static>,
    connections: Vec<Connection>,
    /// For each port a socket that listens, if one was made ready and not yet used.
    listening: [Option<SocketHandle>; PORTS.len()],
    /// Sockets of connections that are over: small ones, and others.
    spare: [Vec<Socket<'static>>; 2],
    buffer: usize,
    /// What an echo is on its way in.
    scratch: Vec<u8>,
}

/// A socket in use.
struct Connection {
    handle: SocketHandle,
    port: u16,
    question: Vec<u8>,
    /// Bytes to be sent, once they were asked for, and sent.
    total: Option<u64>,
    sent: u64,
}

impl Server {
    fn new(serve: &Serve) -> io::Result<Self> {
        let mut phy = Phy::new(tun::plain(serve)?, serve.mtu.into());
        let mut interface =
            Interface::new(Config::new(HardwareAddress::Ip), &mut phy, Instant::now());
        interface.update_ip_addrs(|addrs| {
            for cidr in [Some(serve.addr), serve.v6].into_iter().flatten() {
                // There is room for two.
                let _ = addrs.push(IpCidr::new(cidr.addr.into(), cidr.prefix));
            }
        });
        Ok(Self {
            phy,
            interface,
            sockets: SocketSet::new(Vec::new()),
            connections: Vec::new(),
            listening: [None; PORTS.len()],
            spare: [Vec::new(), Vec::new()],
            buffer: serve.buffer,
            scratch: vec![0; SCRATCH],
        })
    }

    /// A burst in, the application's turn, everything out. Whether a packet came.
    fn turn(&mut self, now: Instant) -> io::Result<bool> {
        let mut any = false;
        for _ in 0..BURST {
            if !self.phy.fill()? {
                break;
            }
            any = true;
            let place = self.listen();
            self.interface
                .poll_ingress_single(now, &mut self.phy, &mut self.sockets);
            if let Some(place) = place {
                self.accept(place);
            }
        }
        self.serve();
        while let PollResult::SocketStateChanged =
            self.interface
                .poll_egress(now, &mut self.phy, &mut self.sockets)
        {}
        Ok(any)
    }

    /// Until a packet or a timer comes.
    async fn wait(&mut self, now: Instant, mut timer: std::pin::Pin<&mut Sleep>) -> io::Result<()> {
        let delay = self.interface.poll_delay(now, &self.sockets);
        let delay = delay.map_or(Duration::from_secs(1), Duration::from);
        #[allow(clippy::disallowed_methods, reason = "a bench runs by the clock")]
        let due = tokio::time::Instant::now() + delay;
        // An early wake-up is cheaper than to arm the timer anew for each packet.
        if timer.is_elapsed() || due < timer.deadline() {
            timer.as_mut().reset(due);
        }
        tokio::select! {
            biased;
            received = self.phy.tun.recv(&mut self.phy.received) => self.phy.len = received?,
            () = timer => {}
        }
        Ok(())
    }

    /// If the packet opens a connection to one of the ports, a socket listens on it: which.
    fn listen(&mut self) -> Option<usize> {
        let port = opens(&self.phy.received[..self.phy.len])?;
        let place = PORTS.iter().position(|&known| known == port)?;
        if self.listening[place].is_none() {
            let mut socket = self.socket(port);
            if socket.listen(port).is_ok() {
                self.listening[place] = Some(self.sockets.add(socket));
            }
        }
        Some(place)
    }

    /// The socket that listened may have become a connection.
    fn accept(&mut self, place: usize) {
        let Some(handle) = self.listening[place] else {
            return;
        };
        if self.sockets.get::<Socket<'_>>(handle).state() != State::Listen {
            self.listening[place] = None;
            self.connections.push(Connection {
                handle,
                port: PORTS[place],
                question: Vec::new(),
                total: None,
                sent: 0,
            });
        }
    }

    /// A socket for a connection to `port`.
    fn socket(&mut self, port: u16) -> Socket<'static> {
        let mut socket = self.spare[class(port)].pop().unwrap_or_else(|| {
            let len = if class(port) == 0 { SMALL } else { self.buffer };
            let buffer = || SocketBuffer::new(vec![0; len]);
            Socket::new(buffer(), buffer())
        });
        socket.abort();
        socket.set_nagle_enabled(false);
        socket
    }

    /// Every connection's turn.
    fn serve(&mut self) {
        let mut at = 0;
        while let Some(connection) = self.connections.get_mut(at) {
            let socket = self.sockets.get_mut::<Socket<'_>>(connection.handle);
            connection.serve(socket, &mut self.scratch);
            if !matches!(socket.state(), State::Closed | State::TimeWait) {
                at += 1;
                continue;
            }
            let connection = self.connections.swap_remove(at);
            let removed = self.sockets.remove(connection.handle);
            if let smoltcp::socket::Socket::Tcp(socket) = removed {
                self.spare[class(connection.port)].push(socket);
            }
        }
    }
}

/// Which sockets suit a port.
fn class(port: u16) -> usize {
    usize::from(!matches!(port, REQUEST | IDLE))
}

impl Connection {
    fn serve(&mut self, socket: &mut Socket<'_>, scratch: &mut [u8]) {
        match self.port {
            ECHO => echo(socket, scratch),
            SINK => {
                while socket.can_recv() {
                    // What is wrong with the socket shows in its state.
                    let _ = socket.recv(|bytes| (bytes.len(), ()));
                }
            }
            SOURCE => self.source(socket),
            REQUEST if socket.can_recv() => {
                echo(socket, scratch);
                socket.close();
            }
            _ => {}
        }
        let done = self.total == Some(self.sent);
        let finished = socket.state() == State::CloseWait && !socket.can_recv();
        if done || (finished && socket.send_queue() == 0 && self.total.is_none()) {
            socket.close();
        }
    }

    fn source(&mut self, socket: &mut Socket<'_>) {
        let pattern = pattern();
        while self.total.is_none() && socket.can_recv() {
            let question = &mut self.question;
            let _ = socket.recv(|bytes| {
                question.extend_from_slice(bytes);
                (bytes.len(), ())
            });
            self.total = self
                .question
                .first_chunk()
                .map(|count| u64::from_be_bytes(*count));
        }
        while let Some(left) = self.total.map(|total| total - self.sent)
            && left > 0
            && socket.can_send()
        {
            let at = (self.sent % PERIOD as u64) as usize;
            let len = left.min((pattern.len() - PERIOD) as u64) as usize;
            match socket.send_slice(&pattern[at..at + len]) {
                Ok(sent) => self.sent += sent as u64,
                Err(_) => return,
            }
        }
    }
}

/// Hands back what came, as far as there is room.
fn echo(socket: &mut Socket<'_>, bytes: &mut [u8]) {
    while socket.can_recv() && socket.can_send() {
        let room = socket.send_capacity() - socket.send_queue();
        let len = room.min(bytes.len());
        let Ok(len) = socket.recv_slice(&mut bytes[..len]) else {
            return;
        };
        if socket.send_slice(&bytes[..len]).is_err() {
            return;
        }
    }
}

/// The port to which a packet opens a connection, if it does.
pub(super) fn opens(packet: &[u8]) -> Option<u16> {
    let syn = |tcp: &[u8]| {
        let tcp = TcpPacket::new_checked(tcp).ok()?;
        (tcp.syn() && !tcp.ack()).then(|| tcp.dst_port())
    };
    match IpVersion::of_packet(packet).ok()? {
        IpVersion::Ipv4 => syn(Ipv4Packet::new_checked(packet).ok()?.payload()),
        IpVersion::Ipv6 => syn(Ipv6Packet::new_checked(packet).ok()?.payload()),
    }
}

/// The interface as smoltcp's device: a packet that was read, and those it sends.
struct Phy {
    tun: Tun,
    mtu: usize,
    received: Vec<u8>,
    /// The length of the packet received, 0 if there is none.
    len: usize,
    packet: Vec<u8>,
}

impl Phy {
    fn new(tun: Tun, mtu: usize) -> Self {
        Self {
            tun,
            mtu,
            received: vec![0; mtu.max(1500)],
            len: 0,
            packet: vec![0; mtu],
        }
    }

    /// Reads a packet, unless there is one; whether there is.
    fn fill(&mut self) -> io::Result<bool> {
        if self.len == 0 {
            match self.tun.try_recv(&mut self.received) {
                Ok(len) => self.len = len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.len > 0)
    }
}

impl Device for Phy {
    type RxToken<'a> = Rx<'a>;
    type TxToken<'a> = Tx<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Rx<'_>, Tx<'_>)> {
        let len = std::mem::take(&mut self.len);
        let tx = Tx {
            tun: &self.tun,
            packet: &mut self.packet,
        };
        (len > 0).then(|| (Rx(&self.received[..len]), tx))
    }

    fn transmit(&mut self, _: Instant) -> Option<Tx<'_>> {
        Some(Tx {
            tun: &self.tun,
            packet: &mut self.packet,
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}

/// A packet that was read.
struct Rx<'a>(&'a [u8]);

impl RxToken for Rx<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, with: F) -> R {
        with(self.0)
    }
}

/// Leave to send a packet.
struct Tx<'a> {
    tun: &'a Tun,
    packet: &'a mut [u8],
}

impl TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, with: F) -> R {
        let packet = &mut self.packet[..len];
        let result = with(packet);
        // The kernel takes what it is given; if not, that is like a loss.
        let _ = self.tun.try_send(packet);
        result
    }
}
