//! How fast two stacks of one thread move bytes through memory: estab beside smoltcp, super-segments
//! off.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench memory [-- PART OF A NAME]`; with `--write`
//! it writes `docs/memory.md`.
//!
//! The contestants take turns; what is told is the median of processor time, which other load on the
//! machine disturbs less than the wall clock. Each is driven as its own driver would: in bursts,
//! with the real time, without a copy between application and stack, from blocks of 256 KiB. smoltcp's
//! own loopback device has both ends in one stack, carries 64 KiB at a time and leaves all checksums
//! out; as shipped, in its benchmark, frames are those of Ethernet and buffers have 64 KiB. Beside it
//! stand two stacks with a queue of packets between them, with any MTU, and with checksums. Packets of
//! estab are copied into one piece, as a device does, or the payload is handed over as it lies in the
//! sender's memory, as a loopback device may: that is a packet a segment all the same.

mod ours;
mod page;
mod streams;
mod theirs;

use std::env;
use std::process::{Command, ExitCode};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Bytes moved each time.
const BYTES: u64 = 128 << 20;

/// Bytes that glibc keeps at the end of its heap.
const KEEP: &str = "MALLOC_TRIM_THRESHOLD_";

/// How often each contestant has its turn.
const ROUNDS: usize = 7;

/// What one of the stacks is told about packets.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Terms {
    mtu: usize,
    /// Whether checksums are made and verified.
    checksums: bool,
}

/// Moves so many bytes.
type Transfer = Box<dyn FnMut(u64)>;

struct Contestant {
    name: &'static str,
    terms: Terms,
    transfer: Transfer,
    /// Nanoseconds of each round.
    times: Vec<f64>,
}

fn main() -> ExitCode {
    // Packets are allocated and freed by the megabyte: the allocator shall keep what it has, instead
    // of asking the kernel for pages again and again.
    if env::var_os(KEEP).is_none() {
        let again = || {
            let mut command = Command::new(env::current_exe()?);
            command.args(env::args_os().skip(1));
            command.env(KEEP, "1000000000").status()
        };
        return match again() {
            Ok(status) if status.success() => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        };
    }
    let wanted = env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let mut contestants = contestants();
    contestants.retain(|contestant| {
        let Terms { mtu, checksums } = contestant.terms;
        let name = format!("{}/{mtu}/{checksums}", contestant.name);
        wanted.as_ref().is_none_or(|wanted| name.contains(wanted))
    });
    for contestant in &mut contestants {
        (contestant.transfer)(BYTES / 8);
    }
    for _ in 0..ROUNDS {
        for contestant in &mut contestants {
            let start = cpu_time();
            (contestant.transfer)(BYTES);
            let time = cpu_time() - start;
            contestant.times.push(time.as_nanos() as f64);
        }
    }
    for contestant in &mut contestants {
        contestant.times.sort_by(f64::total_cmp);
    }
    print(&contestants);
    if env::args().any(|arg| arg == "--write")
        && let Err(error) = page::write(&contestants)
    {
        eprintln!("the page cannot be written: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn contestants() -> Vec<Contestant> {
    let mut all = Vec::new();
    let mut add = |name, terms, transfer| {
        let times = Vec::new();
        all.push(Contestant {
            name,
            terms,
            transfer,
            times,
        });
    };
    for mtu in [1500, 65_535] {
        for checksums in [true, false] {
            let terms = Terms { mtu, checksums };
            add("estab", terms, ours::transfer(terms));
            add("estab, handed over", terms, ours::handover(terms));
            if checksums {
                add("estab, streams", terms, streams::transfer(terms));
            }
            add("smoltcp, two stacks", terms, theirs::two(terms));
            add("smoltcp, one stack", terms, theirs::one(terms));
        }
    }
    let terms = Terms {
        mtu: 65_535,
        checksums: false,
    };
    add("smoltcp, own, as shipped", terms, theirs::shipped());
    add("smoltcp, own, 1 MiB", terms, theirs::loopback(1 << 20));
    add("smoltcp, own, 64 KiB", terms, theirs::loopback(65_535));
    all
}

impl Contestant {
    fn median(&self) -> f64 {
        self.times[self.times.len() / 2]
    }

    /// Processor time of a segment.
    fn nanos_each(&self) -> f64 {
        self.median() / (BYTES as f64 / (self.terms.mtu - 40) as f64)
    }

    /// How long it takes, times what ours takes on the same terms.
    fn to_ours(&self, all: &[Self]) -> f64 {
        let ours = |other: &&Self| other.name == "estab" && other.terms == self.terms;
        self.median() / all.iter().find(ours).map_or(f64::NAN, Self::median)
    }
}

fn print(contestants: &[Contestant]) {
    println!(
        "{:>6} {:>9}  {:<24}{:>8}{:>14}{:>14}",
        "MTU", "checksums", "", "Gbit/s", "ns a segment", "estab is"
    );
    for contestant in contestants {
        let Terms { mtu, checksums } = contestant.terms;
        println!(
            "{mtu:>6} {:>9}  {:<24}{:>8.1}{:>14.0}{:>12.2} x",
            if checksums { "yes" } else { "no" },
            contestant.name,
            BYTES as f64 * 8.0 / contestant.median(),
            contestant.nanos_each(),
            contestant.to_ours(contestants),
        );
    }
}

/// The time this thread has run.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
