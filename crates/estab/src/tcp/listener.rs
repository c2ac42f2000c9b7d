//! A listener that hands out connections.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use estab_proto::ListenConfig;
use futures::Stream;

use super::TcpStream;
use super::extra::valid_ttl;
use crate::addr::ToAddr;
use crate::shard::Shards;
use crate::shared::accept::ListenHandle;
use crate::shared::{Conn, Handle};
use crate::stack::Stack;

/// A listener for connections, which come with their handshake complete.
///
/// Handshakes are the stack's work, whether somebody accepts or not: up to the backlog they
/// complete and wait; beyond it peers are kept in the handshake, with SYN cookies if need be.
/// Dropping the listener resets what was never accepted.
///
/// To decide about an attempt *before* the handshake, use
/// [`IncomingListener`](super::IncomingListener).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use estab::TcpListener;
/// use tokio::io::AsyncWriteExt;
///
/// # let (client, stack) = estab::testing::pair()?;
/// let listener = TcpListener::bind(&stack, "10.0.0.2:7").await?;
/// # tokio::spawn(async move { client.connect("10.0.0.2:7").await });
/// let (mut stream, peer) = listener.accept().await?;
/// stream.write_all(format!("hello {peer}").as_bytes()).await?;
/// # Ok(())
/// # }
/// ```
pub struct TcpListener {
    listening: ListenHandle<Arc<Conn>>,
}

impl TcpListener {
    /// Listens on one port, of one address or, if it is unspecified (`0.0.0.0`, `::`), of any
    /// address of either family. Port 0 picks a free one. The backlog is 1024.
    ///
    /// # Errors
    ///
    /// `AddrInUse` if the port is taken, `AddrNotAvailable` if the address is not the stack's,
    /// `NetworkDown` if the stack has ended.
    pub async fn bind(stack: &Stack, addr: impl ToAddr) -> io::Result<Self> {
        Self::bind_with(stack, config(addr.to_addr()?)).await
    }

    /// Listens on every port of every address: for transparent proxies and VPN apps. The stream's
    /// [`local_addr`](TcpStream::local_addr) is the original destination. Listeners on a port come
    /// first.
    ///
    /// Addresses that are not the stack's own reach it with
    /// [`any_ip`](crate::StackBuilder::any_ip).
    ///
    /// # Errors
    ///
    /// As of [`bind`](Self::bind).
    pub async fn bind_any(stack: &Stack) -> io::Result<Self> {
        Self::bind_with(
            stack,
            ListenConfig {
                port: None,
                ..ListenConfig::default()
            },
        )
        .await
    }

    /// Listens as `config` says, with a backlog and TCP settings of its own;
    /// [`deferred`](ListenConfig::deferred) is ignored. Of several shards, each has the whole
    /// backlog.
    ///
    /// # Errors
    ///
    /// As of [`bind`](Self::bind).
    pub async fn bind_with(stack: &Stack, config: ListenConfig) -> io::Result<Self> {
        Self::open(Arc::clone(&stack.shards), &mut { config }).await
    }

    async fn open(shards: Shards, config: &mut ListenConfig) -> io::Result<Self> {
        config.deferred = false;
        let listening = ListenHandle::open(shards, config).await?;
        Ok(Self { listening })
    }

    /// Listens as [`bind`](Self::bind) does, with a listener for each [shard](Stack::shards) that
    /// hands out the connections of this shard only: for servers that handle a connection on the
    /// thread that drives it. The listeners are in the order of the shards. Dropping one leaves the
    /// others, and whoever the flow hash sends its way is refused.
    ///
    /// # Errors
    ///
    /// As of [`bind`](Self::bind).
    pub async fn bind_each(stack: &Stack, addr: impl ToAddr) -> io::Result<Vec<Self>> {
        let mut config = config(addr.to_addr()?);
        let mut listeners = Vec::new();
        for shard in &*stack.shards {
            listeners.push(Self::open(Arc::from([Arc::clone(shard)]), &mut config).await?);
        }
        Ok(listeners)
    }

    /// Takes the next connection, with the peer's endpoint; waits until there is one. Any number of
    /// tasks may wait.
    ///
    /// # Errors
    ///
    /// `NetworkDown` if the stack has ended. Failed handshakes are not reported.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no connection.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        Ok(accepted(self.listening.acceptor.next().await?))
    }

    /// Polls for [`accept`](Self::accept). Only the task of the last call is woken.
    ///
    /// # Errors
    ///
    /// As of [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let conn = self.listening.acceptor.poll_next(cx);
        conn.map_ok(accepted).map_err(io::Error::from)
    }

    /// The connections as a stream, which never ends but fails for good when the stack has ended.
    ///
    /// ```
    /// use futures::stream::{StreamExt, TryStreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (client, stack) = estab::testing::pair()?;
    /// let listener = stack.listen("10.0.0.2:7").await?;
    /// # tokio::spawn(async move { client.connect("10.0.0.2:7").await });
    /// let first: Vec<_> = listener.incoming().take(1).try_collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn incoming(&self) -> Connections<'_> {
        Connections { listener: self }
    }

    /// Where the listener listens, with the port that was picked; `0.0.0.0` stands for any address
    /// and port 0 for any port.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.listening.acceptor.addr())
    }

    /// Time to live of the connections that are accepted.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn ttl(&self) -> io::Result<u32> {
        let acceptor = &self.listening.acceptor;
        Ok(u32::from(acceptor.ttl().unwrap_or(acceptor.config.ttl)))
    }

    /// Sets the time to live of connections accepted from now on.
    ///
    /// # Errors
    ///
    /// `InvalidInput` unless it is 1 to 255.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.listening
            .acceptor
            .ttl
            .store(valid_ttl(ttl)?, Ordering::Relaxed);
        Ok(())
    }
}

/// What a listener on `addr` is asked for.
pub(super) fn config(addr: SocketAddr) -> ListenConfig {
    ListenConfig {
        addr: Some(addr.ip()),
        port: Some(addr.port()),
        ..ListenConfig::default()
    }
}

fn accepted(conn: Arc<Conn>) -> (TcpStream, SocketAddr) {
    let peer = conn.tuple.remote;
    (TcpStream::new(Handle::new(conn)), peer)
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener")
            .field("addr", &self.listening.acceptor.addr())
            .finish()
    }
}

/// The connections of a listener, from [`TcpListener::incoming`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Connections<'a> {
    listener: &'a TcpListener,
}

impl Stream for Connections<'_> {
    type Item = io::Result<TcpStream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.listener
            .poll_accept(cx)
            .map(|accepted| Some(accepted.map(|(stream, _)| stream)))
    }
}
