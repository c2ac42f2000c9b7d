//! Fetching a record that lies in none of the processor's caches.

use core::hint::black_box;

use estab_timer::Timer;

use super::connection::Connection;

impl Connection {
    /// Reads a little of every part of the record that a segment or a call is going to need, all at
    /// once and for nothing else.
    ///
    /// The record is some twenty lines of memory. Among very many connections none of them is in a
    /// cache when a packet comes, and each would be waited for when a step first needs it. Asked for
    /// together they come side by side, in hardly more time than one. Where they are near already, this
    /// is a few instructions: still, who comes back to the same connection need not call it.
    #[inline]
    pub(crate) fn fetch(&self) {
        black_box((
            self.ts.is_some(),
            self.send.len(),
            (self.recv.next(), self.recv.capacity()),
            (self.recovery.una(), self.recovery.state()),
            (self.recovery.delivered(), self.recovery.reordering_seen()),
            (self.recovery.is_cwnd_limited(), self.recovery.mss()),
            (self.snd.una, self.rcv.nxt),
            (self.cc.cwnd(), self.cc.ssthresh()),
            (self.delayed_ack.pending(), self.rtt.back_offs()),
            (self.entry.armed_at(), self.tuner.capacity()),
            self.pacer.quantum(),
            self.timers.get(Timer::Retransmit),
            self.timers.get(Timer::Linger),
            self.progress.since(),
            (self.figures.bytes_acked, self.figures.last_received_at),
            self.peer_mss,
        ));
    }
}
