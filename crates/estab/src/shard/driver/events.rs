//! What the stack has to tell, passed on to the handles.

use std::sync::Arc;

use estab_proto::config::TcpConfig;
use estab_proto::{CallError, ConnId, ConnectionError, Event, FourTuple, ListenerId};
use estab_timer::Instant;

use super::Core;
use crate::device::Device;
use crate::shared::accept::{Attempt, Listening};
use crate::shared::{Chunks, Conn};
use crate::sync::lock;

impl<D: Device> Core<D> {
    /// Tells the handle of an event. Returns whether the stack has something to send in turn.
    pub(super) fn deliver(&mut self, now: Instant, event: Event) -> bool {
        match event {
            Event::Listener(id) => self.serve(now, id),
            Event::Connected(id) => {
                if let Some(conn) = self.conns.get(id) {
                    tracing::debug!(connection = %conn.tuple, "established");
                    opened(conn, self.room(id));
                }
            }
            Event::Readable(id) => self.fill(id),
            Event::Writable(id) => return self.make_room(now, id),
            Event::Urgent(id) => {
                if let Some(conn) = self.conns.get(id) {
                    let mut rx = lock(&conn.rx);
                    rx.urgent = true;
                    let readers = rx.wakers.take();
                    drop(rx);
                    readers.wake();
                }
            }
            Event::SoftError(id, error) => {
                if let Some(conn) = self.conns.get(id) {
                    tracing::debug!(connection = %conn.tuple, ?error, "trouble");
                    lock(&conn.rx).soft_error = Some(error);
                }
            }
            Event::Closed(id, error) => self.closed(now, id, error),
            _ => {}
        }
        false
    }

    /// Moves everything received to the handle.
    fn fill(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get(id) else {
            return;
        };
        let receiver = &self.receiver;
        let end = loop {
            match self.stack.take_chunk_with(id, |text| receiver.copy(text)) {
                Ok(Some(chunk)) => self.chunks.push(chunk),
                Ok(None) => break Some(None),
                Err(CallError::Ended(error)) => break Some(Some(error)),
                Err(_) => break None,
            }
        };
        if self.chunks.is_empty() && end.is_none() {
            return;
        }
        let mut rx = lock(&conn.rx);
        let spare = &mut self.spare;
        rx.extend(self.chunks.drain(..), || spare.pop().unwrap_or_default());
        if let Some(error) = end {
            rx.end(error);
        }
        self.awaited = self.awaited.max(u8::from(!rx.wakers.is_empty()));
        let readers = rx.wakers.take();
        drop(rx);
        readers.wake();
    }

    /// Acknowledged bytes left the send buffer.
    fn make_room(&mut self, now: Instant, id: ConnId) -> bool {
        let Some(conn) = self.conns.get(id).map(Arc::clone) else {
            return false;
        };
        let drained = lock(&conn.tx).is_drained();
        let took = !drained && self.pump(now, &conn);
        let mut tx = lock(&conn.tx);
        if tx.is_released() {
            let drained = tx.is_drained();
            drop(tx);
            if drained {
                self.forget(now, id);
            }
            return took;
        }
        let room = self.room(id);
        tx.set_room(room);
        // Who waits to write needs the memory again.
        let empty = match self.stack.send_queued(id) {
            0 if !tx.is_wanted() => tx.rest(),
            _ => Chunks::new(),
        };
        let wakes = tx.is_awaited() && self.is_worth_waking(id, room);
        if wakes && tx.may_soon_write() {
            self.writers.push(id);
        }
        drop(tx);
        self.keep(empty);
        took
    }

    /// The connection is over, and its handle the last to hear of it.
    fn closed(&mut self, now: Instant, id: ConnId, error: Option<ConnectionError>) {
        self.fill(id);
        let Some(conn) = self.conns.get(id).cloned() else {
            return;
        };
        match error {
            Some(error) => tracing::debug!(connection = %conn.tuple, %error, "failed"),
            None => tracing::debug!(connection = %conn.tuple, "closed"),
        }
        conn.end(error);
        if lock(&conn.tx).is_released() {
            self.forget(now, id);
        }
    }

    /// Gives a connection of the stack a handle's counterpart.
    pub(super) fn adopt(
        &mut self,
        id: ConnId,
        tuple: FourTuple,
        config: Arc<TcpConfig>,
    ) -> Arc<Conn> {
        let conn = Arc::new(Conn::new(id, tuple, Arc::clone(&self.shard), config));
        self.conns.insert(id, Arc::clone(&conn));
        conn
    }

    /// Offers a listener's handle what it waits for.
    pub(super) fn serve(&mut self, now: Instant, id: ListenerId) {
        let shard = self.shard.index;
        match self.listeners.get(id).cloned() {
            Some(Listening::Streams(acceptor)) => {
                let left = acceptor.serve(shard, || {
                    let (conn, tuple) = self.stack.accept(id)?;
                    tracing::debug!(connection = %tuple, "accepted");
                    let conn = self.adopt(conn, tuple, Arc::clone(&acceptor.config));
                    if let Some(ttl) = acceptor.ttl() {
                        conn.set_option(|options| options.ttl = ttl);
                    }
                    // What came with it is told next.
                    opened(&conn, self.room(conn.id));
                    self.awaited = 2;
                    Some(conn)
                });
                for conn in left {
                    self.stack.abort(now, conn.id);
                    self.forget(now, conn.id);
                }
            }
            Some(Listening::Attempts(acceptor)) => {
                let left = acceptor.serve(shard, || {
                    let (id, tuple) = self.stack.next_incoming(id)?;
                    Some(Attempt { shard, id, tuple })
                });
                for attempt in left {
                    self.stack.refuse_incoming(now, attempt.id);
                }
            }
            None => {}
        }
    }
}

/// The handshake succeeded.
fn opened(conn: &Conn, room: usize) {
    let mut tx = lock(&conn.tx);
    tx.open();
    tx.set_room(room);
    let writers = tx.wakers.take();
    drop(tx);
    writers.wake();
}
