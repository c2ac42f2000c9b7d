//! The handle of a stack.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::AddAssign;
use std::sync::Arc;

use estab_proto::config::{StackConfig, TcpConfig};
use estab_proto::{Counts, Stats};

use crate::addr::{ToAddr, ToCidr};
use crate::builder::StackBuilder;
use crate::error::StackGone;
use crate::shard::{Command, Opening, Shard, ShardHandle, Shards, home};
use crate::shared::Handle;
use crate::tcp::{TcpListener, TcpStream};

/// A TCP/IP stack of its own, on a packet device of its own.
///
/// A handle, cheap to clone and to move between tasks and threads; the work is done by the
/// [`Driver`](crate::Driver). The stack lives until the last handle of any kind (this one, streams,
/// listeners) is dropped and the last connection is closed.
///
/// A device with several queues is driven by as many drivers, each with a [shard](ShardHandle) of the
/// connections: [`StackBuilder::build_sharded`], [`StackBuilder::build_threads`]. To the application
/// it is still one stack.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let (client, server) = estab::testing::pair()?;
/// let listener = server.listen("10.0.0.2:80").await?;
/// tokio::spawn(async move {
///     let (mut stream, peer) = listener.accept().await?;
///     stream.write_all(format!("hello {peer}").as_bytes()).await
/// });
///
/// let mut stream = client.connect("10.0.0.2:80").await?;
/// let mut text = String::new();
/// stream.read_to_string(&mut text).await?;
/// assert_eq!(text, format!("hello {}", stream.local_addr()?));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Stack {
    pub(crate) shards: Shards,
}

/// Counters of a stack's device; of several queues, the sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceStats {
    /// Packets handed to the device.
    pub sent: u64,
    /// Of these, packets the device dropped.
    pub dropped: u64,
    /// Packets that the device read and dropped because they made no sense to it.
    pub malformed: u64,
    /// Packets that arrived on one queue and belonged to the shard of another, to which they were
    /// handed over. With a TUN these are few: a flow follows the queue that was last written to.
    pub steered: u64,
    /// Of these, packets dropped because too many waited there already: 512 may.
    pub steer_dropped: u64,
}

impl Stack {
    /// Sets up a stack with the default settings.
    pub fn builder() -> StackBuilder {
        StackBuilder::new(StackConfig::default())
    }

    /// Sets up a stack with settings made elsewhere; the MTU is the device's unless
    /// [`StackBuilder::mtu`] says otherwise.
    pub fn with_config(config: StackConfig) -> StackBuilder {
        StackBuilder::new(config)
    }

    pub(crate) fn new(shards: Shards) -> Self {
        shards[0].hold();
        Self { shards }
    }

    /// The shards, one for each queue of the device, in the order of the queues.
    pub fn shards(&self) -> impl Iterator<Item = ShardHandle> {
        let handle = |index| ShardHandle::new(self.clone(), index);
        (0..self.shards.len()).map(handle)
    }

    /// What connections start with unless told otherwise.
    pub(crate) fn tcp(&self) -> &TcpConfig {
        &self.shards[0].tcp
    }

    /// Opens a connection: [`TcpStream::connect`].
    ///
    /// # Errors
    ///
    /// As of [`TcpStream::connect`].
    pub async fn connect(&self, remote: impl ToAddr) -> io::Result<TcpStream> {
        TcpStream::connect(self, remote).await
    }

    /// Listens for connections: [`TcpListener::bind`].
    ///
    /// # Errors
    ///
    /// As of [`TcpListener::bind`].
    pub async fn listen(&self, addr: impl ToAddr) -> io::Result<TcpListener> {
        TcpListener::bind(self, addr).await
    }

    /// The protocol's counters, with a reason for each drop; of several shards, the sums.
    ///
    /// # Errors
    ///
    /// [`StackGone`] if the driver has ended.
    pub async fn stats(&self) -> io::Result<Stats> {
        let mut sum = Stats::default();
        for shard in &*self.shards {
            sum += shard.ask(Command::Stats).await?;
        }
        Ok(sum)
    }

    /// How many connections, records, timers and bytes the stack holds now; of several shards, the
    /// sums, but a listener counts once.
    ///
    /// # Errors
    ///
    /// [`StackGone`] if the driver has ended.
    pub async fn counts(&self) -> io::Result<Counts> {
        let mut sum = Counts::default();
        let mut listeners = 0;
        for shard in &*self.shards {
            let counts = shard.ask(Command::Counts).await?;
            listeners = counts.listeners.max(listeners);
            sum += counts;
        }
        sum.listeners = listeners;
        Ok(sum)
    }

    /// The device's counters.
    ///
    /// # Errors
    ///
    /// [`StackGone`] if the driver has ended.
    pub async fn device_stats(&self) -> io::Result<DeviceStats> {
        let mut sum = DeviceStats::default();
        for shard in &*self.shards {
            sum += shard.ask(Command::DeviceStats).await?;
        }
        Ok(sum)
    }

    /// Gives the stack one more address.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the address does not parse, [`StackGone`] if
    /// the driver has ended.
    pub async fn add_addr(&self, addr: impl ToCidr) -> io::Result<()> {
        let addr = addr.to_cidr()?;
        for shard in &*self.shards {
            shard.ask(|reply| Command::AddAddr(addr, reply)).await?;
        }
        Ok(())
    }

    /// Takes an address from the stack; returns whether it had it. Connections that use it are not
    /// told: their peers just do not reach them any more.
    ///
    /// # Errors
    ///
    /// [`StackGone`] if the driver has ended.
    pub async fn remove_addr(&self, addr: IpAddr) -> io::Result<bool> {
        let mut had = false;
        for shard in &*self.shards {
            had |= shard.ask(|reply| Command::RemoveAddr(addr, reply)).await?;
        }
        Ok(had)
    }

    /// Shuts the stack down in order and waits until it has ended: listeners close, nothing new
    /// opens, and the driver ends once the last connection is closed and its handle dropped.
    ///
    /// Put a time limit on it with [`tokio::time::timeout`], then [`abort`](Self::abort).
    ///
    /// # Errors
    ///
    /// The device's, wrapped in a [`StackGone`], if it failed; a [`StackGone`] too if a driver
    /// panicked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting, not the shutdown.
    pub async fn shutdown(&self) -> io::Result<()> {
        for shard in &*self.shards {
            shard.bell.post(Command::Shutdown);
        }
        self.closed().await
    }

    /// Ends the stack at once: every peer gets a RST, and every pending call fails.
    /// [`closed`](Self::closed) tells when that is done.
    pub fn abort(&self) {
        for shard in &*self.shards {
            shard.bell.post(Command::Abort);
        }
    }

    /// Waits until the stack has ended, for whatever reason: its devices are gone then.
    ///
    /// # Errors
    ///
    /// The device's, wrapped in a [`StackGone`], if it failed; a [`StackGone`] too if a driver
    /// panicked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does nothing else.
    pub async fn closed(&self) -> io::Result<()> {
        let gone: StackGone = self.shards[0].life.ended().await;
        gone.outcome()
    }

    /// Starts an active open and waits for its outcome.
    pub(crate) async fn open(
        &self,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        config: Option<Box<TcpConfig>>,
    ) -> io::Result<TcpStream> {
        let command = |reply| {
            Command::Connect(Opening {
                remote,
                local,
                config,
                refused: 0,
                reply,
            })
        };
        let handle: Handle = self.shard().ask(command).await??;
        handle.connected().await.map(TcpStream::new)
    }

    /// The shard that is to open a connection: that of the current thread, if it is one's, so that the
    /// connection stays there; else one after the other.
    fn shard(&self) -> &Shard {
        let life = &self.shards[0].life;
        let index = match self.shards.len() {
            1 => 0,
            n => home(life).unwrap_or_else(|| life.choose(n)),
        };
        &self.shards[index]
    }
}

impl AddAssign for DeviceStats {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.dropped += other.dropped;
        self.malformed += other.malformed;
        self.steered += other.steered;
        self.steer_dropped += other.steer_dropped;
    }
}

impl Clone for Stack {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shards))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.shards[0].let_go();
    }
}
