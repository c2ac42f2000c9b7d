//! The user calls of a connection (RFC 9293 §3.10.2 to §3.10.6).

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use crate::addr::FourTuple;
use crate::error::{CallError, ConnectionError};
use crate::info::Info;
use crate::stack::dormant::Seen;
use crate::stack::settle::Held;
use crate::stack::{ConnId, Stack};
use crate::tcp::{Connection, Ctx, State};

/// What a connection has to send, from [`Stack::outgoing`]: all that a writer is told by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outgoing {
    /// Free bytes: see [`Stack::send_room`].
    pub room: usize,
    /// Bytes in the send buffer: sent and not acknowledged, or not sent.
    pub queued: usize,
    /// Those that were not sent yet.
    pub unsent: usize,
    /// Bytes of text in the longest packet: see [`Stack::send_unit`].
    pub unit: usize,
    /// The shortest round trip that was measured lately, if one was.
    pub min_rtt: Option<Duration>,
}

impl Stack {
    /// Queues `data` to be sent, without a copy. Takes all of it if there is any room: the buffer
    /// may overshoot by less than `data`. Returns its length.
    ///
    /// # Errors
    ///
    /// [`CallError::WouldBlock`] when the buffer is full: wait for
    /// [`Event::Writable`](crate::Event::Writable). [`CallError::Closing`] after
    /// [`shutdown`](Self::shutdown) or the end of the connection.
    pub fn send(&mut self, now: Instant, id: ConnId, data: Bytes) -> Result<usize, CallError> {
        self.call(now, id, |conn, ctx| conn.send(ctx.share, data))?
    }

    /// Queues a copy of as much of `data` as there is room for; returns how much.
    ///
    /// # Errors
    ///
    /// As of [`send`](Self::send).
    pub fn send_slice(
        &mut self,
        now: Instant,
        id: ConnId,
        data: &[u8],
    ) -> Result<usize, CallError> {
        self.call(now, id, |conn, ctx| conn.send_slice(ctx.share, data))?
    }

    /// Like [`send_slice`](Self::send_slice), with the urgent mark after the last byte taken
    /// (RFC 9293 §3.8.5). For old applications only: RFC 6093 §5.
    ///
    /// # Errors
    ///
    /// As of [`send`](Self::send).
    pub fn send_urgent(
        &mut self,
        now: Instant,
        id: ConnId,
        data: &[u8],
    ) -> Result<usize, CallError> {
        self.call(now, id, |conn, ctx| conn.send_urgent(ctx.share, data))?
    }

    /// Free bytes up to the present limit of the send buffer, or as far as there is memory; 0 if the
    /// id is stale.
    pub fn send_room(&self, id: ConnId) -> usize {
        self.held(id)
            .map_or(0, |held| held.conn.send_room(self.budget.share()))
    }

    /// What there is to send and how much more may be; nothing, and no room, if the id is stale.
    pub fn outgoing(&self, id: ConnId) -> Outgoing {
        let Some(held) = self.held(id) else {
            return Outgoing::default();
        };
        Outgoing {
            room: held.conn.send_room(self.budget.share()),
            queued: held.conn.send_queued(),
            unsent: held.conn.send_unsent(),
            unit: held.conn.send_unit(),
            min_rtt: held.conn.min_rtt(),
        }
    }

    /// Bytes in the send buffer: sent and not acknowledged, or not sent; 0 if the id is stale.
    pub fn send_queued(&self, id: ConnId) -> usize {
        self.held(id).map_or(0, |held| held.conn.send_queued())
    }

    /// Bytes in the send buffer that were not sent yet; 0 if the id is stale.
    pub fn send_unsent(&self, id: ConnId) -> usize {
        self.outgoing(id).unsent
    }

    /// Bytes of text in the longest packet that the connection would send now, if it had more; 0 if the
    /// id is stale. What is written in multiples of them leaves no short packets between.
    pub fn send_unit(&self, id: ConnId) -> usize {
        self.outgoing(id).unit
    }

    /// The shortest round trip that was measured lately; `None` if none was, or the id is stale.
    pub fn min_rtt(&self, id: ConnId) -> Option<Duration> {
        self.outgoing(id).min_rtt
    }

    /// Copies received bytes into `buf`; returns how many, 0 for the end of the stream.
    ///
    /// # Errors
    ///
    /// [`CallError::WouldBlock`] when nothing has come: wait for
    /// [`Event::Readable`](crate::Event::Readable). [`CallError::Ended`] once everything received
    /// was read from a connection that failed.
    pub fn recv(&mut self, now: Instant, id: ConnId, buf: &mut [u8]) -> Result<usize, CallError> {
        self.call(now, id, |conn, ctx| conn.recv(ctx, buf))?
    }

    /// Like [`recv`](Self::recv), but the bytes stay.
    ///
    /// # Errors
    ///
    /// As of [`recv`](Self::recv).
    pub fn peek(&self, id: ConnId, buf: &mut [u8]) -> Result<usize, CallError> {
        self.held(id)
            .ok_or(CallError::NoSuchConnection)?
            .conn
            .peek(buf)
    }

    /// Takes received bytes without a copy, as many as lie in one piece; `None` is the end of the
    /// stream. They count against the window until they are [`consumed`](Self::consumed).
    ///
    /// # Errors
    ///
    /// As of [`recv`](Self::recv).
    pub fn take_chunk(&mut self, id: ConnId) -> Result<Option<Bytes>, CallError> {
        self.take_chunk_with(id, Bytes::copy_from_slice)
    }

    /// Like [`take_chunk`](Self::take_chunk), but little text, which is not worth keeping the memory
    /// that it lies in alive for, is copied by `copy`: the caller may have memory for it.
    ///
    /// # Errors
    ///
    /// As of [`recv`](Self::recv).
    pub fn take_chunk_with(
        &mut self,
        id: ConnId,
        copy: impl FnOnce(&[u8]) -> Bytes,
    ) -> Result<Option<Bytes>, CallError> {
        if self.conns.is_dormant(id) {
            // There is nothing to take, which is no reason to wake it.
            return self.peek(id, &mut [0]).map(|_| None);
        }
        self.held_mut(id)
            .ok_or(CallError::NoSuchConnection)?
            .conn
            .take_chunk(copy)
    }

    /// The application is done with `n` bytes of the chunks it took: the window may open.
    pub fn consumed(&mut self, now: Instant, id: ConnId, n: usize) {
        let _ = self.call(now, id, |conn, ctx| conn.consumed(ctx, n));
    }

    /// Received bytes that can be read; 0 if the id is stale.
    pub fn readable(&self, id: ConnId) -> usize {
        self.held(id).map_or(0, |held| held.conn.readable())
    }

    /// Received bytes before the urgent mark; `None` if there is none ahead (RFC 9293 MUST-33).
    pub fn urgent_remaining(&self, id: ConnId) -> Option<u64> {
        self.held(id)?.conn.urgent_remaining()
    }

    /// Ends the sending direction: a FIN follows what is queued. Receiving goes on.
    ///
    /// # Errors
    ///
    /// [`CallError::Ended`] if the connection failed.
    pub fn shutdown(&mut self, now: Instant, id: ConnId) -> Result<(), CallError> {
        self.call(now, id, |conn, _| conn.shutdown())?
    }

    /// Gives the handle up and lets the connection close by itself: what is queued is still sent,
    /// within [`linger`](Self::linger); a RST says so if received bytes were never read
    /// (RFC 9293 SHLD-3). The id is stale from now on.
    pub fn close(&mut self, now: Instant, id: ConnId) {
        let _ = self.call(now, id, Connection::close);
    }

    /// Ends the connection at once with a RST (RFC 9293 §3.10.5). The id stays good until
    /// [`close`](Self::close).
    pub fn abort(&mut self, now: Instant, id: ConnId) {
        let _ = self.call(now, id, Connection::abort);
    }

    /// A snapshot of the connection's variables (RFC 9293 §3.10.6); `None` if the id is stale.
    pub fn info(&self, id: ConnId) -> Option<Info> {
        Some(self.held(id)?.info())
    }

    /// The connection's state; `None` if the id is stale.
    pub fn state(&self, id: ConnId) -> Option<State> {
        Some(self.held(id)?.conn.state())
    }

    /// Both endpoints; `None` if the id is stale.
    pub fn tuple(&self, id: ConnId) -> Option<FourTuple> {
        Some(self.held(id)?.conn.tuple())
    }

    /// Why the connection failed; `None` if it did not, or the id is stale.
    pub fn error(&self, id: ConnId) -> Option<ConnectionError> {
        self.held(id)?.conn.error()
    }

    /// A call into a connection whose handle is held.
    pub(super) fn call<R>(
        &mut self,
        now: Instant,
        id: ConnId,
        call: impl FnOnce(&mut Connection, &mut Ctx<'_>) -> R,
    ) -> Result<R, CallError> {
        let now = self.advance(now);
        if self.held_mut(id).is_none() {
            return Err(CallError::NoSuchConnection);
        }
        self.with_conn(now, id, call)
            .ok_or(CallError::NoSuchConnection)
    }

    /// A connection whose handle is held.
    pub(super) fn held(&self, id: ConnId) -> Option<Seen<'_>> {
        self.conns.look(id).filter(|held| !held.conn.is_released())
    }

    fn held_mut(&mut self, id: ConnId) -> Option<&mut Held> {
        self.conns
            .get_mut(id)
            .filter(|held| !held.conn.is_released())
    }
}

#[cfg(test)]
mod tests;
