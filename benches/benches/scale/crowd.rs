//! Connections of the async side: opened by the hundred, then held.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use estab::device::Link;
use estab::{Stack, TcpListener, TcpStream};
use estab_proto::ListenConfig;
use futures::{StreamExt, TryStreamExt, stream};

use crate::polls::{Counted, Polls};

/// Opens under way at the same time.
pub(crate) const AT_ONCE: usize = 256;

/// Connections to one remote address.
const PER_ADDRESS: usize = 50_000;

/// Two stacks on the ends of a link, and what each holds of the connections between them.
pub(crate) struct Crowd {
    pub(crate) stacks: [Stack; 2],
    pub(crate) polls: [Polls; 2],
    pub(crate) clients: Vec<TcpStream>,
    pub(crate) servers: Servers,
    ipv6: bool,
}

/// The streams a listener gave so far.
pub(crate) type Servers = Arc<Mutex<Vec<TcpStream>>>;

/// Takes every connection in and holds it.
pub(crate) fn hold_all(listener: TcpListener, count: usize) -> Servers {
    let servers = Servers::new(Mutex::new(Vec::with_capacity(count)));
    let held = Arc::clone(&servers);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            held.lock().expect("nobody panics").push(stream);
        }
    });
    servers
}

/// A listener on any address.
pub(crate) async fn listen(stack: &Stack) -> io::Result<TcpListener> {
    let everywhere = ListenConfig {
        port: Some(80),
        backlog: 1 << 20,
        ..ListenConfig::default()
    };
    TcpListener::bind_with(stack, everywhere).await
}

fn address(ipv6: bool, nth: usize) -> IpAddr {
    if ipv6 {
        Ipv6Addr::from_bits((0xfd00_u128 << 112) + nth as u128 + 1).into()
    } else {
        Ipv4Addr::from_bits(0x0a00_0001 + nth as u32).into()
    }
}

impl Crowd {
    /// Two stacks with `count` connections, in the tasks of this runtime.
    pub(crate) async fn open(count: usize, ipv6: bool) -> io::Result<Self> {
        let (left, right) = Link::pair();
        let polls = [Polls::default(), Polls::default()];
        let prefix = if ipv6 { 64 } else { 8 };
        let build = |nth| {
            Stack::builder()
                .addr((address(ipv6, nth), prefix))
                .any_ip(nth > 0)
        };
        let (client, driver) = build(0).build_with_driver(left)?;
        tokio::spawn(Counted::new(driver, &polls[0]));
        let (server, driver) = build(1).build_with_driver(right)?;
        tokio::spawn(Counted::new(driver, &polls[1]));
        let servers = hold_all(listen(&server).await?, count);
        let mut clients = Vec::with_capacity(count);
        let mut opened = stream::iter(0..count)
            .map(|nth| {
                let remote = address(ipv6, 1 + nth / PER_ADDRESS);
                client.connect(SocketAddr::new(remote, 80))
            })
            .buffer_unordered(AT_ONCE);
        while let Some(stream) = opened.try_next().await? {
            clients.push(stream);
        }
        drop(opened);
        while servers.lock().expect("nobody panics").len() < count {
            tokio::task::yield_now().await;
        }
        Ok(Self {
            stacks: [client, server],
            polls,
            clients,
            servers,
            ipv6,
        })
    }

    pub(crate) fn family(&self) -> &'static str {
        if self.ipv6 { "IPv6" } else { "IPv4" }
    }

    /// Connections that are dormant, of both stacks.
    pub(crate) async fn dormant(&self) -> io::Result<usize> {
        let [client, server] = &self.stacks;
        Ok(client.counts().await?.dormant + server.counts().await?.dormant)
    }

    /// How often both drivers were woken.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.iter().map(Polls::count).sum()
    }
}
