//! The sockets of a script: system calls as calls of the stack, results as Linux has them.

mod args;
mod io;
mod open;
mod poll;
mod sockopt;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use estab_proto::config::TcpConfig;
use estab_proto::{CallError, ConnId, ConnectionError, Event, FourTuple, Info, ListenerId};

use crate::ast::{Call, CallResult};
use crate::host::Host;
use crate::settings::Settings;
use args::Args;

/// How a call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It returned this.
    Value(i64),
    /// It returned -1 with this `errno`.
    Errno(&'static str),
    /// It blocks.
    Blocks,
}

/// A failure is not a result of the call: what it asks for is not there, or what it returned beside
/// its value is not what the script says.
type Attempt = Result<Outcome, String>;

/// What a socket is at present.
#[derive(Clone, Debug)]
enum Kind {
    Fresh,
    Listener(ListenerId),
    Connection(ConnId),
    Epoll(BTreeMap<i64, poll::Interest>),
}

/// A file descriptor's socket.
#[derive(Clone, Debug)]
struct Socket {
    kind: Kind,
    is_nonblocking: bool,
    bound: Option<SocketAddr>,
    /// What a connection opened through it will have.
    tcp: TcpConfig,
    keepalive: estab_timer::KeepaliveConfig,
    has_keepalive: bool,
    backlog: usize,
    /// `SO_ERROR`: told once.
    error: Option<ConnectionError>,
    /// A call of connect has begun and none has told its end.
    is_connecting: bool,
    /// SHUT_RD.
    is_deaf: bool,
    /// TCP_CORK.
    is_corked: bool,
    /// Bytes read.
    read: u32,
    /// Options that only their setter looks at again.
    remembered: BTreeMap<String, i64>,
}

/// Where the script runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The stack's address.
    pub(crate) local: IpAddr,
    /// The port that bind takes if the script does not say.
    pub(crate) local_port: u16,
    /// The peer's address.
    pub(crate) remote: IpAddr,
    /// The port that connect goes to if the script does not say.
    pub(crate) remote_port: u16,
}

/// A call that has begun.
#[derive(Clone, Debug)]
pub(crate) struct Ongoing {
    /// When it began, in microseconds of the script.
    pub(crate) start: i64,
    /// Bytes it has moved so far.
    moved: usize,
    /// Whether it has opened its connection.
    is_open: bool,
}

impl Ongoing {
    /// A call that begins now.
    pub(crate) fn new(start: i64) -> Self {
        Self {
            start,
            moved: 0,
            is_open: false,
        }
    }
}

/// All sockets of a script.
pub(crate) struct Kernel {
    sockets: BTreeMap<i64, Socket>,
    place: Place,
    /// Bytes written so far to each connection, which outlive their descriptor.
    written: BTreeMap<(SocketAddr, SocketAddr), u32>,
    /// The connection that assertions are about: opened last.
    under_test: Option<ConnId>,
    /// What connect opened, for the runner to take.
    pub(crate) opened: Option<FourTuple>,
    /// Tuples whose descriptor was closed, for the runner to take.
    pub(crate) closed: Vec<FourTuple>,
}

impl Kernel {
    /// No sockets.
    pub(crate) fn new(place: Place) -> Self {
        Self {
            sockets: BTreeMap::new(),
            place,
            written: BTreeMap::new(),
            under_test: None,
            opened: None,
            closed: Vec::new(),
        }
    }

    /// Begins `call`, or goes on with it after it blocked.
    pub(crate) fn attempt(
        &mut self,
        host: &mut Host,
        settings: &Settings,
        call: &Call,
        ongoing: &mut Ongoing,
    ) -> Attempt {
        let args = Args(&call.args);
        match call.name.as_str() {
            "socket" => self.socket(settings, args, &call.result),
            "bind" => self.bind(args),
            "listen" => self.listen(host, args),
            "accept" | "accept4" => self.accept(host, settings, args, call),
            "connect" => self.connect(host, args, ongoing),
            "shutdown" => self.shutdown(host, args),
            "close" => self.close(host, args),
            "fcntl" => self.fcntl(args),
            "ioctl" => self.ioctl(host, args),
            "read" | "recv" | "recvfrom" | "readv" | "recvmsg" => {
                self.receive(host, &call.name, args, ongoing)
            }
            "write" | "send" | "sendto" | "writev" | "sendmsg" => {
                self.send(host, &call.name, args, ongoing)
            }
            "setsockopt" => self.setsockopt(host, settings, args),
            "getsockopt" => self.getsockopt(host, args),
            "poll" => self.poll(host, args, ongoing),
            "epoll_create" | "epoll_create1" => Ok(self.epoll_create(settings, &call.result)),
            "epoll_ctl" => self.epoll_ctl(args),
            "epoll_wait" => self.epoll_wait(host, args, ongoing),
            other => Err(format!("system call '{other}' is not supported")),
        }
    }

    /// When a call that blocks gives up by itself, in microseconds of the script.
    pub(crate) fn timeout(call: &Call, ongoing: &Ongoing) -> Option<i64> {
        let at = match call.name.as_str() {
            "poll" => 2,
            "epoll_wait" => 3,
            _ => return None,
        };
        let millis = Args(&call.args).number(at).ok()?;
        (millis >= 0).then_some(ongoing.start.saturating_add(millis.saturating_mul(1_000)))
    }

    /// Takes note of an event.
    pub(crate) fn on_event(&mut self, event: Event) {
        if let Event::Closed(id, Some(error)) = event
            && let Some(socket) = self.of_connection(id)
        {
            socket.error = Some(error);
        }
    }

    /// The figures of the connection that was opened last.
    pub(crate) fn info(&self, host: &Host) -> Option<Info> {
        host.stack.info(self.under_test?)
    }

    /// Bytes written so far to the connection between these two ends.
    pub(crate) fn written(&self, local: SocketAddr, remote: SocketAddr) -> u32 {
        self.written.get(&(local, remote)).copied().unwrap_or(0)
    }

    fn of_connection(&mut self, id: ConnId) -> Option<&mut Socket> {
        self.sockets
            .values_mut()
            .find(|socket| matches!(socket.kind, Kind::Connection(own) if own == id))
    }

    fn get(&mut self, fd: i64) -> Result<&mut Socket, String> {
        self.sockets
            .get_mut(&fd)
            .ok_or_else(|| format!("descriptor {fd} is not open"))
    }

    /// The connection of a descriptor, if it is one.
    fn connection(&mut self, fd: i64) -> Result<Option<ConnId>, String> {
        match self.get(fd)?.kind {
            Kind::Connection(id) => Ok(Some(id)),
            _ => Ok(None),
        }
    }

    /// Stores a socket under the descriptor the script gives it, or the least free one.
    fn store(&mut self, socket: Socket, wanted: &CallResult) -> i64 {
        let fd = match wanted {
            CallResult::Value(fd) if *fd > 2 && !self.sockets.contains_key(fd) => *fd,
            _ => (3..)
                .find(|fd| !self.sockets.contains_key(fd))
                .unwrap_or(i64::MAX),
        };
        self.sockets.insert(fd, socket);
        fd
    }

    /// The pending error of a socket, told once; or what `error` means without one.
    fn errno(&mut self, fd: i64, error: CallError) -> Result<&'static str, String> {
        if let Some(error) = self.get(fd)?.error.take() {
            return Ok(errno(error));
        }
        Ok(match error {
            CallError::WouldBlock => "EAGAIN",
            CallError::Closing | CallError::Ended(_) => "EPIPE",
            CallError::NoSuchConnection => "EBADF",
            _ => "ENOBUFS",
        })
    }
}

/// Linux's name for why a connection ended.
fn errno(error: ConnectionError) -> &'static str {
    match error {
        ConnectionError::Refused => "ECONNREFUSED",
        ConnectionError::Reset => "ECONNRESET",
        ConnectionError::Aborted => "ECONNABORTED",
        ConnectionError::TimedOut => "ETIMEDOUT",
        ConnectionError::HostUnreachable => "EHOSTUNREACH",
        ConnectionError::NetworkUnreachable => "ENETUNREACH",
        ConnectionError::DeviceLost => "ENETDOWN",
        _ => "EIO",
    }
}

/// Linux's number for an `errno`, which `SO_ERROR` yields; 0 if it is none of ours.
pub(crate) fn errno_number(name: &str) -> i64 {
    match name {
        "ENETDOWN" => 100,
        "ENETUNREACH" => 101,
        "ECONNABORTED" => 103,
        "ECONNRESET" => 104,
        "ETIMEDOUT" => 110,
        "ECONNREFUSED" => 111,
        "EHOSTUNREACH" => 113,
        _ => 0,
    }
}
