//! The two halves of a borrowed stream.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};

use super::TcpStream;

/// The reading half of a borrowed [`TcpStream`], from [`TcpStream::split`].
#[derive(Debug)]
pub struct ReadHalf<'a>(&'a TcpStream);

/// The writing half of a borrowed [`TcpStream`], from [`TcpStream::split`].
///
/// [`shutdown`](tokio::io::AsyncWrite::poll_shutdown) closes the direction; dropping the half does
/// not, as the stream is still there.
#[derive(Debug)]
pub struct WriteHalf<'a>(&'a TcpStream);

pub(super) fn split(stream: &mut TcpStream) -> (ReadHalf<'_>, WriteHalf<'_>) {
    (ReadHalf(&*stream), WriteHalf(&*stream))
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
                self.0.handle.poll_write(cx, &[IoSlice::new(buf)])
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.0.handle.poll_write(cx, bufs)
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
