//! The sans-IO TCP/IP protocol engine of estab.
#![no_std]

extern crate alloc;

#[cfg(test)]
extern crate std;

pub mod buffer;
pub mod config;
pub mod congestion;
pub mod ip;
pub mod recovery;
pub mod seq;
pub mod wire;

mod addr;
mod error;
mod event;
mod info;
mod stack;
mod stats;
mod tcp;

pub use addr::{FourTuple, IpCidr, is_unicast};
pub use error::{CallError, ConnectError, ConnectionError, ListenError, SoftError};
pub use estab_timer::{Duration, Instant};
pub use event::Event;
pub use info::Info;
pub use seq::{SeqNumber, WindowScale, WireWindow};
pub use stack::{ConnId, IncomingId, ListenConfig, ListenerId, RxMeta, Stack, Transmit};
pub use stats::{Counts, Stats};
pub use tcp::State;
