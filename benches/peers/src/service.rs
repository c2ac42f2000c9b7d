//! What the ports serve.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

/// Echoes what comes, as it comes.
pub(crate) const ECHO: u16 = 7001;
/// Reads and discards until the peer has finished, then closes.
pub(crate) const SINK: u16 = 7002;
/// Reads a number of bytes, eight of its own in network order, sends as many and closes.
pub(crate) const SOURCE: u16 = 7003;
/// Reads a byte, sends a byte, closes.
pub(crate) const REQUEST: u16 = 7004;
/// Accepts and holds until the peer has finished.
pub(crate) const IDLE: u16 = 7005;

/// All of them.
pub(crate) const PORTS: [u16; 5] = [ECHO, SINK, SOURCE, REQUEST, IDLE];

/// The source's bytes repeat after this many: the `i`th is `i % 251`.
pub(crate) const PERIOD: usize = 251;

/// A piece of what the source sends: `len` bytes can be taken from it at any offset below
/// [`PERIOD`].
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..PERIOD + len).map(|at| (at % PERIOD) as u8).collect()
}

/// How a stack's streams are best used.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    /// Bytes of one write, where there is much to write.
    pub(crate) block: usize,
    /// Whether nothing but its `shutdown` tells when the stream may be dropped, and has to be asked
    /// again and again.
    pub(crate) asks_shutdown: bool,
}

/// Serves a connection to `port`.
pub(crate) async fn serve<S>(mut stream: S, port: u16, manners: Manners)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let served = match port {
        ECHO => echo(&mut stream).await,
        SINK => sink(&mut stream).await,
        SOURCE => source(&mut stream, manners.block).await,
        REQUEST => request(&mut stream).await,
        IDLE => wait(&mut stream).await,
        _ => return,
    };
    // A connection that failed has nothing left to be closed.
    if let Ok(end) = served {
        let _ = close(&mut stream, end, manners).await;
    }
}

/// What a connection is like when it was served.
enum End {
    /// The peer has finished.
    Both,
    /// The peer may still send.
    Own,
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<End> {
    let mut bytes = vec![0; 64 << 10];
    loop {
        match stream.read(&mut bytes).await? {
            0 => return Ok(End::Both),
            len => stream.write_all(&bytes[..len]).await?,
        }
    }
}

async fn sink<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<End> {
    let mut bytes = vec![0; 256 << 10];
    while stream.read(&mut bytes).await? > 0 {}
    Ok(End::Both)
}

async fn source<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    block: usize,
) -> io::Result<End> {
    let mut left = stream.read_u64().await?;
    let pattern = pattern(block);
    let mut at = 0;
    while left > 0 {
        let len = left.min(block as u64) as usize;
        let written = stream.write(&pattern[at..at + len]).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        at = (at + written) % PERIOD;
        left -= written as u64;
    }
    Ok(End::Own)
}

async fn request<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<End> {
    let byte = stream.read_u8().await?;
    stream.write_u8(byte).await?;
    Ok(End::Own)
}

async fn wait<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<End> {
    while stream.read(&mut [0; 64]).await? > 0 {}
    Ok(End::Both)
}

/// Closes in the way that keeps the stream no longer than needed: none may be dropped before the
/// peer knows the end, and some stay in TIME-WAIT until their `shutdown` returns.
async fn close<S>(stream: &mut S, end: End, manners: Manners) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if manners.asks_shutdown {
        loop {
            if let Ok(end) = timeout(Duration::from_millis(1), stream.shutdown()).await {
                return end;
            }
        }
    }
    if let End::Both = end {
        return stream.shutdown().await;
    }
    let mut bytes = [0; 64];
    poll_fn(|cx| {
        let _ = Pin::new(&mut *stream).poll_shutdown(cx)?;
        loop {
            let mut buf = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    })
    .await
}
