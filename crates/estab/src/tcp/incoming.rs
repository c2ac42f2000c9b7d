//! Connection attempts, judged before the handshake.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use estab_proto::ListenConfig;
use estab_proto::config::TcpConfig;
use futures::Stream;

use super::TcpStream;
use super::listener::config;
use crate::addr::ToAddr;
use crate::shard::{Command, Shard};
use crate::shared::accept::{Attempt, ListenHandle};
use crate::stack::Stack;

/// A listener that hands out connection attempts before they are answered, so that the application
/// can first look at the destination, ask a policy, or see whether it can reach an upstream.
///
/// Until an attempt is judged the peer gets no answer, and repeats its SYN after one second and ever
/// more rarely. An attempt that nobody has judged a minute after its last SYN is forgotten. Dropping
/// the listener refuses what was never taken.
///
/// A transparent proxy that opens a connection only once its own is open:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use estab::IncomingListener;
///
/// # use estab::{Stack, device::Link};
/// # let (left, right) = Link::pair();
/// # let client = Stack::builder().addr("10.0.0.1/24").build(left)?;
/// # let stack = Stack::builder().any_ip(true).build(right)?;
/// # tokio::spawn(async move {
/// #     let _stream = client.connect("192.0.2.7:443").await;
/// #     client.connect("192.0.2.7:25").await
/// # });
/// let listener = IncomingListener::bind_any(&stack).await?;
/// let attempt = listener.next().await?;
/// assert_eq!(attempt.local_addr(), "192.0.2.7:443".parse().unwrap());
/// let stream = attempt.accept().await?;
///
/// let attempt = listener.next().await?;
/// if attempt.local_addr().port() == 25 {
///     attempt.refuse();
/// }
/// # Ok(())
/// # }
/// ```
pub struct IncomingListener {
    listening: ListenHandle<Attempt>,
}

impl IncomingListener {
    /// Listens on one port, as [`TcpListener::bind`](super::TcpListener::bind) does.
    ///
    /// # Errors
    ///
    /// As of [`TcpListener::bind`](super::TcpListener::bind).
    pub async fn bind(stack: &Stack, addr: impl ToAddr) -> io::Result<Self> {
        Self::bind_with(stack, config(addr.to_addr()?)).await
    }

    /// Listens on every port of every address, as
    /// [`TcpListener::bind_any`](super::TcpListener::bind_any) does.
    ///
    /// # Errors
    ///
    /// As of [`TcpListener::bind`](super::TcpListener::bind).
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

    /// Listens as `config` says; [`deferred`](ListenConfig::deferred) is taken as set. The backlog
    /// is how many attempts may wait to be judged; SYNs beyond it are dropped and counted.
    ///
    /// # Errors
    ///
    /// As of [`TcpListener::bind`](super::TcpListener::bind).
    pub async fn bind_with(stack: &Stack, config: ListenConfig) -> io::Result<Self> {
        let mut config = ListenConfig {
            deferred: true,
            ..config
        };
        let listening = ListenHandle::open(Arc::clone(&stack.shards), &mut config).await?;
        Ok(Self { listening })
    }

    /// Takes the next attempt; waits until there is one. Any number of tasks may wait.
    ///
    /// # Errors
    ///
    /// `NetworkDown` if the stack has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no attempt.
    pub async fn next(&self) -> io::Result<Incoming> {
        let attempt = self.listening.acceptor.next().await?;
        Ok(self.incoming(attempt))
    }

    /// Polls for [`next`](Self::next). Only the task of the last call is woken.
    ///
    /// # Errors
    ///
    /// As of [`next`](Self::next).
    pub fn poll_next_attempt(&self, cx: &mut Context<'_>) -> Poll<io::Result<Incoming>> {
        let attempt = self.listening.acceptor.poll_next(cx);
        attempt
            .map_ok(|attempt| self.incoming(attempt))
            .map_err(io::Error::from)
    }

    /// Where the listener listens; `0.0.0.0` stands for any address and port 0 for any port.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.listening.acceptor.addr())
    }

    fn incoming(&self, attempt: Attempt) -> Incoming {
        let acceptor = &self.listening.acceptor;
        let shard = Arc::clone(&acceptor.shards[attempt.shard]);
        shard.hold();
        Incoming {
            attempt,
            shard,
            config: Arc::clone(&acceptor.config),
            judged: false,
        }
    }
}

/// The attempts as a stream, which never ends but fails for good when the stack has ended.
impl Stream for IncomingListener {
    type Item = io::Result<Incoming>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_next_attempt(cx).map(Some)
    }
}

impl fmt::Debug for IncomingListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingListener")
            .field("addr", &self.listening.acceptor.addr())
            .finish()
    }
}

/// A connection attempt that was not answered yet, from [`IncomingListener::next`].
///
/// Dropping it refuses the attempt, so that the peer is not left waiting.
#[must_use = "dropping an attempt refuses it"]
pub struct Incoming {
    attempt: Attempt,
    shard: Arc<Shard>,
    config: Arc<TcpConfig>,
    judged: bool,
}

impl Incoming {
    /// The original destination.
    pub fn local_addr(&self) -> SocketAddr {
        self.attempt.tuple.local
    }

    /// Who wants to connect.
    pub fn peer_addr(&self) -> SocketAddr {
        self.attempt.tuple.remote
    }

    /// Answers the attempt and waits until the handshake is complete.
    ///
    /// # Errors
    ///
    /// `ConnectionAborted` if the peer gave up before, `ConnectionReset` or `TimedOut` if it did
    /// during the handshake; `NetworkDown` if the stack has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future resets the attempt.
    pub async fn accept(mut self) -> io::Result<TcpStream> {
        let Attempt { id, tuple, .. } = self.attempt;
        let config = Arc::clone(&self.config);
        let accept = self.shard.ask(|reply| {
            self.judged = true;
            Command::Accept {
                id,
                tuple,
                config,
                reply,
            }
        });
        accept.await??.connected().await.map(TcpStream::new)
    }

    /// Refuses the attempt with a RST: the peer sees a closed port.
    pub fn refuse(mut self) {
        self.judge(Command::Refuse(self.attempt.id));
    }

    /// Does not answer: the peer sees nothing. If it sends its SYN again, that is a new attempt.
    pub fn ignore(mut self) {
        self.judge(Command::Ignore(self.attempt.id));
    }

    fn judge(&mut self, command: Command) {
        self.judged = true;
        self.shard.bell.post(command);
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.judged {
            self.judge(Command::Refuse(self.attempt.id));
        }
        self.shard.let_go();
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("local_addr", &self.local_addr())
            .field("peer_addr", &self.peer_addr())
            .finish()
    }
}
