//! How handles call the driver.

use std::task::Waker;

use estab_proto::ConnId;

use super::Command;
use crate::sync::{Mutex, lock};

/// Connections that rang and commands that were given, and the driver's waker.
///
/// Each connection is in the list at most once, and a command waits only on behalf of a future or
/// of a handle being dropped, so neither list grows beyond what the application holds. The driver
/// is woken by the first entry only; the rest find it awake.
#[derive(Debug, Default)]
pub(crate) struct Doorbell {
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    rung: Vec<ConnId>,
    commands: Vec<Command>,
    /// The driver's, until it is woken.
    driver: Option<Waker>,
    closed: bool,
}

impl Doorbell {
    /// A connection wants to be looked at. Its own flag keeps it from ringing twice.
    pub(crate) fn ring(&self, id: ConnId) {
        let mut calls = lock(&self.calls);
        if calls.closed {
            return;
        }
        calls.rung.push(id);
        let driver = calls.driver.take();
        drop(calls);
        driver.into_iter().for_each(Waker::wake);
    }

    /// The driver shall do something.
    pub(crate) fn post(&self, command: Command) {
        let mut calls = lock(&self.calls);
        if calls.closed {
            // Unlocked first: what the command holds may ring when it is dropped.
            drop(calls);
            drop(command);
            return;
        }
        calls.commands.push(command);
        let driver = calls.driver.take();
        drop(calls);
        driver.into_iter().for_each(Waker::wake);
    }

    /// Wakes the driver without a call.
    pub(crate) fn wake(&self) {
        let driver = lock(&self.calls).driver.take();
        driver.into_iter().for_each(Waker::wake);
    }

    /// Moves all calls into two empty vectors, whose memory serves the next ones, and has `driver`
    /// woken by the next call.
    pub(crate) fn answer(
        &self,
        driver: &Waker,
        rung: &mut Vec<ConnId>,
        commands: &mut Vec<Command>,
    ) {
        let mut calls = lock(&self.calls);
        match &mut calls.driver {
            Some(registered) => registered.clone_from(driver),
            None => calls.driver = Some(driver.clone()),
        }
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
