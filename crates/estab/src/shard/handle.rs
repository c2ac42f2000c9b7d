//! A shard, as the application sees it.

use std::fmt;
use std::future::Future;

use tokio::task::JoinHandle;

use crate::stack::Stack;

/// One of the shards of a stack, from [`Stack::shards`].
///
/// A stack whose device has several queues has a driver for each, and every connection belongs to
/// one of them for its life. A task that is spawned here runs where that driver does; if that is a
/// thread of its own ([`StackBuilder::build_threads`](crate::StackBuilder::build_threads)), what the
/// task does with its shard's connections wakes nobody on another processor. Connections it opens are
/// its shard's, and [`TcpListener::bind_each`](crate::TcpListener::bind_each) lets it accept its own.
///
/// ```
/// use estab::{Stack, TcpListener};
/// use estab::device::Link;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (queues, _peers): (Vec<_>, Vec<_>) = (0..2).map(|_| Link::pair()).unzip();
/// let stack = Stack::builder().addr("10.0.0.2/24").build_threads(queues)?;
///
/// let listeners = TcpListener::bind_each(&stack, "10.0.0.2:7").await?;
/// for (shard, listener) in stack.shards().zip(listeners) {
///     shard.spawn(async move {
///         while let Ok((mut stream, _)) = listener.accept().await {
///             tokio::spawn(async move {
///                 let (mut read, mut write) = stream.split();
///                 tokio::io::copy(&mut read, &mut write).await
///             });
///         }
///     });
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ShardHandle {
    stack: Stack,
    index: usize,
}

impl ShardHandle {
    pub(crate) fn new(stack: Stack, index: usize) -> Self {
        Self { stack, index }
    }

    /// Which shard it is: that of the queue with this index.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Spawns a task on the runtime of the shard's driver.
    ///
    /// Tasks that are left on a thread of the stack's when the stack has ended are dropped.
    ///
    /// # Panics
    ///
    /// If the driver was handed out by
    /// [`build_with_driver`](crate::StackBuilder::build_with_driver): it is not known where it runs,
    /// so the task is spawned on the current runtime, and there is none.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.stack.shards[self.index].runtime.get() {
            Some(runtime) => runtime.spawn(task),
            None => tokio::spawn(task),
        }
    }
}

impl fmt::Debug for ShardHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardHandle")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}
