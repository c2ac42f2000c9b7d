//! A connection.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};

use super::{Lender, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf, split, split_owned};
use crate::addr::ToAddr;
use crate::shared::Handle;
use crate::stack::Stack;

/// A TCP connection between one of the stack's addresses and a peer.
///
/// Reading and writing go through [`AsyncRead`] and [`AsyncWrite`], usually by way of
/// `AsyncReadExt` and `AsyncWriteExt`.
///
/// # Closing
///
/// [`shutdown`](tokio::io::AsyncWrite::poll_shutdown) closes the writing direction: it returns once
/// the FIN is queued behind what was written; reading goes on. Dropping the stream closes both
/// directions and never waits: what was written is still delivered by the driver, unless
/// [`set_linger`](Self::set_linger) says otherwise. If received bytes were never read, the peer is
/// told by a RST (RFC 9293 SHLD-3), as the kernel does. [`abort`](Self::abort) sends a RST at once.
///
/// # After a failure
///
/// As on Linux, bytes received before a reset can still be read; then reading reports the error
/// once, and after that the end of the stream. Writing reports the error once, and after that
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe). Other than on Linux, the directions do not take the
/// error from each other.
///
/// # Examples
///
/// ```
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let (mut stream, mut peer) = estab::testing::streams().await?;
/// stream.write_all(b"hello").await?;
/// stream.shutdown().await?;
///
/// let mut text = String::new();
/// peer.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # Ok(())
/// # }
/// ```
pub struct TcpStream {
    pub(super) handle: Handle,
    /// Bytes that may be sent from where they lie.
    lent: Option<Lender>,
}

impl TcpStream {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle, lent: None }
    }

    /// Opens a connection to `remote` from one of the stack's addresses and a random port.
    ///
    /// To choose the local endpoint or options first, use [`TcpSocket`](super::TcpSocket).
    ///
    /// ```
    /// use estab::TcpStream;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stack, peer) = estab::testing::pair()?;
    /// # let listener = peer.listen("10.0.0.2:80").await?;
    /// let stream = TcpStream::connect(&stack, "10.0.0.2:80").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `ConnectionRefused` if nobody listens, `TimedOut`, `HostUnreachable` or `NetworkUnreachable`
    /// if the peer does not answer, `AddrNotAvailable` if every local port is taken, `InvalidInput`
    /// for an address that cannot be a peer's, `NetworkDown` if the stack has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the attempt.
    pub async fn connect(stack: &Stack, remote: impl ToAddr) -> io::Result<Self> {
        stack.open(remote.to_addr()?, None, None).await
    }

    /// The local endpoint: on a connection that came in through a listener on any address, the
    /// original destination.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.handle.conn.tuple.local)
    }

    /// The peer's endpoint.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, peer) = estab::testing::streams().await?;
    /// assert_eq!(stream.peer_addr()?, peer.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None: unlike a kernel socket, the stream knows its peer after the end of the connection too.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.handle.conn.tuple.remote)
    }

    /// The error that ended the connection, if neither a read nor a write has reported it; it is
    /// then not reported again.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(self.handle.take_error())
    }

    /// Looks at received bytes without taking them; the next read returns them again. Waits until
    /// there are any; 0 is the end of the stream.
    ///
    /// ```
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (mut stream, mut peer) = estab::testing::streams().await?;
    /// peer.write_all(b"GET /").await?;
    /// let mut start = [0; 3];
    /// assert_eq!(stream.peek(&mut start).await?, 3);
    /// assert_eq!(stream.read(&mut start).await?, 3);
    /// assert_eq!(&start, b"GET");
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
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.handle.peek(buf).await
    }

    /// Polls for [`peek`](Self::peek). Only the task of the last call is woken, also by
    /// [`poll_read`](AsyncRead::poll_read) and [`poll_read_ready`](Self::poll_read_ready).
    ///
    /// # Errors
    ///
    /// As of [`peek`](Self::peek).
    pub fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        self.handle.poll_peek(cx, buf)
    }

    /// Waits for any of the kinds of readiness in `interest`. It tells what is true now: a stream
    /// that is ready stays so until a call has changed that.
    ///
    /// ```
    /// use tokio::io::{AsyncWriteExt, Interest};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, mut peer) = estab::testing::streams().await?;
    /// let ready = stream.ready(Interest::READABLE | Interest::WRITABLE).await?;
    /// assert!(ready.is_writable() && !ready.is_readable());
    ///
    /// peer.write_all(b"hello").await?;
    /// assert!(stream.ready(Interest::READABLE).await?.is_readable());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio. A connection that failed is ready, and reading or writing
    /// tells why. Priority lasts from an urgent mark to the next [`urgent`](Self::urgent).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        Ok(self.handle.ready(interest).await)
    }

    /// Waits until a read returns at once. Any number of tasks may wait.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn readable(&self) -> io::Result<()> {
        self.handle.readable().await;
        Ok(())
    }

    /// Polls until a read returns at once. Only the task of the last call is woken.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.handle.poll_read_ready(cx).map(Ok)
    }

    /// Reads without waiting, 32 KiB at most in one call; 0 is the end of the stream.
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use tokio::io::AsyncWriteExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, mut peer) = estab::testing::streams().await?;
    /// let mut buf = [0; 100];
    /// assert_eq!(stream.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    ///
    /// peer.write_all(b"hello").await?;
    /// stream.readable().await?;
    /// assert_eq!(stream.try_read(&mut buf)?, 5);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `WouldBlock` if nothing has come; why the connection ended, once what was received is read.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.handle.try_read(&mut [IoSliceMut::new(buf)])
    }

    /// Reads into several buffers, in order, without waiting.
    ///
    /// # Errors
    ///
    /// As of [`try_read`](Self::try_read).
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.handle.try_read(bufs)
    }

    /// Waits until a write takes something. Any number of tasks may wait.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn writable(&self) -> io::Result<()> {
        self.handle.writable().await;
        Ok(())
    }

    /// Polls until a write takes something. Only the task of the last call is woken.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` as in tokio.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.handle.poll_write_ready(cx).map(Ok)
    }

    /// Writes without waiting, as much as there is room for; returns how much.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, peer) = estab::testing::streams().await?;
    /// stream.writable().await?;
    /// assert_eq!(stream.try_write(b"hello")?, 5);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `WouldBlock` if the send buffer is full; `BrokenPipe` after
    /// [`shutdown`](tokio::io::AsyncWrite::poll_shutdown); why the connection ended.
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(buf)])
    }

    /// Writes several buffers, in order, without waiting; returns how many bytes were taken.
    ///
    /// # Errors
    ///
    /// As of [`try_write`](Self::try_write).
    pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.lent {
            None => self.handle.try_write(bufs),
            Some(lent) => lent.try_write(&self.handle, bufs),
        }
    }

    /// A way to have bytes sent from where they lie by code that writes them as slices, such as hyper
    /// with the [`Bytes`](bytes::Bytes) of a body: see [`Lender`].
    pub fn lender(&mut self) -> Lender {
        self.lent.get_or_insert_default().clone()
    }

    pub(super) fn poll_write_slices(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let handle = &self.handle;
        match &self.lent {
            None => handle.poll_write(cx, bufs),
            Some(lent) => handle.poll_until_written(cx, || lent.try_write(handle, bufs)),
        }
    }

    /// Splits the stream into two halves that borrow it, to read and write at the same time. The
    /// reading half is [`AsyncBufRead`](tokio::io::AsyncBufRead): it shows received bytes where they
    /// lie. (The stream itself is not, as its `split` would be hidden by that of `AsyncBufReadExt`.)
    ///
    /// ```
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (mut stream, mut peer) = estab::testing::streams().await?;
    /// # tokio::spawn(async move {
    /// #     let (mut r, mut w) = peer.split();
    /// #     tokio::io::copy(&mut r, &mut w).await
    /// # });
    /// let (mut read, mut write) = stream.split();
    /// let mut buf = [0; 5];
    /// let (written, read) = tokio::join!(write.write_all(b"hello"), read.read_exact(&mut buf));
    /// written?;
    /// assert_eq!(read?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        split::split(self)
    }

    /// Splits the stream into two halves that can go to different tasks. Dropping the writing half
    /// closes that direction.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        split_owned::split_owned(self)
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.handle.poll_read(cx, buf)
    }
}

/// `flush` has nothing to do, as on a kernel socket; `shutdown` queues the FIN and does not wait for
/// the peer.
impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.handle.shutdown();
        Poll::Ready(Ok(()))
    }
}

impl AsRef<Self> for TcpStream {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tuple = self.handle.conn.tuple;
        f.debug_struct("TcpStream")
            .field("addr", &tuple.local)
            .field("peer", &tuple.remote)
            .finish()
    }
}
