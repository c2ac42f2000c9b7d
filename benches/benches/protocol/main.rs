//! How long the parts of the protocol take, one by one.
//!
//! `cargo bench -p estab-benches --bench protocol`
//!
//! Without device, driver or kernel: `wheel`, `checksum` and `parse` are single parts; `packet` is a
//! bare ACK for one of many connections, so that the cost of finding it shows; `segment`, `transfer`,
//! `echo` and `connection` are what two stacks do together. `instructions` counts the same
//! work in instructions. With `ESTAB_REWRITE=1` both go to `docs/protocol.md`, as a table and as a
//! picture.

mod page;

use std::path::PathBuf;

use criterion::{Criterion, Throughput};

fn protocol(criterion: &mut Criterion) {
    for work in estab_benches::all() {
        let (group, case) = work.name.split_once('/').unwrap_or((work.name, "once"));
        let mut group = criterion.benchmark_group(group);
        group.sample_size(20);
        if work.bytes > 0 {
            group.throughput(Throughput::Bytes(work.bytes));
        }
        group.bench_function(case, |bencher| {
            let mut job = work.prepare();
            bencher.iter(&mut job);
        });
        group.finish();
    }
}

fn main() {
    let results = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("criterion");
    let criterion = Criterion::default().output_directory(&results);
    let mut criterion = criterion.configure_from_args();
    protocol(&mut criterion);
    criterion.final_summary();
    if std::env::var_os("ESTAB_REWRITE").is_some() {
        page::write(&results).expect("all was measured, and the page can be written");
    }
}
