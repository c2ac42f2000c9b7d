//! The variables of RFC 9293 §3.3.1, by their names.

use estab_timer::Instant;

use crate::dormant::dormant;
use crate::seq::{SeqNumber, WindowScale};

/// The send sequence variables.
#[derive(Clone, Debug)]
pub(crate) struct SendSequence {
    /// Oldest unacknowledged sequence number.
    pub(crate) una: SeqNumber,
    /// Next sequence number to be sent.
    pub(crate) nxt: SeqNumber,
    /// The peer's window in bytes, counted from the acknowledgement that brought it.
    pub(crate) wnd: u32,
    /// The largest window the peer ever offered (RFC 9293 §3.8.6.2.1, RFC 5961 §5.2).
    pub(crate) max_wnd: u32,
    /// Sequence number of the segment of the last window update.
    pub(crate) wl1: SeqNumber,
    /// Acknowledgement number of the segment of the last window update.
    pub(crate) wl2: SeqNumber,
    /// Initial send sequence number.
    pub(crate) iss: SeqNumber,
    /// End of the urgent data queued last; `None` when none is unsent.
    pub(crate) up: Option<SeqNumber>,
    /// Shift of the peer's window field.
    pub(crate) scale: WindowScale,
}

impl SendSequence {
    pub(crate) fn new(iss: SeqNumber) -> Self {
        Self {
            una: iss,
            nxt: iss,
            wnd: 0,
            max_wnd: 0,
            wl1: SeqNumber::default(),
            wl2: SeqNumber::default(),
            iss,
            up: None,
            scale: WindowScale::NONE,
        }
    }

    /// Bytes that may still be sent before the peer's right edge; zero also when the peer pulled
    /// its edge behind what is out already (RFC 9293 MUST-34).
    #[inline]
    pub(crate) fn usable(&self) -> u32 {
        let edge = self.una + self.wnd;
        if edge.after(self.nxt) {
            edge - self.nxt
        } else {
            0
        }
    }

    /// Sequence number of the first byte the send buffer holds.
    #[inline]
    pub(crate) fn buffer_start(&self) -> SeqNumber {
        if self.una == self.iss {
            self.iss + 1
        } else {
            self.una
        }
    }
}

/// The receive sequence variables.
#[derive(Clone, Debug)]
pub(crate) struct ReceiveSequence {
    /// Next sequence number expected.
    pub(crate) nxt: SeqNumber,
    /// The furthest right edge ever announced: RCV.NXT + RCV.WND. It never moves left
    /// (RFC 9293 SHLD-14).
    pub(crate) edge: SeqNumber,
    /// Initial receive sequence number.
    pub(crate) irs: SeqNumber,
    /// The acknowledgement number last sent (RFC 7323 §4.3, Last.ACK.sent).
    pub(crate) last_ack_sent: SeqNumber,
    /// Sequence number of the peer's FIN, once seen, in order or not.
    pub(crate) fin: Option<SeqNumber>,
    /// Stream offset just after the last urgent byte announced (RFC 9293 §3.8.5); 0 before the
    /// first.
    pub(crate) up: u64,
    /// Payload of the largest segment seen: what counts as full-sized for delayed ACKs.
    pub(crate) mss: u16,
    /// Shift of our window field.
    pub(crate) scale: WindowScale,
}

impl ReceiveSequence {
    pub(crate) fn new() -> Self {
        Self {
            nxt: SeqNumber::default(),
            edge: SeqNumber::default(),
            irs: SeqNumber::default(),
            last_ack_sent: SeqNumber::default(),
            fin: None,
            up: 0,
            mss: 536,
            scale: WindowScale::NONE,
        }
    }

    /// RCV.WND: what the peer may still send.
    #[inline]
    pub(crate) fn wnd(&self) -> u32 {
        self.edge - self.nxt
    }
}

/// Timestamps, once agreed (RFC 7323 §4.3).
#[derive(Clone, Debug)]
pub(crate) struct TimestampState {
    /// TS.Recent: the value to echo and to measure old segments by.
    pub(crate) recent: u32,
    /// When it was taken.
    pub(crate) recent_at: Instant,
    /// Displacement of our clock.
    pub(crate) offset: u32,
}

dormant!(SendSequence {
    iss,
    una,
    nxt,
    wl2,
    up,
    wl1,
    wnd,
    max_wnd,
    scale
});

dormant!(ReceiveSequence {
    irs,
    fin,
    nxt,
    last_ack_sent,
    edge,
    up,
    mss,
    scale
});

dormant!(TimestampState {
    recent,
    recent_at,
    offset
});
