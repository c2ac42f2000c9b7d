//! TCP as a Rust library: tokio streams and listeners over a TUN or any packet device.
//!
//! A [`Stack`] speaks IP and TCP by itself, in this process, and exchanges packets with the world
//! through a [`Device`](device::Device). On top of it stand [`TcpStream`] and [`TcpListener`], with the
//! methods, errors and drop behaviour of `tokio::net`.
//!
//! ```no_run
//! use estab::Stack;
//! use estab::device::TunDevice;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> std::io::Result<()> {
//!     // The kernel's side of the interface is 10.0.0.1, ours 10.0.0.2.
//!     let tun = TunDevice::builder().name("estab0").addr("10.0.0.1/24").build().await?;
//!     let stack = Stack::builder().addr("10.0.0.2/24").build(tun)?;
//!
//!     // Try: nc 10.0.0.2 7
//!     let listener = stack.listen("10.0.0.2:7").await?;
//!     loop {
//!         let (mut stream, _) = listener.accept().await?;
//!         tokio::spawn(async move {
//!             let (mut read, mut write) = stream.split();
//!             tokio::io::copy(&mut read, &mut write).await
//!         });
//!     }
//! }
//! ```
//!
//! # How it works
//!
//! One task, the [`Driver`], owns the protocol state and the device. A stream shares with it two
//! queues of bytes, one for each direction, and rings its doorbell; nothing else is shared, and no
//! lock is held while the protocol works. The same program runs on a `current_thread` and on a
//! `multi_thread` runtime. The protocol itself is the crate [`proto`], which knows neither tokio nor
//! a clock.
//!
//! # Features
//!
//! - `tun` (default): `device::TunDevice`, on Linux.
//! - `pcap` (default): `device::Tap`, a pcapng trace of any device.
#![deny(unsafe_code)]

mod addr;
mod builder;
mod clock;
mod error;
mod shard;
mod shared;
mod stack;
mod sync;

pub mod device;
pub mod tcp;
pub mod testing;

pub use addr::{ToAddr, ToCidr};
pub use builder::StackBuilder;
pub use error::StackGone;
pub use shard::{Driver, ShardHandle};
pub use stack::{DeviceStats, Stack};
pub use tcp::{Incoming, IncomingListener, TcpListener, TcpSocket, TcpStream};

pub use estab_proto as proto;
pub use estab_proto::{
    CallError, ConnectError, ConnectionError, Counts, EcnMode, FourTuple, Info, IpCidr,
    ListenConfig, ListenError, SoftError, State, Stats,
};

/// Settings of stacks and connections.
pub mod config {
    pub use estab_proto::config::*;
    pub use estab_timer::{
        DelayedAckConfig, FinWait2Config, GiveUpConfig, KeepaliveConfig, PersistConfig, RtoConfig,
        TimeWaitConfig, UserTimeout,
    };
}
