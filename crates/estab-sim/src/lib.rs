//! A bad network, in virtual or in real time: a path between two hosts, declared as a list of nodes
//! that delay, queue, lose, reorder, mark and damage packets, and do the same for the same seed.
//!
//! A [`Pipe`] is one direction: it is built of [`Node`]s, given packets with the time, and asked for
//! packets with the time. It contains no I/O, clock or thread, so it can be used in three ways:
//!
//! | use it | in | to |
//! |---|---|---|
//! | as it is | virtual time, to the nanosecond | simulate any protocol on packets |
//! | behind `testing::streams`, or a pair of [`estab`](https://docs.rs/estab) devices | tokio's time, paused or not | test async code over TCP on a bad network |
//! | in `relay::Relay` | real time, on Linux | join TUNs, so that kernels or stacks meet |
//!
//! # Example
//!
//! Two hosts bounce a packet to each other over a path that loses one in ten. Who hears nothing for
//! a second sends again. Minutes of this take no time.
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use estab_sim::{Bandwidth, Instant, Path};
//!
//! let mut path = Path::builder()
//!     .rtt(Duration::from_millis(100))
//!     .rate(Bandwidth::mbit(1))
//!     .loss(0.1)
//!     .seed(5)
//!     .build();
//! let ping = Bytes::from(vec![0; 1250]); // 10 ms at this rate
//!
//! let (mut now, mut bounced) = (Instant::ZERO, 0);
//! path.there.push(now, ping.clone());
//! let mut timeout = now + Duration::from_secs(1);
//! while bounced < 1000 {
//!     // On to whatever happens next.
//!     now = path.next_deadline().map_or(timeout, |at| at.min(timeout));
//!     while let Some(packet) = path.there.poll(now) {
//!         path.back.push(now, packet);
//!     }
//!     let returned = path.back.poll(now).is_some();
//!     if returned || now == timeout {
//!         bounced += u32::from(returned);
//!         path.there.push(now, ping.clone());
//!         timeout = now + Duration::from_secs(1);
//!     }
//! }
//! // 120 ms for each that came back, and a second for each that did not.
//! let lost = path.there.stats().dropped().lost + path.back.stats().dropped().lost;
//! let expected = Duration::from_millis(120) * 1000 + Duration::from_secs(1) * lost as u32;
//! assert_eq!(now, Instant::ZERO + expected);
//! assert!((180..290).contains(&lost));
//! println!("{}", path.there.stats());
//! ```
//!
//! # What a seed promises
//!
//! The same nodes and seed, given the same packets at the same times, do the same on every machine
//! and in every version. Time is counted in whole nanoseconds, and the rate's remainder is carried, so
//! nothing drifts; probabilities are compared as integers. Every node draws from a sequence of its
//! own, so one that is added at the end changes nothing for those before it.
//!
//! # Features
//!
//! - `tokio` (default): the modules `device` and `testing`.
//! - `relay` (default): the module `relay`, on Linux.
//! - `transfer`: the module `transfer`, whole transfers between two stacks in virtual time.
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
#[cfg(feature = "tokio")]
pub mod testing;
#[cfg(feature = "transfer")]
pub mod transfer;

pub use bandwidth::{Bandwidth, ParseBandwidthError};
pub use node::{Loss, Node, Queue};
pub use path::{Path, PathBuilder};
pub use pipe::Pipe;
pub use stats::{Drops, NodeStats, Stats};

pub use estab_timer::Instant;
