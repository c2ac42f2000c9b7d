//! The settings of one connection.

use estab_timer::{Duration, Instant, KeepaliveConfig, UserTimeout};

use crate::error::CallError;
use crate::stack::{ConnId, Stack};

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
        self.call(now, id, |conn, ctx| conn.set_keepalive(ctx.now, keepalive))
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
        self.call(now, id, |conn, _| conn.set_linger(linger))
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
        self.call(now, id, |conn, _| conn.set_user_timeout(timeout))
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
        self.call(now, id, |conn, _| conn.set_send_buffer(bytes))
    }
}
