//! The hidden subcommand: a server in a process of its own, of the kernel's stack or of ours.

use std::cell::RefCell;
use std::error::Error;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{process, thread};

use clap::Args;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::runtime::{Builder, Runtime};

use crate::child::READY;

mod estab;
mod kernel;
mod threads;

/// What a server is told.
#[derive(Args)]
pub(crate) struct Options {
    /// Which stack: kernel, kernel-threads, estab, estab-multi, estab-queues; the last three with
    /// `-plain` behind it for no offload.
    #[arg(long)]
    stack: String,
    /// The interface to make.
    #[arg(long)]
    tun: String,
    /// Where to listen, with its prefix.
    #[arg(long)]
    addr: String,
    /// The kernel's address on that interface.
    #[arg(long)]
    kernel: IpAddr,
    /// Bytes of an IP packet.
    #[arg(long)]
    mtu: u32,
    /// For stacks whose buffers have a fixed size.
    #[arg(long)]
    buffer: usize,
}

/// What a server does on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Sends back what comes.
    Echo,
    /// Reads to the end.
    Sink,
    /// Reads a number, eight bytes big-endian, and sends as many bytes.
    Source,
    /// Sends back one byte and closes.
    Answer,
    /// Does nothing.
    Idle,
}

pub(crate) const SERVICES: [Service; 5] = [
    Service::Echo,
    Service::Sink,
    Service::Source,
    Service::Answer,
    Service::Idle,
];

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Bytes read or written at once.
pub(crate) const BLOCK: usize = 256 << 10;

impl Service {
    pub(crate) const fn port(self) -> u16 {
        match self {
            Self::Echo => 7001,
            Self::Sink => 7002,
            Self::Source => 7003,
            Self::Answer => 7004,
            Self::Idle => 7005,
        }
    }

    /// Serves every client.
    async fn serve_all<S, F>(self, mut accept: impl FnMut() -> F)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<S>>,
    {
        // Without a task each: what a connection costs is not to be told from its task.
        let mut held = Vec::new();
        while let Ok(stream) = accept().await {
            match self {
                Self::Echo => drop(tokio::spawn(echo(stream))),
                Self::Sink => drop(tokio::spawn(sink(stream))),
                Self::Source => drop(tokio::spawn(source(stream))),
                Self::Answer => drop(tokio::spawn(answer(stream))),
                Self::Idle => held.push(stream),
            }
        }
    }
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut block = [0; 1024];
    loop {
        match stream.read(&mut block).await? {
            0 => return Ok(()),
            n => stream.write_all(&block[..n]).await?,
        }
    }
}

async fn sink(mut stream: impl AsyncRead + Unpin) -> io::Result<()> {
    while poll_fn(|cx| discard(Pin::new(&mut stream), cx)).await? > 0 {}
    Ok(())
}

/// Reads what there is to where the last connection on this thread read to: the memory of a reader each
/// is the application's, and not what is measured.
fn discard(stream: Pin<&mut impl AsyncRead>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    thread_local! {
        static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; BLOCK]);
    }
    READ.with_borrow_mut(|block| {
        let mut block = ReadBuf::new(block);
        ready!(stream.poll_read(cx, &mut block))?;
        Poll::Ready(Ok(block.filled().len()))
    })
}

async fn source(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    // All connections send the same, as from a file.
    static BYTES: [u8; BLOCK] = [7; BLOCK];
    let mut left = stream.read_u64().await?;
    while left > 0 {
        let n = left.min(BLOCK as u64);
        stream.write_all(&BYTES[..n as usize]).await?;
        left -= n;
    }
    stream.shutdown().await
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let byte = stream.read_u8().await?;
    stream.write_all(&[byte]).await?;
    stream.shutdown().await
}

/// Serves until standard input ends.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    match options.stack.as_str() {
        "kernel" => kernel::run(options),
        "kernel-threads" => threads::run(options),
        _ => estab::run(options),
    }
}

/// A runtime with one thread, or with one for each core.
fn runtime(multi: bool) -> io::Result<Runtime> {
    match multi {
        true => Builder::new_multi_thread().enable_all().build(),
        false => Builder::new_current_thread().enable_all().build(),
    }
}

/// Tells the harness that it may begin.
fn tell_ready() -> io::Result<()> {
    println!("{READY}");
    io::stdout().flush()
}

/// Blocks until standard input ends: then nobody needs the server any more.
fn until_stdin_ends() {
    while let Ok(1..) = io::stdin().read(&mut [0; 64]) {}
}

/// Ends the process when standard input ends.
fn end_with_stdin() {
    thread::spawn(|| {
        until_stdin_ends();
        process::exit(0);
    });
}
