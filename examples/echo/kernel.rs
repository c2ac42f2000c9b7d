//! The other side: sockets of the Linux kernel.

use std::fs;
use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};
use tokio::net::{TcpSocket, TcpStream};

/// Opens a connection of the kernel's, with CUBIC where the kernel has it: its default may pace,
/// which would measure the pacing timer.
pub(crate) async fn connect(remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(remote), Type::STREAM, None)?;
    let _ = socket.set_tcp_congestion(b"cubic");
    socket.set_nonblocking(true)?;
    TcpSocket::from_std_stream(socket.into())
        .connect(remote)
        .await
}

/// The kernel's state of the connection between two of its ports, as `/proc/net/tcp` has it.
pub(crate) fn state(local: SocketAddr, remote: SocketAddr) -> &'static str {
    let table = if local.is_ipv6() {
        "/proc/self/net/tcp6"
    } else {
        "/proc/self/net/tcp"
    };
    let table = fs::read_to_string(table).unwrap_or_default();
    let [local, remote] = [local, remote].map(|addr| format!(":{:04X}", addr.port()));
    let number = table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let ends = fields.next()?.ends_with(&local) && fields.next()?.ends_with(&remote);
        ends.then(|| fields.next())?
    });
    match number {
        Some("01") => "ESTABLISHED",
        Some("02") => "SYN-SENT",
        Some("03") => "SYN-RECEIVED",
        Some("04") => "FIN-WAIT-1",
        Some("05") => "FIN-WAIT-2",
        Some("06") => "TIME-WAIT",
        Some("08") => "CLOSE-WAIT",
        Some("09") => "LAST-ACK",
        Some("0B") => "CLOSING",
        _ => "CLOSED",
    }
}
