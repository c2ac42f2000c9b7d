//! Packets in: from the device into the stack, in bursts.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use estab_proto::RxMeta;
use estab_timer::{Duration, Instant};

use super::gro::{Joined, MAX_HEADERS, Segment};
use super::habit::Habit;
use super::steer::Inlet;
use crate::clock::Clock;
use crate::device::{Device, MAX_PACKET, Received};
use crate::shared::blocks::{BLOCK, Blocks};

/// Packets given to the stack in one turn at most.
const BURST: usize = 64;

/// Bytes received in one turn at most, or a packet more: few enough that what is read is still in the
/// cache when the application gets it, and so many that acknowledgements, which the kernel works off
/// inside a write each, are few.
const BURST_BYTES: usize = 1 << 20;

/// Bytes that are little: a request, rather than a part of a stream.
pub(super) const SHORT: usize = 4096;

/// The shortest packet of which the stack may keep a slice: 256 bytes of text, and headers.
const KEPT: usize = 256 + 40;

/// How long one turn may receive before the driver lets other tasks run.
const TURN: Duration = Duration::from_millis(1);

/// The buffer packets are read into.
///
/// A packet that is a quarter as long as they come or longer is lent to the stack as a counted slice of
/// half a buffer or more, so that a large payload is not copied. A smaller one is copied to memory of its
/// size, the smallest by the stack to where it joins its neighbours, and the buffer is used again at
/// once.
pub(super) struct Receiver {
    buffer: BytesMut,
    pool: Pool,
    /// What packets of some size, and small pieces of text, are copied to.
    copies: Blocks,
    /// The longest packet the device gives.
    longest: usize,
    /// Half of the longest packet that the stack may get.
    half: usize,
    /// Whether plain segments are joined. There is room for what is joined and a packet behind it.
    joins: bool,
    /// What is being joined, and when its first segment arrived.
    joined: Option<(Joined, Instant)>,
    /// Bytes received in the last turn.
    received: usize,
    habit: Habit,
    /// The device was not asked for more in the last turn, though there may be some.
    is_guess: bool,
}

/// Buffers kept for reuse.
const POOL: usize = 32;

/// Buffers, lent out and not. One is free again when the pool's own is the last reference to it, so
/// giving it back takes neither a lock nor a message, and lending it no allocation.
struct Pool {
    size: usize,
    lent: Vec<Bytes>,
}

impl Pool {
    /// A buffer of full size: the first free one, so that no more are in use than must be.
    fn get(&mut self) -> BytesMut {
        let free = self.lent.iter().position(Bytes::is_unique);
        let recycled = free.and_then(|i| self.lent.swap_remove(i).try_into_mut().ok());
        recycled.unwrap_or_else(|| {
            // Splitting makes it counted: it then stays so through all its lives, without an
            // allocation for each.
            let mut buffer = BytesMut::zeroed(self.size + 1);
            drop(buffer.split_off(self.size));
            buffer
        })
    }

    /// The first `len` bytes of `buffer`, to be lent to the stack.
    fn lend(&mut self, buffer: BytesMut, len: usize) -> Bytes {
        let buffer = buffer.freeze();
        let lent = buffer.slice(..len);
        if self.lent.len() < POOL {
            self.lent.push(buffer);
        }
        lent
    }
}

impl Receiver {
    /// Buffers for packets of up to `longest` bytes; `joins` says that plain segments are joined.
    pub(super) fn new(longest: usize, joins: bool) -> Self {
        let size = if joins { MAX_PACKET } else { longest };
        let mut pool = Pool {
            size: if joins { size + longest } else { size },
            lent: Vec::new(),
        };
        Self {
            buffer: pool.get(),
            pool,
            copies: Blocks::default(),
            longest,
            half: size / 2,
            joins,
            joined: None,
            received: 0,
            habit: Habit::default(),
            is_guess: false,
        }
    }

    /// Bytes that came when the device was last asked.
    pub(super) fn received(&self) -> usize {
        self.received
    }

    /// Whether anything came when the device was last asked.
    pub(super) fn is_some(&self) -> bool {
        self.received > 0
    }

    /// Whether what came then was little, or nothing.
    pub(super) fn is_little(&self) -> bool {
        self.received <= SHORT
    }

    /// Whether the device is to be asked again after the answer to what came.
    pub(super) fn is_guess(&self) -> bool {
        self.is_guess
    }

    /// A copy of `bytes` in memory that is used again.
    pub(super) fn copy(&self, bytes: &[u8]) -> Bytes {
        match bytes.len() {
            ..=BLOCK => self.copies.copy(&[IoSlice::new(bytes)], bytes.len()),
            _ => Bytes::copy_from_slice(bytes),
        }
    }

    /// Receives until the device has no more packets, most likely or for sure, or the budget in packets,
    /// bytes or time is used up: then there may be more, and the answer is true. `now` becomes the time
    /// of the last arrival; if `is_fresh`, it is that of the first one.
    pub(super) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        device: &mut impl Device,
        stack: &mut Inlet<'_>,
        clock: &Clock,
        now: &mut Instant,
        mut is_fresh: bool,
    ) -> io::Result<bool> {
        let until = *now + TURN;
        self.is_guess = false;
        let (mut packets, mut bytes) = (0, 0);
        let outcome = loop {
            let at = match &mut self.joined {
                Some((joined, _)) => joined.cover(&self.buffer),
                None => 0,
            };
            let room = &mut self.buffer[at..at + self.longest];
            let received = match device.poll_recv(cx, room) {
                Poll::Ready(Ok(received)) => received,
                end => {
                    if let Some((joined, _)) = &self.joined {
                        joined.uncover(&mut self.buffer);
                    }
                    break end.map_ok(|_| ());
                }
            };
            let len = received.len().min(self.longest);
            bytes += len;
            if let Some((joined, _)) = &mut self.joined {
                if joined.take(&mut self.buffer, len, received.meta(None).checksum_verified) {
                    if joined.is_full() {
                        self.deliver_joined(stack, 0);
                    }
                    if bytes >= BURST_BYTES {
                        break Poll::Ready(Ok(()));
                    }
                    continue;
                }
                self.deliver_joined(stack, len);
            }
            // The time of arrival: what is measured with it must not contain our own work.
            if !std::mem::take(&mut is_fresh) {
                *now = clock.now();
            }
            self.begin(stack, received, len, *now);
            packets += 1;
            let is_due = stack.stack.wants_transmit();
            let is_question = bytes <= SHORT && (is_due || stack.stack.is_asked());
            if is_question && !self.joins && self.habit.is_all(packets, is_due) {
                self.is_guess = true;
                break Poll::Pending;
            }
            if packets >= BURST || bytes >= BURST_BYTES || *now >= until {
                break Poll::Ready(Ok(()));
            }
        };
        self.deliver_joined(stack, 0);
        self.received = bytes;
        match outcome {
            Poll::Ready(end) => end.map(|()| true),
            Poll::Pending => {
                if !self.is_guess {
                    self.habit.learn(packets);
                }
                Ok(false)
            }
        }
    }

    /// A packet lies at the start of the buffer: others may join it, or the stack gets it.
    fn begin(&mut self, stack: &mut Inlet<'_>, received: Received, len: usize, now: Instant) {
        let packet = &self.buffer[..len];
        let meta = received.meta(None);
        if self.joins
            && meta.segment_size.is_none()
            && let Some(segment) = Segment::of(packet)
            && (meta.checksum_verified || segment.is_intact(packet))
        {
            let joined = Joined::new(segment, packet);
            let is_full = joined.is_full();
            self.joined = Some((joined, now));
            if is_full {
                self.deliver_joined(stack, 0);
            }
        } else {
            self.deliver(stack, meta, len, 0, now);
        }
    }

    /// The stack gets what was joined, if anything was. A packet of `next` bytes that lies behind it
    /// comes to the start of the buffer.
    fn deliver_joined(&mut self, stack: &mut Inlet<'_>, next: usize) {
        if let Some((joined, arrived)) = self.joined.take() {
            let meta = RxMeta {
                checksum_verified: true,
                segment_size: joined.finish(&mut self.buffer),
                backing: None,
                payload: None,
            };
            self.deliver(stack, meta, joined.len(), next, arrived);
        }
    }

    /// The stack gets the first `len` bytes of the buffer; the `next` ones come to its start.
    fn deliver(
        &mut self,
        stack: &mut Inlet<'_>,
        meta: RxMeta<'_>,
        len: usize,
        next: usize,
        now: Instant,
    ) {
        // The stack keeps no slice of which less than half is text.
        if len < self.half / 2 + MAX_HEADERS {
            let packet = &self.buffer[..len];
            let copy = (len >= KEPT).then(|| self.copy(packet));
            let backing = copy.as_ref();
            let packet = backing.map_or(packet, |copy| &copy[..]);
            stack.handle_packet(now, packet, RxMeta { backing, ..meta });
            self.buffer.copy_within(len..len + next, 0);
            return;
        }
        let mut fresh = self.pool.get();
        fresh[..next].copy_from_slice(&self.buffer[len..len + next]);
        let buffer = std::mem::replace(&mut self.buffer, fresh);
        let backing = self.pool.lend(buffer, len.max(self.half));
        let meta = RxMeta {
            backing: Some(&backing),
            ..meta
        };
        stack.handle_packet(now, &backing[..len], meta);
    }
}

#[cfg(test)]
mod tests;
