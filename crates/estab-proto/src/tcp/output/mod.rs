//! What to send next (RFC 9293 §3.8, §3.10.2).
//!
//! [`Connection::transmit`] yields one segment at a time until nothing may go: first what was
//! lost, then new data, then a probe, then a bare acknowledgement. The decision (`plan`) reads,
//! the construction (`segment`) writes.

mod data;
mod options;
mod pacing;
mod plan;
mod segment;
mod window;

use estab_timer::{Instant, Timer};

use crate::tcp::connection::{Connection, Is};
use crate::tcp::state::State;
use crate::wire::tcp::Segment;

pub(super) use plan::Plan;

/// A segment to be sent: the header by value, the text as a range of the send buffer.
#[derive(Clone, Debug, Default)]
pub(crate) struct SegmentOut {
    pub(crate) header: Segment<'static>,
    /// Where the text begins, counted from the start of the send buffer.
    pub(crate) offset: usize,
    /// Bytes of text.
    pub(crate) len: usize,
    /// Of a super-segment, the bytes of text of each segment the device is to cut it into.
    pub(crate) segment_size: Option<u16>,
    pub(crate) ttl: u8,
    pub(crate) tos: u8,
}

impl SegmentOut {
    /// How many segments of the network it is.
    #[inline]
    pub(crate) fn segments(&self) -> u32 {
        let cut = |size| self.len.div_ceil(usize::from(size)) as u32;
        self.segment_size.map_or(1, cut)
    }
}

impl Connection {
    /// Whether [`transmit`](Self::transmit) may yield a segment; false if it would not.
    ///
    /// What the windows allow is left for it to find out.
    #[inline]
    pub(crate) fn may_transmit(&self) -> bool {
        match self.state {
            State::Closed | State::Listen => false,
            State::SynSent => self.is.contains(Is::SYN_DUE),
            State::SynReceived => self.is.contains(Is::SYN_DUE) || self.acks_due > 0,
            State::TimeWait => self.acks_due > 0,
            _ => {
                let text = !self.is_held() && (self.has_unsent() || self.recovery.may_retransmit());
                self.acks_due > 0
                    || text
                    || self.is.contains(Is::PROBE_DUE)
                    || self.recovery.is_probe_due()
            }
        }
    }

    /// Whether all that [`transmit`](Self::transmit) may yield is one acknowledgement of text in order,
    /// which may as well wait for one of more text.
    #[inline]
    pub(crate) fn can_wait(&self) -> bool {
        self.state == State::Established
            && self.acks_due <= 1
            && self.dsack.is_none()
            && self.send.is_empty()
            && !self.has_unsent()
            && !self.has_out_of_order()
    }

    /// Starts or stops probing: it goes on exactly while bytes or a FIN wait, nothing in flight
    /// will bring an acknowledgement, and the window is what holds them (RFC 9293 §3.8.6.1,
    /// §3.8.6.2.1). To be called after everything else was done to the connection.
    // RFC 9293: MUST-35.
    #[inline]
    pub(crate) fn update_persist(&mut self, now: Instant) {
        if self.persist.active() || (self.snd.una == self.snd.nxt && self.has_unsent()) {
            self.update_idle_persist(now);
        }
    }

    fn update_idle_persist(&mut self, now: Instant) {
        let waiting = self.state.is_synchronized()
            && self.snd.una == self.snd.nxt
            && self.has_unsent()
            && !self.is.contains(Is::OVERRIDE)
            && !self.holds_new_data()
            && self.next_data().is_none();
        if waiting && !self.persist.active() {
            let due = self
                .persist
                .start(now, self.rtt.rto(), &self.config.persist);
            self.timers.arm(Timer::Persist, due);
            self.bound_orphan(now);
        } else if !waiting && self.persist.active() {
            self.persist.stop();
            self.timers.cancel(Timer::Persist);
            self.is.remove(Is::PROBE_DUE);
        }
    }

    /// Whether bytes or a FIN wait to be sent for the first time.
    #[inline]
    pub(super) fn has_unsent(&self) -> bool {
        self.unsent() > 0 || self.fin_due()
    }

    /// Whether a FIN is to follow the last byte and has not been sent.
    #[inline]
    pub(super) fn fin_due(&self) -> bool {
        self.is.contains(Is::CLOSING) && !self.is.contains(Is::FIN_SENT)
    }
}
