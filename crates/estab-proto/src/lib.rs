//! The sans-IO TCP/IP protocol engine of estab.
//!
//! A [`Stack`] is a whole TCP/IP host without a network card, a clock or a thread: packets, calls
//! and the time go in; packets, [events](Event) and a deadline come out. Whoever drives it decides
//! what a packet is carried by (a TUN device, a tunnel, a channel in a test) and what time it is.
//! Nothing here reads a clock, blocks, or panics on what a peer sends.
//!
//! The crate is `no_std` with `alloc`.
//!
//! # Example
//!
//! Two stacks, joined by nothing but a loop, in virtual time:
//!
//! ```
//! use estab_proto::config::StackConfig;
//! use estab_proto::{Event, Instant, IpCidr, ListenConfig, RxMeta, Stack, State};
//!
//! /// Carries every packet `from` has to send over to `to`; returns whether there was one.
//! fn carry(now: Instant, from: &mut Stack, to: &mut Stack) -> bool {
//!     let mut packet = Vec::new();
//!     let mut carried = false;
//!     while let Some(transmit) = from.poll_transmit(now) {
//!         packet.clear();
//!         transmit.write_to(&mut packet);
//!         to.handle_packet(now, &packet, RxMeta::default());
//!         carried = true;
//!     }
//!     carried
//! }
//!
//! // Secrets come from the operating system's entropy; these are for an example.
//! let mut now = Instant::from_secs(1);
//! let host = |addr: [u8; 4], secret: u8| {
//!     let addrs = vec![IpCidr::new(addr.into(), 24)];
//!     Stack::new(StackConfig { addrs, ..StackConfig::default() }, [secret; 32], now)
//! };
//! let mut client = host([10, 0, 0, 1], 1);
//! let mut server = host([10, 0, 0, 2], 2);
//!
//! let listener = server.listen(ListenConfig { port: Some(80), ..ListenConfig::default() })?;
//! let conn = client.connect(now, "10.0.0.2:80".parse()?, None, None)?;
//! client.send_slice(now, conn, b"hello")?;
//!
//! let mut received = Vec::new();
//! let mut accepted = None;
//! while received != b"hello" {
//!     // The drive rule: drain packets, then events, then read the deadline.
//!     while carry(now, &mut client, &mut server) | carry(now, &mut server, &mut client) {}
//!     while let Some(event) = client.poll_event() {
//!         println!("client: {event:?}");
//!     }
//!     while let Some(event) = server.poll_event() {
//!         match event {
//!             Event::Listener(id) => {
//!                 while let Some((id, _)) = server.accept(id) {
//!                     accepted = Some(id);
//!                 }
//!             }
//!             Event::Readable(id) => {
//!                 let mut buf = [0; 64];
//!                 let n = server.recv(now, id, &mut buf)?;
//!                 received.extend_from_slice(&buf[..n]);
//!             }
//!             _ => {}
//!         }
//!     }
//!     // Nothing moves any more: jump to the next deadline of either.
//!     let deadlines = [client.poll_timeout(), server.poll_timeout()];
//!     now = deadlines.into_iter().flatten().min().unwrap_or(now);
//!     client.handle_timeout(now);
//!     server.handle_timeout(now);
//! }
//! assert_eq!(client.state(conn), Some(State::Established));
//! assert_eq!(server.state(accepted.unwrap()), Some(State::Established));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layers
//!
//! [`wire`] turns bytes into headers and back. [`ip`] decides what is ours and whole. The
//! [`Stack`] knows who holds which four-tuple: half-open and TIME-WAIT records are kept small and
//! apart from connections. A connection is RFC 9293's machine over [`buffer`]s of bytes, with what
//! is lost decided in [`recovery`] and how much may be in flight in [`congestion`]. Everything that
//! can be set is in [`config`].
#![no_std]
#![forbid(unsafe_code)]

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
mod dormant;
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
pub use stack::{ConnId, IncomingId, ListenConfig, ListenerId, Outgoing, RxMeta, Stack, Transmit};
pub use stats::{Counts, Stats};
pub use tcp::{EcnMode, State};
