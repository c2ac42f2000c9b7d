//! Processor time, which tells what a transfer costs on a machine that others use too.

use std::fs;
use std::time::Duration;

/// The time all threads of a process have run so far, in user space and in the kernel; zero for a
/// process that is gone.
pub(crate) fn time(process: u32) -> Duration {
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
