//! The two halves of a borrowed stream.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};

use super::TcpStream;
use super::io::View;

/// The reading half of a borrowed [`TcpStream`], from [`TcpStream::split`].
///
/// As [`AsyncBufRead`] it shows received bytes where they lie, as many as lie together, without a
/// copy and without a buffer of its own.
///
/// ```
/// use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let (stream, mut peer) = estab::testing::streams().await?;
/// peer.write_all(b"one\ntwo\n").await?;
/// let (mut read, _write) = stream.into_split();
/// let mut line = String::new();
/// read.read_line(&mut line).await?;
/// assert_eq!(line, "one\n");
/// assert_eq!(read.fill_buf().await?, b"two\n");
/// read.consume(4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ReadHalf<'a>(&'a TcpStream, View);

/// The writing half of a borrowed [`TcpStream`], from [`TcpStream::split`].
///
/// [`shutdown`](tokio::io::AsyncWrite::poll_shutdown) closes the direction; dropping the half does
/// not, as the stream is still there.
#[derive(Debug)]
pub struct WriteHalf<'a>(&'a TcpStream);

pub(super) fn split(stream: &mut TcpStream) -> (ReadHalf<'_>, WriteHalf<'_>) {
    (ReadHalf(&*stream, View::default()), WriteHalf(&*stream))
}

/// What both forms of halves have.
macro_rules! read_half {
    ($($half:tt)*) => {
        impl $($half)* {
            /// Looks at received bytes without taking them; see [`TcpStream::peek`].
            ///
            /// # Errors
            ///
            /// As of [`TcpStream::peek`].
            pub async fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.0.peek(buf).await
            }

            /// Polls for [`peek`](Self::peek); see [`TcpStream::poll_peek`].
            ///
            /// # Errors
            ///
            /// As of [`TcpStream::peek`].
            pub fn poll_peek(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<usize>> {
                self.0.poll_peek(cx, buf)
            }

            /// Waits for readiness; see [`TcpStream::ready`].
            ///
            /// # Errors
            ///
            /// None: it is a `Result` as in tokio.
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                self.0.ready(interest).await
            }

            /// Waits until a read returns at once; see [`TcpStream::readable`].
            ///
            /// # Errors
            ///
            /// None: it is a `Result` as in tokio.
            pub async fn readable(&self) -> io::Result<()> {
                self.0.readable().await
            }

            /// Reads without waiting; see [`TcpStream::try_read`].
            ///
            /// # Errors
            ///
            /// As of [`TcpStream::try_read`].
            pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
                self.0.try_read(buf)
            }

            /// Reads into several buffers without waiting; see [`TcpStream::try_read_vectored`].
            ///
            /// # Errors
            ///
            /// As of [`TcpStream::try_read`].
            pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.0.try_read_vectored(bufs)
            }

            /// Reads the next bytes without copying them; see [`TcpStream::read_chunk`].
            ///
            /// # Errors
            ///
            /// As of [`TcpStream::read_chunk`].
            pub async fn read_chunk(&self, max: usize) -> io::Result<Option<Bytes>> {
                self.0.read_chunk(max).await
            }

            /// The peer's endpoint.
            ///
            /// # Errors
            ///
            /// As of [`TcpStream::peer_addr`].
            pub fn peer_addr(&self) -> io::Result<SocketAddr> {
                self.0.peer_addr()
            }

            /// The local endpoint.
            ///
            /// # Errors
            ///
            /// None: it is a `Result` as in tokio.
            pub fn local_addr(&self) -> io::Result<SocketAddr> {
                self.0.local_addr()
            }
        }

        impl AsRef<TcpStream> for $($half)* {
            fn as_ref(&self) -> &TcpStream {
                &self.0
            }
        }

        impl AsyncRead for $($half)* {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                self.0.handle.poll_read(cx, buf)
            }
        }

        impl AsyncBufRead for $($half)* {
            fn poll_fill_buf(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<&[u8]>> {
                let this = self.get_mut();
                this.0.handle.poll_fill(cx, &mut this.1)
            }

            fn consume(self: Pin<&mut Self>, amt: usize) {
                let this = self.get_mut();
                this.0.handle.consume(&mut this.1, amt);
            }
        }
    };
}
pub(super) use read_half;

/// What both forms of halves have.
macro_rules! write_half {
    ($($half:tt)*) => {
        impl $($half)* {
            /// Waits for readiness; see [`TcpStream::ready`].
            ///
            /// # Errors
            ///
            /// None: it is a `Result` as in tokio.
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                self.0.ready(interest).await
            }

            /// Waits until a write returns at once; see [`TcpStream::writable`].
            ///
            /// # Errors
            ///
            /// None: it is a `Result` as in tokio.
            pub async fn writable(&self) -> io::Result<()> {
                self.0.writable().await
            }

            /// Writes without waiting; see [`TcpStream::try_write`].
            ///
            /// # Errors
            ///
            /// As of [`TcpStream::try_write`].
            pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
                self.0.try_write(buf)
            }

            /// Writes several buffers without waiting; see [`TcpStream::try_write_vectored`].
            ///
            /// # Errors
            ///
            /// As of [`TcpStream::try_write`].
            pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                self.0.try_write_vectored(bufs)
            }

            /// Writes the start of `chunk` without copying it; see [`TcpStream::write_chunk`].
            ///
            /// # Errors
            ///
            /// As of [`TcpStream::write_chunk`].
            pub async fn write_chunk(&self, chunk: &mut Bytes) -> io::Result<usize> {
                self.0.write_chunk(chunk).await
            }

            /// The peer's endpoint.
            ///
            /// # Errors
            ///
            /// As of [`TcpStream::peer_addr`].
            pub fn peer_addr(&self) -> io::Result<SocketAddr> {
                self.0.peer_addr()
            }

            /// The local endpoint.
            ///
            /// # Errors
            ///
            /// None: it is a `Result` as in tokio.
            pub fn local_addr(&self) -> io::Result<SocketAddr> {
                self.0.local_addr()
            }
        }

        impl AsRef<TcpStream> for $($half)* {
            fn as_ref(&self) -> &TcpStream {
                &self.0
            }
        }

        impl AsyncWrite for $($half)* {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_write_slices(cx, &[IoSlice::new(buf)])
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_write_slices(cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.handle.shutdown();
                Poll::Ready(Ok(()))
            }
        }
    };
}
pub(super) use write_half;

read_half!(ReadHalf<'_>);
write_half!(WriteHalf<'_>);
