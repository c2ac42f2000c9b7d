//! The life of a stack, which its shards share.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::StackGone;
use crate::shared::wakers::{Wait, Waiter, Wakers};
use crate::sync::{Mutex, lock};

/// Who holds the stack, and which of its drivers still run. They end together: when all of them are
/// idle and nobody needs them any more, or because one fails.
#[derive(Debug)]
pub(crate) struct Life {
    /// Handles of any kind that exist. At zero the drivers finish what is open and end.
    handles: AtomicUsize,
    /// Drivers that have something to finish.
    busy: AtomicUsize,
    /// Chosen shards, for those who do not care which.
    chosen: AtomicUsize,
    ending: Mutex<Ending>,
}

/// Which drivers are gone, and who waits for that.
#[derive(Debug)]
struct Ending {
    running: usize,
    gone: Option<StackGone>,
    wakers: Wakers,
}

impl Wait for Ending {
    fn wakers(&mut self) -> &mut Wakers {
        &mut self.wakers
    }
}

impl Life {
    /// The life of a stack with a number of drivers, none of which has ended.
    pub(crate) fn new(drivers: usize) -> Self {
        Self {
            handles: AtomicUsize::new(0),
            busy: AtomicUsize::new(drivers),
            chosen: AtomicUsize::new(0),
            ending: Mutex::new(Ending {
                running: drivers,
                gone: None,
                wakers: Wakers::default(),
            }),
        }
    }

    /// One more handle exists.
    pub(super) fn hold(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// A handle is gone. Returns whether it was the last.
    pub(super) fn let_go(&self) -> bool {
        self.handles.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Whether nobody holds a handle.
    pub(super) fn is_abandoned(&self) -> bool {
        self.handles.load(Ordering::Acquire) == 0
    }

    /// A driver has nothing left to finish.
    pub(super) fn finish(&self) {
        self.busy.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether no driver has anything left to finish.
    pub(super) fn is_finished(&self) -> bool {
        self.busy.load(Ordering::Acquire) == 0
    }

    /// One after the other, for whoever picks one of `n`.
    pub(crate) fn choose(&self, n: usize) -> usize {
        self.chosen.fetch_add(1, Ordering::Relaxed) % n
    }

    /// A driver is about to end. The first to do so says why the stack ends.
    pub(super) fn explain(&self, gone: StackGone) {
        lock(&self.ending).gone.get_or_insert(gone);
    }

    /// A driver has ended.
    pub(super) fn end(&self) {
        let mut ending = lock(&self.ending);
        ending.running -= 1;
        let waiting = (ending.running == 0).then(|| ending.wakers.take());
        drop(ending);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Why calls fail. Asked only after one did.
    pub(super) fn gone(&self) -> StackGone {
        lock(&self.ending)
            .gone
            .clone()
            .unwrap_or_else(|| StackGone::new(None))
    }

    /// Waits until every driver has ended.
    pub(crate) async fn ended(&self) -> StackGone {
        let over = |ending: &mut Ending| ending.gone.clone().filter(|_| ending.running == 0);
        Waiter::new(&self.ending).until(over).await
    }
}
