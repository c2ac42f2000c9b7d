//! What a process uses.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::load::clock;

/// Processor time up to a moment.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// Of one process, in user space and in the kernel.
    process: Duration,
    /// How long its threads could have run, but others did.
    waiting: Duration,
    /// Of everything that runs on the machine.
    machine: Duration,
}

/// Seconds of processor time.
pub(crate) struct Used {
    pub(crate) process: f64,
    pub(crate) waiting: f64,
    pub(crate) machine: f64,
}

impl Usage {
    pub(crate) fn of(process: u32) -> Self {
        let [process, waiting] = times(process);
        Self {
            process,
            waiting,
            machine: machine(),
        }
    }

    /// From `before` to this moment.
    pub(crate) fn since(self, before: Self) -> Used {
        let seconds = |now: Duration, then| now.saturating_sub(then).as_secs_f64();
        Used {
            process: seconds(self.process, before.process),
            waiting: seconds(self.waiting, before.waiting),
            machine: seconds(self.machine, before.machine),
        }
    }
}

/// Who had the processors between two moments: seconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shares {
    pub(crate) elapsed: f64,
    /// This thread, and how long it could have run but others did.
    pub(crate) client: [f64; 2],
    /// The process, and how long it could have run but others did.
    pub(crate) server: [f64; 2],
    /// Whoever else runs on this machine: whole clock ticks, so that a short time tells little.
    pub(crate) others: f64,
    /// Other machines on the same hardware, if this one is virtual.
    pub(crate) stolen: f64,
}

impl Shares {
    /// What others had of one processor's time.
    pub(crate) fn disturbance(&self) -> f64 {
        match self.elapsed > 0.0 {
            true => (self.others + self.stolen) / self.elapsed,
            false => 0.0,
        }
    }
}

/// Runs `body` on this thread and tells who had the processors meanwhile, beside it and `process`.
pub(crate) fn shares<R>(process: u32, body: impl FnOnce() -> R) -> (Shares, R) {
    let now = || (clock(), own(), times(process), machine(), stolen());
    let before = now();
    let result = body();
    let after = now();
    let seconds = |now: Duration, then| now.saturating_sub(then).as_secs_f64();
    let both = |now: [_; 2], then: [_; 2]| [0, 1].map(|it| seconds(now[it], then[it]));
    let [client, server] = [both(after.1, before.1), both(after.2, before.2)];
    let stolen = seconds(after.4, before.4);
    let machine = seconds(after.3, before.3);
    let shares = Shares {
        elapsed: (after.0 - before.0).as_secs_f64(),
        client,
        server,
        others: (machine - stolen - client[0] - server[0]).max(0.0),
        stolen,
    };
    (shares, result)
}

/// The time this thread has run, and has waited for a processor.
fn own() -> [Duration; 2] {
    scheduled("/proc/thread-self/schedstat".as_ref())
}

/// The time all threads of a process have run and have waited for a processor so far; zero for a process
/// that is gone.
fn times(process: u32) -> [Duration; 2] {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let mut sums = [Duration::ZERO; 2];
    for thread in threads.into_iter().flatten().flatten() {
        let times = scheduled(&thread.path().join("schedstat"));
        for (sum, time) in sums.iter_mut().zip(times) {
            *sum += time;
        }
    }
    sums
}

/// The time a thread has run and has waited for a processor, as its `schedstat` says.
fn scheduled(file: &Path) -> [Duration; 2] {
    let stat = fs::read_to_string(file).unwrap_or_default();
    let mut nanos = stat.split_whitespace().map(|it| it.parse().unwrap_or(0));
    [(); 2].map(|()| Duration::from_nanos(nanos.next().unwrap_or(0)))
}

/// The time all processors were not idle so far: all but the columns `idle` and `iowait`.
fn machine() -> Duration {
    ticks(|column| column < 8 && ![3, 4].contains(&column))
}

/// The time the processors were kept from this machine.
fn stolen() -> Duration {
    ticks(|column| column == 7)
}

/// The sum of some columns of the first line of `/proc/stat`.
fn ticks(of: impl Fn(usize) -> bool) -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let columns = line.split_whitespace().skip(1).enumerate();
    let ticks: f64 = columns
        .filter(|(column, _)| of(*column))
        .filter_map(|(_, ticks)| ticks.parse::<f64>().ok())
        .sum();
    Duration::from_secs_f64(ticks / rustix::param::clock_ticks_per_second() as f64)
}

/// Bytes of memory in which a process holds something.
pub(crate) fn memory(process: u32) -> io::Result<f64> {
    let smaps = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = smaps.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.map(|kib| kib * 1024.0)
        .ok_or_else(|| io::Error::other("no Rss in smaps_rollup"))
}
