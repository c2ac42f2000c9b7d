//! The two halves of an owned stream.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};

use super::TcpStream;
use super::io::View;
use super::split::{read_half, write_half};

/// The reading half of a [`TcpStream`], from [`TcpStream::into_split`].
///
/// Dropping it does nothing to the connection while the writing half is there.
#[derive(Debug)]
pub struct OwnedReadHalf(Arc<TcpStream>, View);

/// The writing half of a [`TcpStream`], from [`TcpStream::into_split`].
///
/// Dropping it closes the writing direction: the peer reads the end of the stream.
/// [`forget`](Self::forget) does not.
#[derive(Debug)]
pub struct OwnedWriteHalf(WriteSide);

/// Shuts the direction down when dropped, unless told otherwise.
#[derive(Debug)]
struct WriteSide {
    stream: Arc<TcpStream>,
    shutdown_on_drop: bool,
}

impl std::ops::Deref for WriteSide {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.stream
    }
}

impl Drop for WriteSide {
    fn drop(&mut self) {
        if self.shutdown_on_drop {
            self.stream.handle.shutdown();
        }
    }
}

pub(super) fn split_owned(stream: TcpStream) -> (OwnedReadHalf, OwnedWriteHalf) {
    let stream = Arc::new(stream);
    let write = WriteSide {
        stream: Arc::clone(&stream),
        shutdown_on_drop: true,
    };
    (
        OwnedReadHalf(stream, View::default()),
        OwnedWriteHalf(write),
    )
}

fn reunite(read: OwnedReadHalf, write: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
    if !Arc::ptr_eq(&read.0, &write.0.stream) {
        return Err(ReuniteError(read, write));
    }
    write.forget();
    // The other half was the only other owner.
    Ok(Arc::into_inner(read.0).expect("a stream has two halves"))
}

impl OwnedReadHalf {
    /// Puts the two halves together again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (stream, _peer) = estab::testing::streams().await?;
    /// let (read, write) = stream.into_split();
    /// let stream = read.reunite(write).expect("both are of one stream");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] if they are not of one stream; both are handed back.
    pub fn reunite(self, other: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
        reunite(self, other)
    }
}

impl OwnedWriteHalf {
    /// Puts the two halves together again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] if they are not of one stream; both are handed back.
    pub fn reunite(self, other: OwnedReadHalf) -> Result<TcpStream, ReuniteError> {
        reunite(other, self)
    }

    /// Drops the half without closing the writing direction.
    pub fn forget(mut self) {
        self.0.shutdown_on_drop = false;
    }
}

read_half!(OwnedReadHalf);
write_half!(OwnedWriteHalf);

/// Two halves that are not of one stream, from [`OwnedReadHalf::reunite`].
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves to be reunited are not of one stream")
    }
}

impl std::error::Error for ReuniteError {}
