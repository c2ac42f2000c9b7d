//! Which listeners and connections have something to tell.

use alloc::collections::VecDeque;

use crate::event::Event;
use crate::stack::{ConnId, ListenerId, Stack};
use crate::tcp::Notices;

/// Who has something to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A listener's queue is no longer empty.
    Listener(ListenerId),
    /// A connection has notices.
    Connection(ConnId),
}

/// Below this length the queue is not worth sweeping.
const SWEEP_FROM: usize = 64;

/// The sources with something to tell, each at most once: its own flag says whether it is in.
#[derive(Default)]
pub(crate) struct EventQueue {
    queue: VecDeque<Source>,
}

impl EventQueue {
    /// Appends a source that is not in the queue.
    pub(crate) fn push(&mut self, source: Source) {
        self.queue.push_back(source);
    }

    /// Drops connections that `is_live` denies, once most of the queue may be such.
    pub(crate) fn sweep(&mut self, live: usize, is_live: impl Fn(ConnId) -> bool) {
        if self.queue.len() >= SWEEP_FROM && self.queue.len() > 2 * live {
            self.queue.retain(|source| match *source {
                Source::Connection(id) => is_live(id),
                Source::Listener(_) => true,
            });
        }
    }

    /// The source that came last.
    fn last(&self) -> Option<Source> {
        self.queue.back().copied()
    }

    /// Whether everything was told.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

impl Stack {
    /// The next event; `None` once all were told.
    ///
    /// Events are hints, raised once per change: see [`Event`]. Those of one connection come in a
    /// fixed order, [`Event::Closed`] last; those of different connections in the order in which
    /// they arose.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            let source = *self.events.queue.front()?;
            let event = match source {
                Source::Listener(id) => self.listener_event(id),
                Source::Connection(id) => self.connection_event(id),
            };
            if event.is_none() || matches!(source, Source::Listener(_)) {
                self.events.queue.pop_front();
            }
            if event.is_some() {
                return event;
            }
        }
    }

    /// Whether what came last asks for an answer, most likely: a reply waits to be sent, or text, or
    /// the end of the stream, to be read.
    pub fn is_asked(&self) -> bool {
        let Some(Source::Connection(id)) = self.events.last() else {
            return self.replies.len() > 0;
        };
        let held = self.conns.get(id);
        self.replies.len() > 0 || held.is_some_and(|it| it.notices.contains(Notices::READABLE))
    }

    fn listener_event(&mut self, id: ListenerId) -> Option<Event> {
        let listener = self.listeners.get_mut(id)?;
        listener.notified = false;
        Some(Event::Listener(id))
    }

    /// The first thing a connection has to tell, in the order in which [`Notices`] are declared;
    /// `None`, and out of the queue, when it told all.
    fn connection_event(&mut self, id: ConnId) -> Option<Event> {
        let held = self.conns.get_mut(id)?;
        // The lowest bit.
        let bits = held.notices.bits();
        let notice = Notices::from_bits_retain(bits & bits.wrapping_neg());
        if notice.is_empty() {
            held.has_events = false;
            return None;
        }
        held.notices.remove(notice);
        Some(match notice {
            Notices::CONNECTED => Event::Connected(id),
            Notices::READABLE => Event::Readable(id),
            Notices::WRITABLE => Event::Writable(id),
            Notices::URGENT => Event::Urgent(id),
            Notices::SOFT_ERROR => match held.conn.take_soft_error() {
                Some(error) => Event::SoftError(id, error),
                None => return self.connection_event(id),
            },
            _ => Event::Closed(id, held.conn.error()),
        })
    }
}

#[cfg(test)]
mod tests;
