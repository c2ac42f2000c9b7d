//! Listeners: who hears which SYN, and what waits to be accepted.

use alloc::sync::Arc;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use estab_timer::Instant;
use hashbrown::HashMap;
use slotmap::SlotMap;

use crate::addr::FourTuple;
use crate::config::TcpConfig;
use crate::error::ListenError;
use crate::stack::events::Source;
use crate::stack::fifo::Fifo;
use crate::stack::ports::Candidates;
use crate::stack::secret::Key;
use crate::stack::{ConnId, IncomingId, ListenerId, Stack};

/// What a listener is to hear.
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// The local address; `None`, or an unspecified address: any, of either family.
    pub addr: Option<IpAddr>,
    /// The local port; `None`: any port, `Some(0)`: one that is free.
    pub port: Option<u16>,
    /// How many connections may wait to be accepted, at least 1; as many again may be half-open
    /// before SYN cookies take over. On a deferring listener, how many attempts may wait.
    pub backlog: usize,
    /// Hold each SYN unanswered until the application has judged the attempt: see
    /// [`Stack::next_incoming`].
    pub deferred: bool,
    /// What the connections have; `None`: the stack's default.
    pub tcp: Option<TcpConfig>,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            addr: None,
            port: Some(0),
            backlog: 1024,
            deferred: false,
            tcp: None,
        }
    }
}

/// A listener: RFC 9293's LISTEN.
pub(crate) struct Listener {
    addr: Option<IpAddr>,
    port: Option<u16>,
    pub(super) backlog: usize,
    pub(super) deferred: bool,
    pub(super) tcp: Arc<TcpConfig>,
    /// Half-open records of this listener.
    pub(super) half_open: usize,
    /// When a SYN last found the queue of half-open records full.
    pub(super) overflow_at: Option<Instant>,
    /// Connections to be accepted.
    accept_queue: Fifo<ConnId>,
    /// Attempts to be judged, and those handed out and not judged yet.
    pub(super) incoming: usize,
    pub(super) incoming_queue: Fifo<IncomingId>,
    /// Whether the listener is in the event queue.
    pub(super) notified: bool,
}

impl Listener {
    /// Whether one connection more would exceed the backlog.
    pub(super) fn is_full(&self) -> bool {
        self.accept_queue.len() >= self.backlog
    }
}

/// The address and port by which a listener is found.
type Place = (Option<IpAddr>, Option<u16>);

/// All listeners.
pub(crate) struct Listeners {
    listeners: SlotMap<ListenerId, Listener>,
    places: HashMap<Place, ListenerId, Key>,
    accept_queued: usize,
}

impl Listeners {
    /// No listeners.
    pub(crate) fn new(key: Key) -> Self {
        Self {
            listeners: SlotMap::with_key(),
            places: HashMap::with_hasher(key),
            accept_queued: 0,
        }
    }

    /// Who hears what is sent to `local`: the most particular listener, the address before the
    /// port.
    pub(crate) fn find(&self, local: SocketAddr) -> Option<ListenerId> {
        if self.places.is_empty() {
            return None;
        }
        let (addr, port) = (Some(local.ip()), Some(local.port()));
        [(addr, port), (None, port), (addr, None), (None, None)]
            .iter()
            .find_map(|place| self.places.get(place).copied())
    }

    /// Whether a listener names this very port, on this address or on any.
    pub(crate) fn names_port(&self, addr: IpAddr, port: u16) -> bool {
        self.places.contains_key(&(Some(addr), Some(port)))
            || self.places.contains_key(&(None, Some(port)))
    }

    /// A listener.
    pub(crate) fn get(&self, id: ListenerId) -> Option<&Listener> {
        self.listeners.get(id)
    }

    /// A listener, to be changed.
    pub(crate) fn get_mut(&mut self, id: ListenerId) -> Option<&mut Listener> {
        self.listeners.get_mut(id)
    }

    /// The ids of all listeners.
    pub(crate) fn ids(&self) -> impl Iterator<Item = ListenerId> + '_ {
        self.listeners.keys()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.listeners.len()
    }

    /// Connections in all accept queues.
    pub(crate) fn accept_queued(&self) -> usize {
        self.accept_queued
    }
}

impl Stack {
    /// Opens a listener (RFC 9293 §3.10.1, passive OPEN).
    ///
    /// A SYN goes to the most particular listener that fits: address and port before port alone,
    /// before address alone, before any. Connections that exist keep their segments (MUST-41), and
    /// a port in use by a connection can be listened on (MUST-42).
    ///
    /// # Errors
    ///
    /// [`ListenError::AddressInUse`] if a listener with exactly this address and port exists, or no
    /// port is free for port 0; [`ListenError::AddressNotAvailable`] if the address is not the
    /// stack's.
    // RFC 9293: MUST-43.
    pub fn listen(&mut self, config: ListenConfig) -> Result<ListenerId, ListenError> {
        let addr = config.addr.filter(|addr| !addr.is_unspecified());
        if addr.is_some_and(|addr| !self.ip.addrs.accepts(addr)) {
            return Err(ListenError::AddressNotAvailable);
        }
        let port = match config.port {
            Some(0) => Some(self.free_listen_port(addr)?),
            port => port,
        };
        if self.listeners.places.contains_key(&(addr, port)) {
            return Err(ListenError::AddressInUse);
        }
        let tcp = config.tcp.map_or_else(|| Arc::clone(&self.tcp), Arc::new);
        let id = self.listeners.listeners.insert(Listener {
            addr: config.addr,
            port,
            backlog: config.backlog.max(1),
            deferred: config.deferred,
            tcp,
            half_open: 0,
            overflow_at: None,
            accept_queue: Fifo::new(),
            incoming: 0,
            incoming_queue: Fifo::new(),
            notified: false,
        });
        self.listeners.places.insert((addr, port), id);
        Ok(id)
    }

    fn free_listen_port(&mut self, addr: Option<IpAddr>) -> Result<u16, ListenError> {
        let random = self.secrets.random();
        let places = &self.listeners.places;
        Candidates::new(self.config.ephemeral_ports, random)
            .find(|&port| {
                !places.contains_key(&(addr, Some(port)))
                    && !places.contains_key(&(None, Some(port)))
            })
            .ok_or(ListenError::AddressInUse)
    }

    /// Where a listener listens: address 0.0.0.0 if on any, port 0 if on any.
    pub fn listener_addr(&self, id: ListenerId) -> Option<SocketAddr> {
        let listener = self.listeners.get(id)?;
        let addr = listener.addr.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Some(SocketAddr::new(addr, listener.port.unwrap_or(0)))
    }

    /// Closes a listener. What was never accepted is reset: half-open connections, attempts not
    /// judged, and connections in the accept queue. Does nothing if the id is stale.
    ///
    /// The work grows with the number of half-open records, which are capped.
    pub fn close_listener(&mut self, now: Instant, id: ListenerId) {
        let now = self.advance(now);
        self.reset_half_open(id);
        self.refuse_all_incoming(id);
        while let Some(conn) = self.pop_accept(id) {
            self.with_conn(now, conn, |conn, ctx| {
                conn.abort(ctx);
                conn.close(ctx);
            });
        }
        if let Some(listener) = self.listeners.listeners.remove(id) {
            let addr = listener.addr.filter(|addr| !addr.is_unspecified());
            self.listeners.places.remove(&(addr, listener.port));
        }
    }

    /// Takes a connection whose handshake is complete; `None` when there is none, or the id is
    /// stale.
    ///
    /// After [`Event::Listener`](crate::Event::Listener) call it until it returns `None`.
    pub fn accept(&mut self, id: ListenerId) -> Option<(ConnId, FourTuple)> {
        let conn = self.pop_accept(id)?;
        let tuple = self.conns.look(conn)?.conn.tuple();
        Some((conn, tuple))
    }

    /// Takes the oldest connection out of an accept queue; from now on it tells its own events.
    fn pop_accept(&mut self, id: ListenerId) -> Option<ConnId> {
        let listener = self.listeners.listeners.get_mut(id)?;
        let conn = listener
            .accept_queue
            .pop(|conn| self.conns.contains_key(conn))?;
        self.listeners.accept_queued -= 1;
        self.announce(conn);
        Some(conn)
    }

    /// Puts a connection into its listener's accept queue.
    pub(super) fn push_accept(&mut self, id: ListenerId, conn: ConnId) {
        let Some(listener) = self.listeners.listeners.get_mut(id) else {
            return;
        };
        listener.accept_queue.push(conn);
        self.listeners.accept_queued += 1;
        self.notify_listener(id);
    }

    /// A connection in the accept queue is gone.
    pub(super) fn lost_accept(&mut self, id: ListenerId) {
        if let Some(listener) = self.listeners.listeners.get_mut(id) {
            listener
                .accept_queue
                .lost(|conn| self.conns.contains_key(conn));
            self.listeners.accept_queued -= 1;
        }
    }

    /// Tells the driver that a listener has something.
    pub(super) fn notify_listener(&mut self, id: ListenerId) {
        if let Some(listener) = self.listeners.listeners.get_mut(id)
            && !listener.notified
        {
            listener.notified = true;
            self.events.push(Source::Listener(id));
        }
    }
}

#[cfg(test)]
mod tests;
