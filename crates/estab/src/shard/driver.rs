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
use estab_timer::{Duration, Instant};
use pin_project::pin_project;
use slotmap::SecondaryMap;
use tokio::task::coop::unconstrained;
use tokio::task::yield_now;
use tokio::time::Sleep;
use tracing::Span;

use super::doorbell::Calls;
use super::rx::Receiver;
use super::steer::{Inlet, Steering};
use super::tx::Sender;
use super::{Command, Life, Owners, Shard, Shards};
use crate::clock::Clock;
use crate::device::Device;
use crate::error::StackGone;
use crate::shared::accept::Listening;
use crate::shared::{Chunks, Conn};
use linger::{Linger, Verdict};
use writers::Writers;

mod calls;
mod commands;
mod events;
mod linger;
mod writers;

/// The future that drives a stack: the only owner of the protocol state and of the device. A stack
/// with several queues has one for each.
///
/// It waits for whatever comes first of a packet, a call from a handle and the protocol's next
/// deadline, and does a bounded piece of work before it lets other tasks run. It never polls
/// periodically: without traffic, calls and deadlines it is not woken.
///
/// It completes when every handle ([`Stack`](crate::Stack), streams, halves, listeners) is dropped
/// and the last connection is closed, or after [`Stack::shutdown`](crate::Stack::shutdown); and with
/// an error when the device, or that of another queue, fails. Connections that linger in TIME-WAIT do
/// not hold it up. When it ends, or is dropped, every pending call on the stack fails.
///
/// [`StackBuilder::build`](crate::StackBuilder::build) spawns it;
/// [`build_with_driver`](crate::StackBuilder::build_with_driver) hands it out.
#[pin_project]
#[must_use = "a stack does nothing unless its driver is polled"]
pub struct Driver<D: Device> {
    /// Until the driver ends.
    core: Option<Core<D>>,
    #[pin]
    sleep: Option<Sleep>,
    /// When the sleep ends; it is moved earlier, never later, so that a deadline that keeps being
    /// pushed out costs nothing.
    armed: Instant,
}

/// Emptied queues kept.
const SPARE: usize = 64;

/// How long memory is kept for writes that do not come.
const AGE: Duration = Duration::from_secs(1);

/// Packets that other shards read, given to the stack in one turn at most.
const STRAYS: usize = 64;

/// Packets that are few enough for their answers to be looked for at once.
const FEW: u64 = 4;

/// Whether the stack is being shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closing {
    No,
    /// Nothing new may be opened; the driver ends with the last connection.
    Gently,
    /// Every connection was reset; the driver ends when the resets are sent.
    AtOnce,
}

/// When the next turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// After the tasks that are ready.
    Now,
    /// After these and whatever else the runtime has to do: there is more than is done in one turn.
    Later,
    /// When something happens.
    Wait,
}

/// Everything but the timer.
struct Core<D: Device> {
    stack: Stack,
    device: D,
    shard: Arc<Shard>,
    /// All of the stack's, this one among them.
    shards: Shards,
    /// If there are several.
    steering: Option<Steering>,
    clock: Clock,
    span: Span,
    conns: SecondaryMap<ConnId, Arc<Conn>>,
    listeners: SecondaryMap<ListenerId, Listening>,
    receiver: Receiver,
    sender: Sender,
    /// Empty between turns, but for packets that others read; their memory is kept.
    calls: Calls,
    chunks: Vec<Bytes>,
    /// The memory of queues that were emptied, for those that fill next: it costs an idle connection
    /// nothing, and a busy one no allocation.
    spare: Vec<Chunks>,
    writers: Writers,
    linger: Linger,
    /// The device joins segments: those of a stream are few, and so are the turns they take.
    lingers: bool,
    /// When memory that writes no longer need is given back, if there is some.
    ages_at: Instant,
    /// Turns of the tasks that the last events woke until one of them may have answered: one if
    /// somebody reads, two if somebody accepts, whose task has to be spawned first.
    awaited: u8,
    /// Turns until what is to be sent has waited for an answer.
    waits: u8,
    /// The last turn read little, and nothing is left as far as it knows.
    is_drained: bool,
    closing: Closing,
    /// Nothing is left to do, and the other drivers know.
    is_finished: bool,
    /// Another driver has ended, and why.
    ended: Option<StackGone>,
    is_over: bool,
    /// The last to go: when the stack has ended, its devices are gone.
    _running: Running,
}

/// Counts as a driver that runs until it is dropped.
struct Running(Arc<Life>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What a driver is to the others of its stack.
pub(crate) struct Role {
    pub(crate) shards: Shards,
    pub(crate) index: usize,
    pub(crate) owners: Owners,
    /// The same for all, because packets with the time of their arrival pass between them.
    pub(crate) clock: Clock,
}

impl<D: Device> Driver<D> {
    pub(crate) fn new(config: StackConfig, secret: [u8; 32], device: D, role: Role) -> Self {
        let Role {
            shards,
            index,
            owners,
            clock,
        } = role;
        let life = Arc::clone(&shards[index].life);
        let is_alone = shards.len() == 1;
        let span = match is_alone {
            true => tracing::info_span!("stack"),
            false => tracing::info_span!("stack", shard = index),
        };
        let steering = (!is_alone).then(|| Steering::new(owners, index, Arc::clone(&shards)));
        let caps = device.caps();
        // The stack makes and takes super-segments, but the device does not: it is done here.
        let segments = config.segmentation.is_some() && caps.segmentation.is_none();
        let core = Core {
            receiver: Receiver::new(caps.max_recv, segments),
            sender: Sender::new(caps, segments),
            stack: Stack::new(config, secret, clock.now()),
            device,
            shard: Arc::clone(&shards[index]),
            shards,
            steering,
            clock,
            span,
            conns: SecondaryMap::new(),
            listeners: SecondaryMap::new(),
            calls: Calls::default(),
            chunks: Vec::new(),
            spare: Vec::new(),
            writers: Writers::default(),
            linger: Linger::default(),
            lingers: caps.segmentation.is_some(),
            ages_at: Instant::NEVER,
            awaited: 0,
            waits: 0,
            is_drained: false,
            closing: Closing::No,
            is_finished: false,
            ended: None,
            is_over: false,
            _running: Running(life),
        };
        Self {
            core: Some(core),
            sleep: None,
            armed: Instant::NEVER,
        }
    }

    /// The driver is to run on the current runtime, which is not the one its device was made on.
    pub(super) fn moved(mut self) -> io::Result<Self> {
        if let Some(core) = &mut self.core
            && let Err(error) = core.device.moved()
        {
            let error = Arc::new(error);
            core.end(&StackGone::new(Some(Arc::clone(&error))));
            return Err(io::Error::new(error.kind(), error));
        }
        Ok(self)
    }
}

impl<D: Device> Future for Driver<D> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(core) = this.core else {
            return Poll::Ready(Ok(()));
        };
        let span = core.span.clone();
        let _entered = span.enter();
        // The turn has budgets of its own.
        let turn = pin!(unconstrained(poll_fn(|cx| Poll::Ready(core.turn(cx)))));
        let mut next = match turn.poll(cx) {
            Poll::Ready(Ok(next)) => next,
            Poll::Ready(Err(gone)) => {
                core.end(&gone);
                *this.core = None;
                return Poll::Ready(gone.outcome());
            }
            Poll::Pending => Next::Wait,
        };
        if next == Next::Wait {
            if core.is_done() {
                core.end(&StackGone::new(None));
                *this.core = None;
                return Poll::Ready(Ok(()));
            }
            let due = core.stack.poll_timeout().unwrap_or(Instant::NEVER);
            let due = due.min(core.ages_at);
            if due < *this.armed {
                *this.armed = due;
                match (this.sleep.as_mut().as_pin_mut(), core.clock.deadline(due)) {
                    (Some(sleep), Some(deadline)) => sleep.reset(deadline),
                    (None, Some(at)) => this.sleep.set(Some(tokio::time::sleep_until(at))),
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
                next = Next::Later;
            }
        }
        match next {
            Next::Now => cx.waker().wake_by_ref(),
            // tokio polls the future of `block_on` only every so many tasks, and it may be the one
            // that reads what came in. What yields comes after it.
            Next::Later => drop(pin!(yield_now()).poll(cx)),
            Next::Wait => {}
        }
        Poll::Pending
    }
}

impl<D: Device> Core<D> {
    /// One turn: what is due, what handles asked, a burst of packets, then everything that follows
    /// from these.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<Next, StackGone> {
        if self.waits > 1 {
            self.waits -= 1;
            return Ok(Next::Now);
        }
        let mut now = self.clock.now();
        let is_due = self.stack.poll_timeout().is_some_and(|due| due <= now);
        if is_due {
            self.stack.handle_timeout(now);
        }
        self.age(now);
        let was_waiting = mem::take(&mut self.waits) > 0 || !self.stack.wants_transmit();
        let is_fresh = !self.answer_bell(cx, now) && !is_due;
        if let Some(gone) = self.ended.take() {
            return Err(gone);
        }
        // The answer to what came goes out before anything else comes in.
        let is_drained = mem::take(&mut self.is_drained);
        let is_answer = is_drained && was_waiting && self.stack.wants_transmit();
        let received = match is_answer {
            true => Ok(false),
            false => self.receive(cx, &mut now, is_fresh),
        };
        let mut again = false;
        let is_little = self.receiver.is_little() && matches!(received, Ok(false));
        self.is_drained = is_little && !is_answer;
        let is_due = self.stack.wants_transmit() || self.receiver.is_guess();
        if is_little && !is_answer && self.receiver.is_some() && is_due {
            // Who waited for this little may answer at once, and the acknowledgement go along.
            again = self.deliver_all(now);
            if self.awaited > 0 {
                self.waits = self.awaited;
                return Ok(Next::Now);
            }
        }
        let before = self.sender.sent();
        let verdict = match received {
            Ok(more) if self.lingers && !is_answer => {
                let can_wait = self.stack.can_wait();
                self.linger
                    .judge(now, self.receiver.received(), more, can_wait)
            }
            _ => Verdict::default(),
        };
        let sent = match verdict.holds {
            true => received,
            false => received.and_then(|more| Ok(self.transmit(cx, now)? || more)),
        };
        // What came in before the device failed still counts.
        again |= self.deliver_all(now);
        let few = (1..=FEW).contains(&(self.sender.sent() - before));
        match sent {
            Ok(more) if more || again => Ok(Next::Later),
            Ok(_) if verdict.looks => Ok(Next::Later),
            // Who is on this machine may have answered within the call that sent.
            Ok(_) if is_answer || self.receiver.is_guess() || (is_little && few) => Ok(Next::Now),
            Ok(_) => Ok(Next::Wait),
            Err(error) => {
                tracing::error!(%error, "the packet device failed");
                Err(StackGone::new(Some(Arc::new(error))))
            }
        }
    }

    /// Tells the handles what happened. Returns whether the stack has something to send in turn.
    fn deliver_all(&mut self, now: Instant) -> bool {
        self.awaited = 0;
        let mut again = false;
        while let Some(event) = self.stack.poll_event() {
            again |= self.deliver(now, event);
        }
        again | self.wake_writers()
    }

    /// Gives back memory that writes no longer need.
    fn age(&mut self, now: Instant) {
        if self.ages_at <= now {
            let is_left = self.shard.blocks.age();
            self.ages_at = if is_left { now + AGE } else { Instant::NEVER };
        }
    }

    /// Keeps the memory of an emptied queue, unless there is enough.
    fn keep(&mut self, empty: Chunks) {
        if empty.capacity() > 0 && self.spare.len() < SPARE {
            self.spare.push(empty);
        }
    }

    /// Packets that other shards have read, then those of the device.
    fn receive(
        &mut self,
        cx: &mut Context<'_>,
        now: &mut Instant,
        is_fresh: bool,
    ) -> io::Result<bool> {
        let mut inlet = Inlet {
            stack: &mut self.stack,
            steering: self.steering.as_mut(),
        };
        let strays = &mut self.calls.strays;
        let is_fresh = is_fresh && strays.is_empty();
        for stray in strays.drain(..strays.len().min(STRAYS)) {
            inlet.handle_stray(&stray);
        }
        let (device, clock) = (&mut self.device, &self.clock);
        let receiver = &mut self.receiver;
        let received = receiver.receive(cx, device, &mut inlet, clock, now, is_fresh);
        if let Some(steering) = &mut self.steering {
            steering.hand_over();
        }
        Ok(received? || !self.calls.strays.is_empty())
    }

    fn transmit(&mut self, cx: &mut Context<'_>, now: Instant) -> io::Result<bool> {
        self.sender
            .transmit(cx, &mut self.device, &mut self.stack, now)
    }

    /// Whether nobody needs the stack any more, after a turn that left nothing to do at once.
    fn is_done(&mut self) -> bool {
        if !self.is_finished && self.is_idle() {
            self.is_finished = true;
            self.shard.life.finish();
            // They may be the ones that wait for this, or not know yet that they can finish.
            self.others().for_each(|other| other.bell.wake());
        }
        self.is_finished && self.shard.life.is_finished()
    }

    /// Whether nobody needs this driver any more.
    fn is_idle(&self) -> bool {
        match self.closing {
            Closing::No if !self.shard.life.is_abandoned() => false,
            Closing::AtOnce => true,
            Closing::No | Closing::Gently => {
                let counts = self.stack.counts();
                counts.connections == 0 && counts.half_open == 0 && !self.sender.is_busy()
            }
        }
    }

    /// The other shards of the stack.
    fn others(&self) -> impl Iterator<Item = &Arc<Shard>> {
        let own = self.shard.index;
        self.shards.iter().filter(move |other| other.index != own)
    }

    /// Ends every connection, listener and pending call, and the other drivers.
    fn end(&mut self, gone: &StackGone) {
        if mem::replace(&mut self.is_over, true) {
            return;
        }
        for other in self.others() {
            other.bell.post(Command::End(gone.clone()));
        }
        for (_, conn) in mem::take(&mut self.conns) {
            conn.end(Some(ConnectionError::DeviceLost));
        }
        for (_, listening) in mem::take(&mut self.listeners) {
            listening.end(gone.clone());
        }
        self.shard.end(gone.clone());
    }
}

/// However the driver ends, with its runtime or by a panic too, nobody waits for it in vain.
impl<D: Device> Drop for Core<D> {
    fn drop(&mut self) {
        self.end(&match std::thread::panicking() {
            true => StackGone::panicked(),
            false => StackGone::new(None),
        });
    }
}

impl<D: Device> fmt::Debug for Driver<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("ended", &self.core.is_none())
            .finish_non_exhaustive()
    }
}
