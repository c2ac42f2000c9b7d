//! Connections that came among very many others.
//!
//! A second is long for a server to which ten thousand connect: all their records would be there at
//! the same time, and the memory of the process would keep that measure. So in a crowd the newest
//! connections, most of which have nothing to say yet, are put away sooner, and their records serve
//! those that come next. That happens once to each: one that was woken stays awake as long as any.

use alloc::collections::VecDeque;

use estab_timer::Instant;

use crate::stack::timers::Due;
use crate::stack::{ConnId, Stack};

/// Connections awake that are no crowd yet.
const CROWD: usize = 32;

/// The part of [`dormant_after`](crate::config::StackConfig::dormant_after) that is long enough in a
/// crowd.
const PART: u32 = 256;

/// Fresh connections remembered at most.
const MOST: usize = 4096;

/// Fresh connections looked at when one more comes.
const LOOKS: usize = 2;

/// The connections that came last, the oldest in front.
pub(crate) type Fresh = VecDeque<ConnId>;

impl Stack {
    /// A connection came: in a crowd, those that came before it and are quiet are put away.
    pub(super) fn join_crowd(&mut self, id: ConnId) {
        if self.config.dormant_after.is_none() {
            return;
        }
        self.fresh.push_back(id);
        for _ in 0..LOOKS {
            if self.fresh.len() <= CROWD {
                break;
            }
            let Some(&oldest) = self.fresh.front() else {
                break;
            };
            if !self.leaves_crowd(self.now, oldest) && self.fresh.len() <= MOST {
                break;
            }
            self.fresh.pop_front();
        }
    }

    /// Puts a connection away that was quiet for long enough in a crowd. Whether it is to be forgotten
    /// here: unless it was quiet for too short a time.
    fn leaves_crowd(&mut self, now: Instant, id: ConnId) -> bool {
        let is_crowd = self.conns.len() - self.conns.dormant() > CROWD;
        let Some(after) = self.config.dormant_after.filter(|_| is_crowd) else {
            return true;
        };
        let Some(held) = self.conns.get_awake_mut(id) else {
            return true;
        };
        if now < held.settled_at + after / PART {
            return false;
        }
        if held.is_quiet() {
            // The entry waits for the end of a longer time.
            held.conn.entry.release(&mut self.wheel);
            held.conn
                .follow_deadlines(&mut self.wheel, Due::Connection(id));
            self.put_away(id);
        }
        true
    }
}

#[cfg(test)]
mod tests;
