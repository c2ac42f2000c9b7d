//! Who waits for one thing: the task of the last `poll_*` call, and any number of futures.

use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, lock};

/// The tasks to wake when one direction of a connection, or an accept queue, becomes ready.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    task: Option<Waker>,
    /// Seldom there, so that a connection is small.
    futures: Option<Box<Futures>>,
}

/// The wakers of futures, each with a key by which it finds its own again.
#[derive(Debug, Default)]
struct Futures {
    waiting: Vec<(u64, Waker)>,
    last_key: u64,
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
        let futures = self.futures.as_ref();
        self.task.is_none() && futures.is_none_or(|futures| futures.waiting.is_empty())
    }

    /// Everyone, to be woken after unlocking.
    pub(crate) fn take(&mut self) -> Woken {
        let waiting = self
            .futures
            .as_mut()
            .map(|futures| std::mem::take(&mut futures.waiting));
        Woken {
            task: self.task.take(),
            waiting: waiting.unwrap_or_default(),
        }
    }

    fn register(&mut self, key: &mut Option<u64>, waker: &Waker) {
        let Futures { waiting, last_key } = &mut **self.futures.get_or_insert_default();
        if let Some((_, registered)) = waiting.iter_mut().find(|(other, _)| Some(*other) == *key) {
            registered.clone_from(waker);
            return;
        }
        *last_key += 1;
        *key = Some(*last_key);
        waiting.push((*last_key, waker.clone()));
    }

    fn remove(&mut self, key: u64) {
        if let Some(futures) = &mut self.futures {
            futures.waiting.retain(|(other, _)| *other != key);
        }
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
