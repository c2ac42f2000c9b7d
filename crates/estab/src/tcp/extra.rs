//! The options of a stream, and what tokio's has not.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use estab_proto::{Info, SoftError};
use estab_timer::{KeepaliveConfig, UserTimeout};

use super::TcpStream;
use crate::shard::Command;
use crate::shared::wakers::Waiter;
use crate::sync::lock;

impl TcpStream {
    /// Whether Nagle's algorithm is off.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn nodelay(&self) -> io::Result<bool> {
        Ok(self.handle.conn.options().nodelay)
    }

    /// Switches Nagle's algorithm off, so that small writes go out at once, or on (RFC 9293
    /// MUST-17). Like every option it takes effect at the driver's next turn.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, _peer) = estab::testing::streams().await?;
    /// stream.set_nodelay(true)?;
    /// assert!(stream.nodelay()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.handle
            .conn
            .set_option(|options| options.nodelay = nodelay);
        Ok(())
    }

    /// The most to send at, in bytes per second; `None`: no bound.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` like the other options.
    pub fn max_pacing_rate(&self) -> io::Result<Option<u64>> {
        Ok(self.handle.conn.options().max_pacing_rate)
    }

    /// Sets the most to send at, in bytes per second, where sending is paced, as CUBIC and BBR have it
    /// by default; like Linux's `SO_MAX_PACING_RATE`. 0 counts as 1.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, _peer) = estab::testing::streams().await?;
    /// stream.set_max_pacing_rate(Some(1_000_000))?;
    /// assert_eq!(stream.max_pacing_rate()?, Some(1_000_000));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None: it is a `Result` like the other options.
    pub fn set_max_pacing_rate(&self, rate: Option<u64>) -> io::Result<()> {
        self.handle
            .conn
            .set_option(|options| options.max_pacing_rate = rate);
        Ok(())
    }

    /// Whether only full segments go.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` like the other options.
    pub fn cork(&self) -> io::Result<bool> {
        Ok(self.handle.conn.options().cork)
    }

    /// Holds back what does not fill a segment until the cork is pulled, so that a header and the
    /// file behind it share segments; like Linux's `TCP_CORK`. Held bytes leave after about 200 ms at
    /// the latest, when the stream is shut down, and when Nagle's algorithm is switched off.
    ///
    /// ```
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (mut stream, mut peer) = estab::testing::streams().await?;
    /// stream.set_cork(true)?;
    /// stream.write_all(b"200 OK\r\n\r\n").await?;
    /// stream.write_all(b"hello").await?;
    /// stream.set_cork(false)?;
    /// let mut answer = [0; 15];
    /// peer.read_exact(&mut answer).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None: it is a `Result` like the other options.
    pub fn set_cork(&self, cork: bool) -> io::Result<()> {
        self.handle.conn.set_option(|options| options.cork = cork);
        Ok(())
    }

    /// Whether acknowledgements were last asked to be quick; `true` at first.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn quickack(&self) -> io::Result<bool> {
        Ok(self.handle.conn.options().quick_ack)
    }

    /// `true` acknowledges at once what waits for it and the next segments; `false` delays
    /// acknowledgements again (RFC 9293 §3.8.6.3). As with Linux's `TCP_QUICKACK` it is no lasting
    /// mode: the traffic goes on deciding.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, _peer) = estab::testing::streams().await?;
    /// stream.set_quickack(true)?;
    /// assert!(stream.quickack()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        self.handle.conn.set_option(|options| {
            options.quick_ack = quickack;
            options.is_quick_ack_due = true;
        });
        Ok(())
    }

    /// What becomes of unsent bytes when the stream is dropped.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(self.handle.conn.options().linger)
    }

    /// Sets what becomes of unsent bytes when the stream is dropped. `None`, the default: they are
    /// delivered. `Some(Duration::ZERO)`: the connection is reset at once. `Some(t)`: it is reset if
    /// not everything is acknowledged after `t`. Dropping never waits, whatever is set.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.handle
            .conn
            .set_option(|options| options.linger = linger);
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

    /// Time to live, or hop limit, of the connection's packets.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn ttl(&self) -> io::Result<u32> {
        Ok(u32::from(self.handle.conn.options().ttl))
    }

    /// Sets the time to live, or hop limit (RFC 9293 MUST-49).
    ///
    /// # Errors
    ///
    /// `InvalidInput` unless it is 1 to 255.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        let ttl = valid_ttl(ttl)?;
        self.handle.conn.set_option(|options| options.ttl = ttl);
        Ok(())
    }

    /// The Diffserv field of the connection's packets, as in the header.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` like the other options.
    pub fn tos(&self) -> io::Result<u32> {
        Ok(u32::from(self.handle.conn.options().tos))
    }

    /// Sets the Diffserv field (RFC 9293 MUST-48); its low two bits belong to ECN and are ignored.
    ///
    /// # Errors
    ///
    /// `InvalidInput` above 255.
    pub fn set_tos(&self, tos: u32) -> io::Result<()> {
        let tos = valid_tos(tos)?;
        self.handle.conn.set_option(|options| options.tos = tos);
        Ok(())
    }

    /// How an idle peer is probed; `None`: not at all, the default (RFC 9293 MUST-25).
    ///
    /// # Errors
    ///
    /// None: it is a `Result` like the other options.
    pub fn keepalive(&self) -> io::Result<Option<KeepaliveConfig>> {
        Ok(self.handle.conn.options().keepalive)
    }

    /// Sets whether and how an idle peer is probed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use estab::config::KeepaliveConfig;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, _peer) = estab::testing::streams().await?;
    /// let every_minute = KeepaliveConfig { idle: Duration::from_secs(60), ..Default::default() };
    /// stream.set_keepalive(Some(every_minute))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None: it is a `Result` like the other options.
    pub fn set_keepalive(&self, keepalive: Option<KeepaliveConfig>) -> io::Result<()> {
        self.handle
            .conn
            .set_option(|options| options.keepalive = keepalive);
        Ok(())
    }

    /// How long something may stay unacknowledged before the connection fails.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` like the other options.
    pub fn user_timeout(&self) -> io::Result<UserTimeout> {
        Ok(self.handle.conn.options().user_timeout)
    }

    /// Sets how long something may stay unacknowledged before the connection fails with `TimedOut`
    /// (RFC 9293 MUST-21).
    ///
    /// # Errors
    ///
    /// None: it is a `Result` like the other options.
    pub fn set_user_timeout(&self, timeout: UserTimeout) -> io::Result<()> {
        self.handle
            .conn
            .set_option(|options| options.user_timeout = timeout);
        Ok(())
    }

    /// Resets the connection at once: the peer gets a RST, what was written is dropped, and reads
    /// and writes fail with `ConnectionAborted` (RFC 9293 §3.10.5).
    ///
    /// ```
    /// use std::io::ErrorKind;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, peer) = estab::testing::streams().await?;
    /// stream.abort();
    /// let error = peer.peek(&mut [0]).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    /// # Ok(())
    /// # }
    /// ```
    pub fn abort(&self) {
        self.handle.abort();
    }

    /// A snapshot of the connection, like Linux's `TCP_INFO`: state, round-trip time, congestion
    /// window, counters (RFC 9293 §3.10.6, STATUS). The driver takes it after what was asked before.
    ///
    /// ```
    /// use estab::State;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, _peer) = estab::testing::streams().await?;
    /// let info = stream.info().await?;
    /// assert_eq!(info.state, State::Established);
    /// assert_eq!(info.advertised_mss, 1460);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `NetworkDown` if the stack has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does nothing else.
    pub async fn info(&self) -> io::Result<Info> {
        let conn = &self.handle.conn;
        let info = conn
            .shard
            .ask(|reply| Command::Info(conn.id, reply))
            .await?;
        let mut info = info.ok_or(io::ErrorKind::NotConnected)?;
        // The queues between this handle and the driver are part of the buffers.
        info.readable += lock(&conn.rx).queued();
        info.unsent += lock(&conn.tx).queued();
        Ok(info)
    }

    /// The last trouble that did not end the connection, such as an unreachable network on the way,
    /// once (RFC 9293 MUST-47).
    pub fn take_soft_error(&self) -> Option<SoftError> {
        lock(&self.handle.conn.rx).soft_error.take()
    }

    /// Reads the next bytes without copying them, `max` at most; waits until there are any. `None`
    /// is the end of the stream.
    ///
    /// A chunk may pin a buffer larger than itself: keep it briefly or copy it.
    ///
    /// ```
    /// use tokio::io::AsyncWriteExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, mut peer) = estab::testing::streams().await?;
    /// peer.write_all(b"hello").await?;
    /// drop(peer);
    /// while let Some(chunk) = stream.read_chunk(usize::MAX).await? {
    ///     assert_eq!(&chunk[..], b"hello");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Why the connection ended, once what was received is read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing.
    pub async fn read_chunk(&self, max: usize) -> io::Result<Option<Bytes>> {
        self.handle.read_chunk(max).await
    }

    /// Writes the start of `chunk` without copying it, as much as there is room for, and advances
    /// `chunk` past it; waits until there is any room. Returns how much was taken.
    ///
    /// ```
    /// use bytes::Bytes;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, peer) = estab::testing::streams().await?;
    /// # tokio::spawn(async move { while peer.read_chunk(usize::MAX).await?.is_some() {} std::io::Result::Ok(()) });
    /// let mut file = Bytes::from(vec![7; 1_000_000]);
    /// while !file.is_empty() {
    ///     stream.write_chunk(&mut file).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `BrokenPipe` after [`shutdown`](tokio::io::AsyncWrite::poll_shutdown); why the connection ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing; what was taken is gone from `chunk`.
    pub async fn write_chunk(&self, chunk: &mut Bytes) -> io::Result<usize> {
        self.handle.write_chunk(chunk).await
    }

    /// Polls for [`read_chunk`](Self::read_chunk). Only the task of the last call is woken.
    ///
    /// # Errors
    ///
    /// As of [`read_chunk`](Self::read_chunk).
    pub fn poll_read_chunk(
        &self,
        cx: &mut Context<'_>,
        max: usize,
    ) -> Poll<io::Result<Option<Bytes>>> {
        self.handle.poll_read_chunk(cx, max)
    }

    /// Polls for [`write_chunk`](Self::write_chunk). Only the task of the last call is woken.
    ///
    /// # Errors
    ///
    /// As of [`write_chunk`](Self::write_chunk).
    pub fn poll_write_chunk(
        &self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<io::Result<usize>> {
        self.handle.poll_write_chunk(cx, chunk)
    }

    /// Sends bytes with the urgent mark after the last one (RFC 9293 §3.8.5), behind what was
    /// written; returns how many there was room for. For old protocols only: RFC 6093 §5 advises
    /// against it.
    ///
    /// # Errors
    ///
    /// As of [`try_write`](Self::try_write).
    ///
    /// # Cancel safety
    ///
    /// The bytes may or may not be sent if the future is dropped.
    pub async fn send_urgent(&self, bytes: &[u8]) -> io::Result<usize> {
        let conn = &self.handle.conn;
        let bytes = bytes.to_vec();
        conn.shard
            .ask(|reply| Command::SendUrgent(conn.id, bytes, reply))
            .await?
    }

    /// Waits until the peer marks bytes as urgent or moves the mark; returns how many bytes there
    /// are before it, or `None` if it was passed already (RFC 9293 MUST-32, MUST-33). The bytes
    /// themselves are read with the others (RFC 6093 §6).
    ///
    /// # Errors
    ///
    /// `NetworkDown` if the stack has ended.
    ///
    /// # Cancel safety
    ///
    /// A mark that came while the future waited may be lost if it is dropped.
    pub async fn urgent(&self) -> io::Result<Option<u64>> {
        let conn = &self.handle.conn;
        let marked = |rx: &mut crate::shared::rx::Rx| {
            (std::mem::take(&mut rx.urgent) || rx.is_ended()).then_some(())
        };
        Waiter::new(&conn.rx).until(marked).await;
        conn.shard
            .ask(|reply| Command::Urgent(conn.id, reply))
            .await
    }
}

/// A time to live as it fits into the header.
pub(super) fn valid_ttl(ttl: u32) -> io::Result<u8> {
    u8::try_from(ttl)
        .ok()
        .filter(|&ttl| ttl > 0)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a time to live is 1 to 255"))
}

/// A Diffserv field as it fits into the header.
pub(super) fn valid_tos(tos: u32) -> io::Result<u8> {
    u8::try_from(tos)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a Diffserv field is 0 to 255"))
}
