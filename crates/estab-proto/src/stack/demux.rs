//! Who holds a four-tuple: one table for connections and for the small records beside them.

use slotmap::{Key as _, KeyData};

use crate::addr::FourTuple;
use crate::stack::secret::Key;
use crate::stack::syn_queue::HalfOpenId;
use crate::stack::table::Table;
use crate::stack::time_wait::TimeWaitId;
use crate::stack::tuple::TupleKey;
use crate::stack::{ConnId, IncomingId, Stack};

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

/// A slot in eight bytes: the index in its slab, or the queue it is in, with the kind in the highest
/// two bits; and the generation, or the number in the queue. No slab has 2³⁰ places.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Packed([u32; 2]);

impl Packed {
    const KIND: u32 = 30;

    fn new(slot: Slot) -> Self {
        let (kind, [index, generation]) = match slot {
            Slot::Connection(id) => (0, halves(id.data())),
            Slot::HalfOpen(id) => (1, halves(id.data())),
            Slot::Incoming(id) => (2, halves(id.data())),
            Slot::TimeWait(TimeWaitId { queue, number }) => (3, [queue, number]),
        };
        debug_assert_eq!(index >> Self::KIND, 0, "a slab of 2³⁰ places");
        Self([index | kind << Self::KIND, generation])
    }

    fn slot(self) -> Slot {
        let Self([index, generation]) = self;
        let (kind, index) = (index >> Self::KIND, index & !(3 << Self::KIND));
        let id = KeyData::from_ffi(u64::from(generation) << 32 | u64::from(index));
        match kind {
            0 => Slot::Connection(id.into()),
            1 => Slot::HalfOpen(id.into()),
            2 => Slot::Incoming(id.into()),
            _ => Slot::TimeWait(TimeWaitId {
                queue: index,
                number: generation,
            }),
        }
    }
}

/// Index and generation of a key.
fn halves(id: KeyData) -> [u32; 2] {
    let id = id.as_ffi();
    [id as u32, (id >> 32) as u32]
}

/// The table, keyed so that peers cannot choose colliding tuples. The four-tuple itself is in the
/// record, which a packet that finds it touches anyway: the table stays small.
pub(crate) struct Demux {
    table: Table<Packed>,
    key: Key,
}

impl Demux {
    /// An empty table.
    pub(crate) fn new(key: Key) -> Self {
        Self {
            table: Table::default(),
            key,
        }
    }

    /// The first slot under a hash for which `holds` is true.
    #[inline]
    fn find(&self, hash: u32, holds: impl Fn(Slot) -> bool) -> Option<Slot> {
        let found = self.table.find(hash, |slot| holds(slot.slot()));
        found.map(Packed::slot)
    }

    /// Gives what has this hash to `slot` in place of `before`, if that holds it.
    fn set(&mut self, hash: u32, before: Option<Slot>, slot: Slot) {
        let slot = Packed::new(slot);
        let replaced = before
            .map(Packed::new)
            .is_some_and(|before| self.table.replace(hash, slot, |found| found == before));
        if !replaced {
            self.table.insert(hash, slot);
        }
    }

    /// Takes `slot` out, if it is in there under `tuple`.
    fn remove(&mut self, tuple: &TupleKey, slot: Slot) {
        let (hash, slot) = (self.hash(tuple), Packed::new(slot));
        self.table.remove(hash, |found| found == slot);
    }

    /// Of the four-tuple's hash, as much as tells nearly all apart.
    fn hash(&self, tuple: &TupleKey) -> u32 {
        self.key.table_hash(tuple.bytes()) as u32
    }
}

impl Stack {
    /// What holds `tuple`.
    #[inline]
    pub(crate) fn holder(&self, tuple: &FourTuple) -> Option<Slot> {
        let key = TupleKey::new(tuple);
        let hash = self.demux.hash(&key);
        self.demux.find(hash, |slot| self.is_under(slot, &key))
    }

    /// Whether anything holds `tuple`.
    pub(super) fn is_taken(&self, tuple: &FourTuple) -> bool {
        self.holder(tuple).is_some()
    }

    /// Gives the tuple to `slot`, whoever held it before.
    pub(super) fn route(&mut self, key: &TupleKey, slot: Slot) {
        let hash = self.demux.hash(key);
        let before = self.demux.find(hash, |slot| self.is_under(slot, key));
        self.demux.set(hash, before, slot);
    }

    /// Gives the tuple to `slot` in place of `before`, which holds it.
    pub(super) fn reroute(&mut self, key: &TupleKey, before: Slot, slot: Slot) {
        self.demux.set(self.demux.hash(key), Some(before), slot);
    }

    /// Frees the tuple if `slot` holds it; it may have passed to another record meanwhile.
    pub(super) fn unroute(&mut self, key: &TupleKey, slot: Slot) {
        self.demux.remove(key, slot);
    }

    /// Whether the record in `slot` is of this four-tuple.
    #[inline]
    fn is_under(&self, slot: Slot, key: &TupleKey) -> bool {
        match slot {
            Slot::Connection(id) => self.conns.is_under(id, key),
            Slot::HalfOpen(id) => self.syn_queue.get(id).is_some_and(|it| it.key == *key),
            Slot::Incoming(id) => self.incoming.get(id).is_some_and(|it| it.key == *key),
            Slot::TimeWait(id) => self.time_waits.get(id).is_some_and(|it| it.key == *key),
        }
    }
}

#[cfg(test)]
mod tests;
