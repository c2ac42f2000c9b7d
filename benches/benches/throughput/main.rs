//! How many bytes go through two stacks of ours in one process. What goes through a TUN, beside other
//! stacks, is what the bench `tun` measures.
//!
//! `cargo bench -p estab-benches --bench throughput`
//!
//! - `memory/sans-io`: two [`estab_proto::Stack`]s hand packets to each other, in one thread;
//! - `memory/async/…`: a [`estab::TcpStream`] to another over the in-memory link, with plain segments
//!   and with super-segments.

mod memory;

use std::time::Duration;

use criterion::{Criterion, Throughput};

/// Bytes moved by one iteration.
const CHUNK: u64 = 16 << 20;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let mut group = criterion.benchmark_group("throughput");
    group.throughput(Throughput::Bytes(CHUNK));
    memory::bench(&mut group);
    group.finish();
    criterion.final_summary();
}
