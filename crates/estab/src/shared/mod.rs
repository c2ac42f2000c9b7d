//! What an application's handle and the driver share of one connection.
//!
//! Two halves, each behind its own lock: what was received and not yet read, and what was written
//! and not yet taken by the driver. A lock is held for moving pointers and copying small writes,
//! never while the protocol works; wakers are taken out under the lock and woken after it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use estab_proto::config::TcpConfig;
use estab_proto::{ConnId, ConnectionError, FourTuple};

use crate::error;
use crate::shard::Shard;
use crate::sync::{AtomicU8, Mutex, lock};

pub(crate) mod accept;
pub(crate) mod blocks;
pub(crate) mod options;
pub(crate) mod rx;
pub(crate) mod tx;
pub(crate) mod wakers;

use options::Options;
use rx::Rx;
use tx::Tx;
use wakers::Waiter;

/// Bytes in pieces, on their way between a handle and the driver.
pub(crate) type Chunks = VecDeque<Bytes>;

/// What a handle asks of the driver by ringing; bits of one byte.
pub(crate) mod signal {
    /// Bytes were read.
    pub(crate) const READ: u8 = 1;
    /// Bytes were written.
    pub(crate) const WRITE: u8 = 2;
    /// The sending direction shall be closed.
    pub(crate) const SHUTDOWN: u8 = 4;
    /// An option was set.
    pub(crate) const OPTIONS: u8 = 8;
    /// The connection shall be reset.
    pub(crate) const ABORT: u8 = 16;
    /// The handle was dropped.
    pub(crate) const RELEASE: u8 = 32;
}

/// One connection, as shared by its handle and the driver.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) id: ConnId,
    pub(crate) tuple: FourTuple,
    pub(crate) shard: Arc<Shard>,
    rung: AtomicU8,
    pub(crate) rx: Mutex<Rx>,
    pub(crate) tx: Mutex<Tx>,
    /// What the connection started with.
    config: Arc<TcpConfig>,
    /// What was changed since, which is seldom anything.
    options: Mutex<Option<Box<Options>>>,
}

impl Conn {
    pub(crate) fn new(
        id: ConnId,
        tuple: FourTuple,
        shard: Arc<Shard>,
        config: Arc<TcpConfig>,
    ) -> Self {
        Self {
            id,
            tuple,
            shard,
            rung: AtomicU8::new(0),
            rx: Mutex::default(),
            tx: Mutex::default(),
            config,
            options: Mutex::default(),
        }
    }

    /// Asks the driver to look at this connection.
    pub(crate) fn ring(&self, signal: u8) {
        if self.rung.fetch_or(signal, Ordering::AcqRel) == 0 {
            self.shard.bell.ring(self.id);
        }
    }

    /// What was asked since the last call. Called before the halves are looked at, so that what is
    /// asked meanwhile rings again.
    pub(crate) fn take_signals(&self) -> u8 {
        self.rung.swap(0, Ordering::AcqRel)
    }

    /// The connection is over: nothing more comes in or goes out. What was received stays readable.
    pub(crate) fn end(&self, error: Option<ConnectionError>) {
        let mut rx = lock(&self.rx);
        // A reset by a peer that has said all it had to say: it just does not listen any more, and
        // that is what Linux reports.
        let is_deaf = rx.is_finished() && error == Some(ConnectionError::Reset);
        rx.end(error);
        let readers = rx.wakers.take();
        drop(rx);
        let mut tx = lock(&self.tx);
        tx.end(error.filter(|_| !is_deaf));
        let writers = tx.wakers.take();
        drop(tx);
        readers.wake();
        writers.wake();
    }

    /// What the application last set.
    pub(crate) fn options(&self) -> Options {
        let set = lock(&self.options).clone();
        set.map_or_else(|| Options::of(&self.config), |options| *options)
    }

    /// Whether acknowledgements are to be quick, once each time it is set.
    pub(crate) fn take_quick_ack(&self) -> Option<bool> {
        let mut options = lock(&self.options);
        let options = options.as_mut()?;
        std::mem::take(&mut options.is_quick_ack_due).then_some(options.quick_ack)
    }

    /// Sets an option and has the driver apply it.
    pub(crate) fn set_option(&self, set: impl FnOnce(&mut Options)) {
        let mut options = lock(&self.options);
        set(options.get_or_insert_with(|| Box::new(Options::of(&self.config))));
        drop(options);
        self.ring(signal::OPTIONS);
    }
}

/// The application's hold on a connection: dropping it releases the connection, without waiting.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) conn: Arc<Conn>,
}

impl Handle {
    pub(crate) fn new(conn: Arc<Conn>) -> Self {
        conn.shard.hold();
        Self { conn }
    }

    /// Waits for an open to succeed or fail.
    pub(crate) async fn connected(self) -> io::Result<Self> {
        let outcome = Waiter::new(&self.conn.tx).until(Tx::outcome).await;
        outcome.map_err(error::connection)?;
        Ok(self)
    }

    /// The error that ended the connection, if it was not reported yet.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        let in_rx = lock(&self.conn.rx).take_error();
        let in_tx = lock(&self.conn.tx).take_error();
        in_rx.or(in_tx).map(error::connection)
    }

    /// Resets the connection.
    pub(crate) fn abort(&self) {
        let mut rx = lock(&self.conn.rx);
        rx.discard();
        drop(rx);
        self.conn.end(Some(ConnectionError::Aborted));
        self.conn.ring(signal::ABORT);
    }

    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut rx = lock(&self.conn.rx);
        if rx.is_ready() {
            return Poll::Ready(());
        }
        rx.wakers.set_task(cx.waker());
        Poll::Pending
    }

    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut tx = lock(&self.conn.tx);
        if tx.is_ready() {
            return Poll::Ready(());
        }
        tx.wakers.set_task(cx.waker());
        Poll::Pending
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.conn.ring(signal::RELEASE);
        self.conn.shard.let_go();
    }
}

#[cfg(all(test, estab_loom))]
mod loom_tests;
#[cfg(test)]
mod tests;
