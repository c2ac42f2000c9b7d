//! The bytes from SND.UNA on: those sent and not yet acknowledged, then those not yet sent.

use bytes::Bytes;

use super::queue::Queue;
pub use super::queue::Slices;
use super::{MAX_BLOCK, MIN_BLOCK};

/// The bytes a connection has been given to send, until they are acknowledged.
///
/// Offsets count from SND.UNA, the first byte in the buffer. The buffer sets no limit of its own:
/// the caller compares [`len`](Self::len) with what [`SendTuner`](super::SendTuner) allows before
/// it takes more.
///
/// ```
/// use bytes::Bytes;
/// use estab_proto::buffer::SendBuffer;
///
/// let mut buffer = SendBuffer::new();
/// buffer.push_slice(b"GET /");
/// buffer.push(Bytes::from_static(b" HTTP/1.1\r\n"));
/// buffer.release(4);
///
/// let text: Vec<u8> = buffer.slices(1, 5).flatten().copied().collect();
/// assert_eq!(text, b" HTTP");
/// ```
#[derive(Debug, Default)]
pub struct SendBuffer {
    queue: Queue,
}

impl SendBuffer {
    /// An empty buffer, which has allocated nothing.
    pub const fn new() -> Self {
        Self {
            queue: Queue::new(),
        }
    }

    /// The number of bytes not yet acknowledged, sent or not. Less than 2³².
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether every byte given to the buffer has been acknowledged.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of memory held: whole blocks, and for [`push`](Self::push)ed pieces their length.
    /// Zero when the buffer is empty and [`shrink`](Self::shrink) was called.
    #[inline]
    pub fn allocated(&self) -> usize {
        self.queue.allocated()
    }

    /// Appends a piece without a copy.
    ///
    /// A piece of less than 256 bytes is copied to the tail block instead, so that many tiny
    /// pieces do not become many blocks.
    pub fn push(&mut self, piece: Bytes) {
        if piece.len() < MIN_BLOCK {
            self.push_slice(&piece);
        } else {
            let charge = piece.len();
            self.queue.push(piece, charge);
        }
    }

    /// Appends a copy of `text`: to the tail block, then to blocks sized by what is queued, from
    /// 256 bytes to 64 KiB.
    pub fn push_slice(&mut self, text: &[u8]) {
        self.queue
            .append(text, self.len().clamp(MIN_BLOCK, MAX_BLOCK));
    }

    /// Removes `n` acknowledged bytes from the front, or all if there are fewer, and frees every
    /// block that held only those.
    pub fn release(&mut self, n: usize) {
        self.queue.advance(n);
    }

    /// The `len` bytes from `offset` on, if they lie together in memory; otherwise they are for
    /// [`slices`](Self::slices) to find.
    #[inline]
    pub fn piece(&self, offset: usize, len: usize) -> Option<&[u8]> {
        self.queue.piece(offset, len)
    }

    /// The same to be kept, without a copy; `None` also if they lie where more is written to.
    pub(crate) fn share(&self, offset: usize, len: usize) -> Option<Bytes> {
        self.queue.share(offset, len)
    }

    /// The bytes from `offset` on as they lie in memory: exactly `min(len, self.len() - offset)`
    /// of them, none when `offset` is past the end.
    ///
    /// Finding the first takes time in the logarithm of the number of blocks.
    pub fn slices(&self, offset: usize, len: usize) -> Slices<'_> {
        self.queue.slices(offset, len)
    }

    /// Gives back memory kept for bytes to come.
    pub fn shrink(&mut self) {
        self.queue.shrink();
    }

    /// Drops every byte.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests;
