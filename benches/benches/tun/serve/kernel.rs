//! The kernel's stack under tokio: what a program uses that does not bring its own.

use std::error::Error;
use std::future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

use super::{BACKLOG, Options, SERVICES, Service, end_with_stdin, runtime, tell_ready};

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    runtime(false)?.block_on(async {
        for service in SERVICES {
            let listener = listener(options, service)?;
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            tokio::spawn(async move {
                let accept = async || listener.accept().await.map(|(stream, _)| stream);
                service.serve_all(accept).await;
            });
        }
        end_with_stdin();
        tell_ready()?;
        future::pending().await
    })
}

/// A listener on any address of the family that is asked for: the interface may be still to come.
pub(super) fn listener(options: &Options, service: Service) -> io::Result<std::net::TcpListener> {
    let any = match options.kernel.is_ipv4() {
        true => Ipv4Addr::UNSPECIFIED.into(),
        false => Ipv6Addr::UNSPECIFIED.into(),
    };
    let addr = SocketAddr::new(any, service.port());
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_tcp_congestion(b"cubic")?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
