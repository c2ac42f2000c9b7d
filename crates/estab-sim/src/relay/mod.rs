//! A path in real time, between two packet descriptors.
//!
//! A [`Relay`] reads packets from each of two descriptors and writes them to the other when the path
//! lets them through. A descriptor is anything that hands over one IP packet a read and takes one a
//! write: a TUN, or one end of a Unix socket pair that keeps boundaries. So two kernels in two
//! network namespaces, a kernel and an `estab` stack, or two stacks meet over the same path; a
//! stack's device is one half of `stack_port`, on Linux with the feature `tokio`.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::os::fd::OwnedFd;
//! use std::os::unix::net::UnixDatagram;
//! use std::time::{Duration, Instant};
//! use estab_sim::{Path, relay::Relay};
//!
//! # fn main() -> std::io::Result<()> {
//! let (here, first) = UnixDatagram::pair()?;
//! let (there, second) = UnixDatagram::pair()?;
//! let path = Path::builder().rtt(Duration::from_millis(20)).build();
//! let relay = Relay::start(first, second, path)?;
//!
//! let start = Instant::now();
//! here.send(b"a packet")?;
//! let mut buf = [0; 100];
//! let len = there.recv(&mut buf)?;
//! assert_eq!(&buf[..len], b"a packet");
//! assert!(start.elapsed() >= Duration::from_millis(10));
//! assert_eq!(relay.stop()?.there.delivered, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Accuracy
//!
//! The relay has one thread, which sleeps in the kernel with a resolution of nanoseconds, and has the
//! lowest of the real-time priorities if it may (as root it may), so that it is not kept waiting on a
//! busy machine. A packet is stamped when it is read and everything on the path happens at its exact
//! time; only the moment of the last write is late, by what the thread needs to wake up and by the
//! packets before it: some tens of microseconds. [`Report::lateness`] tells by how much. Nothing
//! spins.

use std::io;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use estab_timer::{Duration, Instant};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use thread_priority::unix::{set_thread_priority_and_policy, thread_native_id};
use thread_priority::{RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};

use crate::clock::SystemClock;
use crate::{Path, Pipe, Stats};

mod port;
#[cfg(feature = "tokio")]
mod stack;

use port::{Drained, Port};
#[cfg(feature = "tokio")]
pub use stack::{StackPort, stack_port};

#[cfg(test)]
mod tests;

/// A running relay. It ends when it is stopped or dropped, and when a descriptor fails or is closed
/// at its other end.
#[derive(Debug)]
pub struct Relay {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<io::Result<()>>>,
    shared: Arc<Mutex<Shared>>,
}

/// What the thread works on; locked but while it sleeps.
#[derive(Debug)]
struct Shared {
    path: Path,
    lateness: Lateness,
    refused: u64,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a relay did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// On the way from the first descriptor to the second.
    pub there: Stats,
    /// On the way back.
    pub back: Stats,
    /// Packets that a descriptor did not take when they had come through the path: it was full for
    /// too long, or the interface down.
    pub refused: u64,
    /// How much later than due packets were written.
    pub lateness: Lateness,
}

/// How much later than due packets were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lateness {
    /// Packets written.
    pub packets: u64,
    /// Of these, those at most 100 µs late.
    pub within_100_us: u64,
    /// The sum.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Lateness {
    /// The average; zero without packets.
    pub fn mean(&self) -> Duration {
        let nanos = self.total.as_nanos() / u128::from(self.packets.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn add(&mut self, late: Duration) {
        self.packets += 1;
        self.within_100_us += u64::from(late <= Duration::from_micros(100));
        self.total = self.total.saturating_add(late);
        self.longest = self.longest.max(late);
    }
}

impl Relay {
    /// Starts to carry packets between the two descriptors over `path`, whose time begins now. They
    /// are made non-blocking.
    ///
    /// # Errors
    ///
    /// When a descriptor cannot be made non-blocking, or the system has no more threads or
    /// descriptors.
    pub fn start(
        first: impl Into<OwnedFd>,
        second: impl Into<OwnedFd>,
        path: Path,
    ) -> io::Result<Self> {
        let ports = [Port::new(first.into())?, Port::new(second.into())?];
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let shared = Arc::new(Mutex::new(Shared {
            path,
            lateness: Lateness::default(),
            refused: 0,
        }));
        let worker = Worker {
            ports,
            stop: Arc::clone(&stop),
            shared: Arc::clone(&shared),
            clock: SystemClock::new(),
        };
        let thread = thread::Builder::new()
            .name("estab-sim relay".to_owned())
            .spawn(|| worker.run())?;
        Ok(Self {
            stop,
            thread: Some(thread),
            shared,
        })
    }

    /// What it did so far.
    pub fn report(&self) -> Report {
        let shared = lock(&self.shared);
        Report {
            there: shared.path.there.stats().clone(),
            back: shared.path.back.stats().clone(),
            refused: shared.refused,
            lateness: shared.lateness,
        }
    }

    /// Whether it has ended by itself: a descriptor failed or was closed at its other end.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends it, and returns what it did. Packets under way are lost.
    ///
    /// # Errors
    ///
    /// That of the descriptor that failed, if one did before.
    pub fn stop(mut self) -> io::Result<Report> {
        self.end()?;
        Ok(self.report())
    }

    fn end(&mut self) -> io::Result<()> {
        rustix::io::write(&*self.stop, &1u64.to_ne_bytes())?;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the relay's thread panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.end();
    }
}

/// The relay's thread.
struct Worker {
    ports: [Port; 2],
    stop: Arc<OwnedFd>,
    shared: Arc<Mutex<Shared>>,
    clock: SystemClock,
}

/// Packets read from one port before those due at the other are looked after.
const BURST: usize = 32;

impl Worker {
    fn run(mut self) -> io::Result<()> {
        hurry();
        let mut buf = vec![0; 1 << 16];
        loop {
            let shared = Arc::clone(&self.shared);
            let mut shared = lock(&shared);
            let mut more = false;
            for index in [0, 1] {
                self.deliver(&mut shared)?;
                match self.read(index, &mut shared, &mut buf)? {
                    Drained::Empty => {}
                    Drained::More => more = true,
                    Drained::Closed => return Ok(()),
                }
            }
            self.deliver(&mut shared)?;
            let next = shared.path.next_deadline();
            drop(shared);
            let timeout = if more { Some(self.clock.now()) } else { next };
            if self.wait(timeout)? {
                return Ok(());
            }
        }
    }

    /// Reads a burst from one port into the path.
    fn read(&mut self, index: usize, shared: &mut Shared, buf: &mut [u8]) -> io::Result<Drained> {
        for _ in 0..BURST {
            match self.ports[index].read(buf)? {
                port::Read::Packet(len) => {
                    let packet = Bytes::copy_from_slice(&buf[..len]);
                    let pipe = pipe_from(&mut shared.path, index);
                    pipe.push(self.clock.now(), packet);
                }
                port::Read::Empty => return Ok(Drained::Empty),
                port::Read::Closed => return Ok(Drained::Closed),
            }
        }
        Ok(Drained::More)
    }

    /// Writes what is due at either port.
    fn deliver(&mut self, shared: &mut Shared) -> io::Result<()> {
        for from in [0, 1] {
            let port = &mut self.ports[1 - from];
            port.flush()?;
            let pipe = pipe_from(&mut shared.path, from);
            loop {
                let now = self.clock.now();
                let Some((due, packet)) = pipe.poll_timed(now) else {
                    break;
                };
                shared.lateness.add(now - due);
                port.write(packet)?;
            }
            shared.refused += port.take_refused();
        }
        Ok(())
    }

    /// Sleeps until `until`, a packet, or the end: then the answer is true.
    fn wait(&self, until: Option<Instant>) -> io::Result<bool> {
        let timeout = until.map(|until| {
            let left = self.clock.until(until);
            // No path delays for so long that the seconds do not fit.
            Timespec::try_from(left).unwrap_or(Timespec {
                tv_sec: 1 << 31,
                tv_nsec: 0,
            })
        });
        let [first, second] = &self.ports;
        let mut fds = [
            PollFd::from_borrowed_fd(first.as_fd(), first.interest()),
            PollFd::from_borrowed_fd(second.as_fd(), second.interest()),
            PollFd::from_borrowed_fd(self.stop.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => Ok(!fds[2].revents().is_empty()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Lets this thread wake up in time, as far as it has the right to: by default every sleep may take
/// 50 µs longer, and on a busy machine a thread waits milliseconds for its turn.
fn hurry() {
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    let real_time = set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Min,
        ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
    );
    if real_time.is_err() {
        // On Linux this is the niceness of the thread.
        let _ = rustix::process::setpriority_process(None, -20);
    }
}

/// The direction that starts at the port with this index.
fn pipe_from(path: &mut Path, index: usize) -> &mut Pipe {
    if index == 0 {
        &mut path.there
    } else {
        &mut path.back
    }
}
