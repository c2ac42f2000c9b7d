//! Packets in: from the device into the stack, in bursts.

use std::io;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use estab_proto::Stack;
use estab_timer::{Duration, Instant};

use crate::clock::Clock;
use crate::device::Device;
use crate::sync::{Mutex, lock};

/// Packets received in one turn at most.
const BURST: usize = 64;

/// How long one turn may receive before the driver lets other tasks run.
const TURN: Duration = Duration::from_millis(1);

/// Buffers kept for reuse: few enough to stay in the processor's cache.
const POOL: usize = 16;

/// The buffer packets are read into.
///
/// A packet that fills half of it or more is lent to the stack as a counted slice, so that a large
/// payload is not copied; the buffer comes back to the pool when its last slice is dropped. The
/// stack copies what it keeps of a smaller one, and the buffer is used again at once.
pub(super) struct Receiver {
    buffer: Vec<u8>,
    pool: Arc<Pool>,
}

struct Pool {
    size: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    fn get(&self) -> Vec<u8> {
        let recycled = lock(&self.free).pop();
        recycled.unwrap_or_else(|| vec![0; self.size])
    }

    fn put(&self, buffer: Vec<u8>) {
        let mut free = lock(&self.free);
        if free.len() < POOL {
            free.push(buffer);
        }
    }
}

/// A buffer on loan to the stack.
struct Loan {
    buffer: Vec<u8>,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.pool.put(mem::take(&mut self.buffer));
    }
}

impl Receiver {
    /// Buffers for packets of up to `size` bytes.
    pub(super) fn new(size: usize) -> Self {
        let pool = Arc::new(Pool {
            size,
            free: Mutex::default(),
        });
        Self {
            buffer: pool.get(),
            pool,
        }
    }

    /// Receives until the device has no more packets, or the budget in packets or in time is used
    /// up: then there may be more, and the answer is true. `now` becomes the time of the last
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
                let buffer = mem::replace(&mut self.buffer, self.pool.get());
                let packet = Bytes::from_owner(Loan {
                    buffer,
                    pool: Arc::clone(&self.pool),
                });
                let packet = packet.slice(..len);
                stack.handle_packet(*now, &packet, received.meta(Some(&packet)));
            }
            if *now >= until {
                return Ok(true);
            }
        }
        Ok(true)
    }
}
