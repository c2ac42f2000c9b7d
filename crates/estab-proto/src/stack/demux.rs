//! Who holds a four-tuple: one table for connections and for the small records beside them.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::addr::FourTuple;
use crate::stack::secret::Key;
use crate::stack::syn_queue::HalfOpenId;
use crate::stack::time_wait::TimeWaitId;
use crate::stack::tuple::TupleKey;
use crate::stack::{ConnId, IncomingId};

/// What holds a four-tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A connection in any state but TIME-WAIT and CLOSED.
    Connection(ConnId),
    /// A passive open that waits for the acknowledgement of its SYN-ACK.
    HalfOpen(HalfOpenId),
    /// A passive open that waits for the application's word.
    Incoming(IncomingId),
    /// What is left of a connection in TIME-WAIT.
    TimeWait(TimeWaitId),
}

/// The table, keyed so that peers cannot choose colliding tuples.
pub(crate) struct Demux {
    table: HashMap<TupleKey, Slot, Key>,
}

impl Demux {
    /// An empty table.
    pub(crate) fn new(key: Key) -> Self {
        Self {
            table: HashMap::with_hasher(key),
        }
    }

    /// What holds `tuple`.
    pub(crate) fn get(&self, tuple: &FourTuple) -> Option<Slot> {
        self.table.get(&TupleKey::new(tuple)).copied()
    }

    /// Gives the tuple to `slot`, whoever held it before.
    pub(crate) fn set(&mut self, key: TupleKey, slot: Slot) {
        self.table.insert(key, slot);
    }

    /// Frees the tuple if `slot` holds it; it may have passed to another record meanwhile.
    pub(crate) fn remove(&mut self, key: TupleKey, slot: Slot) {
        if let Entry::Occupied(entry) = self.table.entry(key)
            && *entry.get() == slot
        {
            entry.remove();
        }
    }

    /// Whether anything holds the tuple.
    pub(crate) fn is_taken(&self, tuple: &FourTuple) -> bool {
        self.table.contains_key(&TupleKey::new(tuple))
    }
}

#[cfg(test)]
mod tests;
