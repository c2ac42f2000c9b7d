//! Opening and closing: socket, bind, listen, accept, connect, shutdown, close, fcntl.

use std::net::SocketAddr;

use estab_proto::{CallError, ConnectError, ListenConfig, ListenError, State};

use crate::ast::{Arg, Call, CallResult};
use crate::host::Host;
use crate::kernel::args::{Args, O_NONBLOCK, O_RDWR};
use crate::kernel::{Attempt, Kernel, Kind, Ongoing, Outcome, Socket};
use crate::settings::Settings;

impl Socket {
    /// A socket with the settings of this moment.
    pub(super) fn new(kind: Kind, settings: &Settings) -> Self {
        Self {
            kind,
            is_nonblocking: false,
            bound: None,
            tcp: settings.tcp.clone(),
            keepalive: settings.keepalive,
            has_keepalive: false,
            backlog: 0,
            error: None,
            is_connecting: false,
            is_deaf: false,
            is_corked: false,
            read: 0,
            remembered: Default::default(),
        }
    }
}

impl Kernel {
    pub(super) fn socket(
        &mut self,
        settings: &Settings,
        args: Args<'_>,
        wanted: &CallResult,
    ) -> Attempt {
        let kind = args.number(1)?;
        if kind & 0xf != 1 {
            return Err("sockets other than SOCK_STREAM are not supported".into());
        }
        if let Arg::Name(name) = args.get(2)?
            && name != "IPPROTO_TCP"
            && name != "IPPROTO_IP"
        {
            return Err(format!("sockets of {name} are not supported"));
        }
        let mut socket = Socket::new(Kind::Fresh, settings);
        socket.is_nonblocking = kind & O_NONBLOCK != 0;
        Ok(Outcome::Value(self.store(socket, wanted)))
    }

    pub(super) fn bind(&mut self, args: Args<'_>) -> Attempt {
        let default = SocketAddr::new(self.place.local, self.place.local_port);
        let addr = args.address(1)?.unwrap_or(default);
        self.get(args.number(0)?)?.bound = Some(canonical(addr));
        Ok(Outcome::Value(0))
    }

    pub(super) fn listen(&mut self, host: &mut Host, args: Args<'_>) -> Attempt {
        let backlog = args.number(1)?.max(0) as usize;
        let socket = self.get(args.number(0)?)?;
        if !matches!(socket.kind, Kind::Fresh) {
            return Ok(Outcome::Errno("EINVAL"));
        }
        let config = ListenConfig {
            addr: socket.bound.map(|bound| bound.ip()),
            port: Some(socket.bound.map_or(0, |bound| bound.port())),
            backlog: backlog.max(1),
            tcp: Some(socket.tcp.clone()),
            ..ListenConfig::default()
        };
        match host.stack.listen(config) {
            Ok(id) => {
                socket.backlog = backlog;
                socket.kind = Kind::Listener(id);
                Ok(Outcome::Value(0))
            }
            Err(ListenError::AddressInUse) => Ok(Outcome::Errno("EADDRINUSE")),
            Err(_) => Ok(Outcome::Errno("EADDRNOTAVAIL")),
        }
    }

    pub(super) fn accept(
        &mut self,
        host: &mut Host,
        settings: &Settings,
        args: Args<'_>,
        call: &Call,
    ) -> Attempt {
        let listening = self.get(args.number(0)?)?.clone();
        let Kind::Listener(id) = listening.kind else {
            return Ok(Outcome::Errno("EINVAL"));
        };
        let Some((conn, _)) = host.stack.accept(id) else {
            return Ok(would_block(listening.is_nonblocking));
        };
        let mut socket = Socket::new(Kind::Connection(conn), settings);
        socket.tcp = listening.tcp;
        socket.keepalive = listening.keepalive;
        socket.error = host.stack.error(conn);
        let flags = if args.0.len() > 3 { args.number(3)? } else { 0 };
        socket.is_nonblocking = flags & O_NONBLOCK != 0;
        self.under_test = Some(conn);
        Ok(Outcome::Value(self.store(socket, &call.result)))
    }

    pub(super) fn connect(
        &mut self,
        host: &mut Host,
        args: Args<'_>,
        ongoing: &mut Ongoing,
    ) -> Attempt {
        let fd = args.number(0)?;
        let default = SocketAddr::new(self.place.remote, self.place.remote_port);
        let remote = canonical(args.address(1)?.unwrap_or(default));
        let socket = self.get(fd)?;
        match socket.kind {
            Kind::Fresh => {
                let tcp = Some(socket.tcp.clone());
                match host.stack.connect(host.now(), remote, socket.bound, tcp) {
                    Ok(id) => {
                        socket.kind = Kind::Connection(id);
                        socket.is_connecting = true;
                        ongoing.is_open = true;
                        let is_nonblocking = socket.is_nonblocking;
                        self.under_test = Some(id);
                        self.opened = host.stack.tuple(id);
                        Ok(match is_nonblocking {
                            true => Outcome::Errno("EINPROGRESS"),
                            false => Outcome::Blocks,
                        })
                    }
                    Err(error) => Ok(Outcome::Errno(connect_errno(error))),
                }
            }
            Kind::Connection(id) => {
                let begun_here = ongoing.is_open;
                if socket.error.is_some() {
                    socket.is_connecting = false;
                    return Ok(Outcome::Errno(self.errno(fd, CallError::Closing)?));
                }
                let synchronized = host.stack.state(id).is_some_and(is_synchronized);
                Ok(match (synchronized, socket.is_connecting) {
                    (true, true) => {
                        socket.is_connecting = false;
                        Outcome::Value(0)
                    }
                    (true, false) => Outcome::Errno("EISCONN"),
                    (false, _) if begun_here || !socket.is_nonblocking => Outcome::Blocks,
                    (false, true) => Outcome::Errno("EALREADY"),
                    (false, false) => Outcome::Errno("ECONNABORTED"),
                })
            }
            _ => Ok(Outcome::Errno("EINVAL")),
        }
    }

    pub(super) fn shutdown(&mut self, host: &mut Host, args: Args<'_>) -> Attempt {
        let how = args.number(1)?;
        let fd = args.number(0)?;
        let Some(id) = self.connection(fd)? else {
            return Ok(Outcome::Errno("ENOTCONN"));
        };
        match host.stack.state(id) {
            None | Some(State::Closed | State::TimeWait | State::SynSent) => {
                return Ok(Outcome::Errno("ENOTCONN"));
            }
            Some(_) => {}
        }
        if how != 1 {
            self.get(fd)?.is_deaf = true;
        }
        if how != 0 && host.stack.shutdown(host.now(), id).is_err() {
            return Ok(Outcome::Errno("ENOTCONN"));
        }
        Ok(Outcome::Value(0))
    }

    pub(super) fn close(&mut self, host: &mut Host, args: Args<'_>) -> Attempt {
        let fd = args.number(0)?;
        let kind = self.get(fd)?.kind.clone();
        match kind {
            Kind::Listener(id) => host.stack.close_listener(host.now(), id),
            Kind::Connection(id) => {
                self.closed.extend(host.stack.tuple(id));
                host.stack.close(host.now(), id);
            }
            Kind::Fresh | Kind::Epoll(_) => {}
        }
        self.sockets.remove(&fd);
        Ok(Outcome::Value(0))
    }

    pub(super) fn fcntl(&mut self, args: Args<'_>) -> Attempt {
        let socket = self.get(args.number(0)?)?;
        match args.name(1)? {
            "F_GETFL" => {
                let nonblocking = if socket.is_nonblocking { O_NONBLOCK } else { 0 };
                Ok(Outcome::Value(O_RDWR | nonblocking))
            }
            "F_SETFL" => {
                socket.is_nonblocking = args.number(2)? & O_NONBLOCK != 0;
                Ok(Outcome::Value(0))
            }
            other => Err(format!("fcntl {other} is not supported")),
        }
    }
}

/// What a call does that finds nothing.
pub(super) fn would_block(is_nonblocking: bool) -> Outcome {
    match is_nonblocking {
        true => Outcome::Errno("EAGAIN"),
        false => Outcome::Blocks,
    }
}

fn is_synchronized(state: State) -> bool {
    !matches!(
        state,
        State::Closed | State::Listen | State::SynSent | State::SynReceived
    )
}

/// An IPv4-mapped address as the IPv4 address it stands for: what socket layers do.
fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

fn connect_errno(error: ConnectError) -> &'static str {
    match error {
        ConnectError::InvalidRemote => "ENETUNREACH",
        ConnectError::NoLocalAddress => "ENETUNREACH",
        ConnectError::LocalAddressNotOurs => "EADDRNOTAVAIL",
        ConnectError::AddressInUse => "EADDRNOTAVAIL",
        ConnectError::PortsExhausted => "EADDRNOTAVAIL",
        _ => "ENOBUFS",
    }
}
