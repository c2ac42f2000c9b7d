//! A bad network, in virtual or in real time: a path between two hosts, declared as a list of nodes
//! that delay, queue, lose, reorder, mark and damage packets, and do the same for the same seed.
#![forbid(unsafe_code)]

mod bandwidth;
#[cfg(any(feature = "tokio", all(feature = "relay", target_os = "linux")))]
mod clock;
mod node;
mod packet;
mod path;
mod pipe;
mod rng;
mod stage;
mod stats;

#[cfg(feature = "tokio")]
pub mod device;
#[cfg(all(feature = "relay", target_os = "linux"))]
pub mod relay;
#[cfg(feature = "transfer")]
pub mod transfer;

pub use bandwidth::{Bandwidth, ParseBandwidthError};
pub use node::{Loss, Node, Queue};
pub use path::{Path, PathBuilder};
pub use pipe::Pipe;
pub use stats::{Drops, NodeStats, Stats};

pub use estab_timer::Instant;
