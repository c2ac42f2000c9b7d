//! What a process uses.

use std::fs;
use std::io;
use std::time::Duration;

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

/// The time all threads of a process have run and have waited for a processor so far; zero for a process
/// that is gone.
fn times(process: u32) -> [Duration; 2] {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let mut sums = [Duration::ZERO; 2];
    for thread in threads.into_iter().flatten().flatten() {
        let stat = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        for (sum, nanos) in sums.iter_mut().zip(stat.split_whitespace()) {
            *sum += Duration::from_nanos(nanos.parse().unwrap_or(0));
        }
    }
    sums
}

/// The time all processors were not idle so far: all but the columns `idle` and `iowait`.
fn machine() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let columns = stat.split_whitespace().skip(1).take(8);
    let ticks: f64 = columns
        .enumerate()
        .filter(|(column, _)| ![3, 4].contains(column))
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
