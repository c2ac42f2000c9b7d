//! One connection's record (the TCB) and what surrounds it during a call.

use alloc::boxed::Box;
use alloc::sync::Arc;

use bitflags::bitflags;
use estab_timer::{
    Deadlines, DelayedAck, Instant, Keepalive, LazyEntry, Persist, Progress, RttEstimator, Wheel,
};

use crate::addr::FourTuple;
use crate::buffer::{RecvBuffer, RecvTuner, SendBuffer, Share};
use crate::config::TcpConfig;
use crate::congestion::{Controller, Pacer};
use crate::dormant::dormant;
use crate::error::{ConnectionError, SoftError};
use crate::recovery::Recovery;
use crate::seq::{SeqNumber, WireWindow};
use crate::stack::reply::ReplyQueue;
use crate::stats::Stats;
use crate::tcp::ecn::{Ecn, Trials};
use crate::tcp::state::{State, Transition};
use crate::tcp::tcb::{ReceiveSequence, SendSequence, TimestampState};
use crate::wire::SourceRoute;
use crate::wire::tcp::Flags;

/// What a connection may use of its surroundings during one call.
pub(crate) struct Ctx<'a> {
    /// The time of the event.
    pub(crate) now: Instant,
    /// Counters of the stack.
    pub(crate) stats: &'a mut Stats,
    /// Where segments without text go that must not wait for the connection's turn.
    pub(crate) replies: &'a mut ReplyQueue,
    /// How much the connection may hold.
    pub(crate) share: Share,
    /// Which peers are not asked for ECN.
    pub(crate) trials: &'a mut Trials,
}

bitflags! {
    /// What changed for the application since it last looked, in the order in which it is told: what
    /// ends the connection comes last.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Notices: u8 {
        const CONNECTED = 1;
        const READABLE = 2;
        const WRITABLE = 4;
        const URGENT = 8;
        const SOFT_ERROR = 16;
        const CLOSED = 32;
    }
}

bitflags! {
    /// Facts about a connection that are either so or not.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(super) struct Is: u16 {
        /// Opened by a listener (RFC 9293 MUST-11).
        const PASSIVE = 1;
        /// Our SYN or SYN-ACK is to be sent now.
        const SYN_DUE = 2;
        /// Our SYN was sent more than once.
        const SYN_RETRANSMITTED = 4;
        /// The application closed the sending direction: a FIN follows the last byte.
        const CLOSING = 8;
        /// Our FIN was sent.
        const FIN_SENT = 16;
        /// The application gave up its handle.
        const RELEASED = 32;
        /// A zero-window or keepalive probe is to be sent now.
        const PROBE_DUE = 64;
        /// The small segment that sender SWS avoidance held back is to be sent now.
        const OVERRIDE = 128;
        /// SACK was agreed.
        const SACK = 256;
        /// Nagle's algorithm is off.
        const NODELAY = 512;
        /// The application will write more: only full segments go.
        const CORK = 1024;
        /// Our SYN does not ask for ECN: the peer has not answered those that did.
        const ECN_HOPELESS = 2048;
    }
}

/// What a TIME-WAIT record needs of its connection.
#[derive(Clone, Debug)]
pub(crate) struct TimeWaitInfo {
    pub(crate) snd_nxt: SeqNumber,
    pub(crate) rcv_nxt: SeqNumber,
    pub(crate) rcv_wnd: WireWindow,
    /// TS.Recent, if timestamps were agreed.
    pub(crate) ts_recent: Option<u32>,
    pub(crate) deadline: Instant,
    pub(crate) config: Arc<TcpConfig>,
    pub(crate) ttl: u8,
    pub(crate) tos: u8,
    /// What our acknowledgements say about marks.
    pub(crate) ecn: Flags,
    pub(crate) route: Option<Arc<SourceRoute>>,
}

/// Figures only [`Info`](crate::Info) shows.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) bytes_acked: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_retransmitted: u64,
    pub(super) segments_out: u64,
    pub(super) segments_in: u64,
    pub(super) dsacks: u32,
    pub(super) spurious_timeouts: u16,
    pub(super) reductions_undone: u16,
    pub(super) opened_at: Instant,
    pub(super) last_data_sent_at: Instant,
    pub(super) last_data_received_at: Instant,
    pub(super) last_received_at: Instant,
}

impl Figures {
    pub(super) fn new(opened_at: Instant) -> Self {
        Self {
            bytes_acked: 0,
            bytes_sent: 0,
            bytes_retransmitted: 0,
            segments_out: 0,
            segments_in: 0,
            dsacks: 0,
            spurious_timeouts: 0,
            reductions_undone: 0,
            opened_at,
            last_data_sent_at: Instant::NEVER,
            last_data_received_at: Instant::NEVER,
            last_received_at: opened_at,
        }
    }
}

/// The transmission control block and all that hangs on it (RFC 9293 §3.3.1).
pub(crate) struct Connection {
    /// The connection's place in the stack's timing wheel.
    pub(crate) entry: LazyEntry,
    pub(super) tuple: FourTuple,
    pub(super) state: State,
    pub(super) is: Is,
    pub(super) notices: Notices,
    pub(super) ttl: u8,
    pub(super) tos: u8,
    pub(super) snd: SendSequence,
    pub(super) rcv: ReceiveSequence,
    pub(super) ts: Option<TimestampState>,
    /// What the peer's MSS option allows (RFC 9293 §3.7.1).
    pub(super) peer_mss: u32,
    pub(super) advertised_mss: u16,
    pub(super) path_mtu: u32,
    /// The longest packet that may be handed out, if that is more than the path takes: the device
    /// cuts it. In bytes, IP header included.
    pub(super) longest_packet: u32,
    pub(super) send: SendBuffer,
    pub(super) recv: RecvBuffer,
    pub(super) tuner: RecvTuner,
    /// Bytes the application may have queued, sent or not.
    pub(super) send_limit: u32,
    pub(super) recovery: Recovery,
    pub(super) cc: Controller,
    pub(super) pacer: Pacer,
    pub(super) rtt: RttEstimator,
    pub(super) timers: Deadlines,
    pub(super) delayed_ack: DelayedAck,
    pub(super) persist: Persist,
    pub(super) keepalive: Keepalive,
    pub(super) progress: Progress,
    /// Acknowledgements to send without delay; more than one only for peers without SACK, which
    /// count duplicates (RFC 5681 §3.2).
    pub(super) acks_due: u8,
    /// A duplicate to report in the next acknowledgement (RFC 2883).
    pub(super) dsack: Option<(SeqNumber, SeqNumber)>,
    /// When the last challenge or duplicate acknowledgement left (RFC 5961 §7);
    /// [`Instant::NEVER`] before the first.
    pub(super) challenged_at: Instant,
    pub(super) error: Option<ConnectionError>,
    pub(super) soft_error: Option<SoftError>,
    pub(super) config: Arc<TcpConfig>,
    pub(super) figures: Figures,
    /// Explicit congestion notification, if both sides do it.
    pub(super) ecn: Option<Box<Ecn>>,
    /// The hops its segments go by, if anybody named some.
    pub(super) route: Option<Arc<SourceRoute>>,
    /// Carries the four-tuple into every trace event of this connection; nothing if nobody
    /// listened when it was opened.
    pub(super) span: Option<Box<tracing::Span>>,
}

impl Connection {
    /// The state (RFC 9293 §3.3.2).
    #[inline]
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Both endpoints.
    #[inline]
    pub(crate) fn tuple(&self) -> FourTuple {
        self.tuple
    }

    /// Whether these are its endpoints.
    #[inline]
    pub(crate) fn is_of(&self, tuple: &FourTuple) -> bool {
        self.tuple == *tuple
    }

    /// Why the connection failed, if it did.
    pub(crate) fn error(&self) -> Option<ConnectionError> {
        self.error
    }

    /// Whether the application gave up its handle.
    #[inline]
    pub(crate) fn is_released(&self) -> bool {
        self.is.contains(Is::RELEASED)
    }

    /// Whether a listener made it (RFC 9293 MUST-11).
    pub(crate) fn is_passive(&self) -> bool {
        self.is.contains(Is::PASSIVE)
    }

    /// What changed for the application since the last call.
    #[inline]
    pub(crate) fn take_notices(&mut self) -> Notices {
        core::mem::take(&mut self.notices)
    }

    /// Makes sure that the wheel hands out `value` no later than
    /// [`on_deadline`](Self::on_deadline) has something to do. Returns whether the wheel had work.
    #[inline]
    pub(crate) fn follow_deadlines<T: Copy>(&mut self, wheel: &mut Wheel<T>, value: T) -> bool {
        self.entry.follow(wheel, value, &mut self.timers)
    }

    /// The earliest moment at which [`on_deadline`](Self::on_deadline) may have something to do.
    #[cfg(test)]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers.next().map(|(at, _)| at)
    }

    /// Moves the machine. The table decides; what it does not list does not happen.
    pub(super) fn go(&mut self, transition: Transition) {
        let Some(next) = self.state.on(transition) else {
            debug_assert!(false, "{transition:?} in {}", self.state);
            return;
        };
        self.trace(|| tracing::debug!(from = %self.state, to = %next, "state"));
        self.state = next;
    }

    /// Emits a trace event under the connection's span.
    pub(super) fn trace(&self, event: impl FnOnce()) {
        if let Some(span) = &self.span {
            span.in_scope(event);
        }
    }

    /// The device cuts packets of up to `longest` bytes, IP header included; not so if it is less
    /// than a segment.
    pub(crate) fn set_segmentation(&mut self, longest: u32) {
        self.longest_packet = longest;
    }

    /// Bytes beyond SND.NXT that wait in the send buffer.
    #[inline]
    pub(super) fn unsent(&self) -> u32 {
        let sent = if self.state == State::SynSent || self.state == State::SynReceived {
            0
        } else {
            (self.snd.nxt - self.snd.buffer_start()) - u32::from(self.fin_outstanding())
        };
        (self.send.len() as u32).saturating_sub(sent)
    }

    /// Whether our FIN is sent and not yet acknowledged.
    #[inline]
    pub(super) fn fin_outstanding(&self) -> bool {
        self.is.contains(Is::FIN_SENT) && self.snd.una != self.snd.nxt
    }

    /// The sequence number of our FIN, once it is sent.
    #[inline]
    pub(super) fn fin_seq(&self) -> Option<SeqNumber> {
        self.is.contains(Is::FIN_SENT).then(|| self.snd.nxt.back(1))
    }

    /// What a TIME-WAIT record needs to stand in for this connection.
    pub(crate) fn time_wait_info(&self) -> TimeWaitInfo {
        TimeWaitInfo {
            snd_nxt: self.snd.nxt,
            rcv_nxt: self.rcv.nxt,
            rcv_wnd: self
                .rcv
                .scale
                .to_wire(self.rcv.scale.round_up(self.rcv.wnd())),
            ts_recent: self.ts.as_ref().map(|ts| ts.recent),
            deadline: self.figures.last_received_at + self.config.time_wait.duration(),
            config: Arc::clone(&self.config),
            ttl: self.ttl,
            tos: self.control_tos(),
            ecn: self.ecn_flags(),
            route: self.route.clone(),
        }
    }
}

dormant!(Figures {
    opened_at,
    last_data_sent_at,
    last_data_received_at,
    last_received_at,
    bytes_acked,
    bytes_sent,
    bytes_retransmitted,
    segments_out,
    segments_in,
    dsacks,
    spurious_timeouts,
    reductions_undone
});

#[cfg(test)]
mod tests {
    use super::*;

    /// Every idle connection pays for a field: growing the record is a decision.
    #[test]
    fn the_record_is_small() {
        let size = core::mem::size_of::<Connection>();
        assert!(size <= 1264, "{size} bytes");
    }
}
