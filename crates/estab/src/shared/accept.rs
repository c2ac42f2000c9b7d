//! What a listener and the drivers share: a short queue of what the application is about to take.
//!
//! The backlog proper is the stack's, or, if there are several shards, each has its part. A driver
//! moves entries over only when somebody waits for one, so an application that does not accept holds
//! no more than its backlog.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use arrayvec::ArrayVec;
use estab_proto::config::TcpConfig;
use estab_proto::{FourTuple, IncomingId, ListenConfig, ListenerId};

use super::wakers::{Wait, Waiter, Wakers};
use crate::error::StackGone;
use crate::shard::{Command, Shards};
use crate::shared::{Conn, signal};
use crate::sync::{AtomicU8, Mutex, lock};

/// Entries a driver moves over at most at once.
const BATCH: usize = 16;

/// The places of shards that have entries.
type Stocked = Vec<usize>;

/// Entries that are moved over together.
pub(crate) type Batch<T> = ArrayVec<T, BATCH>;

/// A listener, as shared by its handle and the drivers.
#[derive(Debug)]
pub(crate) struct Acceptor<T> {
    /// Where it listens: all shards of the stack, or one of them.
    pub(crate) shards: Shards,
    /// Its name on each of these, once it has one.
    ids: Box<[OnceLock<ListenerId>]>,
    addr: OnceLock<SocketAddr>,
    pub(crate) config: Arc<TcpConfig>,
    /// Time to live of connections to be accepted; 0 leaves it as configured.
    pub(crate) ttl: AtomicU8,
    queue: Mutex<Queue<T>>,
}

/// A connection attempt that waits for the application's decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// The index of the shard that holds it.
    pub(crate) shard: usize,
    pub(crate) id: IncomingId,
    pub(crate) tuple: FourTuple,
}

/// What a listener hands out.
pub(crate) trait Entry: Sized {
    /// The kind of listener that hands it out.
    fn listening(acceptor: Arc<Acceptor<Self>>) -> Listening;

    /// Nobody will take it.
    fn reject(self);
}

impl Entry for Arc<Conn> {
    fn listening(acceptor: Arc<Acceptor<Self>>) -> Listening {
        Listening::Streams(acceptor)
    }

    fn reject(self) {
        self.ring(signal::ABORT | signal::RELEASE);
    }
}

impl Entry for Attempt {
    fn listening(acceptor: Arc<Acceptor<Self>>) -> Listening {
        Listening::Attempts(acceptor)
    }

    /// A listener that closes refuses all its attempts: nothing is left to do.
    fn reject(self) {}
}

/// The two kinds of listeners, on the drivers' side.
#[derive(Clone, Debug)]
pub(crate) enum Listening {
    /// Hands out connections.
    Streams(Arc<Acceptor<Arc<Conn>>>),
    /// Hands out attempts.
    Attempts(Arc<Acceptor<Attempt>>),
}

impl Listening {
    /// The listener's name on a shard of the stack; `None` if it does not listen there yet.
    pub(crate) fn id(&self, shard: usize) -> Option<ListenerId> {
        self.name(shard).and_then(OnceLock::get).copied()
    }

    /// The listener has a name on a shard.
    pub(crate) fn set_id(&self, shard: usize, id: ListenerId) {
        if let Some(name) = self.name(shard) {
            let _ = name.set(id);
        }
    }

    fn name(&self, shard: usize) -> Option<&OnceLock<ListenerId>> {
        match self {
            Self::Streams(acceptor) => acceptor.ids.get(acceptor.place(shard)),
            Self::Attempts(acceptor) => acceptor.ids.get(acceptor.place(shard)),
        }
    }

    /// Ends the listener: what waits is rejected, who waits is told why.
    pub(crate) fn end(&self, gone: StackGone) {
        match self {
            Self::Streams(acceptor) => acceptor.end(gone),
            Self::Attempts(acceptor) => acceptor.end(gone),
        }
    }
}

/// Whether a shard has entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stock {
    /// It had none, and tells when it has.
    Empty,
    /// It has some to be asked for.
    Full,
    /// It was asked for some. All shards that are asked give some, so that none is starved by those
    /// that are quicker.
    Asked,
}

#[derive(Debug)]
pub(crate) struct Queue<T> {
    ready: VecDeque<T>,
    /// Somebody waits, and the next driver that has entries moves them over.
    wanted: bool,
    /// What is known of the shards, by place.
    stocks: Box<[Stock]>,
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

    /// Somebody waits: says which shards are to be asked, if they are not yet.
    fn ask(&mut self) -> Stocked {
        if std::mem::replace(&mut self.wanted, true) {
            return Stocked::default();
        }
        let mut full = Stocked::new();
        for (place, stock) in self.stocks.iter_mut().enumerate() {
            if *stock == Stock::Full {
                *stock = Stock::Asked;
                full.push(place);
            }
        }
        full
    }
}

impl<T: Entry> Acceptor<T> {
    pub(super) fn new(shards: Shards, config: Arc<TcpConfig>) -> Self {
        let queue = Queue {
            ready: VecDeque::new(),
            wanted: false,
            stocks: shards.iter().map(|_| Stock::Empty).collect(),
            end: None,
            wakers: Wakers::default(),
        };
        Self {
            ids: shards.iter().map(|_| OnceLock::new()).collect(),
            shards,
            addr: OnceLock::new(),
            config,
            ttl: AtomicU8::new(0),
            queue: Mutex::new(queue),
        }
    }

    /// Where a shard of the stack stands among those of the listener.
    fn place(&self, shard: usize) -> usize {
        shard - self.shards[0].index
    }

    /// The next entry; the calling task is woken when there is one.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Result<T, StackGone>> {
        let mut queue = lock(&self.queue);
        if let Some(entry) = queue.take() {
            return Poll::Ready(entry);
        }
        queue.wakers.set_task(cx.waker());
        let stocked = queue.ask();
        drop(queue);
        self.serve_from(stocked);
        Poll::Pending
    }

    /// The next entry, for any number of futures.
    pub(crate) async fn next(&self) -> Result<T, StackGone> {
        let mut waiter = Waiter::new(&self.queue);
        std::future::poll_fn(|cx| {
            let mut stocked = Stocked::default();
            let polled = waiter.poll(cx, |queue| {
                let entry = queue.take();
                if entry.is_none() {
                    stocked = queue.ask();
                }
                entry
            });
            self.serve_from(stocked);
            polled
        })
        .await
    }

    /// Has shards move over what they have.
    fn serve_from(&self, places: Stocked) {
        for place in places {
            if let Some(&id) = self.ids[place].get() {
                self.shards[place].bell.post(Command::Serve(id));
            }
        }
    }

    /// The driver of a shard has entries, and moves them over if somebody waits. Gives back what it
    /// took in vain because the listener ended meanwhile.
    pub(crate) fn serve(&self, shard: usize, next: impl FnMut() -> Option<T>) -> Batch<T> {
        let place = self.place(shard);
        let mut queue = lock(&self.queue);
        let is_asked = queue.wanted || queue.stocks[place] == Stock::Asked;
        if !is_asked || queue.end.is_some() {
            queue.stocks[place] = Stock::Full;
            return Batch::new();
        }
        queue.stocks[place] = Stock::Empty;
        drop(queue);
        let mut entries: Batch<T> = std::iter::from_fn(next).take(BATCH).collect();
        if entries.is_empty() {
            return entries;
        }
        let mut queue = lock(&self.queue);
        if queue.end.is_some() {
            return entries;
        }
        if entries.is_full() {
            queue.stocks[place] = Stock::Full;
        }
        queue.ready.extend(entries.drain(..));
        queue.wanted = false;
        let waiting = queue.wakers.take();
        drop(queue);
        waiting.wake();
        entries
    }

    /// Ends the listener: what waits is rejected, who waits is told why.
    fn end(&self, gone: StackGone) {
        let mut queue = lock(&self.queue);
        queue.end.get_or_insert(gone);
        let left = std::mem::take(&mut queue.ready);
        let waiting = queue.wakers.take();
        drop(queue);
        waiting.wake();
        left.into_iter().for_each(T::reject);
    }

    /// Where the listener listens; `0.0.0.0` stands for any address and port 0 for any port.
    pub(crate) fn addr(&self) -> SocketAddr {
        let nowhere = SocketAddr::from(([0; 4], 0));
        self.addr.get().copied().unwrap_or(nowhere)
    }

    /// The time to live to set on an accepted connection, if one was asked for.
    pub(crate) fn ttl(&self) -> Option<u8> {
        Some(self.ttl.load(Ordering::Relaxed)).filter(|&ttl| ttl != 0)
    }
}

/// The application's hold on a listener: dropping it closes the listener.
#[derive(Debug)]
pub(crate) struct ListenHandle<T: Entry> {
    pub(crate) acceptor: Arc<Acceptor<T>>,
}

impl<T: Entry> ListenHandle<T> {
    /// Listens on all of `shards`, or on none. A port that is picked is put into `config`.
    ///
    /// The first shard decides who gets a place that several ask for at once: every listener opens
    /// there first and closes there last.
    pub(crate) async fn open(shards: Shards, config: &mut ListenConfig) -> io::Result<Self> {
        let own = config.tcp.clone().map(Arc::new);
        let tcp = own.unwrap_or_else(|| Arc::clone(&shards[0].tcp));
        shards[0].hold();
        let acceptor = Arc::new(Acceptor::new(shards, tcp));
        // From here on, dropping it closes what was opened.
        let handle = Self { acceptor };
        for shard in &*handle.acceptor.shards {
            let listening = T::listening(Arc::clone(&handle.acceptor));
            let listen = shard.ask(|reply| Command::Listen {
                config: Box::new(config.clone()),
                listening,
                reply,
            });
            let addr = listen.await??;
            handle.acceptor.addr.get_or_init(|| addr);
            config.port = config.port.map(|_| addr.port());
        }
        Ok(handle)
    }
}

impl<T: Entry> Drop for ListenHandle<T> {
    fn drop(&mut self) {
        let acceptor = &self.acceptor;
        acceptor.end(StackGone::new(None));
        for shard in acceptor.shards.iter().rev() {
            let listening = T::listening(Arc::clone(acceptor));
            shard.bell.post(Command::CloseListener(listening));
        }
        acceptor.shards[0].let_go();
    }
}
