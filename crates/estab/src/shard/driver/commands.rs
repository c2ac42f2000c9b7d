//! What handles ask for beyond bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use estab_proto::config::TcpConfig;
use estab_proto::{CallError, ConnectError, FourTuple, IncomingId, ListenConfig, ListenerId};
use estab_timer::Instant;

use super::{Closing, Core};
use crate::device::Device;
use crate::error::{self, StackGone};
use crate::shard::steer::Steering;
use crate::shard::{Command, Opening};
use crate::shared::Handle;
use crate::shared::accept::Listening;
use crate::stack::DeviceStats;

impl<D: Device> Core<D> {
    pub(super) fn obey(&mut self, now: Instant, command: Command) {
        match command {
            Command::Connect(opening) => self.connect(now, opening),
            Command::Listen {
                config,
                listening,
                reply,
            } => reply.send(self.listen(*config, listening)),
            Command::Serve(id) => self.serve(now, id),
            Command::CloseListener(listening) => {
                if let Some(id) = listening.id(self.shard.index) {
                    self.close_listener(now, id);
                }
            }
            Command::Accept {
                id,
                tuple,
                config,
                reply,
            } => {
                reply.send(self.accept(now, id, tuple, config));
            }
            Command::Refuse(id) => self.stack.refuse_incoming(now, id),
            Command::Ignore(id) => self.stack.ignore_incoming(id),
            Command::Info(id, reply) => reply.send(self.stack.info(id)),
            Command::Stats(reply) => reply.send(*self.stack.stats()),
            Command::Counts(reply) => reply.send(self.stack.counts()),
            Command::DeviceStats(reply) => reply.send(self.device_stats()),
            Command::AddAddr(addr, reply) => {
                self.stack.add_addr(addr);
                reply.send(());
            }
            Command::RemoveAddr(addr, reply) => reply.send(self.stack.remove_addr(addr)),
            Command::SendUrgent(id, bytes, reply) => {
                reply.send(self.stack.send_urgent(now, id, &bytes).map_err(error::call));
            }
            Command::Urgent(id, reply) => reply.send(self.stack.urgent_remaining(id)),
            Command::Shutdown => self.shut_down(now, Closing::Gently),
            Command::Abort => self.shut_down(now, Closing::AtOnce),
            Command::End(gone) => self.ended = Some(gone),
        }
    }

    /// Starts an active open, or has the shard do it that the connection would belong to, or that may
    /// have room.
    fn connect(&mut self, now: Instant, mut opening: Opening) {
        if let Some(owner) = self.owner(&opening) {
            return self.shards[owner].bell.post(Command::Connect(opening));
        }
        let result = self.open(now, &opening);
        let is_full = matches!(
            result,
            Err(OpenError::Connect(
                ConnectError::PortsExhausted | ConnectError::TooManyConnections
            ))
        );
        let is_bound = opening.local.is_some_and(|local| local.port() != 0);
        if is_full && !is_bound && opening.refused + 1 < self.shards.len() {
            opening.refused += 1;
            let next = (self.shard.index + 1) % self.shards.len();
            return self.shards[next].bell.post(Command::Connect(opening));
        }
        opening.reply.send(result.map_err(OpenError::into_io));
    }

    /// The shard to which an open with a local port of its own belongs, if it is another one.
    fn owner(&self, opening: &Opening) -> Option<usize> {
        let steering = self.steering.as_ref()?;
        let local = opening.local.filter(|local| local.port() != 0)?;
        let remote = opening.remote;
        // What is wrong with the address is reported by the open itself.
        let addr = self.stack.local_addr(remote.ip(), Some(local.ip())).ok()?;
        let owner = steering.owner(SocketAddr::new(addr, local.port()), remote);
        (owner != self.shard.index).then_some(owner)
    }

    fn open(&mut self, now: Instant, opening: &Opening) -> Result<Handle, OpenError> {
        self.check_open().map_err(OpenError::Gone)?;
        let &Opening { remote, local, .. } = opening;
        let config = opening.config.as_deref().cloned();
        let own = config.clone().map(Arc::new);
        let started_with = own.unwrap_or_else(|| Arc::clone(&self.shard.tcp));
        let owners = self.steering.as_ref().map(Steering::owners);
        let own = self.shard.index;
        let fits = |tuple: &FourTuple| owners.is_none_or(|owners| owners.of(tuple) == own);
        let id = self
            .stack
            .connect_where(now, remote, local, config, fits)
            .map_err(OpenError::Connect)?;
        let local = self.stack.tuple(id).map_or(remote, |tuple| tuple.local);
        let tuple = FourTuple { local, remote };
        Ok(Handle::new(self.adopt(id, tuple, started_with)))
    }

    fn listen(&mut self, config: ListenConfig, listening: Listening) -> io::Result<SocketAddr> {
        self.check_open()?;
        let id = self.stack.listen(config).map_err(error::listen)?;
        listening.set_id(self.shard.index, id);
        self.listeners.insert(id, listening);
        let addr = self.stack.listener_addr(id);
        addr.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn accept(
        &mut self,
        now: Instant,
        id: IncomingId,
        tuple: FourTuple,
        config: Arc<TcpConfig>,
    ) -> io::Result<Handle> {
        self.check_open()?;
        let id = self
            .stack
            .accept_incoming(now, id)
            .map_err(|error| match error {
                // The peer has given up meanwhile.
                CallError::NoSuchConnection => io::ErrorKind::ConnectionAborted.into(),
                error => error::call(error),
            })?;
        Ok(Handle::new(self.adopt(id, tuple, config)))
    }

    /// Closes a listener, and resets what its handle never took.
    fn close_listener(&mut self, now: Instant, id: ListenerId) {
        if let Some(listening) = self.listeners.remove(id) {
            listening.end(StackGone::new(None));
        }
        self.stack.close_listener(now, id);
    }

    fn shut_down(&mut self, now: Instant, how: Closing) {
        self.closing = self.closing.max(how);
        for id in self.listeners.keys().collect::<Vec<_>>() {
            self.close_listener(now, id);
        }
        if how == Closing::AtOnce {
            for id in self.conns.keys().collect::<Vec<_>>() {
                self.stack.abort(now, id);
            }
        }
    }

    /// Fails once the stack is shutting down.
    fn check_open(&self) -> Result<(), StackGone> {
        if self.closing != Closing::No {
            Err(StackGone::new(None))
        } else {
            Ok(())
        }
    }

    fn device_stats(&self) -> DeviceStats {
        let (steered, steer_dropped) = self.steering.as_ref().map_or((0, 0), Steering::counts);
        DeviceStats {
            sent: self.sender.sent(),
            dropped: self.device.dropped(),
            malformed: self.device.malformed(),
            steered,
            steer_dropped,
        }
    }
}

/// Why an active open could not start.
enum OpenError {
    /// The stack is shutting down.
    Gone(StackGone),
    Connect(ConnectError),
}

impl OpenError {
    fn into_io(self) -> io::Error {
        match self {
            Self::Gone(gone) => gone.into(),
            Self::Connect(error) => error::connect(error),
        }
    }
}
