//! How often a driver is woken, and the processor time of this process.

use std::fs;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use estab::Driver;
use estab::device::Device;

/// A driver whose turns are counted.
pub(crate) struct Counted<D: Device> {
    driver: Pin<Box<Driver<D>>>,
    polls: Polls,
}

/// How many turns there were so far.
#[derive(Clone, Default)]
pub(crate) struct Polls(Arc<AtomicU64>);

impl Polls {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<D: Device> Counted<D> {
    pub(crate) fn new(driver: Driver<D>, polls: &Polls) -> Self {
        Self {
            driver: Box::pin(driver),
            polls: polls.clone(),
        }
    }
}

impl<D: Device> Future for Counted<D> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.polls.0.fetch_add(1, Ordering::Relaxed);
        self.driver.as_mut().poll(cx)
    }
}

/// The time all threads of this process have run so far, in user space and in the kernel.
pub(crate) fn processor_time() -> Duration {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split(' ').next()?.parse().ok())
        .map(Duration::from_nanos)
        .sum()
}
