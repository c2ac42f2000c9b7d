//! A stream of chunks, and a sink of them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::{Sink, Stream};

use super::TcpStream;

/// A [`TcpStream`] as a [`Stream`] of the bytes received and a [`Sink`] of bytes to send, neither of
/// which copies; from [`TcpStream::into_chunks`].
///
/// How the peer cut its bytes into writes cannot be seen: chunks are as long as bytes happen to lie
/// together. Closing the sink closes the writing direction.
///
/// ```
/// use bytes::Bytes;
/// use futures::{SinkExt, StreamExt, TryStreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let (stream, peer) = estab::testing::streams().await?;
/// // An echo server that never touches a byte.
/// let (sink, stream) = stream.into_chunks().split();
/// tokio::spawn(stream.forward(sink));
///
/// let mut peer = peer.into_chunks();
/// peer.send(Bytes::from_static(b"hello")).await?;
/// peer.close().await?;
/// let answer: Vec<Bytes> = peer.try_collect().await?;
/// assert_eq!(answer.concat(), b"hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Chunks {
    stream: TcpStream,
    /// What the sink took and the stream had no room for yet.
    unwritten: Bytes,
}

impl TcpStream {
    /// Reads and writes in chunks, without a copy.
    pub fn into_chunks(self) -> Chunks {
        Chunks {
            stream: self,
            unwritten: Bytes::new(),
        }
    }
}

impl Chunks {
    /// The stream again. What the sink took and was not flushed is lost.
    pub fn into_inner(self) -> TcpStream {
        self.stream
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unwritten.is_empty() {
            ready!(self.stream.poll_write_chunk(cx, &mut self.unwritten))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsRef<TcpStream> for Chunks {
    fn as_ref(&self) -> &TcpStream {
        &self.stream
    }
}

impl Stream for Chunks {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = self.stream.poll_read_chunk(cx, usize::MAX);
        chunk.map(io::Result::transpose)
    }
}

/// Takes one chunk beyond what the stream has room for.
impl Sink<Bytes> for Chunks {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_written(cx)
    }

    fn start_send(self: Pin<&mut Self>, chunk: Bytes) -> io::Result<()> {
        self.get_mut().unwritten = chunk;
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_written(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_written(cx))?;
        this.stream.handle.shutdown();
        Poll::Ready(Ok(()))
    }
}
