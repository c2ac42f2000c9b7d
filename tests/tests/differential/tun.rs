//! Our stack behind a TUN of its own, driven by tokio: the kernel forwards between it and the TUN of
//! the test. What it answers there must be what it answers in memory.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use estab::config::TcpConfig;
use estab::device::TunDevice;
use estab::{Stack, TcpListener, TcpSocket, TcpStream};
use tokio::io::AsyncWriteExt;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tun::Tun;

use crate::target::{Ends, HOST, PREFIX, SETTLE, Target};

/// Probes that end otherwise than in memory, and why.
pub(crate) const OTHERWISE: [(&str, &str); 7] = [
    ("IP: TTL of 0", "the router drops it"),
    ("IP: TTL of 1", "the router drops it"),
    ("RST: behind data unread", "streams tell an error once"),
    ("CLOSE-WAIT: RST", "streams tell an error once"),
    ("FIN-WAIT-1: RST", "streams tell an error once"),
    ("FIN-WAIT-2: RST", "streams tell an error once"),
    ("data: two segments", "the driver takes both at once"),
];

/// How long a call may take that has no reason to wait.
const AT_ONCE: Duration = Duration::from_millis(5);

/// A connection, or the attempt at one.
enum Connection {
    Connecting(JoinHandle<io::Result<TcpStream>>),
    Open(TcpStream),
    Failed(ErrorKind),
}

/// Our stack on one TUN, the test on another, in the namespace this process is in.
pub(crate) struct OverTun {
    runtime: Runtime,
    stack: Stack,
    tun: Tun,
    listeners: HashMap<usize, TcpListener>,
    connections: HashMap<usize, Connection>,
}

impl OverTun {
    /// Makes both interfaces and the way between them.
    pub(crate) fn new() -> Self {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_all().build().expect("a runtime");
        let (stack, tun) = runtime.block_on(async {
            let device = TunDevice::builder().name("host0").offload(false);
            let device = device.build().await.expect("a TUN");
            let mut tcp = TcpConfig::modern();
            // The kernel takes one off on the way.
            tcp.ttl = 65;
            let stack = Stack::builder().addr((HOST.into(), PREFIX)).tcp(tcp);
            let tun = Tun::builder().name("probe0").build().expect("a TUN");
            let tun = tun.into_iter().next().expect("one queue");
            (stack.build(device).expect("a stack"), tun)
        });
        for name in ["all", "host0", "probe0"] {
            estab_netns::sysctl(&format!("ipv4.conf.{name}.rp_filter"), "0").expect("allowed");
        }
        estab_netns::sysctl("ipv4.ip_forward", "1").expect("allowed");
        let host = format!("{HOST}/32");
        for args in [
            &["link", "set", "host0", "up"][..],
            &["link", "set", "probe0", "up", "txqueuelen", "4096"],
            &["route", "add", &host, "dev", "host0"],
            &["route", "add", "default", "dev", "probe0"],
        ] {
            estab_netns::ip(args).expect("the interfaces");
        }
        Self {
            runtime,
            stack,
            tun,
            listeners: HashMap::new(),
            connections: HashMap::new(),
        }
    }

    /// The stream of a probe once there is one, or the error in the words of `errno(3)`.
    fn stream(&mut self, probe: usize) -> Result<&mut TcpStream, String> {
        let connection = self.connections.get_mut(&probe).ok_or("EBADF")?;
        if let Connection::Connecting(attempt) = connection {
            if !attempt.is_finished() {
                return Err("EAGAIN".into());
            }
            let done = self.runtime.block_on(attempt).expect("no panic");
            *connection = match done {
                Ok(stream) => Connection::Open(stream),
                Err(error) => Connection::Failed(error.kind()),
            };
        }
        match connection {
            Connection::Open(stream) => Ok(stream),
            Connection::Failed(kind) => Err(errno(*kind)),
            Connection::Connecting(_) => Err("EAGAIN".into()),
        }
    }

    /// Lets the driver have its turn.
    fn turn(&self) {
        self.runtime.block_on(async {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        });
    }
}

fn errno(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::WouldBlock => "EAGAIN".into(),
        ErrorKind::BrokenPipe => "EPIPE".into(),
        ErrorKind::ConnectionRefused => "ECONNREFUSED".into(),
        ErrorKind::ConnectionReset => "ECONNRESET".into(),
        ErrorKind::ConnectionAborted => "ECONNABORTED".into(),
        ErrorKind::TimedOut => "ETIMEDOUT".into(),
        ErrorKind::HostUnreachable => "EHOSTUNREACH".into(),
        ErrorKind::NetworkUnreachable => "ENETUNREACH".into(),
        other => format!("{other:?}"),
    }
}

impl Target for OverTun {
    fn listen(&mut self, probe: usize, ends: Ends) {
        let bound = self
            .runtime
            .block_on(self.stack.listen(SocketAddr::V4(ends.host)));
        self.listeners.insert(probe, bound.expect("a free port"));
    }

    fn connect(&mut self, probe: usize, ends: Ends) {
        let socket = TcpSocket::new_v4(&self.stack).expect("a socket");
        socket.bind(SocketAddr::V4(ends.host)).expect("a free port");
        let attempt = socket.connect(SocketAddr::V4(ends.peer));
        let attempt = self.runtime.spawn(attempt);
        self.connections
            .insert(probe, Connection::Connecting(attempt));
        self.turn();
    }

    fn accept(&mut self, probe: usize) -> bool {
        let accept = self.listeners[&probe].accept();
        let accept = async { timeout(AT_ONCE, accept).await };
        let Ok(Ok((stream, _))) = self.runtime.block_on(accept) else {
            return false;
        };
        let open = Connection::Open(stream);
        self.connections.insert(probe, open).is_none()
    }

    fn unlisten(&mut self, probe: usize) {
        self.listeners.remove(&probe);
        self.turn();
    }

    fn write(&mut self, probe: usize, bytes: &[u8]) -> String {
        let written = match self.stream(probe) {
            Ok(stream) => stream.try_write(bytes),
            Err(error) => return error,
        };
        self.turn();
        written.map_or_else(|error| errno(error.kind()), |n| n.to_string())
    }

    fn read(&mut self, probe: usize) -> (Vec<u8>, String) {
        let mut bytes = Vec::new();
        let stream = match self.stream(probe) {
            Ok(stream) => stream,
            Err(error) => return (bytes, error),
        };
        let end = loop {
            let mut buf = [0; 4096];
            match stream.try_read(&mut buf) {
                Ok(0) => break "end".into(),
                Ok(n) => bytes.extend(&buf[..n]),
                Err(error) => break errno(error.kind()),
            }
        };
        self.turn();
        (bytes, end)
    }

    fn shutdown(&mut self, probe: usize) -> String {
        let Some(Connection::Open(stream)) = self.connections.get_mut(&probe) else {
            return "EBADF".into();
        };
        let shutdown = async { timeout(AT_ONCE, stream.shutdown()).await };
        let done = self.runtime.block_on(shutdown);
        self.turn();
        match done {
            Ok(Err(error)) => errno(error.kind()),
            // It goes on in the background.
            Ok(Ok(())) | Err(_) => "ok".into(),
        }
    }

    fn close(&mut self, probe: usize) {
        if let Some(Connection::Connecting(attempt)) = self.connections.remove(&probe) {
            attempt.abort();
        }
        self.turn();
    }

    fn abort(&mut self, probe: usize) {
        if let Some(Connection::Open(stream)) = self.connections.remove(&probe) {
            stream.abort();
        }
        self.turn();
    }

    fn inject(&mut self, packet: &[u8]) {
        let tun = &self.tun;
        let sent = self.runtime.block_on(async { tun.send(packet).await });
        sent.expect("a packet");
    }

    fn settle(&mut self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let tun = &self.tun;
        let reading = async {
            let mut buf = [0; 2048];
            while let Ok(len) = tun.recv(&mut buf).await {
                // What the kernel says itself, as the router between, is not the host's.
                if buf[12..16] == HOST.octets() {
                    packets.push(buf[..len].to_vec());
                }
            }
        };
        let settled = async { timeout(SETTLE, reading).await };
        let _ = self.runtime.block_on(settled);
        packets
    }

    /// The tokio face does not tell of connections nobody holds.
    fn states(&mut self, ends: &[Ends]) -> Vec<String> {
        vec!["unknown".into(); ends.len()]
    }
}
