//! What all connections hold together, and who gives way when it is too much.

use crate::buffer::Budget;
use crate::stack::fifo::Fifo;
use crate::stack::settle::Held;
use crate::stack::{ConnId, Stack};

/// From how many connections one visit takes text at most.
const AT_ONCE: usize = 4;

impl Held {
    /// Counts what the connection holds now, and notes when it begins to hold text beyond a hole.
    #[inline]
    pub(super) fn charge(&mut self, id: ConnId, budget: &mut Budget, hoarders: &mut Fifo<ConnId>) {
        let bytes = self.conn.buffered();
        if bytes != self.charged {
            budget.charge(self.charged, bytes);
            self.charged = bytes;
        }
        if !self.hoards && self.conn.has_out_of_order() {
            self.hoards = true;
            hoarders.push(id);
        }
    }
}

impl Stack {
    /// A connection that is in the table no more holds nothing.
    pub(super) fn discharge(&mut self, held: &Held) {
        self.budget.charge(held.charged, 0);
        if held.hoards {
            let conns = &self.conns;
            self.hoarders.lost(|id| conns.contains_key(id));
        }
    }

    /// The limit is reached: takes the text beyond holes from those that have held some for the
    /// longest. An honest peer fills its holes within round trips, and can send again what lay
    /// behind.
    pub(super) fn relieve(&mut self) {
        for _ in 0..AT_ONCE {
            let conns = &self.conns;
            let Some(id) = self.hoarders.pop(|id| conns.contains_key(id)) else {
                return;
            };
            let Some(held) = self.conns.get_mut(id) else {
                return;
            };
            held.hoards = false;
            self.stats.pruned_bytes += held.conn.prune();
            held.charge(id, &mut self.budget, &mut self.hoarders);
            if !self.budget.is_spent() {
                return;
            }
        }
    }
}
