//! Packets in: from the device into the stack, in bursts.

use std::io;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use estab_proto::Stack;
use estab_timer::{Duration, Instant};

use crate::clock::Clock;
use crate::device::Device;

/// Packets received in one turn at most.
const BURST: usize = 64;

/// Bytes received in one turn at most, or a packet more: what is read is still in the cache when the
/// application gets it.
const BURST_BYTES: usize = 512 << 10;

/// How long one turn may receive before the driver lets other tasks run.
const TURN: Duration = Duration::from_millis(1);

/// The buffer packets are read into.
///
/// A packet that fills half of it or more is lent to the stack as a counted slice, so that a large
/// payload is not copied. The stack copies what it keeps of a smaller one, and the buffer is used
/// again at once.
pub(super) struct Receiver {
    buffer: BytesMut,
    pool: Pool,
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
        let packet = buffer.slice(..len);
        if self.lent.len() < POOL {
            self.lent.push(buffer);
        }
        packet
    }
}

impl Receiver {
    /// Buffers for packets of up to `size` bytes.
    pub(super) fn new(size: usize) -> Self {
        let mut pool = Pool {
            size,
            lent: Vec::new(),
        };
        Self {
            buffer: pool.get(),
            pool,
        }
    }

    /// Receives until the device has no more packets, or the budget in packets, bytes or time is
    /// used up: then there may be more, and the answer is true. `now` becomes the time of the last
    /// arrival.
    pub(super) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        device: &mut impl Device,
        stack: &mut Stack,
        clock: &Clock,
        now: &mut Instant,
    ) -> io::Result<bool> {
        let until = *now + TURN;
        let mut bytes = 0;
        for _ in 0..BURST {
            let Poll::Ready(received) = device.poll_recv(cx, &mut self.buffer) else {
                return Ok(false);
            };
            let received = received?;
            // The time of arrival: what is measured with it must not contain our own work.
            *now = clock.now();
            let len = received.len().min(self.buffer.len());
            if len < self.buffer.len() / 2 {
                stack.handle_packet(*now, &self.buffer[..len], received.meta(None));
            } else {
                let buffer = std::mem::replace(&mut self.buffer, self.pool.get());
                let packet = self.pool.lend(buffer, len);
                stack.handle_packet(*now, &packet, received.meta(Some(&packet)));
            }
            bytes += len;
            if bytes >= BURST_BYTES || *now >= until {
                break;
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
