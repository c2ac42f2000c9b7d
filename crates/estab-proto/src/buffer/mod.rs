//! The bytes of a connection: what is sent and not yet acknowledged, what has come and is not yet
//! taken.
//!
//! A [`SendBuffer`] counts offsets from SND.UNA and a [`RecvBuffer`] stream offsets from the first
//! byte of the stream, so neither knows of sequence numbers and nothing here wraps. Both keep
//! their bytes in counted blocks that come with the first byte and go with the last. An empty
//! buffer keeps a short one and a table for what comes next, until it is told to shrink.
//! [`RecvTuner`] and [`SendTuner`] decide how much a buffer may hold.
//!
//! Memory is charged by what is allocated, never by payload: `allocated()` of either buffer is
//! what a stack-wide budget adds up.

mod assembler;
mod autotune;
pub(crate) mod budget;
mod queue;
mod recv;
mod send;
mod store;

pub use self::autotune::{RecvTuner, SendTuner};
pub(crate) use self::budget::{Budget, Share};
pub use self::recv::{Inserted, RecvBuffer};
pub use self::send::{SendBuffer, Slices};

use core::ops::Range;

use bytes::Bytes;

/// The largest block the buffers allocate of their own.
const MAX_BLOCK: usize = 64 * 1024;

/// The smallest block worth allocating; a piece shorter than this is copied instead of shared.
const MIN_BLOCK: usize = 256;

/// Received text shorter than this is copied: it would take less memory than its record.
const LARGE: usize = MIN_BLOCK;

/// The part of `backing` that is `text`, where keeping it costs no more than twice its length.
///
/// `None` says to copy: the text is short, is little of what it would keep alive, or does not lie
/// in `backing` at all.
fn share(text: &[u8], backing: Option<&Bytes>) -> Option<Bytes> {
    let backing = backing?;
    if text.len() < LARGE || text.len() * 2 < backing.len() {
        return None;
    }
    let outer = backing.as_ptr_range();
    let inner = text.as_ptr_range();
    (outer.start <= inner.start && inner.end <= outer.end).then(|| backing.slice_ref(text))
}

/// `range`, unless there is nothing in it.
fn not_empty(range: Range<u64>) -> Option<Range<u64>> {
    (!range.is_empty()).then_some(range)
}

#[cfg(test)]
mod tests;
