//! Our stack against the Linux kernel's, over a real TUN, IPv4 and IPv6.
//!
//! Each test runs in a network namespace of its own; where none is to be had it fails and says what
//! to do, unless `ESTAB_SKIP_TUN=1` skips it.

mod bulk;
mod close;
mod crowd;
mod ecn;
mod failure;
mod fallback;
mod many;
mod offload;
mod sharding;
