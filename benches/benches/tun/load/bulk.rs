//! As many bytes one way as go.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;

use super::{clock, connect, failed};
use crate::figures::{Figure, Figures};
use crate::place::Target;
use crate::rows::Way;
use crate::serve::{BLOCK, Service};
use crate::usage::Usage;

/// Until windows and buffers have grown.
pub(super) const WARM_UP: Duration = Duration::from_millis(250);

/// How long nothing may go before the clock is looked at.
const STEP: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};

/// What the kernel holds of each of several flows, so that none is far ahead of what arrived.
const SHARED_BUFFER: usize = 256 << 10;

pub(super) fn measure(
    target: &Target,
    way: Way,
    flows: usize,
    time: Duration,
) -> io::Result<Figures> {
    let mut streams = Vec::new();
    for _ in 0..flows {
        streams.push(open(target, way, flows)?);
    }
    let mut block = vec![7; BLOCK];
    let mut moved = vec![0; flows];
    let start = clock();
    while start.elapsed() < WARM_UP {
        step(&mut streams, way, &mut block, &mut moved)?;
    }
    let (start, usage, before) = (clock(), Usage::of(target.process), moved.clone());
    while start.elapsed() < time {
        step(&mut streams, way, &mut block, &mut moved)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let used = Usage::of(target.process).since(usage);
    let moved: Vec<_> = moved
        .iter()
        .zip(before)
        .map(|(now, then)| (now - then) as f64)
        .collect();
    let sum: f64 = moved.iter().sum();
    if sum == 0.0 {
        let [ran, waited] = [used.process, used.waiting].map(|used| 100.0 * used / seconds);
        return Err(failed(format!(
            "nothing moves; the server ran {ran:.0}% of the time and waited for a processor {waited:.0}%"
        )));
    }
    let squares: f64 = moved.iter().map(|bytes| bytes * bytes).sum();
    Ok(Figures::from([
        (Figure::Goodput, sum * 8.0 / seconds / 1e9),
        (Figure::Fairness, sum * sum / (flows as f64 * squares)),
        (Figure::ProcessPerGigabyte, used.process / sum * 1e9),
        (Figure::MachinePerGigabyte, used.machine / sum * 1e9),
        (Figure::Disturbed, used.waiting / seconds),
    ]))
}

fn open(target: &Target, way: Way, flows: usize) -> io::Result<TcpStream> {
    let mut stream = match way {
        Way::Up => connect(target, Service::Sink)?,
        Way::Down => connect(target, Service::Source)?,
    };
    if way == Way::Down {
        stream.write_all(&u64::MAX.to_be_bytes())?;
    } else if flows > 1 {
        SockRef::from(&stream).set_send_buffer_size(SHARED_BUFFER)?;
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// One call on each stream that is ready for it.
fn step(
    streams: &mut [TcpStream],
    way: Way,
    block: &mut [u8],
    moved: &mut [u64],
) -> io::Result<()> {
    let interest = match way {
        Way::Up => PollFlags::OUT,
        Way::Down => PollFlags::IN,
    };
    let mut fds: Vec<_> = streams
        .iter()
        .map(|stream| PollFd::new(stream, interest))
        .collect();
    poll(&mut fds, Some(&STEP))?;
    let ready: Vec<_> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
    for (stream, moved) in streams
        .iter_mut()
        .zip(moved)
        .zip(ready)
        .filter_map(|(it, ready)| ready.then_some(it))
    {
        let result = match way {
            Way::Up => stream.write(block),
            Way::Down => stream.read(block),
        };
        match result {
            Ok(0) => return Err(failed("the server closes in the middle")),
            Ok(n) => *moved += n as u64,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
