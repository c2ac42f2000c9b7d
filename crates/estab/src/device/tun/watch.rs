//! Noticing that the interface was deleted.
//!
//! The kernel then raises nothing but `EPOLLERR`, which readiness to read does not cover, so whoever
//! only waits for packets waits for ever. It raises it where readiness to read was asked for too, and
//! nowhere else.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;
use tokio_tun::Tun;

/// Completes when the interface is gone.
pub(in crate::device) struct Watch {
    gone: Option<BoxFuture<'static, io::Error>>,
}

impl Watch {
    /// Watches over the interface of a descriptor that packets are read from.
    pub(in crate::device) fn on(fd: Arc<AsyncFd<OwnedFd>>) -> Self {
        let gone = async move { judge(fd.ready(Interest::ERROR).await) };
        Self {
            gone: Some(gone.boxed()),
        }
    }

    /// Watches over the interface of a descriptor that nothing else waits on. A pipe's receiver stands
    /// in for a descriptor of any kind: only its readiness is asked for.
    pub(in crate::device) fn new(fd: io::Result<OwnedFd>) -> Self {
        let gone = fd.and_then(pipe::Receiver::from_owned_fd_unchecked);
        if let Err(error) = &gone {
            tracing::warn!(%error, "the stack will not notice if the interface is deleted");
        }
        let wait = async |watched: pipe::Receiver| judge(watched.ready(Interest::ERROR).await);
        Self {
            gone: gone.ok().map(|watched| wait(watched).boxed()),
        }
    }

    pub(in crate::device) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        match &mut self.gone {
            Some(gone) => gone.poll_unpin(cx),
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// A second descriptor of the interface: epoll takes each only once, and `tokio-tun` has the first.
/// It is fetched by number, as that is all `tokio-tun` shows of it.
pub(super) fn duplicate(tun: &Tun) -> io::Result<OwnedFd> {
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(pidfd_getfd(
        this,
        tun.as_raw_fd(),
        PidfdGetfdFlags::empty(),
    )?)
}

/// What it means that an error was raised.
fn judge<T>(raised: io::Result<T>) -> io::Error {
    match raised {
        Ok(_) => super::deleted(),
        Err(error) => error,
    }
}
