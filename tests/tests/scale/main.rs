//! What very many connections cost: memory for each, and no processor time while they are idle.
//!
//! A figure is the same at every scale only if nothing grows by doubling: the sizes here are few, just
//! beyond a power of two, and many.

mod half_open;
mod idle;
mod options;

use allocation_counter::measure;

/// How many of each there are.
const SIZES: [usize; 3] = [1_000, 33_000, 100_000];

/// The bytes that are allocated by `make` and not freed when it is done, for each of `count`. What
/// it made is dropped after the count.
fn bytes_for_each<T>(count: usize, make: impl FnOnce() -> T) -> u64 {
    let mut made = None;
    let counted = measure(|| made = Some(make()));
    drop(made);
    u64::try_from(counted.bytes_current).expect("memory") / count as u64
}

/// Prints a figure at every size, and holds it against the bar; over IPv6 at one of them.
fn check(name: &str, at_most: u64, bytes: impl Fn(bool, usize) -> u64) {
    let over_ipv4 = SIZES.map(|count| (false, count));
    for (ipv6, count) in over_ipv4.into_iter().chain([(true, SIZES[1])]) {
        let bytes = bytes(ipv6, count);
        let family = if ipv6 { 6 } else { 4 };
        println!("{name}, IPv{family}, {count}: {bytes} bytes");
        assert!(bytes <= at_most, "{bytes} bytes at {count}");
    }
}
