//! Connections that have something to send, in turn.

use alloc::collections::VecDeque;

use crate::stack::ConnId;

/// Segments a connection may send before the next one has its turn.
const BURST: u32 = 16;

/// Below this length the list is not worth sweeping.
const SWEEP_FROM: usize = 64;

/// The connections with something to send, served round robin with a burst each.
///
/// A connection is in the list at most once; a flag in its slot says whether it is.
#[derive(Default)]
pub(crate) struct ReadyList {
    queue: VecDeque<ConnId>,
    /// Segments the connection at the front has sent in this turn.
    sent: u32,
}

impl ReadyList {
    /// Appends a connection that is not in the list.
    #[inline]
    pub(crate) fn push(&mut self, id: ConnId) {
        self.queue.push_back(id);
    }

    /// Drops what `is_live` denies, once most of the list may be such.
    pub(crate) fn sweep(&mut self, live: usize, is_live: impl Fn(ConnId) -> bool) {
        if self.queue.len() >= SWEEP_FROM && self.queue.len() > 2 * live {
            self.queue.retain(|&id| is_live(id));
            self.sent = 0;
        }
    }

    /// Whose turn it is.
    #[inline]
    pub(crate) fn front(&self) -> Option<ConnId> {
        self.queue.front().copied()
    }

    /// The connection at the front has nothing more to send.
    #[inline]
    pub(crate) fn pop(&mut self) {
        self.queue.pop_front();
        self.sent = 0;
    }

    /// The connection at the front sent this many segments of the network; after a burst the next
    /// one has its turn.
    #[inline]
    pub(crate) fn spend(&mut self, segments: u32) {
        self.sent = self.sent.saturating_add(segments);
        if self.sent >= BURST {
            self.sent = 0;
            self.queue.rotate_left(1.min(self.queue.len()));
        }
    }
}

#[cfg(test)]
mod tests;
