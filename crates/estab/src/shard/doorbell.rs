//! How handles, and the drivers of other shards, call the driver.

use std::collections::VecDeque;
use std::task::Waker;

use estab_proto::ConnId;

use super::Command;
use super::steer::Stray;
use crate::sync::{Mutex, lock};

/// Packets of other shards' queues that may wait for the driver.
const MAX_STRAYS: usize = 512;

/// Connections that rang, commands that were given and packets that were handed over, and the
/// driver's waker.
///
/// Each connection is in the list at most once, and a command waits only on behalf of a future or
/// of a handle being dropped, so neither list grows beyond what the application holds. The driver
/// is woken by the first entry only; the rest find it awake.
#[derive(Debug, Default)]
pub(crate) struct Doorbell {
    desk: Mutex<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    calls: Calls,
    /// The driver's, until it is woken.
    driver: Option<Waker>,
    closed: bool,
}

/// What waits for the driver.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) rung: Vec<ConnId>,
    pub(crate) commands: Vec<Command>,
    pub(crate) strays: VecDeque<Stray>,
}

impl Doorbell {
    /// A connection wants to be looked at. Its own flag keeps it from ringing twice.
    pub(crate) fn ring(&self, id: ConnId) {
        let mut desk = lock(&self.desk);
        if desk.closed {
            return;
        }
        desk.calls.rung.push(id);
        let driver = desk.driver.take();
        drop(desk);
        driver.into_iter().for_each(Waker::wake);
    }

    /// The driver shall do something.
    pub(crate) fn post(&self, command: Command) {
        let mut desk = lock(&self.desk);
        if desk.closed {
            // Unlocked first: what the command holds may ring when it is dropped.
            drop(desk);
            drop(command);
            return;
        }
        desk.calls.commands.push(command);
        let driver = desk.driver.take();
        drop(desk);
        driver.into_iter().for_each(Waker::wake);
    }

    /// Packets for the driver's connections came in elsewhere. Empties `strays`, and returns how
    /// many of them found no room.
    pub(super) fn deliver(&self, strays: &mut Vec<Stray>) -> usize {
        let mut desk = lock(&self.desk);
        let room = match desk.closed {
            true => 0,
            false => MAX_STRAYS - desk.calls.strays.len(),
        };
        let lost = strays.len().saturating_sub(room);
        desk.calls
            .strays
            .extend(strays.drain(..strays.len() - lost));
        let driver = desk.driver.take();
        drop(desk);
        driver.into_iter().for_each(Waker::wake);
        strays.clear();
        lost
    }

    /// Wakes the driver without a call.
    pub(crate) fn wake(&self) {
        let driver = lock(&self.desk).driver.take();
        driver.into_iter().for_each(Waker::wake);
    }

    /// Moves what waits into `calls`, whose lists are empty and whose memory serves the next ones,
    /// and has `driver` woken by the next call. Packets stay while some of the last ones are left.
    pub(crate) fn answer(&self, driver: &Waker, calls: &mut Calls) {
        let mut desk = lock(&self.desk);
        match &mut desk.driver {
            Some(registered) => registered.clone_from(driver),
            None => desk.driver = Some(driver.clone()),
        }
        std::mem::swap(&mut desk.calls.rung, &mut calls.rung);
        std::mem::swap(&mut desk.calls.commands, &mut calls.commands);
        if calls.strays.is_empty() {
            std::mem::swap(&mut desk.calls.strays, &mut calls.strays);
        }
    }

    /// Takes no more calls and forgets those that wait, whose futures then fail.
    pub(crate) fn close(&self) {
        let mut desk = lock(&self.desk);
        desk.closed = true;
        let rest = std::mem::take(&mut desk.calls);
        drop(desk);
        drop(rest);
    }
}
