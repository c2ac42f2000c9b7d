//! Moving many bytes through any stream, and making sure that they are the same.

use std::io;
use std::sync::LazyLock;

use blake3::{Hash, Hasher};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::pattern::Pattern;
use crate::rng::mix;

/// How much is written or read at once.
pub const BLOCK: usize = 256 << 10;

/// What all streams are windows into.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| Pattern::new(0).bytes(0, 16 * BLOCK));

/// Bytes that do not repeat for a long time, made faster than they can be sent: windows into the
/// pattern, at ever other places.
struct Source {
    at: usize,
}

impl Source {
    fn new(seed: u64) -> Self {
        Self {
            at: mix(seed) as usize % PATTERN.len(),
        }
    }

    fn next(&mut self, len: usize) -> &'static [u8] {
        self.at = (self.at + 1_234_577) % (PATTERN.len() - BLOCK);
        &PATTERN[self.at..self.at + len]
    }
}

/// Writes `len` bytes that belong to `seed`, and returns their hash.
///
/// # Errors
///
/// Those of the stream.
pub async fn send<W: AsyncWrite + Unpin>(writer: &mut W, seed: u64, len: u64) -> io::Result<Hash> {
    let (mut source, mut hasher, mut left) = (Source::new(seed), Hasher::new(), len);
    while left > 0 {
        let block = source.next(left.min(BLOCK as u64) as usize);
        hasher.update(block);
        writer.write_all(block).await?;
        left -= block.len() as u64;
    }
    writer.flush().await?;
    Ok(hasher.finalize())
}

/// Reads `len` bytes and returns their hash.
///
/// # Errors
///
/// Those of the stream, and `UnexpectedEof` if it ends before.
pub async fn receive<R: AsyncRead + Unpin>(reader: &mut R, len: u64) -> io::Result<Hash> {
    let (mut hasher, mut block, mut left) = (Hasher::new(), vec![0; BLOCK], len);
    while left > 0 {
        let most = left.min(BLOCK as u64) as usize;
        let n = reader.read(&mut block[..most]).await?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        hasher.update(&block[..n]);
        left -= n as u64;
    }
    Ok(hasher.finalize())
}

/// Writes back what is read until the end of the stream, then ends it too; returns how many bytes
/// that were.
///
/// # Errors
///
/// Those of the stream.
pub async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<u64> {
    let (mut block, mut count) = (vec![0; BLOCK], 0);
    loop {
        match stream.read(&mut block).await? {
            0 => break,
            n => {
                stream.write_all(&block[..n]).await?;
                count += n as u64;
            }
        }
    }
    stream.shutdown().await?;
    Ok(count)
}

/// Reads the end of the stream.
///
/// # Panics
///
/// If something else comes.
pub async fn expect_end<R: AsyncRead + Unpin>(reader: &mut R) {
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).await.expect("the end");
    assert_eq!(rest.len(), 0, "bytes after the last");
}
