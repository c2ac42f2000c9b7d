//! A thread for each shard.

use std::cell::Cell;
use std::io;
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::runtime::Builder;

use super::{Driver, Life, Shard};
use crate::device::Device;

thread_local! {
    /// The stack and the shard that this thread drives: the address of the life that lasts as long.
    static HOME: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

fn name(life: &Arc<Life>) -> usize {
    Arc::as_ptr(life) as usize
}

/// The index of the shard that the current thread drives, if it is one of the stack's.
pub(crate) fn home(life: &Arc<Life>) -> Option<usize> {
    let (stack, index) = HOME.get()?;
    (stack == name(life)).then_some(index)
}

/// Spawns a thread with a runtime of its own, on which the driver runs. It ends with the driver.
pub(crate) fn spawn<D: Device + 'static>(shard: &Arc<Shard>, driver: Driver<D>) -> io::Result<()> {
    let shard = Arc::clone(shard);
    let (started, starting) = mpsc::channel();
    thread::Builder::new()
        .name(format!("estab-{}", shard.index))
        .spawn(move || run(driver, &shard, &started))?;
    starting.recv().map_err(io::Error::other)?
}

fn run<D: Device + 'static>(
    driver: Driver<D>,
    shard: &Arc<Shard>,
    started: &mpsc::Sender<io::Result<()>>,
) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            drop(driver);
            // Nobody waits only if the caller has panicked.
            let _ = started.send(Err(error));
            return;
        }
    };
    let moved = {
        let _entered = runtime.enter();
        driver.moved()
    };
    let (outcome, driver) = match moved {
        Ok(driver) => (Ok(()), Some(driver)),
        Err(error) => (Err(error), None),
    };
    HOME.set(Some((name(&shard.life), shard.index)));
    let _ = shard.runtime.set(runtime.handle().clone());
    let _ = started.send(outcome);
    if let Some(driver) = driver {
        // How it ended, by a panic too, the driver has told everyone who holds the stack.
        let _ = runtime.block_on(async { tokio::spawn(driver).await });
    }
}
