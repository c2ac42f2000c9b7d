//! What a connection's handle asked for when it rang.

use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use estab_proto::{CallError, ConnId};
use estab_timer::Instant;

use super::{AGE, Core};
use crate::device::Device;
use crate::shared::{Chunks, Conn, signal};
use crate::sync::lock;

impl<D: Device> Core<D> {
    /// Looks at every connection that rang, then at the commands. Returns whether there were any.
    pub(super) fn answer_bell(&mut self, cx: &Context<'_>, now: Instant) -> bool {
        let mut calls = std::mem::take(&mut self.calls);
        self.shard.bell.answer(cx.waker(), &mut calls);
        let any = !(calls.rung.is_empty() && calls.commands.is_empty());
        for id in calls.rung.drain(..) {
            if let Some(conn) = self.conns.get(id).cloned() {
                self.answer(now, &conn);
            }
        }
        for command in calls.commands.drain(..) {
            self.obey(now, command);
        }
        self.calls = calls;
        any
    }

    fn answer(&mut self, now: Instant, conn: &Arc<Conn>) {
        let signals = conn.take_signals();
        let rang = |signal| signals & signal != 0;
        if rang(signal::OPTIONS) {
            self.apply_options(now, conn);
        }
        if rang(signal::READ) {
            let (consumed, empty) = lock(&conn.rx).take_consumed();
            self.keep(empty);
            self.stack.consumed(now, conn.id, consumed);
        }
        if rang(signal::ABORT) {
            self.stack.abort(now, conn.id);
        }
        let is_written = || !lock(&conn.tx).is_drained();
        if rang(signal::WRITE | signal::SHUTDOWN) || (rang(signal::RELEASE) && is_written()) {
            self.pump(now, conn);
        }
        if rang(signal::RELEASE) {
            self.release(now, conn);
        }
    }

    /// Hands what was written to the stack and, once that is all, the end of the stream.
    /// Returns whether the stack took anything.
    pub(super) fn pump(&mut self, now: Instant, conn: &Conn) -> bool {
        let (mut chunks, mut took) = self.take_written(now, conn);
        while !chunks.is_empty()
            && self.stack.send_room(conn.id) > 0
            && let Some(chunk) = chunks.pop_front()
        {
            match self.stack.send(now, conn.id, chunk) {
                Ok(_) => {
                    took = true;
                    self.ages_at = self.ages_at.min(now + AGE);
                }
                // An event tells, or told, how the connection ended.
                Err(_) => chunks.clear(),
            }
        }
        let room = self.room(conn.id);
        let mut tx = lock(&conn.tx);
        let empty = tx.put_back(chunks);
        tx.set_room(room);
        let shut = tx.is_shut() && tx.is_drained();
        drop(tx);
        self.keep(empty);
        if shut {
            // Fails only after the end of the connection.
            let _ = self.stack.shutdown(now, conn.id);
        }
        took
    }

    /// Takes what was written: little at once to the stack, the rest to be handed to it. Returns
    /// whether the stack took anything.
    fn take_written(&mut self, now: Instant, conn: &Conn) -> (Chunks, bool) {
        let mut tx = lock(&conn.tx);
        let Some(little) = tx.take_little() else {
            let empty = self.spare.pop().unwrap_or_default();
            return (tx.take(empty), false);
        };
        drop(tx);
        match self.stack.send_slice(now, conn.id, &little) {
            Ok(sent) if sent == little.len() => (Chunks::new(), true),
            Ok(sent) => (rest(&little[sent..]), true),
            Err(CallError::WouldBlock) => (rest(&little), false),
            // An event tells, or told, how the connection ended.
            Err(_) => (Chunks::new(), false),
        }
    }

    /// The handle was dropped. What it wrote goes to the stack first.
    fn release(&mut self, now: Instant, conn: &Conn) {
        let mut tx = lock(&conn.tx);
        tx.release();
        let drained = tx.is_drained();
        drop(tx);
        if drained {
            self.forget(now, conn.id);
        }
    }

    /// The connection goes on without a handle.
    pub(super) fn forget(&mut self, now: Instant, id: ConnId) {
        self.stack.close(now, id);
        self.conns.remove(id);
    }

    fn apply_options(&mut self, now: Instant, conn: &Conn) {
        let options = conn.options();
        let (stack, id) = (&mut self.stack, conn.id);
        // They fail only if the connection is gone, and then nobody misses them.
        let _ = stack.set_nodelay(now, id, options.nodelay);
        let _ = stack.set_cork(now, id, options.cork);
        if let Some(quick) = conn.take_quick_ack() {
            let _ = stack.set_quick_ack(now, id, quick);
        }
        let _ = stack.set_keepalive(now, id, options.keepalive);
        let _ = stack.set_ttl(now, id, options.ttl);
        let _ = stack.set_tos(now, id, options.tos);
        let _ = stack.set_linger(now, id, options.linger);
        let _ = stack.set_user_timeout(now, id, options.user_timeout);
        let _ = stack.set_max_pacing_rate(now, id, options.max_pacing_rate);
    }
}

/// What the stack had no room for.
fn rest(bytes: &[u8]) -> Chunks {
    Chunks::from([Bytes::copy_from_slice(bytes)])
}
