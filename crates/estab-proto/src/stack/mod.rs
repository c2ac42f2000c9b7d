//! Everything one shard owns, and the contract by which it is driven.
//!
//! A packet goes through [`ip`](crate::ip) (is it ours, is it whole) to the demultiplexer, which
//! says what holds its four-tuple: a connection, a half-open record, an attempt the application
//! has yet to judge, a TIME-WAIT record, or nobody, and then perhaps a listener. What each does is
//! told in a file of its own; [`settle`] is what all of them end in.

mod accept;
mod calls;
mod chunks;
mod crowd;
mod demux;
mod dormant;
mod events;
mod fifo;
mod incoming;
mod input;
mod isn;
mod memory;
mod open;
mod options;
mod ports;
mod ready;
mod recent;
pub(crate) mod reply;
pub(crate) mod secret;
mod settle;
mod slab;
mod syn_cookie;
mod syn_queue;
mod syn_received;
mod table;
mod time_wait;
mod time_wait_input;
mod timers;
mod transmit;
pub(crate) mod tuple;

pub use accept::ListenConfig;
pub use calls::Outgoing;
pub use transmit::Transmit;

pub(crate) use demux::Slot;
pub(crate) use timers::Due;

use alloc::sync::Arc;

use bytes::Bytes;
use estab_timer::{Instant, Wheel};
use slotmap::new_key_type;

use crate::buffer::Budget;
use crate::config::variants::Variants;
use crate::config::{StackConfig, TcpConfig};
use crate::ip;
use crate::ip::output::Scratch;
use crate::stack::accept::Listeners;
use crate::stack::crowd::Fresh;
use crate::stack::demux::Demux;
use crate::stack::dormant::Conns;
use crate::stack::events::EventQueue;
use crate::stack::fifo::Fifo;
use crate::stack::incoming::IncomingTable;
use crate::stack::ready::ReadyList;
use crate::stack::recent::Recent;
use crate::stack::reply::ReplyQueue;
use crate::stack::secret::Secrets;
use crate::stack::syn_queue::SynQueue;
use crate::stack::time_wait::TimeWaits;
use crate::stats::{Counts, Stats};
use crate::tcp::SegmentOut;
use crate::tcp::ecn::Trials;

new_key_type! {
    /// Names a connection. Eight bytes, never reused: a key that outlives its connection finds
    /// nothing.
    pub struct ConnId;
    /// Names a listener. Never reused.
    pub struct ListenerId;
    /// Names a connection attempt on a deferring listener. Never reused.
    pub struct IncomingId;
}

/// What the driver knows about a packet beyond its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct RxMeta<'a> {
    /// The device vouches for the transport checksum: it is not computed again.
    pub checksum_verified: bool,
    /// Of a super-segment, the bytes of payload of each segment of the network it stands for but
    /// the last: what counts segments counts those. `None` or zero: it is a plain one.
    pub segment_size: Option<u16>,
    /// The buffer the packet lies in: large payloads are kept as counted slices of it instead of
    /// copied.
    pub backing: Option<&'a Bytes>,
    /// The payload, if it does not follow the headers but lies apart, as within memory it may: of a
    /// TCP segment a large one is kept instead of copied, and anything else joined. `None` or empty:
    /// it follows.
    pub payload: Option<&'a Bytes>,
}

impl RxMeta<'_> {
    /// How many segments of the network `text_len` bytes of payload are.
    #[inline]
    pub(crate) fn segments(&self, text_len: usize) -> u32 {
        match self.segment_size {
            // A packet, and so its payload, has less than 2^16 bytes.
            Some(size) if size > 0 => text_len.div_ceil(usize::from(size)).max(1) as u32,
            _ => 1,
        }
    }
}

/// A TCP/IP stack without input or output: packets and the time go in, packets, events and a
/// deadline come out.
///
/// # How to drive it
///
/// The methods fall into three kinds:
///
/// - *input*: [`handle_packet`](Self::handle_packet), [`handle_timeout`](Self::handle_timeout);
/// - *commands*: what an application asks, from [`listen`](Self::listen) and
///   [`connect`](Self::connect) to [`close`](Self::close);
/// - *polls*: [`poll_transmit`](Self::poll_transmit), [`poll_event`](Self::poll_event),
///   [`poll_timeout`](Self::poll_timeout).
///
/// The rule: **after any input or command, drain `poll_transmit`, then `poll_event`, then read
/// `poll_timeout`**, and call [`handle_timeout`](Self::handle_timeout) no later than at that
/// deadline. Several inputs and commands may go before one drain; the acknowledgements of a burst
/// are then fewer. Only a device that takes no more packets is a reason to stop draining
/// `poll_transmit`: what is left is sent after it takes some again. Debug builds assert that events
/// were drained before the deadline is read.
///
/// `now` is an argument everywhere: for a packet the time at which it was read from the device,
/// not the time at which it is processed. A `now` before one seen already counts as that one.
///
/// # Bounds
///
/// Everything a peer can make grow has a cap in [`Limits`](crate::config::Limits) or in the
/// configuration of the connection, and every refusal has a counter in [`Stats`]. The work of one
/// call does not depend on how many connections there are.
///
/// # Errors of its user
///
/// A stale id is answered with an error or with nothing; no method panics.
pub struct Stack {
    pub(crate) config: StackConfig,
    /// The defaults of each connection, shared.
    tcp: Arc<TcpConfig>,
    /// Those that differ from it or from one another in a setting.
    variants: Variants,
    pub(crate) secrets: Secrets,
    /// The latest time seen.
    now: Instant,
    pub(crate) ip: ip::Layer,
    pub(crate) wheel: Wheel<Due>,
    pub(crate) demux: Demux,
    listeners: Listeners,
    pub(crate) syn_queue: SynQueue,
    incoming: IncomingTable,
    conns: Conns,
    fresh: Fresh,
    pub(crate) recent: Recent,
    time_waits: TimeWaits,
    ready: ReadyList,
    /// Since nothing was left to send, a connection has had more to send than what can wait.
    hurries: bool,
    pub(crate) replies: ReplyQueue,
    events: EventQueue,
    pub(crate) stats: Stats,
    /// The segment that was made last.
    segment: SegmentOut,
    /// The header, or the whole small packet, that [`Transmit`] shows.
    scratch: Scratch,
    /// What the connections hold, as of their last settlement.
    pub(crate) budget: Budget,
    /// Connections that have held text beyond a hole, those that began first in front.
    hoarders: Fifo<ConnId>,
    /// What became of asking for ECN.
    ecn_trials: Trials,
    /// Connections opened by us that are not over: each has a local port of its own.
    ports: usize,
}

impl Stack {
    /// A stack without connections.
    ///
    /// `secret` keys everything that must not be guessed: sequence numbers, ports, cookies, hash
    /// tables. It must come from the operating system's entropy and be fresh for every stack.
    pub fn new(config: StackConfig, secret: [u8; 32], now: Instant) -> Self {
        let mut secrets = Secrets::new(&secret);
        Self {
            tcp: Arc::new(config.tcp.clone()),
            variants: Variants::default(),
            ip: ip::Layer::new(&config, &mut secrets, now),
            wheel: Wheel::new(now),
            demux: Demux::new(secrets.table),
            listeners: Listeners::new(secrets.table),
            syn_queue: SynQueue::default(),
            incoming: IncomingTable::default(),
            conns: Conns::default(),
            fresh: Fresh::new(),
            recent: Recent::default(),
            time_waits: TimeWaits::default(),
            ready: ReadyList::default(),
            hurries: false,
            replies: ReplyQueue::new(config.limits.max_replies),
            events: EventQueue::default(),
            stats: Stats::default(),
            segment: SegmentOut::default(),
            scratch: Scratch::default(),
            budget: Budget::new(config.limits.buffer_bytes),
            hoarders: Fifo::new(),
            ecn_trials: Trials::default(),
            ports: 0,
            now,
            secrets,
            config,
        }
    }

    /// The configuration, as it is now.
    pub fn config(&self) -> &StackConfig {
        &self.config
    }

    /// The counters.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How much of everything there is now.
    pub fn counts(&self) -> Counts {
        Counts {
            connections: self.conns.len(),
            dormant: self.conns.dormant(),
            half_open: self.syn_queue.len(),
            incoming: self.incoming.len(),
            accept_queued: self.listeners.accept_queued(),
            time_wait: self.time_waits.len(),
            listeners: self.listeners.len(),
            timers: self.wheel.len(),
            ports: self.ports,
            buffer_bytes: self.budget.used(),
            reassembly_bytes: self.ip.reassembly_bytes(),
            replies: self.replies.len(),
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; `None`: only after something
    /// else happened.
    pub fn poll_timeout(&self) -> Option<Instant> {
        debug_assert!(
            self.events.is_empty(),
            "drive rule: drain poll_transmit and poll_event before poll_timeout"
        );
        self.wheel.next_deadline()
    }

    /// The time of this call: it never goes backwards.
    #[inline]
    pub(crate) fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
