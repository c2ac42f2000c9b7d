//! The primitives that handles and driver meet at.
//!
//! With `--cfg estab_loom` they are loom's, which tries every order of events: see the
//! tests of `shared`.

#[cfg(estab_loom)]
pub(crate) use loom::sync::atomic::AtomicU8;
#[cfg(estab_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(estab_loom))]
pub(crate) use std::sync::atomic::AtomicU8;
#[cfg(not(estab_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

use std::sync::PoisonError;

/// Locks, whatever happened to another holder: nothing here is left half done by a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
