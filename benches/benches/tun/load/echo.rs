//! One byte there and back, again and again.

use std::io::{self, Read, Write};
use std::time::Duration;

use super::{clock, connect};
use crate::figures::{Figure, Figures};
use crate::place::Target;
use crate::serve::Service;
use crate::usage::Usage;

/// Until caches are warm.
pub(super) const WARM_UP: Duration = Duration::from_millis(50);

pub(super) fn measure(target: &Target, time: Duration) -> io::Result<Figures> {
    let mut stream = connect(target, Service::Echo)?;
    let mut round_trip = || {
        let start = clock();
        stream.write_all(&[7])?;
        stream.read_exact(&mut [0])?;
        io::Result::Ok(start.elapsed())
    };
    let start = clock();
    while start.elapsed() < WARM_UP {
        round_trip()?;
    }
    let mut times = Vec::with_capacity(1 << 20);
    let (start, usage) = (clock(), Usage::of(target.process));
    while start.elapsed() < time {
        times.push(round_trip()?);
    }
    let used = Usage::of(target.process).since(usage);
    times.sort_unstable();
    let micros = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e6;
    let each = |seconds: f64| seconds / times.len() as f64 * 1e6;
    Ok(Figures::from([
        (Figure::Median, micros(50)),
        (Figure::Slowest, micros(99)),
        (Figure::ProcessEach, each(used.process)),
        (Figure::MachineEach, each(used.machine)),
    ]))
}
