//! Runs a program or a test in a network namespace of its own, so that it may make interfaces,
//! addresses and routes without touching the host's.
//!
//! A program calls [`enter`] first thing in `main`; a test wraps its body in [`isolated`]. Both
//! re-execute the running binary through `unshare` of util-linux: as root in a new network
//! namespace, otherwise in a new user namespace that makes the caller root of a new network
//! namespace. Nothing needs to be prepared and no privilege is needed where the kernel allows
//! user namespaces. Where neither is to be had, [`Unavailable`] says why and what to do.
//!
//! ```no_run
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     estab_netns::enter()?;
//!     // From here on, in a namespace with nothing but a loopback interface that is down.
//!     estab_netns::loopback_up()?;
//!     println!("{}", estab_netns::ip(&["addr"])?);
//!     Ok(())
//! }
//! ```
//!
//! Inside, a [`Namespace`] is one more, into which a thread can move: two hosts in one process.
//!
//! The crate runs `unshare`, `ip` and `sh`; it is for Linux.

#![forbid(unsafe_code)]

mod another;
mod isolated;
mod namespace;
mod net;
mod unavailable;

pub use another::Namespace;
pub use isolated::{DEFAULT_LIMIT, SKIP_VARIABLE, isolated, isolated_for, skipped};
pub use namespace::{Entered, enter};
pub use net::{disable_dad, ip, loopback_up, sysctl};
pub use unavailable::Unavailable;
