//! How many bytes go through: two stacks in memory, and ours against the kernel's.
//!
//! `cargo bench -p estab-benches --bench throughput`
//!
//! - `memory/sans-io`: two [`estab_proto::Stack`]s hand packets to each other, in one thread;
//! - `memory/async/…`: a [`estab::TcpStream`] to another over the in-memory link, with plain segments
//!   and with super-segments;
//! - `tun/…/estab to kernel` and back: our stack over a TUN with an MTU of 1500, with super-segments
//!   and without;
//! - `veth/kernel to kernel`: what the kernel does with itself over a veth pair between two
//!   namespaces, in the same run.
//!
//! Kernel sockets use CUBIC. Figures of a shared machine mean little alone: what counts are the
//! ratios that stand at the end, and the processor time of both ends together. All of it happens in network namespaces of its own.

mod cpu;
mod kernel;
mod memory;
mod tun;
mod veth;

use std::collections::BTreeMap;
use std::process::{self, ExitCode};
use std::sync::Mutex;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};

/// Bytes moved by one iteration.
const CHUNK: u64 = 16 << 20;

/// What moving a chunk took in one sample, in seconds.
#[derive(Clone, Copy)]
struct Sample {
    time: f64,
    /// Of the processor, both ends together.
    cpu: f64,
}

/// Every sample by name.
static SAMPLES: Mutex<BTreeMap<String, Vec<Sample>>> = Mutex::new(BTreeMap::new());

/// Measures `transfer`, which moves that many chunks and says how long it took. What is not done by
/// this process is done by the process `other`.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    other: Option<u32>,
    mut transfer: impl FnMut(u64) -> Duration,
) {
    let cpu = || cpu::time(process::id()) + other.map_or(Duration::ZERO, cpu::time);
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|chunks| {
            let before = cpu();
            let time = transfer(chunks);
            let cpu = cpu().saturating_sub(before);
            let mut samples = SAMPLES
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            samples.entry(name.to_owned()).or_default().push(Sample {
                time: time.as_secs_f64() / chunks as f64,
                cpu: cpu.as_secs_f64() / chunks as f64,
            });
            time
        });
    });
}

fn main() -> ExitCode {
    if veth::is_peer() {
        return veth::peer();
    }
    if let Err(error) = estab_netns::enter() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let mut group = criterion.benchmark_group("throughput");
    group.throughput(Throughput::Bytes(CHUNK));
    memory::bench(&mut group);
    tun::bench(&mut group);
    veth::bench(&mut group);
    group.finish();
    criterion.final_summary();
    print_ratios();
    ExitCode::SUCCESS
}

/// Each median beside the kernel's own.
fn print_ratios() {
    let samples = SAMPLES
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let median = |samples: &[Sample], what: fn(&Sample) -> f64| {
        let mut values: Vec<_> = samples.iter().map(what).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let reference = samples
        .get(veth::NAME)
        .map(|samples| median(samples, |sample| sample.time));
    println!(
        "\n{:<36}{:>10}{:>20}{:>18}",
        "median of the samples", "Gbit/s", "of kernel to kernel", "CPU s a gigabyte"
    );
    for (name, samples) in samples.iter() {
        let seconds = median(samples, |sample| sample.time);
        let rate = CHUNK as f64 * 8.0 / seconds / 1e9;
        let ratio = reference.map_or("-".to_owned(), |base| format!("{:.2}", base / seconds));
        let cpu = median(samples, |sample| sample.cpu) / CHUNK as f64 * 1e9;
        println!("{name:<36}{rate:>10.2}{ratio:>20}{cpu:>18.3}");
    }
}
