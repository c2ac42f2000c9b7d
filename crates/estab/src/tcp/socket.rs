//! A connection or listener that is still being set up.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use estab_proto::ListenConfig;
use estab_proto::config::{BufferConfig, TcpConfig};
use estab_timer::KeepaliveConfig;

use super::extra::valid_tos;
use super::{TcpListener, TcpStream};
use crate::stack::Stack;
use crate::sync::{Mutex, lock};

/// A socket that is neither connected nor listening yet: to choose the local endpoint and options
/// first.
///
/// Only options that mean something to this stack are here; `SO_REUSEADDR` is not, as connections in
/// TIME-WAIT never keep a port from being listened on.
///
/// ```
/// use estab::TcpSocket;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let (stack, peer) = estab::testing::pair()?;
/// # let listener = peer.listen("10.0.0.2:80").await?;
/// let socket = TcpSocket::new_v4(&stack)?;
/// socket.bind("10.0.0.1:5000".parse().unwrap())?;
/// socket.set_nodelay(true)?;
/// let stream = socket.connect("10.0.0.2:80".parse().unwrap()).await?;
/// assert_eq!(stream.local_addr()?.port(), 5000);
/// # Ok(())
/// # }
/// ```
pub struct TcpSocket {
    stack: Stack,
    is_v6: bool,
    settings: Mutex<Settings>,
}

struct Settings {
    local: Option<SocketAddr>,
    tcp: TcpConfig,
}

impl TcpSocket {
    /// An IPv4 socket, with the stack's settings.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn new_v4(stack: &Stack) -> io::Result<Self> {
        Ok(Self::new(stack, false))
    }

    /// An IPv6 socket, with the stack's settings.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn new_v6(stack: &Stack) -> io::Result<Self> {
        Ok(Self::new(stack, true))
    }

    fn new(stack: &Stack, is_v6: bool) -> Self {
        let tcp = stack.tcp().clone();
        Self {
            stack: stack.clone(),
            is_v6,
            settings: Mutex::new(Settings { local: None, tcp }),
        }
    }

    /// Replaces all settings at once, for those that have no method of their own.
    pub fn set_config(&self, config: TcpConfig) {
        self.set(|tcp| *tcp = config);
    }

    /// Names the local endpoint; an unspecified address or port 0 leaves that part open.
    ///
    /// Whether the address is the stack's and the port free is found out by
    /// [`connect`](Self::connect) and [`listen`](Self::listen).
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an address of the other family, or if the socket is bound already.
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.check_family(addr)?;
        let mut settings = lock(&self.settings);
        if settings.local.is_some() {
            return Err(invalid("the socket is bound already"));
        }
        settings.local = Some(addr);
        Ok(())
    }

    /// The local endpoint as it was named: unspecified if it was not.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(lock(&self.settings)
            .local
            .unwrap_or_else(|| self.unspecified()))
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// As of [`TcpStream::connect`]; `InvalidInput` for an address of the other family;
    /// `AddrNotAvailable` if the local address is not the stack's, `AddrInUse` if both endpoints
    /// together are taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the attempt.
    pub async fn connect(self, addr: SocketAddr) -> io::Result<TcpStream> {
        self.check_family(addr)?;
        let Settings { local, tcp } = self
            .settings
            .into_inner()
            .unwrap_or_else(|e| e.into_inner());
        self.stack.open(addr, local, Some(Box::new(tcp))).await
    }

    /// Listens, with room for `backlog` connections that wait to be accepted. Unlike tokio's it is
    /// `async`, as the driver answers.
    ///
    /// # Errors
    ///
    /// As of [`TcpListener::bind`].
    pub async fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        let addr = self.local_addr()?;
        let tcp = self.get(TcpConfig::clone);
        let config = ListenConfig {
            addr: Some(addr.ip()),
            port: Some(addr.port()),
            backlog: backlog as usize,
            deferred: false,
            tcp: Some(tcp),
        };
        TcpListener::bind_with(&self.stack, config).await
    }

    /// Whether Nagle's algorithm is off.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn nodelay(&self) -> io::Result<bool> {
        Ok(self.get(|tcp| tcp.nodelay))
    }

    /// Switches Nagle's algorithm off or on.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.set(|tcp| tcp.nodelay = nodelay);
        Ok(())
    }

    /// Whether an idle peer is probed.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn keepalive(&self) -> io::Result<bool> {
        Ok(self.get(|tcp| tcp.keepalive.is_some()))
    }

    /// Switches keepalive on, after two hours of silence, or off. For other times see
    /// [`TcpStream::set_keepalive`].
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn set_keepalive(&self, keepalive: bool) -> io::Result<()> {
        self.set(|tcp| tcp.keepalive = keepalive.then(KeepaliveConfig::default));
        Ok(())
    }

    /// What becomes of unsent bytes when the stream is dropped: see [`TcpStream::set_linger`].
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(self.get(|tcp| tcp.linger))
    }

    /// Sets what becomes of unsent bytes when the stream is dropped: see
    /// [`TcpStream::set_linger`].
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.set(|tcp| tcp.linger = linger);
        Ok(())
    }

    /// Makes dropping the stream reset the connection: `set_linger(Some(Duration::ZERO))`.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// The largest size of the send buffer in bytes.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        Ok(self.get(|tcp| tcp.send_buffer.max))
    }

    /// Fixes the size of the send buffer in bytes. Unlike Linux it is not doubled; as there, this
    /// switches its growth off.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
        self.set(|tcp| tcp.send_buffer = fixed(size));
        Ok(())
    }

    /// The largest size of the receive buffer in bytes.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        Ok(self.get(|tcp| tcp.recv_buffer.max))
    }

    /// Fixes the size of the receive buffer, and so of the window, in bytes. Unlike Linux it is not
    /// doubled; as there, this switches its growth off.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
        self.set(|tcp| tcp.recv_buffer = fixed(size));
        Ok(())
    }

    /// The Diffserv field, as in the header.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn tos(&self) -> io::Result<u32> {
        Ok(self.get(|tcp| u32::from(tcp.tos)))
    }

    /// Sets the Diffserv field; its low two bits belong to ECN and are ignored.
    ///
    /// # Errors
    ///
    /// `InvalidInput` above 255.
    pub fn set_tos(&self, tos: u32) -> io::Result<()> {
        let tos = valid_tos(tos)?;
        self.set(|tcp| tcp.tos = tos);
        Ok(())
    }

    fn get<T>(&self, get: impl FnOnce(&TcpConfig) -> T) -> T {
        get(&lock(&self.settings).tcp)
    }

    fn set(&self, set: impl FnOnce(&mut TcpConfig)) {
        set(&mut lock(&self.settings).tcp);
    }

    fn unspecified(&self) -> SocketAddr {
        let any: IpAddr = match self.is_v6 {
            true => Ipv6Addr::UNSPECIFIED.into(),
            false => Ipv4Addr::UNSPECIFIED.into(),
        };
        SocketAddr::new(any, 0)
    }

    fn check_family(&self, addr: SocketAddr) -> io::Result<()> {
        if addr.is_ipv6() == self.is_v6 {
            return Ok(());
        }
        Err(invalid("the address is not of the socket's family"))
    }
}

fn fixed(size: u32) -> BufferConfig {
    BufferConfig {
        initial: size,
        max: size,
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

impl fmt::Debug for TcpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpSocket")
            .field("addr", &lock(&self.settings).local)
            .finish()
    }
}
