//! Who is woken to write, when, and how much he may write.
//!
//! Two things are weighed. What is written should be sent before the processor's cache has forgotten
//! it, and no more should be on the way than a path carries: what exceeds that waits in some queue, and
//! the memory it lies in is cold when its turn comes. But each turn also costs the wake-up of whoever
//! receives, so a turn shall move much.

use std::collections::VecDeque;

use estab_proto::{ConnId, Outgoing};

use super::Core;
use crate::device::Device;
use crate::sync::lock;

/// Bytes written in one turn at most, or one connection's share more; and bytes of one connection that
/// may wait to be sent for the first time.
const TURN: usize = 1 << 20;

/// What a connection may write at least when it is its turn: the longest packet, or four of 64 KiB.
const SHARE: usize = 256 << 10;

/// Bytes in a microsecond that no path carries: 100 Gbit/s.
const FASTEST: usize = 12_500;

/// The connections that have room again and a task that waits for it, each once.
#[derive(Debug, Default)]
pub(super) struct Writers(VecDeque<ConnId>);

impl Writers {
    /// One more.
    pub(super) fn push(&mut self, id: ConnId) {
        self.0.push_back(id);
    }

    /// What each of them has of so many bytes.
    fn share(&self, bytes: usize) -> usize {
        (bytes / self.0.len().max(1)).max(SHARE)
    }
}

impl<D: Device> Core<D> {
    /// Wakes as many writers as write no more than a turn's bytes. Returns whether some are left.
    pub(super) fn wake_writers(&mut self) -> bool {
        let share = self.writers.share(TURN);
        let mut bytes = 0;
        while bytes < TURN
            && let Some(id) = self.writers.0.pop_front()
        {
            let Some(conn) = self.conns.get(id) else {
                continue;
            };
            let share = whole(&self.stack.outgoing(id), share);
            let mut tx = lock(&conn.tx);
            let (room, writers) = tx.let_write(share);
            drop(tx);
            bytes += room;
            writers.wake();
        }
        !self.writers.0.is_empty()
    }

    /// Bytes the application may write now: as many as the send buffer has room for, are sent in a
    /// turn and can be on their way.
    pub(super) fn room(&self, id: ConnId) -> usize {
        let outgoing = self.stack.outgoing(id);
        let ahead = TURN.saturating_sub(outgoing.unsent);
        let room = outgoing.room.min(ahead);
        let Some(rtt) = outgoing.min_rtt else {
            return whole(&outgoing, room);
        };
        let carried = usize::try_from(rtt.as_micros()).unwrap_or(usize::MAX);
        let carried = carried.saturating_mul(FASTEST).saturating_add(TURN);
        let most = self.writers.share(carried);
        whole(&outgoing, room.min(most.saturating_sub(outgoing.queued)))
    }

    /// Whether a writer should go on: not for a few bytes at a time, but once a third of the
    /// buffer, or of what may wait in it, is free, as in Linux.
    pub(super) fn is_worth_waking(&self, id: ConnId, room: usize) -> bool {
        let limit = self.stack.unsent_limit(id).flatten();
        let ahead = limit.map_or(TURN, |limit| TURN.min(limit as usize));
        room * 2 >= self.stack.send_queued(id).min(ahead)
    }
}

/// So many bytes, or a little less: what then waits to be sent shall fill its packets, for a short
/// one costs as much as a long one.
fn whole(outgoing: &Outgoing, bytes: usize) -> usize {
    let waiting = outgoing.unsent + bytes;
    let short = waiting % outgoing.unit.max(1);
    if short < bytes { bytes - short } else { bytes }
}

#[cfg(test)]
mod tests;
