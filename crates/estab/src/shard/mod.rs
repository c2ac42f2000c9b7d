//! One driver and what its handles share with it.
//!
//! The driver task alone owns the protocol stack and the device. Handles reach it through the
//! [`Shard`]: a doorbell for connections that want to be looked at, and a queue of commands.
//!
//! A stack has one shard, or several with a device each that share its addresses: then a keyed hash
//! of its four-tuple says which of them a connection belongs to ([`steer`]), and what they have in
//! common is the [`Life`] of the stack. Every listener is on all of them.

use std::io;
use std::sync::{Arc, OnceLock};

use estab_proto::config::TcpConfig;
use tokio::runtime;
use tokio::sync::Semaphore;

mod command;
mod doorbell;
mod driver;
mod gro;
mod gso;
mod habit;
mod handle;
mod life;
mod rx;
mod steer;
#[cfg(test)]
mod testing;
mod thread;
mod tx;

pub(crate) use command::{Command, Opening, Reply};
use doorbell::Doorbell;
pub use driver::Driver;
pub(crate) use driver::Role;
pub use handle::ShardHandle;
pub(crate) use life::Life;
pub(crate) use steer::Owners;
pub(crate) use thread::{home, spawn};

#[cfg(all(test, estab_loom))]
pub(crate) use doorbell::Calls;

use crate::error::StackGone;
use crate::shared::blocks::Blocks;

/// Commands that may wait for the driver; who wants to give one more waits for room.
const MAX_COMMANDS: usize = 1024;

/// What handles of connections and listeners share with their driver.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) bell: Doorbell,
    /// What is written is copied into these.
    pub(crate) blocks: Blocks,
    /// What connections start with unless told otherwise.
    pub(crate) tcp: Arc<TcpConfig>,
    /// Which of the stack's shards it is.
    pub(crate) index: usize,
    pub(crate) life: Arc<Life>,
    /// Where the driver runs, if we have put it there.
    pub(crate) runtime: OnceLock<runtime::Handle>,
    permits: Arc<Semaphore>,
}

/// All shards of a stack, by their index.
pub(crate) type Shards = Arc<[Arc<Shard>]>;

impl Shard {
    /// The shards of a new stack.
    pub(crate) fn all(count: usize, tcp: &TcpConfig) -> Shards {
        let life = Arc::new(Life::new(count));
        let tcp = Arc::new(tcp.clone());
        let shard = |index| {
            Arc::new(Self {
                bell: Doorbell::default(),
                blocks: Blocks::default(),
                tcp: Arc::clone(&tcp),
                index,
                life: Arc::clone(&life),
                runtime: OnceLock::new(),
                permits: Arc::new(Semaphore::new(MAX_COMMANDS)),
            })
        };
        (0..count).map(shard).collect()
    }

    /// Gives the driver a command and waits for the answer.
    pub(crate) async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> io::Result<T> {
        // Closed, like the doorbell, when the driver ends.
        let Ok(permit) = self.permits.clone().acquire_owned().await else {
            return Err(self.life.gone().into());
        };
        let (reply, answer) = Reply::new(permit);
        self.bell.post(command(reply));
        answer.await.map_err(|_| self.life.gone().into())
    }

    /// One more handle exists.
    pub(crate) fn hold(&self) {
        self.life.hold();
    }

    /// A handle is gone.
    pub(crate) fn let_go(&self) {
        if self.life.let_go() {
            self.bell.wake();
        }
    }

    /// The driver ends: every command, waiting or to come, fails.
    fn end(&self, gone: StackGone) {
        self.life.explain(gone);
        self.permits.close();
        self.bell.close();
    }
}
