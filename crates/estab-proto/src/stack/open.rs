//! Active OPEN (RFC 9293 §3.10.1), and what becomes of everything when the device is lost.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use estab_timer::Instant;

use crate::addr::{FourTuple, IpCidr, is_unicast};
use crate::config::TcpConfig;
use crate::error::{ConnectError, ConnectionError};
use crate::stack::demux::Slot;
use crate::stack::ports::Candidates;
use crate::stack::recent::Recent;
use crate::stack::tuple::TupleKey;
use crate::stack::{ConnId, Stack, isn};
use crate::tcp::{Connection, State};

impl Stack {
    /// Begins a connection to `remote`: SYN-SENT. [`Event::Connected`](crate::Event::Connected) or
    /// [`Event::Closed`](crate::Event::Closed) tells how the open ended.
    ///
    /// `local` may name the address, the port, or both; what it leaves open (an unspecified
    /// address, port 0) is chosen: the address of the remote's family that shares the longest
    /// prefix with it, and a random free port (RFC 6056) that no listener names. Both stay the same
    /// for the life of the connection (MUST-45). A four-tuple still in TIME-WAIT is not reused.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`]. [`ConnectError::PortsExhausted`] comes at once.
    // RFC 9293: MUST-43.
    pub fn connect(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        tcp: Option<TcpConfig>,
    ) -> Result<ConnId, ConnectError> {
        self.connect_where(now, remote, local, tcp, |_| true)
    }

    /// Like [`connect`](Self::connect), choosing among the ports whose four-tuple `fits`: for a
    /// driver with several stacks that share an address, each of which is sent its own tuples only.
    ///
    /// # Errors
    ///
    /// As of [`connect`](Self::connect).
    pub fn connect_where(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        tcp: Option<TcpConfig>,
        fits: impl Fn(&FourTuple) -> bool,
    ) -> Result<ConnId, ConnectError> {
        let now = self.advance(now);
        let remote = SocketAddr::new(remote.ip(), remote.port());
        if remote.port() == 0 || !self.may_connect_to(remote.ip()) {
            return Err(ConnectError::InvalidRemote);
        }
        let tcp = tcp.map_or_else(|| Arc::clone(&self.tcp), Arc::new);
        if let Some(route) = &tcp.source_route
            && !(remote.is_ipv4() && self.may_follow(route))
        {
            return Err(ConnectError::InvalidSourceRoute);
        }
        let addr = self.local_addr(remote.ip(), local.map(|local| local.ip()))?;
        if self.conns.len() >= self.config.limits.max_connections {
            return Err(ConnectError::TooManyConnections);
        }
        let tuple = match local.map_or(0, |local| local.port()) {
            0 => self.free_tuple(addr, remote, fits)?,
            port => FourTuple {
                local: SocketAddr::new(addr, port),
                remote,
            },
        };
        if self.is_taken(&tuple) {
            return Err(ConnectError::AddressInUse);
        }
        let key = TupleKey::new(&tuple);
        let iss = isn::initial(&self.secrets, self.config.isn, now, &key);
        let ts_offset = isn::timestamp_offset(&self.secrets, &key);
        let path_mtu = self.ip.path_mtu(remote.ip());
        let mtu = self.config.mtu;
        let mut conn = Connection::active(now, tuple, iss, ts_offset, tcp, path_mtu, mtu);
        if self.ecn_trials.is_hopeless(now, remote.ip()) {
            self.stats.ecn_not_asked += u64::from(conn.forgo_ecn());
        }
        self.stats.active_opens += 1;
        let id = self.hold(conn);
        self.settle(now, id);
        Ok(id)
    }

    /// Whether `remote` can be another host, or this one on a loopback link (MUST-46).
    fn may_connect_to(&self, remote: IpAddr) -> bool {
        let addrs = &self.ip.addrs;
        let is_own = addrs.is_own(remote);
        let is_loopback = remote.to_canonical().is_loopback();
        is_unicast(remote)
            && !addrs.is_broadcast(remote)
            && remote.to_canonical() == remote
            && is_own == is_loopback
    }

    /// The local address that [`connect`](Self::connect) gives a connection to `remote`: the one
    /// `asked` for, unless that is unspecified.
    ///
    /// # Errors
    ///
    /// [`ConnectError::NoLocalAddress`] if the stack has none of that family, or the one asked for
    /// is of the other; [`ConnectError::LocalAddressNotOurs`].
    pub fn local_addr(
        &self,
        remote: IpAddr,
        asked: Option<IpAddr>,
    ) -> Result<IpAddr, ConnectError> {
        match asked.filter(|addr| !addr.is_unspecified()) {
            Some(addr) if addr.is_ipv4() != remote.is_ipv4() => Err(ConnectError::NoLocalAddress),
            Some(addr) if self.ip.addrs.accepts(addr) => Ok(addr),
            Some(_) => Err(ConnectError::LocalAddressNotOurs),
            None => self
                .ip
                .addrs
                .source_for(remote)
                .ok_or(ConnectError::NoLocalAddress),
        }
    }

    /// A four-tuple that nobody holds, on a port that no listener names.
    fn free_tuple(
        &mut self,
        addr: IpAddr,
        remote: SocketAddr,
        fits: impl Fn(&FourTuple) -> bool,
    ) -> Result<FourTuple, ConnectError> {
        let random = self.secrets.random();
        Candidates::new(self.config.ephemeral_ports, random)
            .map(|port| FourTuple {
                local: SocketAddr::new(addr, port),
                remote,
            })
            .find(|tuple| {
                fits(tuple)
                    && !self.is_taken(tuple)
                    && !self.listeners.names_port(addr, tuple.local.port())
            })
            .ok_or(ConnectError::PortsExhausted)
    }

    /// What holds `tuple` now: a connection or a record that stands for one; a listener that would
    /// hear a SYN, as [`State::Listen`]; or nobody, as [`State::Closed`].
    pub fn status(&self, tuple: &FourTuple) -> State {
        match self.holder(tuple) {
            Some(Slot::Connection(id)) => self
                .conns
                .look(id)
                .map_or(State::Closed, |held| held.conn.state()),
            Some(Slot::HalfOpen(_)) => State::SynReceived,
            Some(Slot::TimeWait(_)) => State::TimeWait,
            Some(Slot::Incoming(_)) => State::Listen,
            None if self.listeners.find(tuple.local).is_some() => State::Listen,
            None => State::Closed,
        }
    }

    /// Ends everything: the device is lost, or the stack is to be dropped. Every connection ends
    /// with `error`, listeners close, records go; nothing is sent any more. The events are still to
    /// be polled.
    pub fn shut_down(&mut self, now: Instant, error: ConnectionError) {
        let now = self.advance(now);
        tracing::debug!(%error, connections = self.conns.len(), "stack shuts down");
        for id in self.listeners.ids().collect::<Vec<_>>() {
            self.close_listener(now, id);
        }
        // What closed in order stays so.
        self.forget_time_waits(now);
        for id in self.conns.keys().collect::<Vec<_>>() {
            self.with_conn(now, id, |conn, ctx| conn.end(ctx, error));
        }
        self.ip
            .clear(&self.config, &mut self.secrets, &mut self.wheel);
        self.replies.clear();
    }

    /// Sets the device's MTU in bytes, for connections opened from now on; those that exist are cut
    /// to it if it is less than theirs. What is known of paths is forgotten.
    pub fn set_mtu(&mut self, mtu: u32) {
        self.config.mtu = mtu;
        self.ip.set_mtu(mtu, &mut self.secrets);
    }

    /// Adds an address of the stack, or changes the prefix of one it has.
    pub fn add_addr(&mut self, addr: IpCidr) {
        self.ip.addrs.add(addr);
        self.recent = Recent::default();
        self.config.addrs = self.ip.addrs.list().to_vec();
    }

    /// Removes an address of the stack. Connections that use it are not told: their peers just do
    /// not reach them any more. Returns whether the stack had it.
    pub fn remove_addr(&mut self, addr: IpAddr) -> bool {
        let had = self.ip.addrs.remove(addr);
        self.recent = Recent::default();
        self.config.addrs = self.ip.addrs.list().to_vec();
        had
    }
}

#[cfg(test)]
mod tests;
