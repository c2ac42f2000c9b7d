//! Zero-copy for those who write through [`AsyncWrite`](tokio::io::AsyncWrite).

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Bytes;

use crate::shared::Handle;
use crate::shared::tx::SMALL;
use crate::sync::{Mutex, lock};

/// The most pieces that are lent at a time.
const MOST: usize = 64;

/// Lends bytes to a [`TcpStream`](super::TcpStream) that somebody else writes to: what is written of
/// them is sent from where it lies, without a copy.
///
/// A server like hyper is given a body as [`Bytes`], but writes it as a slice, of which a stream
/// cannot know that it will stay; so the stream copies. Bytes that were lent to the stream before stay
/// until it has sent them: when a slice to be written lies within, the stream sends the bytes
/// themselves. Slices of at most 4 KiB are copied all the same, since that costs less.
///
/// The last 64 pieces lent and not yet written to their end are remembered; what belongs to older ones
/// is copied. Lending never changes what is sent. The example `zero_copy` is a hyper server that lends
/// its bodies.
///
/// ```
/// use bytes::Bytes;
/// use tokio::io::AsyncWriteExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let (mut stream, peer) = estab::testing::streams().await?;
/// # tokio::spawn(async move { while peer.read_chunk(usize::MAX).await?.is_some() {} std::io::Result::Ok(()) });
/// let file = Bytes::from(vec![7; 100_000]);
/// let lender = stream.lender();
/// // As the body of a response, say: Response::new(Full::new(lender.lend(file.clone()))).
/// let body = lender.lend(file.clone());
/// // What the server does with it.
/// stream.write_all(&body).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Lender(Arc<Mutex<Shelf>>);

/// What is lent, the oldest first.
#[derive(Debug, Default)]
struct Shelf(VecDeque<Bytes>);

impl Lender {
    /// Lends `bytes` and returns them, to be written next, all or in part.
    pub fn lend(&self, bytes: Bytes) -> Bytes {
        if bytes.len() > SMALL {
            let mut shelf = lock(&self.0);
            if shelf.0.len() == MOST {
                shelf.0.pop_front();
            }
            shelf.0.push_back(bytes.clone());
        }
        bytes
    }

    /// Writes `bufs` as far as there is room, what is lent without a copy.
    pub(super) fn try_write(&self, handle: &Handle, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let (mut written, mut rest) = (0, bufs);
        loop {
            let (head, chunk) = lock(&self.0).split(rest);
            let len: usize = head.iter().map(|buf| buf.len()).sum();
            let chunk = chunk.filter(|_| len <= SMALL);
            let wanted = len + chunk.as_ref().map_or(0, Bytes::len);
            let outcome = match &chunk {
                Some(chunk) => handle.try_write_with(head, chunk.clone()),
                None => handle.try_write(head),
            };
            match outcome {
                Ok(n) => {
                    written += n;
                    if let Some(chunk) = chunk.filter(|_| n == wanted) {
                        lock(&self.0).take_back(&chunk);
                        rest = &rest[head.len() + 1..];
                        if !rest.is_empty() {
                            continue;
                        }
                    }
                    return Ok(written);
                }
                Err(_) if written > 0 => return Ok(written),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Shelf {
    /// The first slices, of which none is lent, and the one behind them, as it was lent.
    fn split<'a, 'b>(&self, bufs: &'a [IoSlice<'b>]) -> (&'a [IoSlice<'b>], Option<Bytes>) {
        for (index, buf) in bufs.iter().enumerate() {
            if let Some(chunk) = self.find(buf) {
                return (&bufs[..index], Some(chunk));
            }
        }
        (bufs, None)
    }

    /// The same bytes as `slice`, if they are lent.
    fn find(&self, slice: &[u8]) -> Option<Bytes> {
        if slice.len() <= SMALL {
            return None;
        }
        let inner = slice.as_ptr_range();
        let holds = |lent: &&Bytes| {
            let outer = lent.as_ptr_range();
            outer.start <= inner.start && inner.end <= outer.end
        };
        self.0.iter().find(holds).map(|lent| lent.slice_ref(slice))
    }

    /// `chunk` was written: if it is the end of what was lent, that is done with.
    fn take_back(&mut self, chunk: &Bytes) {
        let end = chunk.as_ptr_range().end;
        let done = self
            .0
            .iter()
            .position(|lent| lent.as_ptr_range().end == end);
        if let Some(index) = done {
            self.0.remove(index);
        }
    }
}

#[cfg(test)]
mod tests;
