//! What the ports serve.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
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
/// Accepts and holds: without a task each, since what a connection costs is not to be told from that.
pub(crate) const IDLE: u16 = 7005;

/// All of them.
pub(crate) const PORTS: [u16; 5] = [ECHO, SINK, SOURCE, REQUEST, IDLE];

/// The source's bytes repeat after this many, since the `i`th is `i % 251`: as much memory as the other
/// sources of the bench send from.
pub(crate) const PERIOD: usize = (256 << 10) / 251 * 251;

/// The most bytes of the pattern in one piece that begins anywhere in the period.
const PIECE: usize = 64 << 10;

/// What all sources send from, as from a file: up to 64 KiB can be taken from it at any offset below
/// [`PERIOD`].
pub(crate) fn pattern() -> &'static [u8] {
    static PATTERN: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..PERIOD + PIECE).map(|at| (at % 251) as u8).collect());
    &PATTERN
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

/// The connections that are only held.
pub(crate) struct Held<S>(Vec<S>);

impl<S> Held<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Holds a connection to `port`, or serves it in a task.
    pub(crate) fn take(&mut self, stream: S, port: u16, manners: Manners) {
        match port {
            IDLE => self.0.push(stream),
            _ => drop(tokio::spawn(serve(stream, port, manners))),
        }
    }
}

/// Serves a connection to `port`.
async fn serve<S>(mut stream: S, port: u16, manners: Manners)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let served = match port {
        ECHO => echo(&mut stream).await,
        SINK => sink(&mut stream).await,
        SOURCE => source(&mut stream, manners.block).await,
        REQUEST => request(&mut stream).await,
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
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes).await? {
            0 => return Ok(End::Both),
            len => stream.write_all(&bytes[..len]).await?,
        }
    }
}

async fn sink<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<End> {
    while poll_fn(|cx| discard(Pin::new(&mut *stream), cx)).await? > 0 {}
    Ok(End::Both)
}

/// Reads what there is to where the last connection on this thread read to: the memory of a reader each
/// is the application's, and not what is measured.
fn discard(stream: Pin<&mut impl AsyncRead>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    thread_local! {
        static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 << 10]);
    }
    READ.with_borrow_mut(|block| {
        let mut block = ReadBuf::new(block);
        ready!(stream.poll_read(cx, &mut block))?;
        Poll::Ready(Ok(block.filled().len()))
    })
}

async fn source<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    block: usize,
) -> io::Result<End> {
    let mut left = stream.read_u64().await?;
    let pattern = pattern();
    let mut at = 0;
    while left > 0 {
        let len = left.min(block.min(PIECE) as u64) as usize;
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
