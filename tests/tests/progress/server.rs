//! Our end of the flows.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use estab::tcp::{OwnedReadHalf, OwnedWriteHalf};
use estab::{Stack, TcpListener, TcpStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What is done with a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Bytes out of our stack.
    Source,
    /// Bytes into it.
    Sink,
    /// Both.
    Echo,
}

impl Service {
    pub(crate) fn is_up(self) -> bool {
        self != Self::Source
    }

    pub(crate) fn is_down(self) -> bool {
        self != Self::Sink
    }

    /// What the client says first.
    pub(crate) fn request(self, len: u64) -> [u8; 9] {
        let mut request = [self as u8; 9];
        request[1..].copy_from_slice(&len.to_be_bytes());
        request
    }
}

/// A flow that is served, to be asked how it is.
enum Served {
    Read(OwnedReadHalf),
    Write(OwnedWriteHalf),
    Whole(Arc<TcpStream>),
}

/// All flows that are served, by the client's address.
#[derive(Clone, Default)]
pub(crate) struct Register(Arc<Mutex<Vec<(SocketAddr, Served)>>>);

impl Register {
    fn lock(&self) -> MutexGuard<'_, Vec<(SocketAddr, Served)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, peer: SocketAddr, served: Served) {
        self.lock().push((peer, served));
    }

    fn remove(&self, peer: SocketAddr) {
        self.lock().retain(|(other, _)| *other != peer);
    }

    /// What the stack knows of itself and of each flow.
    pub(crate) async fn report(&self, stack: &Stack) -> String {
        let mut report = String::new();
        let _ = writeln!(report, "{:?}", stack.counts().await);
        let _ = writeln!(report, "{:?}", stack.device_stats().await);
        if let Ok(stats) = stack.stats().await {
            let seen = stats.iter().filter(|(_, count)| *count > 0);
            let _ = writeln!(report, "{:?}", seen.collect::<Vec<_>>());
        }
        let served = std::mem::take(&mut *self.lock());
        for (peer, served) in &served {
            let info = match served {
                Served::Read(half) => half.as_ref().info().await,
                Served::Write(half) => half.as_ref().info().await,
                Served::Whole(stream) => stream.info().await,
            };
            let _ = writeln!(report, "{peer}: {info:?}");
        }
        *self.lock() = served;
        report
    }
}

/// Serves whoever connects.
pub(crate) async fn serve(listener: TcpListener, register: Register) {
    while let Ok((stream, peer)) = listener.accept().await {
        let register = register.clone();
        tokio::spawn(async move {
            // The client fails, too, and tells.
            let _ = serve_one(stream, peer, &register).await;
            register.remove(peer);
        });
    }
}

async fn serve_one(mut stream: TcpStream, peer: SocketAddr, register: &Register) -> io::Result<()> {
    let service = stream.read_u8().await?;
    let len = stream.read_u64().await?;
    if service == Service::Echo as u8 {
        let stream = Arc::new(stream);
        register.add(peer, Served::Whole(Arc::clone(&stream)));
        return echo(&stream, len).await;
    }
    let (mut reader, mut writer) = stream.into_split();
    if service == Service::Sink as u8 {
        register.add(peer, Served::Write(writer));
        let mut block = vec![0; 256 << 10];
        while reader.read(&mut block).await? > 0 {}
    } else {
        register.add(peer, Served::Read(reader));
        let block = vec![7; 256 << 10];
        let mut left = len;
        while left > 0 {
            let n = left.min(block.len() as u64);
            writer.write_all(&block[..n as usize]).await?;
            left -= n;
        }
        writer.shutdown().await?;
    }
    Ok(())
}

/// Through the calls that do not wait, and the readiness that they wait for.
async fn echo(stream: &TcpStream, len: u64) -> io::Result<()> {
    let would_block = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
    let mut block = vec![0; 64 << 10];
    let mut left = len;
    while left > 0 {
        stream.readable().await?;
        let n = match stream.try_read(&mut block) {
            Ok(n) => n,
            Err(error) if would_block(&error) => continue,
            Err(error) => return Err(error),
        };
        left -= n as u64;
        let mut sent = 0;
        while sent < n {
            stream.writable().await?;
            match stream.try_write(&block[sent..n]) {
                Ok(more) => sent += more,
                Err(error) if would_block(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
