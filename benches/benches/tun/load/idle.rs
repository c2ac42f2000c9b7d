//! Connections that nobody uses.

use std::io;
use std::thread;
use std::time::Duration;

use super::{clock, connect, failed};
use crate::figures::{Figure, Figures};
use crate::place::Target;
use crate::serve::Service;
use crate::usage::{Usage, memory};

/// How long all of them may take to open.
const OPENING: Duration = Duration::from_secs(6);

/// Until a server has noticed that nobody uses them.
const SETTLING: Duration = Duration::from_millis(1500);

/// How long they are watched.
const WATCHING: Duration = Duration::from_millis(500);

/// What opening a connection takes, about; of other stacks than the best, more.
const EACH: Duration = Duration::from_micros(100);

pub(super) fn duration(count: usize) -> Duration {
    EACH * count as u32 + SETTLING + WATCHING
}

pub(super) fn measure(target: &Target, count: usize) -> io::Result<Figures> {
    // What the first one costs is not what each costs.
    let _first = connect(target, Service::Idle)?;
    thread::sleep(Duration::from_millis(50));
    let before = memory(target.process)?;
    let start = clock();
    let mut streams = Vec::with_capacity(count);
    while streams.len() < count {
        if start.elapsed() > OPENING {
            let opened = streams.len();
            return Err(failed(format!("{opened} connections in {OPENING:?}")));
        }
        streams.push(connect(target, Service::Idle)?);
    }
    thread::sleep(SETTLING);
    let bytes = (memory(target.process)? - before).max(0.0);
    let (start, usage) = (clock(), Usage::of(target.process));
    thread::sleep(WATCHING);
    let used = Usage::of(target.process).since(usage);
    let each = start.elapsed().as_secs_f64() * count as f64;
    Ok(Figures::from([
        (Figure::Memory, bytes / count as f64),
        (Figure::IdleCpu, used.process / each * 1e6),
    ]))
}
