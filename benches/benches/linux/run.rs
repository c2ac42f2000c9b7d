//! One transfer over a path of its own, between two hosts of which one at least is the kernel.

use std::io;
use std::thread;

use estab_netns::sysctl;
use estab_sim::relay::{Lateness, Relay, stack_port};
use estab_tests::kernel::{KERNEL, OURS};
use estab_tests::kernels::{KernelHost, MTU};
use tokio::runtime::{Builder, Runtime};

use crate::cell::Cell;
use crate::ends;

/// Who talks to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pair {
    /// The reference.
    KernelToKernel,
    /// The same once more, which tells how much chance there is in it.
    KernelToKernelAgain,
    /// Our sender.
    OursToKernel,
    /// Our receiver.
    KernelToOurs,
}

/// All of them.
pub(crate) const PAIRS: [Pair; 4] = [
    Pair::KernelToKernel,
    Pair::OursToKernel,
    Pair::KernelToOurs,
    Pair::KernelToKernelAgain,
];

/// What a transfer gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Bits per second that the receiving application got, from the first SYN on.
    pub(crate) goodput: f64,
    pub(crate) lateness: Lateness,
}

/// The sender's address, and the receiver's.
const SENDER: usize = 0;

/// How often a transfer is tried that the machine disturbs.
const TRIES: u32 = 3;

/// Runs one transfer; again, if an end was too busy to take all packets from the path.
pub(crate) fn run(pair: Pair, cell: &Cell, seed: u64) -> io::Result<Outcome> {
    for _ in 0..TRIES {
        if let Some(outcome) = try_run(pair, cell, seed)? {
            return Ok(outcome);
        }
    }
    Err(io::Error::other("an end is too busy to take all packets"))
}

/// `None` if an end did not take all packets.
fn try_run(pair: Pair, cell: &Cell, seed: u64) -> io::Result<Option<Outcome>> {
    let path = cell.path(seed);
    let (from, to) = (KERNEL[SENDER], OURS[SENDER]);
    let time = cell.time();
    // What the relay did is asked for before either end is gone.
    let (received, report) = match pair {
        Pair::KernelToKernel | Pair::KernelToKernelAgain => {
            let (sender, there) = host(KERNEL)?;
            let (receiver, back) = host(OURS)?;
            let listener = receiver.run(|| ends::kernel_listener(to))?;
            let relay = Relay::start(there, back, path)?;
            let end = ends::clock() + time;
            let received = thread::scope(|scope| {
                let sending = scope.spawn(|| sender.run(|| ends::kernel_sends(to, end)));
                let received = ends::kernel_receives(&listener, end);
                joined(sending)?;
                received
            });
            (received?, relay.report())
        }
        Pair::OursToKernel => {
            let (receiver, back) = host(OURS)?;
            let listener = receiver.run(|| ends::kernel_listener(to))?;
            let runtime = runtime()?;
            let _on = runtime.enter();
            let (port, there) = stack_port(MTU)?;
            let stack = ends::stack(from, port)?;
            let relay = Relay::start(there, back, path)?;
            let end = ends::clock() + time;
            let received = thread::scope(|scope| {
                let receiving = scope.spawn(|| ends::kernel_receives(&listener, end));
                runtime.block_on(ends::we_send(&stack, to, end))?;
                joined(receiving)
            });
            (received?, relay.report())
        }
        Pair::KernelToOurs => {
            let (sender, there) = host(KERNEL)?;
            let runtime = runtime()?;
            let _on = runtime.enter();
            let (port, back) = stack_port(MTU)?;
            let stack = ends::stack(to, port)?;
            let listener = runtime.block_on(stack.listen((to, ends::PORT)))?;
            let relay = Relay::start(there, back, path)?;
            let end = ends::clock() + time;
            let received = thread::scope(|scope| {
                let sending = scope.spawn(|| sender.run(|| ends::kernel_sends(to, end)));
                let received = runtime.block_on(ends::we_receive(&listener, end));
                joined(sending)?;
                received
            });
            (received?, relay.report())
        }
    };
    Ok((report.refused == 0).then(|| Outcome {
        goodput: received as f64 * 8.0 / time.as_secs_f64(),
        lateness: report.lateness,
    }))
}

/// A host of the kernel's whose buffers may grow as far as ours.
fn host(addrs: [std::net::IpAddr; 2]) -> io::Result<(KernelHost, std::os::fd::OwnedFd)> {
    let (host, fd) = KernelHost::new(addrs)?;
    host.run(|| {
        sysctl("ipv4.tcp_rmem", "4096 131072 33554432")?;
        sysctl("ipv4.tcp_wmem", "4096 16384 16777216")
    })?;
    Ok((host, fd))
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
}
