//! A quiet connection in few bytes.
//!
//! Between two exchanges nothing is outstanding, nothing is buffered, and no timer runs but
//! keepalive's: what is left of the record is a few dozen numbers, written by
//! [`Connection::dormant`] in a quarter of its place. [`Connection::wake`] makes the same record of
//! them again; nobody can tell the difference.

use alloc::boxed::Box;
use alloc::sync::Arc;

use estab_timer::{
    AckProgress, Deadlines, DelayedAck, Instant, Keepalive, LazyEntry, Measured, Persist, Progress,
    RttEstimator, Timer,
};

use crate::buffer::{RecvBuffer, SendBuffer};
use crate::config::TcpConfig;
use crate::dormant::{Dormant, Reader, Writer, dormant};
use crate::stack::tuple::TupleKey;
use crate::tcp::connection::{Connection, Is, Notices};
use crate::tcp::ecn::Ecn;
use crate::tcp::state::State;
use crate::wire::SourceRoute;

/// The states in which a connection may be quiet for long.
const STATES: [State; 3] = [State::Established, State::CloseWait, State::FinWait2];

/// What of a quiet connection is not a number.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) config: Arc<TcpConfig>,
    /// What few connections have.
    rare: Option<Box<Rare>>,
}

#[derive(Clone)]
struct Rare {
    ecn: Option<Box<Ecn>>,
    route: Option<Arc<SourceRoute>>,
    span: Option<Box<tracing::Span>>,
}

impl Shared {
    /// The bytes of memory behind it that no other connection shares.
    pub(crate) fn allocated(&self) -> usize {
        let ecn = |rare: &Rare| rare.ecn.as_ref().map_or(0, |_| size_of::<Ecn>());
        self.rare
            .as_deref()
            .map_or(0, |rare| size_of::<Rare>() + ecn(rare))
    }
}

impl Connection {
    /// Whether a deadline has come.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.timers.next().is_some_and(|(at, _)| at <= now)
    }

    /// Whether the connection rests, so that [`dormant`](Self::dormant) keeps all there is.
    pub(crate) fn is_quiet(&self) -> bool {
        let Self {
            timers,
            persist,
            progress,
            keepalive,
            ..
        } = self;
        let only_keepalive = timers.armed() == usize::from(timers.is_armed(Timer::Keepalive));
        STATES.contains(&self.state)
            && only_keepalive
            && !self.may_transmit()
            && self.is_empty()
            && self.recovery.is_at_rest()
            && self.recovery.una() == self.snd.una
            && self.cc.may_rest()
            && *persist == Persist::new()
            && *progress == Progress::new()
            && keepalive.probes_sent() == 0
            && self.notices.is_empty()
            && self.dsack.is_none()
            && self.error.is_none()
            && self.soft_error.is_none()
            && TupleKey::new(&self.tuple).tuple() == self.tuple
    }

    /// Whether no byte is on its way between the peer and the application.
    fn is_empty(&self) -> bool {
        self.snd.una == self.snd.nxt
            && self.send.is_empty()
            && self.recv.held() == 0
            && !self.recv.has_out_of_order()
    }

    /// Writes a connection that [`is_quiet`](Self::is_quiet), and gives what cannot be written.
    pub(crate) fn dormant(&self, to: &mut Writer) -> Shared {
        let Self {
            entry: _,
            tuple: _,
            state,
            is,
            notices: _,
            ttl,
            tos,
            snd,
            rcv,
            ts,
            peer_mss,
            advertised_mss,
            path_mtu,
            longest_packet,
            send: _,
            recv,
            tuner,
            send_limit,
            recovery,
            cc,
            pacer,
            rtt,
            timers,
            delayed_ack,
            persist: _,
            keepalive: _,
            progress: _,
            acks_due: _,
            dsack: _,
            challenged_at,
            error: _,
            soft_error: _,
            config,
            figures,
            ecn,
            route,
            span,
        } = self;
        STATES
            .iter()
            .position(|it| it == state)
            .unwrap_or(0)
            .dormant(to);
        is.bits().dormant(to);
        (*ttl, *tos, *advertised_mss, *longest_packet).dormant(to);
        (*peer_mss, *path_mtu, *send_limit).dormant(to);
        rcv.dormant(to);
        snd.dormant(to);
        recovery.dormant(to);
        figures.dormant(to);
        ts.dormant(to);
        (recv.next(), recv.capacity()).dormant(to);
        tuner.dormant(to);
        cc.dormant(to);
        pacer.dormant(to);
        rtt.measured().dormant(to);
        delayed_ack.progress().dormant(to);
        timers.get(Timer::Keepalive).dormant(to);
        challenged_at.dormant(to);
        let rare = Rare {
            ecn: ecn.clone(),
            route: route.clone(),
            span: span.clone(),
        };
        let is_rare = ecn.is_some() || route.is_some() || span.is_some();
        Shared {
            config: Arc::clone(config),
            rare: is_rare.then(|| Box::new(rare)),
        }
    }

    /// The connection that was written. It has no place in the wheel yet.
    pub(crate) fn wake(key: &TupleKey, shared: &Shared, from: &mut Reader<'_>) -> Self {
        let state = STATES.get(usize::wake(from)).copied();
        let is = Is::from_bits_retain(Dormant::wake(from));
        let (ttl, tos, advertised_mss, longest_packet) = Dormant::wake(from);
        let (peer_mss, path_mtu, send_limit) = Dormant::wake(from);
        let (rcv, snd, recovery) = Dormant::wake(from);
        let (figures, ts) = Dormant::wake(from);
        let (next, capacity) = Dormant::wake(from);
        let (tuner, cc, pacer) = Dormant::wake(from);
        let (measured, progress) = Dormant::wake(from);
        let mut timers = Deadlines::new();
        if let Some(at) = Dormant::wake(from) {
            timers.arm(Timer::Keepalive, at);
        }
        let challenged_at = Instant::wake(from);
        let Shared { config, rare } = shared.clone();
        let rare = rare.map(|rare| *rare);
        let (ecn, route, span) = rare.map_or((None, None, None), |it| (it.ecn, it.route, it.span));
        Self {
            entry: LazyEntry::new(),
            tuple: key.tuple(),
            state: state.unwrap_or(State::Established),
            is,
            notices: Notices::empty(),
            ttl,
            tos,
            snd,
            rcv,
            ts,
            peer_mss,
            advertised_mss,
            path_mtu,
            longest_packet,
            send: SendBuffer::new(),
            recv: RecvBuffer::resumed(next, capacity),
            tuner,
            send_limit,
            recovery,
            cc,
            pacer,
            rtt: RttEstimator::with_measured(&config.rto, measured),
            timers,
            delayed_ack: DelayedAck::with_progress(&config.delayed_ack, progress),
            persist: Persist::new(),
            keepalive: Keepalive::new(),
            progress: Progress::new(),
            acks_due: 0,
            dsack: None,
            challenged_at,
            error: None,
            soft_error: None,
            config,
            figures,
            ecn,
            route,
            span,
        }
    }

    /// Lets go of what keeps others waiting: the record's memory is kept for another connection.
    pub(crate) fn strip(&mut self) {
        self.ecn = None;
        self.route = None;
        self.span = None;
    }
}

dormant!(Measured {
    srtt,
    rttvar,
    min_rtt,
    latest,
    initial,
    back_offs
});

dormant!(AckProgress {
    last,
    due,
    bytes,
    full_segments,
    quick,
    interactive
});
