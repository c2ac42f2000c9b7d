//! What a process uses.

use std::fs;
use std::io;
use std::time::Duration;

/// Processor time up to a moment.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// Of one process, in user space and in the kernel.
    process: Duration,
    /// Of everything that runs on the machine.
    machine: Duration,
}

impl Usage {
    pub(crate) fn of(process: u32) -> Self {
        Self {
            process: time(process),
            machine: machine(),
        }
    }

    /// Seconds of the process and of the machine since `before`.
    pub(crate) fn since(self, before: Self) -> [f64; 2] {
        [
            self.process.saturating_sub(before.process),
            self.machine.saturating_sub(before.machine),
        ]
        .map(|time| time.as_secs_f64())
    }
}

/// The time all threads of a process have run so far; zero for a process that is gone.
fn time(process: u32) -> Duration {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Duration::ZERO;
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split(' ').next()?.parse().ok())
        .map(Duration::from_nanos)
        .sum()
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
