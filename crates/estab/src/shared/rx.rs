//! The receiving half of a connection: chunks in order, then the end.

use arrayvec::ArrayVec;
use bytes::{Buf, Bytes};
use estab_proto::{ConnectionError, SoftError};

use super::Chunks;
use super::wakers::{Wait, Wakers};

/// Chunks that one read takes at most: it returns early rather than hold the lock for more.
pub(crate) const BATCH: usize = 16;

/// Bytes that one read copies at most. Where they are copied to is then still in the processor's cache
/// when the next read copies to the same place: with several connections at a time, whose buffers
/// together are larger than the cache, copying takes half the time. Large enough that the calls in
/// between do not count.
pub(crate) const COPIED: usize = 32 << 10;

/// Chunks taken by one read, in order.
pub(crate) type Batch<const N: usize = BATCH> = ArrayVec<Bytes, N>;

/// What came in and was not read yet.
#[derive(Debug, Default)]
pub(crate) struct Rx {
    chunks: Chunks,
    /// Bytes read and not yet told to the stack, which opens the window for them.
    consumed: usize,
    end: End,
    /// The urgent pointer has moved since the last look.
    pub(crate) urgent: bool,
    /// The last report of trouble that did not end the connection.
    pub(crate) soft_error: Option<SoftError>,
    pub(crate) wakers: Wakers,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    /// More may come.
    #[default]
    Open,
    /// The end of the stream follows the chunks.
    Finished,
    /// This error follows the chunks, once; then the end of the stream.
    Failed(ConnectionError),
}

/// What a read gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Bytes, in the batch.
    Bytes,
    /// The end of the stream.
    End,
    /// Why the connection ended.
    Error(ConnectionError),
    /// Nothing yet.
    WouldBlock,
}

impl Rx {
    /// Something to read came in. `empty` makes the queue it goes to, if there is none.
    pub(crate) fn extend(
        &mut self,
        chunks: impl Iterator<Item = Bytes>,
        empty: impl FnOnce() -> Chunks,
    ) {
        if self.chunks.capacity() == 0 {
            self.chunks = empty();
        }
        self.chunks.extend(chunks.filter(|chunk| !chunk.is_empty()));
    }

    /// Nothing more comes: after the stream's end, or because of `error`. The first end counts.
    pub(crate) fn end(&mut self, error: Option<ConnectionError>) {
        if self.end == End::Open {
            self.end = error.map_or(End::Finished, End::Failed);
        }
    }

    /// Bytes that wait to be read.
    pub(crate) fn queued(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    /// Whether a read returns at once.
    pub(crate) fn is_ready(&self) -> bool {
        !self.chunks.is_empty() || self.end != End::Open
    }

    /// Whether nothing more comes in, what is here already aside.
    pub(crate) fn is_ended(&self) -> bool {
        self.end != End::Open
    }

    /// Whether the stream ended in order.
    pub(crate) fn is_finished(&self) -> bool {
        self.end == End::Finished
    }

    /// Whether an error waits to be reported.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.end, End::Failed(_))
    }

    /// Moves up to `max` bytes into `batch`.
    pub(crate) fn read<const N: usize>(&mut self, max: usize, batch: &mut Batch<N>) -> Read {
        let mut room = max;
        while let Some(chunk) = self.chunks.front_mut()
            && room > 0
            && !batch.is_full()
        {
            if chunk.len() > room {
                batch.push(chunk.split_to(room));
                room = 0;
            } else {
                room -= chunk.len();
                batch.extend(self.chunks.pop_front());
            }
        }
        self.consumed += max - room;
        self.outcome(max > room)
    }

    /// Looks at up to `max` bytes.
    pub(crate) fn peek(&mut self, max: usize, batch: &mut Batch<BATCH>) -> Read {
        let mut room = max;
        for chunk in self.chunks.iter().take(BATCH) {
            let n = chunk.len().min(room);
            batch.extend((n > 0).then(|| chunk.slice(..n)));
            room -= n;
        }
        self.outcome(max > room)
    }

    /// Shows the next bytes that lie together, where they lie.
    pub(crate) fn front(&mut self, front: &mut Bytes) -> Read {
        let next = self.chunks.front();
        if next.map(|next| next.as_ptr_range()) != Some(front.as_ptr_range()) {
            *front = next.cloned().unwrap_or_default();
        }
        self.outcome(!front.is_empty())
    }

    /// Drops `n` of the bytes that wait, or all if there are fewer: they were read.
    pub(crate) fn skip(&mut self, n: usize) {
        let mut left = n;
        while let Some(chunk) = self.chunks.front_mut()
            && left > 0
        {
            if chunk.len() > left {
                chunk.advance(left);
                left = 0;
            } else {
                left -= chunk.len();
                self.chunks.pop_front();
            }
        }
        self.consumed += n - left;
    }

    fn outcome(&mut self, got_some: bool) -> Read {
        match self.end {
            _ if got_some => Read::Bytes,
            End::Open => Read::WouldBlock,
            End::Finished => Read::End,
            End::Failed(error) => {
                self.end = End::Finished;
                Read::Error(error)
            }
        }
    }

    /// The error that ended the connection, if no read reported it.
    pub(crate) fn take_error(&mut self) -> Option<ConnectionError> {
        match self.end {
            End::Failed(error) => {
                self.end = End::Finished;
                Some(error)
            }
            End::Open | End::Finished => None,
        }
    }

    /// Drops what was not read.
    pub(crate) fn discard(&mut self) {
        self.chunks = Chunks::new();
    }

    /// Bytes read since the last call, and the memory of the queue if it is empty: an idle connection
    /// holds none.
    pub(crate) fn take_consumed(&mut self) -> (usize, Chunks) {
        let empty = match self.chunks.is_empty() {
            true => std::mem::take(&mut self.chunks),
            false => Chunks::new(),
        };
        (std::mem::take(&mut self.consumed), empty)
    }
}

impl Wait for Rx {
    fn wakers(&mut self) -> &mut Wakers {
        &mut self.wakers
    }
}

#[cfg(test)]
mod tests;
