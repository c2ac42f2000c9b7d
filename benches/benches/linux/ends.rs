//! What sends and what receives: sockets of the kernel, and streams of ours.

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use estab::{Stack, TcpListener};
use estab_sim::relay::StackPort;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout_at;

/// Where the receiver listens.
pub(crate) const PORT: u16 = 5201;

/// Written or read at once.
const BLOCK: usize = 64 << 10;

/// How long a socket of the kernel's may block before it looks at the time.
const PATIENCE: Duration = Duration::from_millis(20);

/// The wall clock, which a bench may read.
#[allow(clippy::disallowed_methods, reason = "a bench measures time")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

fn socket(addr: IpAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(SocketAddr::new(addr, PORT)),
        Type::STREAM,
        None,
    )?;
    socket.set_tcp_congestion(b"cubic")?;
    Ok(socket)
}

/// A listener of the kernel's on this host.
pub(crate) fn kernel_listener(addr: IpAddr) -> io::Result<Socket> {
    let socket = socket(addr)?;
    socket.bind(&SocketAddr::new(addr, PORT).into())?;
    socket.listen(1)?;
    Ok(socket)
}

/// Whether nothing is wrong but that it takes longer.
fn is_slow(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    [WouldBlock, TimedOut, Interrupted].contains(&error.kind())
}

/// Lets the kernel send as much as it can until `end`.
pub(crate) fn kernel_sends(to: IpAddr, end: Instant) -> io::Result<()> {
    let mut socket = socket(to)?;
    socket.connect_timeout(&SocketAddr::new(to, PORT).into(), end - clock())?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let block = [0x55; BLOCK];
    while clock() < end {
        match socket.write(&block) {
            // The receiver leaves when the time is over.
            Err(error) if !is_slow(&error) && clock() < end => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Counts what the kernel receives until `end`.
pub(crate) fn kernel_receives(listener: &Socket, end: Instant) -> io::Result<u64> {
    listener.set_read_timeout(Some(PATIENCE))?;
    let mut socket = loop {
        match listener.accept() {
            Ok((socket, _)) => break socket,
            Err(error) if is_slow(&error) && clock() < end => {}
            Err(error) => return Err(error),
        }
    };
    socket.set_read_timeout(Some(PATIENCE))?;
    let (mut block, mut received) = (vec![0; 4 * BLOCK], 0);
    while clock() < end {
        match socket.read(&mut block) {
            Ok(n) => received += n as u64,
            Err(error) if is_slow(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(received)
}

/// A stack of ours on one end of the path.
pub(crate) fn stack(addr: IpAddr, port: StackPort) -> io::Result<Stack> {
    Stack::builder().addr((addr, 24)).build(port)
}

/// Lets ours send as much as it can until `end`.
pub(crate) async fn we_send(stack: &Stack, to: IpAddr, end: Instant) -> io::Result<()> {
    match timeout_at(end.into(), we_send_on(stack, to)).await {
        // The receiver leaves when the time is over.
        Ok(Err(error)) if clock() < end => Err(error),
        _ => Ok(()),
    }
}

async fn we_send_on(stack: &Stack, to: IpAddr) -> io::Result<Infallible> {
    let block = [0x55; BLOCK];
    let mut stream = stack.connect((to, PORT)).await?;
    loop {
        stream.write_all(&block).await?;
    }
}

/// Counts what ours receives until `end`.
pub(crate) async fn we_receive(listener: &TcpListener, end: Instant) -> io::Result<u64> {
    let mut received = 0;
    let receiving = async {
        let (mut stream, _) = listener.accept().await?;
        let mut block = vec![0; 4 * BLOCK];
        loop {
            match stream.read(&mut block).await? {
                0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                n => received += n as u64,
            }
        }
    };
    match timeout_at(end.into(), receiving).await {
        Ok(result) => result,
        Err(_) => Ok(received),
    }
}
