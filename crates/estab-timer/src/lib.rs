//! The clockwork of estab: instants, a hierarchical timing wheel and TCP's timer policies.
//!
//! Nothing here reads a clock or sleeps: the time is an argument, and what comes out is a deadline.
//! So hours of protocol run in milliseconds of test, and one sleeping task serves every connection.
//!
//! Three layers, each usable alone:
//!
//! - [`Instant`]: 64 bits of nanoseconds.
//! - [`Wheel`]: the deadlines of all connections, with O(1) arm, re-arm, cancel and expire.
//!   A connection keeps its own in [`Deadlines`], behind one [`LazyEntry`] of the wheel.
//! - The policies, which say *when*: [`RttEstimator`] (RFC 6298), [`DelayedAck`] (RFC 9293 §3.8.6.3),
//!   [`Persist`] (§3.8.6.1), [`Keepalive`] (§3.8.4), [`Progress`] (§3.8.3), [`TimeWaitConfig`] (§3.4.2)
//!   and [`FinWait2Config`].
//!
//! # Example
//!
//! The life of a retransmission deadline: armed behind the connection's wheel entry, found by the
//! driver, taken by the connection.
//!
//! ```
//! use estab_timer::{Deadlines, Duration, Instant, LazyEntry, RtoConfig, RttEstimator, Timer, Wheel};
//!
//! let now = Instant::ZERO;
//! let mut wheel: Wheel<u32> = Wheel::new(now);
//! let connection = 7;
//! let (mut deadlines, mut entry) = (Deadlines::new(), LazyEntry::new());
//! let mut rtt = RttEstimator::new(&RtoConfig::default());
//!
//! // A segment goes out.
//! deadlines.arm(Timer::Retransmit, now + rtt.rto());
//! entry.sync(&mut wheel, connection, deadlines.next().map(|(at, _)| at));
//!
//! // The driver sleeps until the wheel's deadline, then asks who is due.
//! let now = wheel.next_deadline().unwrap();
//! assert_eq!(now, Instant::from_secs(1));
//! while let Some((_, id)) = wheel.pop_expired(now) {
//!     assert_eq!(id, connection);
//!     entry.fired();
//!     while let Some(timer) = deadlines.take_expired(now) {
//!         assert_eq!(timer, Timer::Retransmit);
//!         rtt.back_off();
//!         deadlines.arm(Timer::Retransmit, now + rtt.rto());
//!     }
//!     entry.sync(&mut wheel, id, deadlines.next().map(|(at, _)| at));
//! }
//! assert_eq!(wheel.next_deadline(), Some(now + Duration::from_secs(2)));
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod delayed_ack;
mod fin_wait;
mod instant;
mod keepalive;
mod persist;
mod rto;
mod table;
mod time_wait;
mod user_timeout;
mod wheel;

pub use delayed_ack::{AckDecision, AckProgress, DelayedAck, DelayedAckConfig};
pub use fin_wait::FinWait2Config;
pub use instant::{Duration, Instant};
pub use keepalive::{Keepalive, KeepaliveAction, KeepaliveConfig};
pub use persist::{Persist, PersistConfig};
pub use rto::{Measured, RtoConfig, RtoFloor, RttEstimator, RttSnapshot};
pub use table::{Deadlines, LazyEntry, Timer};
pub use time_wait::TimeWaitConfig;
pub use user_timeout::{GiveUpConfig, Progress, Stage, UserTimeout, Verdict};
pub use wheel::{TimerKey, Wheel};
