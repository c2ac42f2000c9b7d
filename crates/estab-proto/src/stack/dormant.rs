//! The connections of a stack, most of which have nothing to do.
//!
//! One that was quiet for [`dormant_after`](crate::config::StackConfig::dormant_after), or for less in
//! a [`crowd`](crate::stack::crowd), is put away:
//! its record, of well over a kilobyte, shrinks to the few hundred bytes it can be made from again
//! ([`Connection::dormant`]). Whatever touches it wakes it. That shows in nothing but memory:
//! the same packets leave at the same times, and whoever looks sees the same.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Deref;

use estab_timer::{Instant, LazyEntry};

use crate::dormant::{Dormant, Reader, Writer};
use crate::info::Info;
use crate::stack::settle::Held;
use crate::stack::slab::Slab;
use crate::stack::timers::Due;
use crate::stack::tuple::TupleKey;
use crate::stack::{ConnId, ListenerId, Stack};
use crate::tcp::dormant::Shared;
use crate::tcp::{Connection, Notices};

/// Records kept for those that wake next: a peer that says something every few seconds costs the
/// allocator nothing.
const SPARE: usize = 64;

/// The memory of such records: the boxes themselves are used again.
type Spare = Vec<Box<Held>>;

/// A connection put away.
struct Record {
    key: TupleKey,
    /// The listener in whose accept queue it waits.
    accept_from: Option<ListenerId>,
    /// Its place in the wheel, if keepalive is on.
    entry: LazyEntry,
    shared: Shared,
    numbers: Box<[u8]>,
}

impl Record {
    /// What `held`, which rests, comes down to; and memory to write the next one in.
    fn of(held: &mut Held, memory: Vec<u8>) -> (Self, Vec<u8>) {
        let mut to = Writer::reusing(memory);
        let shared = held.conn.dormant(&mut to);
        (held.notices.bits(), held.is_active, held.hoards).dormant(&mut to);
        (held.flow_label, held.path_epoch).dormant(&mut to);
        let (numbers, memory) = to.finish();
        let record = Self {
            key: TupleKey::new(&held.conn.tuple()),
            accept_from: held.accept_from,
            entry: core::mem::take(&mut held.conn.entry),
            shared,
            numbers,
        };
        (record, memory)
    }

    /// What it was made of, without its place in the wheel.
    fn held(&self) -> Held {
        let mut from = Reader::new(&self.numbers);
        let conn = Connection::wake(&self.key, &self.shared, &mut from);
        let (notices, is_active, hoards) = Dormant::wake(&mut from);
        let (flow_label, path_epoch) = Dormant::wake(&mut from);
        debug_assert!(from.is_empty(), "read as it was written");
        Held {
            conn,
            notices: Notices::from_bits_retain(notices),
            is_ready: false,
            has_events: false,
            is_routed: true,
            is_active,
            accept_from: self.accept_from,
            time_wait: None,
            flow_label,
            path_epoch,
            charged: 0,
            hoards,
            settled_at: Instant::ZERO,
        }
    }

    /// The bytes of memory it takes.
    fn allocated(&self) -> usize {
        size_of::<Self>() + self.numbers.len() + self.shared.allocated()
    }

    /// Whether what is made of it comes down to the same again.
    fn is_faithful(&self) -> bool {
        let (again, _) = Self::of(&mut self.held(), Vec::new());
        again.numbers == self.numbers && again.key == self.key
    }
}

/// A place in the table.
enum Place {
    Awake(Box<Held>),
    Dormant(Box<Record>),
}

/// A connection as it is, or as it would be if it were awake.
pub(crate) enum Seen<'a> {
    Awake(&'a Held),
    /// With the bytes of memory it really takes.
    Dormant(Box<Held>, usize),
}

impl Seen<'_> {
    /// A snapshot of its variables.
    pub(crate) fn info(&self) -> Info {
        let mut info = self.conn.info();
        if let Self::Dormant(_, bytes) = self {
            info.memory = *bytes;
        }
        info
    }
}

impl Deref for Seen<'_> {
    type Target = Held;

    fn deref(&self) -> &Held {
        match self {
            Self::Awake(held) => held,
            Self::Dormant(held, _) => held,
        }
    }
}

/// All connections, awake and dormant.
#[derive(Default)]
pub(crate) struct Conns {
    places: Slab<ConnId, Place>,
    /// Records that nobody uses.
    spare: Spare,
    /// What dormant ones are written in, before it is known how long they are.
    draft: Vec<u8>,
    dormant: usize,
}

impl Conns {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// How many of them are dormant.
    pub(crate) fn dormant(&self) -> usize {
        self.dormant
    }

    pub(crate) fn contains_key(&self, id: ConnId) -> bool {
        self.places.contains_key(id)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.places.keys()
    }

    /// Puts a connection where it stays as long as it is awake: it is large to be moved.
    pub(crate) fn place(&mut self, held: Held) -> Box<Held> {
        boxed(&mut self.spare, held)
    }

    pub(crate) fn insert(&mut self, held: Box<Held>) -> ConnId {
        self.places.insert(Place::Awake(held))
    }

    /// A connection that is awake, as all that are in a list are.
    #[inline]
    pub(crate) fn get(&self, id: ConnId) -> Option<&Held> {
        match self.places.get(id)? {
            Place::Awake(held) => Some(held),
            Place::Dormant(_) => None,
        }
    }

    /// Looks at a connection, which sleeps on if it does.
    pub(crate) fn look(&self, id: ConnId) -> Option<Seen<'_>> {
        Some(match self.places.get(id)? {
            Place::Awake(held) => Seen::Awake(held),
            Place::Dormant(record) => Seen::Dormant(Box::new(record.held()), record.allocated()),
        })
    }

    /// Whether a connection has this four-tuple.
    #[inline]
    pub(crate) fn is_under(&self, id: ConnId, key: &TupleKey) -> bool {
        match self.places.get(id) {
            Some(Place::Awake(held)) => TupleKey::new(&held.conn.tuple()) == *key,
            Some(Place::Dormant(record)) => record.key == *key,
            None => false,
        }
    }

    pub(crate) fn is_dormant(&self, id: ConnId) -> bool {
        matches!(self.places.get(id), Some(Place::Dormant(_)))
    }

    /// A connection, awake.
    #[inline]
    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut Held> {
        let place = self.places.get_mut(id)?;
        if let Place::Dormant(record) = place {
            *place = Place::Awake(wake(&mut self.spare, record));
            self.dormant -= 1;
        }
        match place {
            Place::Awake(held) => Some(held),
            Place::Dormant(_) => None,
        }
    }

    /// A connection that is awake, to be changed.
    pub(super) fn get_awake_mut(&mut self, id: ConnId) -> Option<&mut Held> {
        match self.places.get_mut(id)? {
            Place::Awake(held) => Some(held),
            Place::Dormant(_) => None,
        }
    }

    /// Takes a connection out, awake.
    pub(crate) fn remove(&mut self, id: ConnId) -> Option<Box<Held>> {
        match self.places.remove(id)? {
            Place::Awake(held) => Some(held),
            Place::Dormant(mut record) => {
                self.dormant -= 1;
                Some(wake(&mut self.spare, &mut record))
            }
        }
    }

    /// Keeps the memory of a connection that is over.
    pub(crate) fn recycle(&mut self, mut held: Box<Held>) {
        if self.spare.len() < SPARE {
            held.conn.strip();
            self.spare.push(held);
        }
    }

    /// Puts a connection away if it rests. Returns what its buffers were charged.
    fn put_away(&mut self, id: ConnId) -> Option<usize> {
        let place = self.places.get_mut(id)?;
        let Place::Awake(held) = place else {
            return None;
        };
        if !held.is_quiet() {
            return None;
        }
        let (record, draft) = Record::of(held, core::mem::take(&mut self.draft));
        self.draft = draft;
        debug_assert!(record.is_faithful(), "{:?}", record.key);
        let charged = held.charged;
        if let Place::Awake(held) = core::mem::replace(place, Place::Dormant(Box::new(record))) {
            self.recycle(held);
        }
        self.dormant += 1;
        Some(charged)
    }
}

/// `held` in memory that is used again, if there is any.
fn boxed(spare: &mut Spare, held: Held) -> Box<Held> {
    match spare.pop() {
        Some(mut memory) => {
            *memory = held;
            memory
        }
        None => Box::new(held),
    }
}

#[cold]
fn wake(spare: &mut Spare, record: &mut Record) -> Box<Held> {
    let mut held = boxed(spare, record.held());
    held.conn.entry = core::mem::take(&mut record.entry);
    held
}

impl Stack {
    /// Puts a connection away if it rests; whether it does.
    pub(super) fn put_away(&mut self, id: ConnId) -> bool {
        let charged = self.conns.put_away(id);
        if let Some(charged) = charged {
            self.budget.charge(charged, 0);
        }
        charged.is_some()
    }

    /// The wheel has handed a connection's entry out: something is due, or it was quiet for long
    /// enough, or its deadlines have moved on meanwhile.
    pub(super) fn connection_due(&mut self, now: Instant, id: ConnId) {
        let Some(held) = self.conns.get_mut(id) else {
            return;
        };
        held.conn.entry.fired();
        if held.conn.is_due(now) {
            self.with_conn(now, id, |conn, ctx| conn.on_deadline(ctx));
            return;
        }
        let due = Due::Connection(id);
        held.conn.follow_deadlines(&mut self.wheel, due);
        let Some(after) = self.config.dormant_after else {
            return;
        };
        let quiet_at = held.settled_at + after;
        if now < quiet_at {
            held.conn.entry.sync(&mut self.wheel, due, Some(quiet_at));
        } else if !self.put_away(id)
            && let Some(held) = self.conns.get_mut(id)
        {
            held.conn.shrink();
            held.charge(id, &mut self.budget, &mut self.hoarders);
        }
    }
}

#[cfg(test)]
mod tests;
