//! One driver and what its handles share with it.
//!
//! The driver task alone owns the protocol stack and the device. Handles reach it through the
//! [`Shard`]: a doorbell for connections that want to be looked at, and a queue of commands.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use estab_proto::config::TcpConfig;
use tokio::sync::Semaphore;

mod command;
mod doorbell;
mod driver;
mod rx;
mod tx;

pub(crate) use command::{Command, Reply};
use doorbell::Doorbell;
pub use driver::Driver;

use crate::error::StackGone;
use crate::shared::blocks::Blocks;
use crate::shared::wakers::{Wait, Waiter, Wakers};
use crate::sync::{Mutex, lock};

/// Commands that may wait for the driver; who wants to give one more waits for room.
const MAX_COMMANDS: usize = 1024;

/// What all handles of a stack share with its driver.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) bell: Doorbell,
    /// What is written is copied into these.
    pub(crate) blocks: Blocks,
    /// What connections start with unless told otherwise.
    pub(crate) tcp: Arc<TcpConfig>,
    permits: Arc<Semaphore>,
    /// Handles of any kind that exist. At zero the driver finishes what is open and ends.
    handles: AtomicUsize,
    ending: Mutex<Ending>,
}

/// Whether the driver is gone, and who waits for that.
#[derive(Debug, Default)]
struct Ending {
    gone: Option<StackGone>,
    wakers: Wakers,
}

impl Wait for Ending {
    fn wakers(&mut self) -> &mut Wakers {
        &mut self.wakers
    }
}

impl Shard {
    pub(crate) fn new(tcp: TcpConfig) -> Self {
        Self {
            tcp: Arc::new(tcp),
            bell: Doorbell::default(),
            blocks: Blocks::default(),
            permits: Arc::new(Semaphore::new(MAX_COMMANDS)),
            handles: AtomicUsize::new(0),
            ending: Mutex::default(),
        }
    }

    /// Gives the driver a command and waits for the answer.
    pub(crate) async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> io::Result<T> {
        // Closed, like the doorbell, when the driver ends.
        let Ok(permit) = self.permits.clone().acquire_owned().await else {
            return Err(self.gone().into());
        };
        let (reply, answer) = Reply::new(permit);
        self.bell.post(command(reply));
        answer.await.map_err(|_| self.gone().into())
    }

    /// One more handle exists.
    pub(crate) fn hold(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// A handle is gone.
    pub(crate) fn let_go(&self) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.bell.wake();
        }
    }

    /// Whether nobody holds a handle.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.handles.load(Ordering::Acquire) == 0
    }

    /// The driver ends: every command, waiting or to come, fails.
    pub(crate) fn end(&self, gone: StackGone) {
        let mut ending = lock(&self.ending);
        ending.gone.get_or_insert(gone);
        let waiting = ending.wakers.take();
        drop(ending);
        self.permits.close();
        self.bell.close();
        waiting.wake();
    }

    /// Why calls fail. Asked only after one did.
    pub(crate) fn gone(&self) -> StackGone {
        lock(&self.ending)
            .gone
            .clone()
            .unwrap_or_else(|| StackGone::new(None))
    }

    /// Waits until the driver has ended.
    pub(crate) async fn ended(&self) -> StackGone {
        Waiter::new(&self.ending)
            .until(|ending| ending.gone.clone())
            .await
    }
}
