//! What handles ask for beyond bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use estab_proto::config::TcpConfig;
use estab_proto::{CallError, FourTuple, IncomingId, ListenConfig, ListenerId};
use estab_timer::Instant;

use super::{Closing, Core};
use crate::device::Device;
use crate::error::{self, StackGone};
use crate::shard::Command;
use crate::shared::Handle;
use crate::shared::accept::{Acceptor, ListenHandle, Listening};
use crate::stack::DeviceStats;

impl<D: Device> Core<D> {
    pub(super) fn obey(&mut self, now: Instant, command: Command) {
        match command {
            Command::Connect {
                remote,
                local,
                config,
                reply,
            } => {
                reply.send(self.connect(now, remote, local, config));
            }
            Command::Listen { config, reply } => {
                reply.send(self.listen(*config, Listening::Streams));
            }
            Command::ListenDeferred { config, reply } => {
                reply.send(self.listen(*config, Listening::Attempts));
            }
            Command::Serve(id) => self.serve(id),
            Command::CloseListener(id) => self.close_listener(now, id),
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
        }
    }

    fn connect(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        config: Option<Box<TcpConfig>>,
    ) -> io::Result<Handle> {
        self.check_open()?;
        let own = config.as_ref().map(|config| Arc::new((**config).clone()));
        let started_with = own.unwrap_or_else(|| Arc::clone(&self.shard.tcp));
        let id = self
            .stack
            .connect(now, remote, local, config.map(|config| *config))
            .map_err(error::connect)?;
        let local = self.stack.tuple(id).map_or(remote, |tuple| tuple.local);
        let tuple = FourTuple { local, remote };
        Ok(Handle::new(self.adopt(id, tuple, started_with)))
    }

    fn listen<T>(
        &mut self,
        config: ListenConfig,
        side: impl FnOnce(Arc<Acceptor<T>>) -> Listening,
    ) -> io::Result<ListenHandle<T>> {
        self.check_open()?;
        let own = config.tcp.clone().map(Arc::new);
        let tcp = own.unwrap_or_else(|| Arc::clone(&self.shard.tcp));
        let id = self.stack.listen(config).map_err(error::listen)?;
        let addr = self
            .stack
            .listener_addr(id)
            .ok_or(io::ErrorKind::NotFound)?;
        let shard = Arc::clone(&self.shard);
        let acceptor = Arc::new(Acceptor::new(id, addr, shard, tcp));
        self.listeners.insert(id, side(Arc::clone(&acceptor)));
        Ok(ListenHandle::new(acceptor))
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
        let gone = StackGone::new(None);
        match self.listeners.remove(id) {
            Some(Listening::Streams(acceptor)) => {
                for conn in acceptor.end(gone) {
                    self.stack.abort(now, conn.id);
                    self.forget(now, conn.id);
                }
            }
            Some(Listening::Attempts(acceptor)) => {
                for attempt in acceptor.end(gone) {
                    self.stack.refuse_incoming(now, attempt.id);
                }
            }
            None => {}
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
    fn check_open(&self) -> io::Result<()> {
        if self.closing != Closing::No {
            Err(StackGone::new(None).into())
        } else {
            Ok(())
        }
    }

    fn device_stats(&self) -> DeviceStats {
        DeviceStats {
            sent: self.sender.sent(),
            dropped: self.device.dropped(),
            malformed: self.device.malformed(),
        }
    }
}
