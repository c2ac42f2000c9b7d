//! What very many connections cost: memory for each, and no processor time while they are idle.

mod half_open;
mod idle;

use allocation_counter::measure;

/// The bytes that are allocated by `make` and not freed when it is done, for each of `count`. What
/// it made is dropped after the count.
fn bytes_for_each<T>(count: usize, make: impl FnOnce() -> T) -> u64 {
    let mut made = None;
    let counted = measure(|| made = Some(make()));
    drop(made);
    u64::try_from(counted.bytes_current).expect("memory") / count as u64
}
