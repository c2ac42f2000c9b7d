//! OPEN, active and passive, and the moment both SYNs are known (RFC 9293 §3.10.1, §3.5).

use alloc::boxed::Box;
use alloc::sync::Arc;

use estab_timer::{
    Deadlines, DelayedAck, Instant, Keepalive, LazyEntry, Persist, Progress, RttEstimator, Timer,
};

use crate::addr::FourTuple;
use crate::buffer::{RecvBuffer, RecvTuner, SendBuffer};
use crate::config::TcpConfig;
use crate::congestion::{Controller, Paced, Pacer, Pacing};
use crate::recovery::Recovery;
use crate::seq::SeqNumber;
use crate::tcp::connection::{Connection, Figures, Is, Notices};
use crate::tcp::negotiate::{
    Handshake, MIN_SEND_MSS, TCP_HEADER, TIMESTAMPS_LEN, announced_mss, ip_header, peer_mss,
    syn_window,
};
use crate::tcp::state::{State, Transition};
use crate::tcp::tcb::{ReceiveSequence, SendSequence, TimestampState};

/// The connection's span, if anybody listens.
fn open_span(tuple: &FourTuple) -> Option<Box<tracing::Span>> {
    let span = tracing::debug_span!("tcp", local = %tuple.local, remote = %tuple.remote);
    (!span.is_disabled()).then(|| Box::new(span))
}

impl Connection {
    /// A record in CLOSED, about to be opened at `now`.
    fn new(
        now: Instant,
        tuple: FourTuple,
        iss: SeqNumber,
        config: Arc<TcpConfig>,
        path_mtu: u32,
        device_mtu: u32,
    ) -> Self {
        let ipv6 = tuple.is_ipv6();
        let mss = peer_mss(None, ipv6);
        let mut is = Is::empty();
        is.set(Is::NODELAY, config.nodelay);
        Self {
            entry: LazyEntry::default(),
            tuple,
            state: State::Closed,
            is,
            notices: Notices::empty(),
            ttl: config.ttl,
            // The low two bits are ECN's, which says for itself what it wants there.
            tos: config.tos & !0b11,
            snd: SendSequence::new(iss),
            rcv: ReceiveSequence::new(),
            ts: None,
            peer_mss: mss,
            advertised_mss: announced_mss(&config, device_mtu, ipv6),
            path_mtu,
            longest_packet: 0,
            send: SendBuffer::new(),
            recv: RecvBuffer::new(config.recv_buffer.initial),
            tuner: RecvTuner::new(config.recv_buffer.initial, config.recv_buffer.max),
            send_limit: config.send_buffer.initial,
            recovery: Recovery::new(iss + 1, mss, false),
            cc: Controller::new(config.congestion, mss),
            pacer: Pacer::default(),
            rtt: RttEstimator::new(&config.rto),
            timers: Deadlines::new(),
            delayed_ack: DelayedAck::new(&config.delayed_ack),
            persist: Persist::default(),
            keepalive: Keepalive::default(),
            progress: Progress::default(),
            acks_due: 0,
            dsack: None,
            challenged_at: Instant::NEVER,
            error: None,
            soft_error: None,
            figures: Figures::new(now),
            ecn: None,
            route: None,
            span: open_span(&tuple),
            config,
        }
    }

    /// Active OPEN: SYN-SENT, with the SYN waiting to be transmitted.
    // RFC 9293: MUST-51.
    pub(crate) fn active(
        now: Instant,
        tuple: FourTuple,
        iss: SeqNumber,
        ts_offset: u32,
        config: Arc<TcpConfig>,
        path_mtu: u32,
        device_mtu: u32,
    ) -> Self {
        let mut conn = Self::new(now, tuple, iss, config, path_mtu, device_mtu);
        if conn.config.timestamps {
            conn.ts = Some(TimestampState {
                recent: 0,
                recent_at: now,
                offset: ts_offset,
            });
        }
        conn.route = conn.config.source_route.clone().map(Arc::new);
        conn.snd.nxt = iss + 1;
        conn.is |= Is::SYN_DUE;
        conn.go(Transition::OpenActive);
        conn
    }

    /// Passive OPEN's connection in SYN-RECEIVED, its SYN-ACK already sent: give the segment that
    /// acknowledges it to [`input`](Self::input) next.
    pub(crate) fn passive(
        now: Instant,
        tuple: FourTuple,
        handshake: &Handshake,
        config: Arc<TcpConfig>,
        path_mtu: u32,
        device_mtu: u32,
    ) -> Self {
        let mut conn = Self::new(now, tuple, handshake.iss, config, path_mtu, device_mtu);
        conn.is |= Is::PASSIVE;
        conn.is
            .set(Is::SYN_RETRANSMITTED, handshake.synack_retries > 0);
        conn.figures.opened_at = handshake.opened_at;
        conn.figures.last_data_sent_at = handshake.synack_at;
        conn.snd.nxt = handshake.iss + 1;
        conn.go(Transition::OpenPassive);
        conn.go(Transition::Syn);
        conn.take_handshake(now, handshake);
        conn
    }

    /// The same with the SYN-ACK still to be sent: an attempt the application accepted.
    pub(crate) fn passive_pending(
        now: Instant,
        tuple: FourTuple,
        handshake: &Handshake,
        config: Arc<TcpConfig>,
        path_mtu: u32,
        device_mtu: u32,
    ) -> Self {
        let mut conn = Self::passive(now, tuple, handshake, config, path_mtu, device_mtu);
        conn.is |= Is::SYN_DUE;
        conn
    }

    /// Takes over what the peer's SYN said; ours said or will say the same.
    pub(super) fn take_handshake(&mut self, now: Instant, handshake: &Handshake) {
        self.rcv.irs = handshake.irs;
        self.rcv.nxt = handshake.irs + 1;
        self.rcv.last_ack_sent = self.rcv.nxt;
        // A SYN's window field is never scaled (RFC 7323 §2.2), ours neither.
        self.rcv.edge = self.rcv.nxt + u32::from(syn_window(&self.config).0);
        self.snd.wnd = u32::from(handshake.syn_wnd.0);
        self.snd.max_wnd = self.snd.wnd;
        self.snd.wl1 = handshake.irs;
        self.snd.wl2 = self.snd.una;
        if let Some(scale) = handshake.snd_wscale {
            self.snd.scale = scale;
            self.rcv.scale = handshake.rcv_wscale;
        }
        if self.is_passive() {
            self.route = handshake.route.clone();
        }
        self.is.set(Is::SACK, handshake.sack);
        self.agree_on_ecn(&handshake.ecn);
        self.ts = handshake.ts_recent.map(|recent| TimestampState {
            recent,
            recent_at: now,
            offset: handshake.ts_offset,
        });
        self.peer_mss = peer_mss(handshake.peer_mss, self.tuple.is_ipv6());
    }

    /// Our SYN is acknowledged: the data phase begins. `rtt_from` is when the acknowledged SYN
    /// was sent, for the first round-trip sample.
    pub(super) fn establish(&mut self, now: Instant, rtt_from: Option<Instant>) {
        let syn_lost = self.is.contains(Is::SYN_RETRANSMITTED);
        match rtt_from {
            Some(sent) if !syn_lost => {
                self.rtt.on_sample(now.saturating_duration_since(sent));
            }
            // Karn: a repeated SYN gives no sample, and RFC 6298 §5.7 asks for 3 s.
            _ if syn_lost => self.rtt.on_handshake_loss(),
            _ => {}
        }
        let mss = self.agreed_mss();
        self.cc = self.controller(mss);
        self.recovery = Recovery::new(self.snd.iss + 1, mss, self.is.contains(Is::SACK))
            .with_rules(&self.config.recovery)
            .with_rate_samples(self.cc.wants_rate());
        if let Some(rtt) = self.rtt.latest() {
            self.recovery.on_rtt_sample(now, rtt);
        }
        self.cc.on_handshake_done(syn_lost);
        self.progress.on_progress(now, false);
        self.timers.cancel(Timer::Retransmit);
        self.timers.cancel(Timer::UserTimeout);
        self.is.remove(Is::SYN_DUE);
        self.notices |= Notices::CONNECTED | Notices::WRITABLE;
        if self.is.contains(Is::CLOSING) {
            // CLOSE came first: the FIN follows what was queued (RFC 9293 §3.10.4).
            self.go(Transition::Close);
        }
        self.rearm_keepalive(now);
    }

    fn controller(&self, mss: u32) -> Controller {
        let algorithm = self.config.congestion;
        let paced = match self.config.pacing {
            Pacing::Off => Paced::No,
            Pacing::On => Paced::Yes,
            Pacing::Auto => algorithm.paced(),
        };
        let hystart = self.config.hystart.then_some(paced);
        Controller::with_hystart(algorithm, mss, hystart)
            .with_fast_convergence(self.config.fast_convergence)
    }

    /// Payload bytes of a full segment, as of when the data phase began or the path last changed.
    #[inline]
    pub(crate) fn snd_mss(&self) -> u32 {
        if self.state.is_synchronized() {
            self.recovery.mss()
        } else {
            self.agreed_mss()
        }
    }

    /// What the peer and the path can take in a segment, without the options every segment carries
    /// (RFC 9293 §3.7.1, MUST-16).
    pub(super) fn agreed_mss(&self) -> u32 {
        let timestamps = if self.ts.is_some() { TIMESTAMPS_LEN } else { 0 };
        self.segment_room()
            .saturating_sub(timestamps)
            .max(MIN_SEND_MSS)
    }

    /// Bytes a segment may have for options and payload together.
    pub(super) fn segment_room(&self) -> u32 {
        let path = self
            .path_mtu
            .saturating_sub(ip_header(self.tuple.is_ipv6()) + self.route_len() + TCP_HEADER);
        let own = self.config.max_segment.map_or(u32::MAX, u32::from);
        self.peer_mss.min(path).min(own)
    }
}
