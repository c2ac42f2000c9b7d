//! How handles call the driver.

use std::sync::Mutex;
use std::task::Waker;

use estab_proto::ConnId;
use futures::task::AtomicWaker;

use super::Command;
use crate::shared::lock;

/// Connections that rang and commands that were given, and the driver's waker.
///
/// Each connection is in the list at most once, and a command waits only on behalf of a future or
/// of a handle being dropped, so neither list grows beyond what the application holds. The driver
/// is woken by the first entry only; the rest find it awake.
#[derive(Debug, Default)]
pub(crate) struct Doorbell {
    calls: Mutex<Calls>,
    driver: AtomicWaker,
}

#[derive(Debug, Default)]
struct Calls {
    rung: Vec<ConnId>,
    commands: Vec<Command>,
    closed: bool,
}

impl Doorbell {
    /// A connection wants to be looked at. Its own flag keeps it from ringing twice.
    pub(crate) fn ring(&self, id: ConnId) {
        self.call(|calls| calls.rung.push(id));
    }

    /// The driver shall do something.
    pub(crate) fn post(&self, command: Command) {
        self.call(|calls| calls.commands.push(command));
    }

    fn call(&self, add: impl FnOnce(&mut Calls)) {
        let mut calls = lock(&self.calls);
        if calls.closed {
            // What the closure holds is dropped after unlocking: it may ring in turn.
            drop(calls);
            return;
        }
        let first = calls.rung.is_empty() && calls.commands.is_empty();
        add(&mut calls);
        drop(calls);
        if first {
            self.driver.wake();
        }
    }

    /// Wakes the driver without a call.
    pub(crate) fn wake(&self) {
        self.driver.wake();
    }

    /// The driver listens from here on; it looks at the calls after this.
    pub(crate) fn listen(&self, driver: &Waker) {
        self.driver.register(driver);
    }

    /// Moves all calls into two empty vectors, whose memory serves the next ones.
    pub(crate) fn take(&self, rung: &mut Vec<ConnId>, commands: &mut Vec<Command>) {
        let mut calls = lock(&self.calls);
        std::mem::swap(&mut calls.rung, rung);
        std::mem::swap(&mut calls.commands, commands);
    }

    /// Takes no more calls and forgets those that wait, whose futures then fail.
    pub(crate) fn close(&self) {
        let mut calls = lock(&self.calls);
        calls.closed = true;
        let rest = std::mem::take(&mut calls.commands);
        drop(calls);
        drop(rest);
    }
}
