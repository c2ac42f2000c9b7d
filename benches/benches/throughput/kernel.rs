//! The kernel's side: a server that takes or gives as many bytes as it is told, and its client.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use crate::memory::clock;

/// What a client asks for: the first byte it sends; the number of bytes follows, little-endian.
#[derive(Clone, Copy)]
pub(crate) enum Wish {
    /// "Take what I send, then answer with one byte."
    Take = 0,
    /// "Send me as much."
    Give = 1,
}

pub(crate) const WISH_LEN: usize = 9;

impl Wish {
    pub(crate) fn encode(self, bytes: u64) -> [u8; WISH_LEN] {
        let mut wish = [self as u8; WISH_LEN];
        wish[1..].copy_from_slice(&bytes.to_le_bytes());
        wish
    }
}

const BLOCK: usize = 256 << 10;

/// Clients served at once.
pub(crate) const CLIENTS: usize = 64;

/// Serves clients on `addr`, in threads that stay, so that their processor time can be told.
pub(crate) fn serve(addr: SocketAddr) -> io::Result<SocketAddr> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    // What the kernel sends is CUBIC's: the default may pace, and its timers cost more than TCP.
    let _ = socket.set_tcp_congestion(b"cubic");
    socket.bind(&addr.into())?;
    socket.listen(CLIENTS as i32)?;
    let listener = TcpListener::from(socket);
    let addr = listener.local_addr()?;
    for _ in 0..CLIENTS {
        let listener = listener.try_clone()?;
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A client that leaves early is its own affair.
                let _ = grant(client);
            }
        });
    }
    Ok(addr)
}

fn grant(mut client: TcpStream) -> io::Result<()> {
    let mut wish = [0; WISH_LEN];
    client.read_exact(&mut wish)?;
    let mut left = u64::from_le_bytes(wish[1..].try_into().unwrap_or_default());
    let mut block = vec![7; BLOCK];
    if wish[0] == Wish::Take as u8 {
        take(&mut client, left, &mut block)?;
        return client.write_all(&[1]);
    }
    while left > 0 {
        let n = left.min(BLOCK as u64) as usize;
        client.write_all(&block[..n])?;
        left -= n as u64;
    }
    Ok(())
}

fn take(stream: &mut TcpStream, mut left: u64, block: &mut [u8]) -> io::Result<()> {
    while left > 0 {
        match stream.read(block)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => left -= n as u64,
        }
    }
    Ok(())
}

/// The kernel as client too: sends `bytes` to the server at `addr`.
pub(crate) fn send(addr: SocketAddr, bytes: u64) -> io::Result<Duration> {
    let mut stream = TcpStream::connect(addr)?;
    let _ = SockRef::from(&stream).set_tcp_congestion(b"cubic");
    stream.write_all(&Wish::Take.encode(bytes))?;
    let block = vec![7; BLOCK];
    let start = clock();
    for _ in 0..bytes / BLOCK as u64 {
        stream.write_all(&block)?;
    }
    stream.read_exact(&mut [0])?;
    Ok(start.elapsed())
}
