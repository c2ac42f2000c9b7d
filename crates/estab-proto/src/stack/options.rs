//! The settings of one connection.

use estab_timer::{Duration, Instant, KeepaliveConfig, UserTimeout};

use crate::config::variants::Variants;
use crate::error::CallError;
use crate::stack::{ConnId, Stack};
use crate::tcp::{Connection, Ctx};

/// Every setter fails with [`CallError::NoSuchConnection`] if the id is stale, and with nothing
/// else; every getter then returns `None`.
impl Stack {
    /// Whether Nagle's algorithm is off.
    pub fn nodelay(&self, id: ConnId) -> Option<bool> {
        Some(self.held(id)?.conn.nodelay())
    }

    /// Switches Nagle's algorithm off or on (RFC 9293 MUST-17).
    pub fn set_nodelay(
        &mut self,
        now: Instant,
        id: ConnId,
        nodelay: bool,
    ) -> Result<(), CallError> {
        self.call(now, id, |conn, _| conn.set_nodelay(nodelay))
    }

    /// Whether only full segments go.
    pub fn cork(&self, id: ConnId) -> Option<bool> {
        Some(self.held(id)?.conn.cork())
    }

    /// Holds back what does not fill a segment, because more will be written; or lets it go, as far
    /// as Nagle's algorithm permits. Held bytes leave after one retransmission timeout at the latest
    /// (RFC 9293 §3.8.6.2.1), when the sending direction is closed, and when Nagle's algorithm is
    /// [switched off](Self::set_nodelay).
    pub fn set_cork(&mut self, now: Instant, id: ConnId, cork: bool) -> Result<(), CallError> {
        self.call(now, id, |conn, _| conn.set_cork(cork))
    }

    /// `true`: acknowledges at once what waits for it and the next segments, as many as
    /// [`DelayedAckConfig::quick_segments`](estab_timer::DelayedAckConfig::quick_segments).
    /// `false`: delays acknowledgements again, as if the application answered what arrives. It is no
    /// lasting mode: what arrives and is sent goes on deciding (RFC 9293 §3.8.6.3).
    pub fn set_quick_ack(
        &mut self,
        now: Instant,
        id: ConnId,
        quick: bool,
    ) -> Result<(), CallError> {
        self.call(now, id, |conn, _| conn.set_quick_ack(quick))
    }

    /// How many bytes may wait for their first transmission; the inner `None`: as many as the
    /// buffer holds.
    pub fn unsent_limit(&self, id: ConnId) -> Option<Option<u32>> {
        Some(self.held(id)?.conn.unsent_limit())
    }

    /// Sets how many bytes may wait for their first transmission: see
    /// [`TcpConfig::unsent_limit`](crate::config::TcpConfig::unsent_limit).
    pub fn set_unsent_limit(
        &mut self,
        now: Instant,
        id: ConnId,
        bytes: Option<u32>,
    ) -> Result<(), CallError> {
        self.change(now, id, |conn, _, variants| {
            conn.set_unsent_limit(variants, bytes);
        })
    }

    /// The most to send at, in bytes per second, where sending is paced; the inner `None`: no bound.
    pub fn max_pacing_rate(&self, id: ConnId) -> Option<Option<u64>> {
        Some(self.held(id)?.conn.max_pacing_rate())
    }

    /// Sets the most to send at, in bytes per second, from the next segment on: see
    /// [`TcpConfig::max_pacing_rate`](crate::config::TcpConfig::max_pacing_rate). 0 counts as 1.
    pub fn set_max_pacing_rate(
        &mut self,
        now: Instant,
        id: ConnId,
        rate: Option<u64>,
    ) -> Result<(), CallError> {
        self.change(now, id, |conn, _, variants| {
            conn.set_max_pacing_rate(variants, rate);
        })
    }

    /// How an idle peer is probed; the inner `None`: not at all.
    pub fn keepalive(&self, id: ConnId) -> Option<Option<KeepaliveConfig>> {
        Some(self.held(id)?.conn.keepalive().cloned())
    }

    /// Switches keepalive on or off (RFC 9293 MUST-24, MUST-27).
    pub fn set_keepalive(
        &mut self,
        now: Instant,
        id: ConnId,
        keepalive: Option<KeepaliveConfig>,
    ) -> Result<(), CallError> {
        self.change(now, id, |conn, ctx, variants| {
            conn.set_keepalive(variants, ctx.now, keepalive);
        })
    }

    /// Time-to-live or hop limit of the connection's packets.
    pub fn ttl(&self, id: ConnId) -> Option<u8> {
        Some(self.held(id)?.conn.ttl())
    }

    /// Sets the time-to-live or hop limit, 1 to 255 (RFC 9293 MUST-49); 0 counts as 1.
    pub fn set_ttl(&mut self, now: Instant, id: ConnId, ttl: u8) -> Result<(), CallError> {
        self.call(now, id, |conn, _| conn.set_ttl(ttl))
    }

    /// The Diffserv field of the connection's packets, as in the header.
    pub fn tos(&self, id: ConnId) -> Option<u8> {
        Some(self.held(id)?.conn.tos())
    }

    /// Sets the Diffserv field (RFC 9293 MUST-48, SHLD-21). Its low two bits belong to ECN and are
    /// ignored.
    pub fn set_tos(&mut self, now: Instant, id: ConnId, tos: u8) -> Result<(), CallError> {
        self.call(now, id, |conn, _| conn.set_tos(tos))
    }

    /// What becomes of unsent bytes on [`close`](Self::close): see
    /// [`TcpConfig::linger`](crate::config::TcpConfig::linger).
    pub fn linger(&self, id: ConnId) -> Option<Option<Duration>> {
        Some(self.held(id)?.conn.linger())
    }

    /// Sets what becomes of unsent bytes on [`close`](Self::close).
    pub fn set_linger(
        &mut self,
        now: Instant,
        id: ConnId,
        linger: Option<Duration>,
    ) -> Result<(), CallError> {
        self.change(now, id, |conn, _, variants| {
            conn.set_linger(variants, linger);
        })
    }

    /// How long something may stay unacknowledged before the connection fails.
    pub fn user_timeout(&self, id: ConnId) -> Option<UserTimeout> {
        Some(self.held(id)?.conn.user_timeout())
    }

    /// Sets how long something may stay unacknowledged (RFC 9293 MUST-21).
    pub fn set_user_timeout(
        &mut self,
        now: Instant,
        id: ConnId,
        timeout: UserTimeout,
    ) -> Result<(), CallError> {
        self.change(now, id, |conn, _, variants| {
            conn.set_user_timeout(variants, timeout);
        })
    }

    /// Fixes the receive buffer at `bytes` and switches its autotuning off. What the peer was
    /// promised stays good: the window shrinks only as bytes arrive (RFC 9293 SHLD-14).
    pub fn set_recv_buffer(
        &mut self,
        now: Instant,
        id: ConnId,
        bytes: u32,
    ) -> Result<(), CallError> {
        self.call(now, id, |conn, _| conn.set_recv_buffer(bytes))
    }

    /// Fixes the send buffer at `bytes` and switches its autotuning off.
    pub fn set_send_buffer(
        &mut self,
        now: Instant,
        id: ConnId,
        bytes: u32,
    ) -> Result<(), CallError> {
        self.change(now, id, |conn, _, variants| {
            conn.set_send_buffer(variants, bytes);
        })
    }

    /// Calls into a connection to change what it may share with others.
    fn change(
        &mut self,
        now: Instant,
        id: ConnId,
        change: impl FnOnce(&mut Connection, &mut Ctx<'_>, &mut Variants),
    ) -> Result<(), CallError> {
        let mut variants = core::mem::take(&mut self.variants);
        let outcome = self.call(now, id, |conn, ctx| change(conn, ctx, &mut variants));
        self.variants = variants;
        outcome
    }
}
