//! Who waits for one thing: the task of the last `poll_*` call, and any number of futures.

use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use super::lock;

/// The tasks to wake when one direction of a connection, or an accept queue, becomes ready.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    task: Option<Waker>,
    waiting: Vec<(u64, Waker)>,
    next_key: u64,
}

/// Taken under the lock, woken after it.
#[must_use = "tasks that are not woken wait for ever"]
pub(crate) struct Woken {
    task: Option<Waker>,
    waiting: Vec<(u64, Waker)>,
}

impl Woken {
    pub(crate) fn wake(self) {
        self.task.into_iter().for_each(Waker::wake);
        self.waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl Wakers {
    /// Remembers the task that polls; the last one wins, as with tokio's sockets.
    pub(crate) fn set_task(&mut self, waker: &Waker) {
        match &mut self.task {
            Some(task) => task.clone_from(waker),
            None => self.task = Some(waker.clone()),
        }
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.task.is_none() && self.waiting.is_empty()
    }

    /// Everyone, to be woken after unlocking.
    pub(crate) fn take(&mut self) -> Woken {
        Woken {
            task: self.task.take(),
            waiting: std::mem::take(&mut self.waiting),
        }
    }

    fn register(&mut self, key: &mut Option<u64>, waker: &Waker) {
        let found = key.and_then(|key| self.waiting.iter_mut().find(|(other, _)| *other == key));
        if let Some((_, registered)) = found {
            registered.clone_from(waker);
            return;
        }
        self.next_key += 1;
        *key = Some(self.next_key);
        self.waiting.push((self.next_key, waker.clone()));
    }

    fn remove(&mut self, key: u64) {
        self.waiting.retain(|(other, _)| *other != key);
    }
}

/// Something with tasks waiting for it.
pub(crate) trait Wait {
    fn wakers(&mut self) -> &mut Wakers;
}

/// One of any number of futures that wait for the same thing. Forgets its waker when dropped, so a
/// cancelled wait leaves nothing behind.
pub(crate) struct Waiter<'a, T: Wait> {
    place: &'a Mutex<T>,
    key: Option<u64>,
}

impl<'a, T: Wait> Waiter<'a, T> {
    pub(crate) fn new(place: &'a Mutex<T>) -> Self {
        Self { place, key: None }
    }

    /// Asks `ready`; if it has no answer, waits to be woken.
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        ready: impl FnOnce(&mut T) -> Option<R>,
    ) -> Poll<R> {
        let mut place = lock(self.place);
        if let Some(answer) = ready(&mut place) {
            return Poll::Ready(answer);
        }
        place.wakers().register(&mut self.key, cx.waker());
        Poll::Pending
    }

    /// Waits until `ready` has an answer.
    pub(crate) async fn until<R>(mut self, mut ready: impl FnMut(&mut T) -> Option<R>) -> R {
        std::future::poll_fn(move |cx| self.poll(cx, &mut ready)).await
    }
}

impl<T: Wait> Drop for Waiter<'_, T> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            lock(self.place).wakers().remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
