//! A queue whose entries may go stale anywhere in it.

use alloc::collections::VecDeque;

/// A first-in, first-out queue of keys, where a key that no longer names anything is passed over.
///
/// Taking an entry out of the middle costs nothing: the owner forgets what the key names and says
/// so with [`lost`](Self::lost). When more than half of the queue is stale it is swept, so its
/// length stays within twice the number of live entries and the cost is constant per entry.
#[derive(Debug)]
pub(crate) struct Fifo<K> {
    queue: VecDeque<K>,
    live: usize,
}

impl<K: Copy> Fifo<K> {
    /// Below this length the queue is not worth sweeping.
    const SWEEP_FROM: usize = 32;

    /// An empty queue.
    pub(crate) const fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            live: 0,
        }
    }

    /// The number of entries that are not stale.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Appends a key.
    pub(crate) fn push(&mut self, key: K) {
        self.queue.push_back(key);
        self.live += 1;
    }

    /// Takes the oldest key for which `is_live` holds.
    pub(crate) fn pop(&mut self, is_live: impl Fn(K) -> bool) -> Option<K> {
        while let Some(key) = self.queue.pop_front() {
            if is_live(key) {
                self.live = self.live.saturating_sub(1);
                return Some(key);
            }
        }
        None
    }

    /// One key in the queue went stale; `is_live` already tells which.
    pub(crate) fn lost(&mut self, is_live: impl Fn(K) -> bool) {
        self.live = self.live.saturating_sub(1);
        if self.queue.len() >= Self::SWEEP_FROM && self.queue.len() > 2 * self.live {
            self.queue.retain(|&key| is_live(key));
        }
    }
}

#[cfg(test)]
mod tests;
