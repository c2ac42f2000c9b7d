//! What the client does, with sockets of the kernel's.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::figures::Figures;
use crate::place::Target;
use crate::rows::{Load, Row};
use crate::serve::Service;

mod bulk;
mod connect;
mod echo;
mod idle;

/// What it takes to make the networks and to start and end a server, about.
const SETUP: Duration = Duration::from_millis(100);

/// How long a call may block.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a server may refuse connections before that is its answer.
const REFUSALS: Duration = Duration::from_secs(2);

/// Puts the row's load on the target, for `time` where that is up to the client.
pub(crate) fn measure(row: &Row, target: &Target, time: Duration) -> io::Result<Figures> {
    match row.load {
        Load::Bulk(way, flows) => bulk::measure(target, way, flows, time),
        Load::Echo => echo::measure(target, time),
        Load::Connect(talk) => connect::measure(target, talk, time),
        Load::Idle(count) => idle::measure(target, count),
    }
}

/// How long that takes, about, with a server that is up to it.
pub(crate) fn duration(row: &Row, time: Duration) -> Duration {
    let load = match row.load {
        Load::Bulk(..) => bulk::WARM_UP + time,
        Load::Echo => echo::WARM_UP + time,
        Load::Connect(_) => connect::WARM_UP + time,
        Load::Idle(count) => idle::duration(count),
    };
    SETUP + load
}

/// The wall clock, which a bench may read.
#[allow(clippy::disallowed_methods, reason = "a bench measures time")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

/// A connection to a service.
///
/// A server that refuses is asked again, for a while: one without a queue of its own has to make
/// another socket before it listens again.
fn connect(target: &Target, service: Service) -> io::Result<TcpStream> {
    let start = clock();
    loop {
        match try_connect(target, service) {
            Err(error)
                if error.kind() == io::ErrorKind::ConnectionRefused
                    && start.elapsed() < REFUSALS => {}
            result => return result,
        }
    }
}

fn try_connect(target: &Target, service: Service) -> io::Result<TcpStream> {
    let addr = SocketAddr::new(target.addr, service.port());
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    // The default may pace, and its timers cost more than TCP.
    socket.set_tcp_congestion(b"cubic")?;
    // Also how long the handshake may take.
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(&addr.into())?;
    Ok(socket.into())
}

fn failed(why: impl Into<String>) -> io::Error {
    io::Error::other(why.into())
}
