//! The Linux kernel as the host under test: ordinary sockets, and a TUN that the test reads and
//! writes.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::runtime::{Builder, Runtime};
use tokio_tun::Tun;

use crate::target::{Ends, HOST, Net, PREFIX, PREFIX_V6, SETTLE, Target};

/// The interface behind which the test stands.
const INTERFACE: &str = "probe0";

/// The kernel of the namespace this process is in.
pub(crate) struct Linux {
    net: Net,
    runtime: Runtime,
    tun: Tun,
    listeners: HashMap<usize, Socket>,
    connections: HashMap<usize, TcpStream>,
}

impl Linux {
    /// Makes the interface.
    pub(crate) fn new(net: Net) -> Self {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_all().build().expect("a runtime");
        let guard = runtime.enter();
        let tun = Tun::builder()
            .name(INTERFACE)
            .build()
            .expect("a TUN")
            .remove(0);
        drop(guard);
        let set = |name: &str, value| {
            estab_netns::sysctl(name, value).expect("a parameter of the namespace");
        };
        // Nothing but the probe itself shall decide whether there is an answer.
        set("ipv4.icmp_ratelimit", "0");
        set("ipv4.conf.all.rp_filter", "0");
        set("ipv4.conf.probe0.rp_filter", "0");
        set("ipv4.tcp_no_metrics_save", "1");
        let is_v6 = net == Net::V6;
        set(
            "ipv6.conf.probe0.disable_ipv6",
            if is_v6 { "0" } else { "1" },
        );
        let (mtu, addr) = (net.mtu().to_string(), net.addr(HOST));
        let prefix = if is_v6 { PREFIX_V6 } else { PREFIX };
        let prefix = format!("{addr}/{prefix}");
        // There is nobody to ask whether the address is in use.
        let more: &[_] = if is_v6 { &["nodad"] } else { &["brd", "+"] };
        let addr = [&["addr", "add", &prefix, "dev", INTERFACE][..], more].concat();
        let link = ["link", "set", INTERFACE, "up", "mtu", &mtu];
        let link = [&link[..], &["txqueuelen", "4096"]].concat();
        let family = if is_v6 { "-6" } else { "-4" };
        let route = vec![family, "route", "add", "default", "dev", INTERFACE];
        for args in [addr, link, route] {
            estab_netns::ip(&args).expect("the interface");
        }
        estab_netns::loopback_up().expect("the loopback");
        Self {
            net,
            runtime,
            tun,
            listeners: HashMap::new(),
            connections: HashMap::new(),
        }
    }
}

fn errno(error: &io::Error) -> String {
    use rustix::io::Errno;
    match Errno::from_io_error(error) {
        Some(Errno::AGAIN) => "EAGAIN".into(),
        Some(Errno::PIPE) => "EPIPE".into(),
        Some(Errno::CONNREFUSED) => "ECONNREFUSED".into(),
        Some(Errno::CONNRESET) => "ECONNRESET".into(),
        Some(Errno::TIMEDOUT) => "ETIMEDOUT".into(),
        Some(Errno::HOSTUNREACH) => "EHOSTUNREACH".into(),
        Some(Errno::NETUNREACH) => "ENETUNREACH".into(),
        Some(Errno::NOTCONN) => "ENOTCONN".into(),
        Some(Errno::PROTO) => "EPROTO".into(),
        Some(Errno::OPNOTSUPP) => "EOPNOTSUPP".into(),
        Some(Errno::NOPROTOOPT) => "ENOPROTOOPT".into(),
        _ => error.to_string(),
    }
}

/// An address as `/proc/net/tcp` shows it: the bytes of the address as one native number.
///
/// Of an IPv6 address, which is four of them, the last stands for it in the probes.
fn shown(hex: &str) -> Option<SocketAddrV4> {
    let (addr, port) = hex.split_once(':')?;
    let addr = addr.get(addr.len().checked_sub(8)?..)?;
    let addr = u32::from_str_radix(addr, 16).ok()?.to_ne_bytes();
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(SocketAddrV4::new(Ipv4Addr::from(addr), port))
}

/// A state as `/proc/net/tcp` shows it.
fn state(hex: &str) -> &'static str {
    match hex {
        "01" => "ESTABLISHED",
        "02" => "SYN-SENT",
        "03" => "SYN-RECEIVED",
        "04" => "FIN-WAIT-1",
        "05" => "FIN-WAIT-2",
        "06" => "TIME-WAIT",
        "08" => "CLOSE-WAIT",
        "09" => "LAST-ACK",
        "0B" => "CLOSING",
        _ => "CLOSED",
    }
}

impl Target for Linux {
    fn listen(&mut self, probe: usize, ends: Ends) {
        let host = self.net.end(ends.host);
        let socket = estab_tests::kernel::socket(host).expect("a socket");
        let any = match self.net {
            Net::V4 => SocketAddr::from((Ipv4Addr::UNSPECIFIED, host.port())),
            Net::V6 => SocketAddr::from((Ipv6Addr::UNSPECIFIED, host.port())),
        };
        socket.bind(&any.into()).expect("a free port");
        socket.listen(16).expect("a listener");
        self.listeners.insert(probe, socket);
    }

    fn connect(&mut self, probe: usize, ends: Ends) {
        let (local, remote) = (self.net.end(ends.host), self.net.end(ends.peer));
        let socket = estab_tests::kernel::socket(remote).expect("a socket");
        socket.bind(&local.into()).expect("a free port");
        // It says that it has begun.
        let _ = socket.connect(&remote.into());
        self.connections.insert(probe, socket.into());
    }

    fn accept(&mut self, probe: usize) -> bool {
        let Ok((socket, _)) = self.listeners[&probe].accept() else {
            return false;
        };
        socket.set_nonblocking(true).expect("a socket");
        self.connections.insert(probe, socket.into()).is_none()
    }

    fn unlisten(&mut self, probe: usize) {
        self.listeners.remove(&probe);
    }

    fn write(&mut self, probe: usize, bytes: &[u8]) -> String {
        let Some(mut stream) = self.connections.get(&probe) else {
            return "EBADF".into();
        };
        let written = stream.write(bytes);
        written.map_or_else(|error| errno(&error), |n| n.to_string())
    }

    fn read(&mut self, probe: usize) -> (Vec<u8>, String) {
        let mut bytes = Vec::new();
        let Some(mut stream) = self.connections.get(&probe) else {
            return (bytes, "EBADF".into());
        };
        let end = loop {
            let mut buf = [0; 4096];
            match stream.read(&mut buf) {
                Ok(0) => break "end".into(),
                Ok(n) => bytes.extend(&buf[..n]),
                Err(error) => break errno(&error),
            }
        };
        (bytes, end)
    }

    fn shutdown(&mut self, probe: usize) -> String {
        let Some(stream) = self.connections.get(&probe) else {
            return "EBADF".into();
        };
        let done = stream.shutdown(Shutdown::Write);
        done.map_or_else(|error| errno(&error), |()| "ok".into())
    }

    fn close(&mut self, probe: usize) {
        self.connections.remove(&probe);
    }

    fn abort(&mut self, probe: usize) {
        if let Some(stream) = self.connections.remove(&probe) {
            let linger = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            linger.expect("a TCP socket");
        }
    }

    fn inject(&mut self, packet: &[u8]) {
        // What is no IP packet at all the device refuses.
        let _ = self.tun.try_send(packet);
    }

    fn settle(&mut self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let tun = &self.tun;
        let reading = async {
            let mut buf = [0; 2048];
            while let Ok(len) = tun.recv(&mut buf).await {
                packets.push(buf[..len].to_vec());
            }
        };
        let _ = self
            .runtime
            .block_on(async { tokio::time::timeout(SETTLE, reading).await });
        packets
    }

    fn states(&mut self, ends: &[Ends]) -> Vec<String> {
        let table = match self.net {
            Net::V4 => "/proc/net/tcp",
            Net::V6 => "/proc/net/tcp6",
        };
        let table = fs::read_to_string(table).expect("the kernel's table");
        let entries: HashMap<_, _> = table
            .lines()
            .filter_map(|line| {
                let mut fields = line.split_whitespace().skip(1);
                let (host, peer) = (shown(fields.next()?)?, shown(fields.next()?)?);
                Some((Ends { host, peer }, state(fields.next()?)))
            })
            .collect();
        let state = |ends| (*entries.get(ends).unwrap_or(&"CLOSED")).to_owned();
        ends.iter().map(state).collect()
    }
}
