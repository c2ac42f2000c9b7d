//! What a listener and the driver share: a short queue of what the application is about to take.
//!
//! The backlog proper is the stack's. The driver moves entries over only when somebody waits for
//! one, so an application that does not accept holds no more than its backlog.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use arrayvec::ArrayVec;
use estab_proto::config::TcpConfig;
use estab_proto::{FourTuple, IncomingId, ListenerId};

use super::wakers::{Wait, Waiter, Wakers};
use crate::error::StackGone;
use crate::shard::{Command, Shard};
use crate::shared::Conn;
use crate::sync::{AtomicU8, Mutex, lock};

/// Entries the driver moves over at most at once.
const BATCH: usize = 16;

/// A listener, as shared by its handle and the driver.
#[derive(Debug)]
pub(crate) struct Acceptor<T> {
    pub(crate) id: ListenerId,
    pub(crate) addr: SocketAddr,
    pub(crate) shard: Arc<Shard>,
    pub(crate) config: Arc<TcpConfig>,
    /// Time to live of connections to be accepted; 0 leaves it as configured.
    pub(crate) ttl: AtomicU8,
    queue: Mutex<Queue<T>>,
}

/// A connection attempt that waits for the application's decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) id: IncomingId,
    pub(crate) tuple: FourTuple,
}

/// The two kinds of listeners, on the driver's side.
#[derive(Clone, Debug)]
pub(crate) enum Listening {
    /// Hands out connections.
    Streams(Arc<Acceptor<Arc<Conn>>>),
    /// Hands out attempts.
    Attempts(Arc<Acceptor<Attempt>>),
}

#[derive(Debug)]
pub(crate) struct Queue<T> {
    ready: VecDeque<T>,
    /// Somebody waits, and the driver knows.
    wanted: bool,
    end: Option<StackGone>,
    wakers: Wakers,
}

impl<T> Wait for Queue<T> {
    fn wakers(&mut self) -> &mut Wakers {
        &mut self.wakers
    }
}

impl<T> Queue<T> {
    fn take(&mut self) -> Option<Result<T, StackGone>> {
        match self.ready.pop_front() {
            Some(entry) => Some(Ok(entry)),
            None => self.end.clone().map(Err),
        }
    }
}

impl<T> Acceptor<T> {
    pub(crate) fn new(
        id: ListenerId,
        addr: SocketAddr,
        shard: Arc<Shard>,
        config: Arc<TcpConfig>,
    ) -> Self {
        let ttl = AtomicU8::new(0);
        let queue = Queue {
            ready: VecDeque::new(),
            wanted: false,
            end: None,
            wakers: Wakers::default(),
        };
        Self {
            id,
            addr,
            shard,
            config,
            ttl,
            queue: Mutex::new(queue),
        }
    }

    /// The next entry; the calling task is woken when there is one.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Result<T, StackGone>> {
        let mut queue = lock(&self.queue);
        if let Some(entry) = queue.take() {
            return Poll::Ready(entry);
        }
        queue.wakers.set_task(cx.waker());
        let asked = std::mem::replace(&mut queue.wanted, true);
        drop(queue);
        self.ask_unless(asked);
        Poll::Pending
    }

    /// The next entry, for any number of futures.
    pub(crate) async fn next(&self) -> Result<T, StackGone> {
        let mut waiter = Waiter::new(&self.queue);
        std::future::poll_fn(|cx| {
            let mut asked = true;
            let polled = waiter.poll(cx, |queue| {
                let entry = queue.take();
                if entry.is_none() {
                    asked = std::mem::replace(&mut queue.wanted, true);
                }
                entry
            });
            self.ask_unless(asked);
            polled
        })
        .await
    }

    fn ask_unless(&self, asked: bool) {
        if !asked {
            self.shard.bell.post(Command::Serve(self.id));
        }
    }

    /// The driver offers entries, if somebody waits for one.
    pub(crate) fn serve(&self, next: impl FnMut() -> Option<T>) {
        if !lock(&self.queue).wanted {
            return;
        }
        let entries: ArrayVec<T, BATCH> = std::iter::from_fn(next).take(BATCH).collect();
        if entries.is_empty() {
            return;
        }
        let mut queue = lock(&self.queue);
        queue.ready.extend(entries);
        queue.wanted = false;
        let waiting = queue.wakers.take();
        drop(queue);
        waiting.wake();
    }

    /// Ends the listener: what waits is handed back, who waits is told why.
    pub(crate) fn end(&self, gone: StackGone) -> VecDeque<T> {
        let mut queue = lock(&self.queue);
        queue.end = Some(gone);
        let left = std::mem::take(&mut queue.ready);
        let waiting = queue.wakers.take();
        drop(queue);
        waiting.wake();
        left
    }

    /// The time to live to set on an accepted connection, if one was asked for.
    pub(crate) fn ttl(&self) -> Option<u8> {
        Some(self.ttl.load(Ordering::Relaxed)).filter(|&ttl| ttl != 0)
    }
}

/// The application's hold on a listener: dropping it closes the listener.
#[derive(Debug)]
pub(crate) struct ListenHandle<T> {
    pub(crate) acceptor: Arc<Acceptor<T>>,
}

impl<T> ListenHandle<T> {
    pub(crate) fn new(acceptor: Arc<Acceptor<T>>) -> Self {
        acceptor.shard.hold();
        Self { acceptor }
    }
}

impl<T> Drop for ListenHandle<T> {
    fn drop(&mut self) {
        let shard = &self.acceptor.shard;
        shard.bell.post(Command::CloseListener(self.acceptor.id));
        shard.let_go();
    }
}
