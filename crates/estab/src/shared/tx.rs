//! The sending half of a connection: what was written and the driver has not taken yet.

use std::io::IoSlice;

use arrayvec::ArrayVec;
use bytes::{Bytes, BytesMut};
use estab_proto::ConnectionError;

use super::Chunks;
use super::blocks::{BLOCK, Blocks};
use super::wakers::{Wait, Wakers, Woken};

/// Writes up to this many bytes are joined with their neighbours under the lock; larger ones are
/// copied outside it into a chunk of their own.
pub(crate) const SMALL: usize = 4096;

/// Writes up to this many bytes are always joined.
const TINY: usize = 256;

/// Bytes so few that copying them once more is less work than allocating anything for them.
const LITTLE: usize = 64;

/// As many bytes, or fewer.
pub(crate) type Little = ArrayVec<u8, LITTLE>;

/// What was written and not taken.
#[derive(Debug, Default)]
pub(crate) struct Tx {
    chunks: Chunks,
    /// Small writes, which follow `chunks`.
    tail: BytesMut,
    /// Bytes in `chunks` and `tail`.
    queued: usize,
    /// Bytes that may still be written, as far as the send buffer's limit goes.
    room: usize,
    state: State,
    /// The handshake succeeded.
    opened: bool,
    /// The handle is gone.
    released: bool,
    /// Those who wait to write will be woken.
    wakes: bool,
    /// They were, and nothing has been taken since.
    woken: bool,
    pub(crate) wakers: Wakers,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// The handshake goes on.
    #[default]
    Opening,
    /// Bytes may be written.
    Open,
    /// The application has closed its side.
    Shut,
    /// The connection is over; the error is reported once, then that the pipe is broken.
    Ended(Option<ConnectionError>),
}

/// Why a write takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No room yet.
    WouldBlock,
    /// The sending direction is closed.
    BrokenPipe,
    /// Why the connection ended.
    Error(ConnectionError),
}

impl Tx {
    /// How much may be written, at least one byte.
    pub(crate) fn writable(&mut self) -> Result<usize, Refused> {
        match &mut self.state {
            State::Ended(error) => match error.take() {
                Some(error) => Err(Refused::Error(error)),
                None => Err(Refused::BrokenPipe),
            },
            State::Shut => Err(Refused::BrokenPipe),
            State::Opening => Err(Refused::WouldBlock),
            State::Open if self.room == 0 => Err(Refused::WouldBlock),
            State::Open => Ok(self.room),
        }
    }

    /// Whether a write of `len` bytes is joined with its neighbours: if it is small, and not the end of
    /// a large one that was taken in parts.
    pub(crate) fn joins(&self, len: usize) -> bool {
        len <= TINY || (len <= SMALL && self.chunks.is_empty())
    }

    /// Takes as much of `slices` as there is room for, by copying; for small writes. What is not
    /// little lies in a block of `blocks`.
    pub(crate) fn write_small(
        &mut self,
        slices: &[IoSlice<'_>],
        blocks: &Blocks,
    ) -> Result<usize, Refused> {
        let mut room = self.writable()?;
        let before = self.queued;
        let len: usize = slices.iter().map(|slice| slice.len()).sum();
        self.make_room(len.min(room), blocks);
        for slice in slices {
            let n = slice.len().min(room);
            self.tail.extend_from_slice(&slice[..n]);
            room -= n;
            self.queued += n;
        }
        self.room = room;
        Ok(self.queued - before)
    }

    /// Takes as much of `chunk` as there is room for, without copying.
    pub(crate) fn write_chunk(&mut self, mut chunk: Bytes) -> Result<usize, Refused> {
        chunk.truncate(self.writable()?);
        let len = chunk.len();
        self.flush_tail();
        self.chunks.push_back(chunk);
        self.queued += len;
        self.room -= len;
        Ok(len)
    }

    /// Has room for `more` bytes behind the small writes, unless they stay little.
    fn make_room(&mut self, more: usize, blocks: &Blocks) {
        let len = self.tail.len() + more;
        if len <= self.tail.capacity() || len <= LITTLE {
            return;
        }
        if len > BLOCK {
            self.flush_tail();
            self.tail = blocks.empty(more);
        } else {
            let mut longer = blocks.empty(len);
            longer.extend_from_slice(&self.tail);
            self.tail = longer;
        }
    }

    fn flush_tail(&mut self) {
        if !self.tail.is_empty() {
            self.chunks
                .push_back(std::mem::take(&mut self.tail).freeze());
        }
    }

    /// The application closes its side, after what was written. False if it was closed before.
    pub(crate) fn shut(&mut self) -> bool {
        let open = matches!(self.state, State::Open);
        if open {
            self.state = State::Shut;
        }
        open
    }

    /// The handshake succeeded.
    pub(crate) fn open(&mut self) {
        self.opened = true;
        if self.state == State::Opening {
            self.state = State::Open;
        }
    }

    /// The connection is over; the first end counts.
    pub(crate) fn end(&mut self, error: Option<ConnectionError>) {
        if !matches!(self.state, State::Ended(_)) {
            self.state = State::Ended(error);
            self.chunks = Chunks::new();
            self.tail = BytesMut::new();
            self.queued = 0;
        }
    }

    /// The outcome of the handshake, once there is one; an error is taken along.
    pub(crate) fn outcome(&mut self) -> Option<Result<(), ConnectionError>> {
        match &mut self.state {
            _ if self.opened => Some(Ok(())),
            State::Ended(error) => Some(error.take().map_or(Ok(()), Err)),
            _ => None,
        }
    }

    /// Whether a write returns at once.
    pub(crate) fn is_ready(&self) -> bool {
        match self.state {
            State::Opening => false,
            State::Open => self.room > 0,
            State::Shut | State::Ended(_) => true,
        }
    }

    /// Whether nothing more can be written.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state, State::Shut | State::Ended(_))
    }

    /// Whether an error waits to be reported.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.state, State::Ended(Some(_)))
    }

    /// The error that ended the connection, if no write reported it.
    pub(crate) fn take_error(&mut self) -> Option<ConnectionError> {
        match &mut self.state {
            State::Ended(error) => error.take(),
            _ => None,
        }
    }

    /// The driver takes a copy of everything that was written, if that is little: the memory it lies in
    /// serves the next write.
    pub(crate) fn take_little(&mut self) -> Option<Little> {
        if !self.chunks.is_empty() || self.tail.is_empty() {
            return None;
        }
        let little = Little::try_from(&self.tail[..]).ok()?;
        self.tail.clear();
        self.queued = 0;
        self.woken = false;
        Some(little)
    }

    /// The driver takes everything that was written, for an empty queue to be filled next.
    pub(crate) fn take(&mut self, empty: Chunks) -> Chunks {
        self.flush_tail();
        self.queued = 0;
        self.woken = false;
        std::mem::replace(&mut self.chunks, empty)
    }

    /// The driver gives back what the stack had no room for, and gets the memory of an empty queue.
    pub(crate) fn put_back(&mut self, mut chunks: Chunks) -> Chunks {
        if !chunks.is_empty() {
            self.queued += chunks.iter().map(Bytes::len).sum::<usize>();
            chunks.append(&mut self.chunks);
            std::mem::swap(&mut self.chunks, &mut chunks);
        }
        chunks
    }

    /// Nothing waits to be acknowledged: an idle connection holds no memory but for a few bytes.
    pub(crate) fn rest(&mut self) -> Chunks {
        if self.tail.is_empty() && self.tail.capacity() > LITTLE {
            self.tail = BytesMut::new();
        }
        if self.chunks.is_empty() {
            std::mem::take(&mut self.chunks)
        } else {
            Chunks::new()
        }
    }

    /// Whether somebody waits to write, or was just woken to do so.
    pub(crate) fn is_wanted(&self) -> bool {
        self.woken || self.is_awaited()
    }

    /// Whether somebody waits to write.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.wakers.is_empty()
    }

    /// Who waits to write is to be woken in his turn. False if that was said before.
    pub(crate) fn may_soon_write(&mut self) -> bool {
        !std::mem::replace(&mut self.wakes, true)
    }

    /// It is their turn: who is to be woken after unlocking, and how many bytes they may write, at
    /// most `share`.
    pub(crate) fn let_write(&mut self, share: usize) -> (usize, Woken) {
        self.wakes = false;
        self.woken = self.is_awaited();
        self.room = self.room.min(share);
        (self.room, self.wakers.take())
    }

    /// Whether the stream ends after what was written.
    pub(crate) fn is_shut(&self) -> bool {
        self.state == State::Shut
    }

    /// The handle is gone: what was written is still to be sent.
    pub(crate) fn release(&mut self) {
        self.released = true;
    }

    /// Whether the handle is gone.
    pub(crate) fn is_released(&self) -> bool {
        self.released
    }

    /// Bytes the driver has not taken.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// Whether the driver has taken everything.
    pub(crate) fn is_drained(&self) -> bool {
        self.queued == 0
    }

    /// The send buffer has this much room; what waits here counts against it.
    pub(crate) fn set_room(&mut self, room: usize) {
        self.room = room.saturating_sub(self.queued);
    }
}

impl Wait for Tx {
    fn wakers(&mut self) -> &mut Wakers {
        &mut self.wakers
    }
}

#[cfg(test)]
mod tests;
