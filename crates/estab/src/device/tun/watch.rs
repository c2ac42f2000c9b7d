//! Noticing that the interface was deleted.
//!
//! The kernel then raises nothing but `EPOLLERR`, which readiness to read does not cover, so whoever
//! only waits for packets waits for ever.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use tokio::io::Interest;
use tokio::net::unix::pipe;
use tokio_tun::Tun;

/// Completes when the interface is gone.
pub(super) struct Watch {
    gone: Option<BoxFuture<'static, io::Error>>,
}

impl Watch {
    /// Watches over the interface of `tun`.
    pub(super) fn new(tun: &Tun) -> Self {
        let gone = duplicate(tun).and_then(pipe::Sender::from_owned_fd_unchecked);
        if let Err(error) = &gone {
            tracing::warn!(%error, "the stack will not notice if the interface is deleted");
        }
        Self {
            gone: gone.ok().map(|watched| wait(watched).boxed()),
        }
    }

    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        match &mut self.gone {
            Some(gone) => gone.poll_unpin(cx),
            None => Poll::Pending,
        }
    }
}

/// A second descriptor of the interface: epoll takes each only once, and `tokio-tun` has the first.
/// It is fetched by number, as that is all `tokio-tun` shows of it.
fn duplicate(tun: &Tun) -> io::Result<OwnedFd> {
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(pidfd_getfd(
        this,
        tun.as_raw_fd(),
        PidfdGetfdFlags::empty(),
    )?)
}

/// A pipe's sender stands in for a descriptor of any kind: only its readiness is asked for. A sender
/// is not told of packets that arrive.
async fn wait(watched: pipe::Sender) -> io::Error {
    match watched.ready(Interest::ERROR).await {
        Ok(_) => io::Error::new(io::ErrorKind::NotConnected, "the interface was deleted"),
        Err(error) => error,
    }
}
