//! An application at one end of a connection: it writes, reads, stalls and closes as its plan says,
//! and checks every byte it reads.

use std::time::Duration;

use bytes::Bytes;
use estab_proto::{CallError, ConnId, ConnectionError, FourTuple, Instant, Stack};

use crate::pattern::Pattern;
use crate::rng::{Rng, mix};

/// The most bytes an application gives the stack at once.
pub const LARGEST_PIECE: u32 = 1 << 20;

/// When an end closes its sending direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// As soon as everything is written.
    WhenWritten,
    /// After that, and after the peer's stream has ended.
    AfterPeer,
    /// Not at all: it resets the connection once it has written this many bytes.
    Abort(u64),
}

/// What one end does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it writes.
    pub stream: Pattern,
    /// How much of that.
    pub len: u64,
    /// How it ends.
    pub close: Close,
    /// The largest piece written or read at once, in bytes.
    pub chunk: u64,
    /// After each piece it pauses with this probability,
    pub stall: f64,
    /// for up to this long.
    pub pause: Duration,
    /// It takes and gives counted slices instead of copies.
    pub zero_copy: bool,
    /// It keeps its handle until the connection is over, instead of giving it up once both
    /// directions are closed.
    pub patient: bool,
}

impl Plan {
    /// The plans of both ends of a connection, the client's first: what they are depends on nothing
    /// but `seed` and the connection's name, so each end knows what the other does.
    pub fn pair(seed: u64, client: &FourTuple, max_len: u64, aborts: bool) -> [Self; 2] {
        let name = u64::from(client.local.port()) << 16 | u64::from(client.remote.port());
        let mut rng = Rng::new(mix(seed) ^ name);
        let mut plans = [Self::draw(&mut rng, max_len), Self::draw(&mut rng, max_len)];
        if plans.iter().all(|plan| plan.close == Close::AfterPeer) {
            plans[rng.below(2) as usize].close = Close::WhenWritten;
        }
        if aborts && rng.chance(0.1) {
            let plan = &mut plans[rng.below(2) as usize];
            plan.close = Close::Abort(rng.below(plan.len + 1));
        }
        plans
    }

    fn draw(rng: &mut Rng, max_len: u64) -> Self {
        let len = match rng.below(4) {
            0 => 0,
            1 => rng.between(1, 3000),
            _ => rng.below(max_len + 1),
        };
        Self {
            stream: Pattern::new(rng.next_u64()),
            len,
            close: rng.pick(&[Close::WhenWritten, Close::AfterPeer]),
            chunk: rng.pick(&[100 + len / 50, 1000, 5000, LARGEST_PIECE.into()]),
            stall: rng.pick(&[0.0, 0.0, 0.02, 0.2]),
            pause: Duration::from_millis(rng.pick(&[1, 30, 500, 5000])),
            zero_copy: rng.chance(0.5),
            patient: rng.chance(0.5),
        }
    }

    /// Whether this end resets the connection.
    pub fn aborts(&self) -> bool {
        matches!(self.close, Close::Abort(_))
    }
}

/// One end at work.
#[derive(Debug)]
pub struct App {
    /// Its handle.
    pub id: ConnId,
    /// What it does.
    pub plan: Plan,
    /// What the other end does.
    pub peer: Plan,
    /// Bytes written.
    pub written: u64,
    /// Bytes read.
    pub read: u64,
    /// The peer's stream has ended.
    pub at_end: bool,
    /// The sending direction is closed.
    pub is_shut: bool,
    /// How the connection ended, once it did.
    pub closed: Option<Option<ConnectionError>>,
    /// The handle is given up.
    pub is_released: bool,
    rng: Rng,
    write_at: Instant,
    read_at: Instant,
}

impl App {
    /// An end that has just got its handle.
    pub fn new(id: ConnId, plan: Plan, peer: Plan, rng: Rng, now: Instant) -> Self {
        Self {
            id,
            plan,
            peer,
            written: 0,
            read: 0,
            at_end: false,
            is_shut: false,
            closed: None,
            is_released: false,
            rng,
            write_at: now,
            read_at: now,
        }
    }

    /// When it wants to go on by itself after a pause.
    pub fn wakes_at(&self, now: Instant) -> Option<Instant> {
        [self.write_at, self.read_at]
            .into_iter()
            .filter(|at| *at > now)
            .min()
    }

    /// Does what can be done now. To be called when an event of its connection came, and when
    /// [`wakes_at`](Self::wakes_at) says.
    ///
    /// # Panics
    ///
    /// If a byte read is wrong, or the stack answers a call against its contract.
    pub fn act(&mut self, now: Instant, stack: &mut Stack) {
        if self.is_released {
            return;
        }
        if self.read_at <= now {
            self.read_on(now, stack);
        }
        if self.write_at <= now {
            self.write_on(now, stack);
        }
        let done = self.is_shut && self.at_end;
        let over = self.closed.is_some();
        if over && self.closed != Some(None) || done && (over || !self.plan.patient) {
            stack.close(now, self.id);
            self.is_released = true;
        }
    }

    fn pause(&mut self, now: Instant) -> Option<Instant> {
        let nanos = self.plan.pause.as_nanos() as u64;
        let pause = Duration::from_nanos(self.rng.between(1, nanos));
        self.rng.chance(self.plan.stall).then(|| now + pause)
    }

    fn read_on(&mut self, now: Instant, stack: &mut Stack) {
        while !self.at_end {
            match self.read_some(now, stack) {
                Ok(bytes) if bytes.is_empty() => {
                    assert_eq!(self.read, self.peer.len, "the stream ends too early");
                    self.at_end = true;
                }
                Ok(bytes) => {
                    self.peer.stream.check(self.read, &bytes);
                    self.read += bytes.len() as u64;
                    assert!(self.read <= self.peer.len, "more was read than written");
                }
                Err(CallError::WouldBlock) => return,
                Err(CallError::Ended(error)) => {
                    self.closed.get_or_insert(Some(error));
                    return;
                }
                Err(error) => panic!("recv: {error}"),
            }
            if let Some(at) = self.pause(now) {
                self.read_at = at;
                return;
            }
        }
    }

    fn read_some(&mut self, now: Instant, stack: &mut Stack) -> Result<Bytes, CallError> {
        if self.plan.zero_copy {
            let chunk = stack.take_chunk(self.id)?.unwrap_or_default();
            stack.consumed(now, self.id, chunk.len());
            return Ok(chunk);
        }
        let mut buf = vec![0; self.rng.between(1, self.plan.chunk) as usize];
        let n = stack.recv(now, self.id, &mut buf)?;
        buf.truncate(n);
        Ok(buf.into())
    }

    fn write_on(&mut self, now: Instant, stack: &mut Stack) {
        while !self.is_shut {
            if let Close::Abort(after) = self.plan.close
                && self.written >= after
            {
                stack.abort(now, self.id);
                self.is_shut = true;
                return;
            }
            if self.written == self.plan.len {
                if self.plan.close == Close::WhenWritten || self.at_end {
                    match stack.shutdown(now, self.id) {
                        Ok(()) => self.is_shut = true,
                        Err(CallError::Ended(error)) => {
                            self.closed.get_or_insert(Some(error));
                        }
                        Err(error) => panic!("shutdown: {error}"),
                    }
                }
                return;
            }
            match self.write_some(now, stack) {
                Ok(n) => self.written += n as u64,
                Err(CallError::WouldBlock) => return,
                Err(CallError::Ended(error)) => {
                    self.closed.get_or_insert(Some(error));
                    return;
                }
                Err(error) => panic!("send: {error}"),
            }
            if let Some(at) = self.pause(now) {
                self.write_at = at;
                return;
            }
        }
    }

    fn write_some(&mut self, now: Instant, stack: &mut Stack) -> Result<usize, CallError> {
        let end = match self.plan.close {
            Close::Abort(after) => after,
            _ => self.plan.len,
        };
        let len = self.rng.between(1, self.plan.chunk).min(end - self.written);
        let bytes = self.plan.stream.bytes(self.written, len as usize);
        if self.plan.zero_copy {
            stack.send(now, self.id, bytes.into())
        } else {
            stack.send_slice(now, self.id, &bytes)
        }
    }
}
