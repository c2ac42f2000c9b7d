//! Packets that answer a packet: they wait in one bounded queue and leave before anything else.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use crate::tcp::Control;

/// An answer on its way out.
pub(crate) enum Reply {
    /// A TCP segment without text.
    Control(Control),
    /// A whole IP packet: an ICMP message.
    Packet(Box<[u8]>),
}

/// The answers not yet taken by [`poll_transmit`](crate::Stack::poll_transmit).
///
/// Bounded in number and in bytes; what does not fit is dropped and counted, as a router would do.
pub(crate) struct ReplyQueue {
    queue: VecDeque<Reply>,
    max: usize,
    packet_bytes: usize,
    dropped: u64,
}

/// Bytes of whole packets the queue holds at most.
const MAX_PACKET_BYTES: usize = 1 << 20;

impl ReplyQueue {
    /// An empty queue for at most `max` replies.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            max,
            packet_bytes: 0,
            dropped: 0,
        }
    }

    /// Queues a segment.
    pub(crate) fn push_control(&mut self, control: Control) {
        if self.queue.len() < self.max {
            self.queue.push_back(Reply::Control(control));
        } else {
            self.dropped += 1;
        }
    }

    /// Queues a packet.
    pub(crate) fn push_packet(&mut self, packet: Box<[u8]>) {
        if self.queue.len() < self.max && self.packet_bytes + packet.len() <= MAX_PACKET_BYTES {
            self.packet_bytes += packet.len();
            self.queue.push_back(Reply::Packet(packet));
        } else {
            self.dropped += 1;
        }
    }

    /// Takes the oldest reply.
    pub(crate) fn pop(&mut self) -> Option<Reply> {
        let reply = self.queue.pop_front()?;
        if let Reply::Packet(packet) = &reply {
            self.packet_bytes -= packet.len();
        }
        Some(reply)
    }

    /// Forgets all replies.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.packet_bytes = 0;
    }

    /// Replies dropped so far because the queue was full.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Replies waiting.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests;
