//! The task that owns a stack and its device.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use estab_proto::config::StackConfig;
use estab_proto::{ConnId, ConnectionError, ListenerId, Stack};
use estab_timer::Instant;
use pin_project::pin_project;
use slotmap::SecondaryMap;
use tokio::task::coop::unconstrained;
use tokio::task::yield_now;
use tokio::time::Sleep;
use tracing::Span;

use super::rx::Receiver;
use super::tx::Sender;
use super::{Command, Shard};
use crate::clock::Clock;
use crate::device::Device;
use crate::error::StackGone;
use crate::shared::accept::Listening;
use crate::shared::{Chunks, Conn};

mod calls;
mod commands;
mod events;

/// The future that drives a stack: the only owner of the protocol state and of the device.
///
/// It waits for whatever comes first of a packet, a call from a handle and the protocol's next
/// deadline, and does a bounded piece of work before it lets other tasks run. It never polls
/// periodically: without traffic, calls and deadlines it is not woken.
///
/// It completes when every handle ([`Stack`](crate::Stack), streams, halves, listeners) is dropped
/// and the last connection is closed, or after [`Stack::shutdown`](crate::Stack::shutdown); and with
/// an error when the device fails. Connections that linger in TIME-WAIT do not hold it up. When it
/// ends, or is dropped, every pending call on the stack fails.
///
/// [`StackBuilder::build`](crate::StackBuilder::build) spawns it;
/// [`build_with_driver`](crate::StackBuilder::build_with_driver) hands it out.
#[pin_project]
#[must_use = "a stack does nothing unless its driver is polled"]
pub struct Driver<D: Device> {
    core: Core<D>,
    #[pin]
    sleep: Option<Sleep>,
    /// When the sleep ends; it is moved earlier, never later, so that a deadline that keeps being
    /// pushed out costs nothing.
    armed: Instant,
}

/// Emptied queues kept.
const SPARE: usize = 64;

/// Whether the stack is being shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closing {
    No,
    /// Nothing new may be opened; the driver ends with the last connection.
    Gently,
    /// Every connection was reset; the driver ends when the resets are sent.
    AtOnce,
}

/// Everything but the timer.
struct Core<D: Device> {
    stack: Stack,
    device: D,
    shard: Arc<Shard>,
    clock: Clock,
    span: Span,
    conns: SecondaryMap<ConnId, Arc<Conn>>,
    listeners: SecondaryMap<ListenerId, Listening>,
    receiver: Receiver,
    sender: Sender,
    // Empty between turns; their memory is kept.
    rung: Vec<ConnId>,
    commands: Vec<Command>,
    chunks: Vec<Bytes>,
    /// The memory of queues that were emptied, for those that fill next: it costs an idle connection
    /// nothing, and a busy one no allocation.
    spare: Vec<Chunks>,
    closing: Closing,
}

impl<D: Device> Driver<D> {
    pub(crate) fn new(config: StackConfig, secret: [u8; 32], device: D, shard: Arc<Shard>) -> Self {
        let clock = Clock::new();
        let core = Core {
            receiver: Receiver::new(device.caps().max_recv),
            stack: Stack::new(config, secret, clock.now()),
            device,
            shard,
            clock,
            span: tracing::info_span!("stack"),
            conns: SecondaryMap::new(),
            listeners: SecondaryMap::new(),
            sender: Sender::default(),
            rung: Vec::new(),
            commands: Vec::new(),
            chunks: Vec::new(),
            spare: Vec::new(),
            closing: Closing::No,
        };
        Self {
            core,
            sleep: None,
            armed: Instant::NEVER,
        }
    }
}

impl<D: Device> Future for Driver<D> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let core = this.core;
        let span = core.span.clone();
        let _entered = span.enter();
        // The turn has budgets of its own.
        let turn = pin!(unconstrained(poll_fn(|cx| Poll::Ready(core.turn(cx)))));
        let again = match turn.poll(cx) {
            Poll::Ready(Ok(again)) => again,
            Poll::Ready(Err(error)) => {
                tracing::error!(%error, "the packet device failed");
                let gone = StackGone::new(Some(Arc::new(error)));
                core.end(&gone);
                return Poll::Ready(Err(gone.into()));
            }
            Poll::Pending => false,
        };
        if !again && core.is_done() {
            core.end(&StackGone::new(None));
            return Poll::Ready(Ok(()));
        }
        let due = core.stack.poll_timeout().unwrap_or(Instant::NEVER);
        if due < *this.armed {
            *this.armed = due;
            match (this.sleep.as_mut().as_pin_mut(), core.clock.deadline(due)) {
                (Some(sleep), Some(deadline)) => sleep.reset(deadline),
                (None, Some(deadline)) => this.sleep.set(Some(tokio::time::sleep_until(deadline))),
                (_, None) => {}
            }
        }
        let rang = *this.armed != Instant::NEVER
            && this
                .sleep
                .as_mut()
                .as_pin_mut()
                .is_some_and(|sleep| sleep.poll(cx).is_ready());
        if rang {
            *this.armed = Instant::NEVER;
        }
        if again || rang {
            // Not woken at once: tokio polls the future of `block_on` only every so many tasks, and
            // it may be the one that reads what came in. What yields comes after it.
            let _ = pin!(yield_now()).poll(cx);
        }
        Poll::Pending
    }
}

impl<D: Device> Core<D> {
    /// One turn: what is due, what handles asked, a burst of packets, then everything that follows
    /// from these. Returns whether there is more to do at once.
    fn turn(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut now = self.clock.now();
        if self.stack.poll_timeout().is_some_and(|due| due <= now) {
            self.stack.handle_timeout(now);
        }
        self.answer_bell(cx, now);
        let received = self.receive(cx, &mut now);
        let sent = received.and_then(|more| Ok(self.transmit(cx, now)? || more));
        // What came in before the device failed still counts.
        let mut again = false;
        while let Some(event) = self.stack.poll_event() {
            again |= self.deliver(now, event);
        }
        Ok(sent? || again)
    }

    /// Keeps the memory of an emptied queue, unless there is enough.
    fn keep(&mut self, empty: Chunks) {
        if empty.capacity() > 0 && self.spare.len() < SPARE {
            self.spare.push(empty);
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>, now: &mut Instant) -> io::Result<bool> {
        let Self {
            receiver,
            device,
            stack,
            clock,
            ..
        } = self;
        receiver.receive(cx, device, stack, clock, now)
    }

    fn transmit(&mut self, cx: &mut Context<'_>, now: Instant) -> io::Result<bool> {
        self.sender
            .transmit(cx, &mut self.device, &mut self.stack, now)
    }

    /// Whether nobody needs the driver any more, after a turn that left nothing to do at once.
    fn is_done(&self) -> bool {
        match self.closing {
            Closing::No if !self.shard.is_abandoned() => false,
            Closing::AtOnce => true,
            Closing::No | Closing::Gently => {
                let counts = self.stack.counts();
                counts.connections == 0 && counts.half_open == 0 && !self.sender.is_busy()
            }
        }
    }

    /// Ends every connection, listener and pending call.
    fn end(&mut self, gone: &StackGone) {
        self.shard.end(gone.clone());
        for (_, conn) in mem::take(&mut self.conns) {
            conn.end(Some(ConnectionError::DeviceLost));
        }
        for (_, listener) in mem::take(&mut self.listeners) {
            match listener {
                Listening::Streams(acceptor) => drop(acceptor.end(gone.clone())),
                Listening::Attempts(acceptor) => drop(acceptor.end(gone.clone())),
            }
        }
    }
}

/// However the driver ends, with its runtime or by a panic too, nobody waits for it in vain.
impl<D: Device> Drop for Core<D> {
    fn drop(&mut self) {
        self.end(&StackGone::new(None));
    }
}

impl<D: Device> fmt::Debug for Driver<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("connections", &self.core.conns.len())
            .field("listeners", &self.core.listeners.len())
            .finish_non_exhaustive()
    }
}
