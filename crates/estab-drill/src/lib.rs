//! Runs scripts in the language of packetdrill over the sans-IO stack of estab: in virtual time,
//! without root and without a device.
//!
//! A script says what a peer sends, what the application calls, and what the stack must answer and
//! when:
//!
//! ```
//! use estab_drill::{Options, run_text};
//!
//! let script = "
//!     0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
//!    +0 bind(3, ..., ...) = 0
//!    +0 listen(3, 1) = 0
//!    +0 < S 0:0(0) win 1000 <mss 1000>
//!    +0 > S. 0:0(0) ack 1 <mss 1460>
//!   +.1 < . 1:1(0) ack 1 win 1000
//!    +0 accept(3, ..., ...) = 4
//!    +0 write(4, ..., 100) = 100
//!    +0 > P. 1:101(100) ack 1
//!   // Unanswered, it is sent again after SRTT + 4 * RTTVAR (RFC 6298 section 2.2).
//!  +.3 > P. 1:101(100) ack 1
//!    +0 %{ assert tcpi_unacked == 1 }%
//! ";
//! for (variant, result) in run_text(script, &Options::default()) {
//!     assert!(result.is_ok(), "{variant:?}: {}", result.unwrap_err());
//! }
//! ```
//!
//! # Stricter than the original
//!
//! - A packet that no line expects fails the script, after the last line too.
//! - Every byte is checked: what the stack sends and what reads yield.
//! - PSH is compared where the packet ends the data written so far; the original leaves it out.
//! - Segments of one instant count as the larger one that a script written for a device with
//!   segmentation offload expects, unless it says `--strict_segments`.
//! - A command, sysctl, call, option or figure that is not known fails the script by its name.
//!
//! # A script of the project
//!
//! It lies in `scripts/<topic>/` and begins with comment lines: what it shows, the RFC section, and
//! `Linux:` with `the same` or the difference, which then stands in `docs/linux-deviations.md` too.
//! The tests of this crate run it over both families, and break every packet it expects in turn: a
//! change that goes unnoticed fails them.
//!
//! # Our own words
//!
//! `@name` after the direction of a packet names one of several connections from the peer.
//! `--local_isn=N` fixes the stack's initial sequence number, `--profile=rfc` selects the stack's
//! profile of the letter of the RFCs. `TS val ...` expects any value.

#![forbid(unsafe_code)]

mod ast;
mod cursor;
mod expr;
mod features;
mod flow;
mod host;
mod info;
mod kernel;
mod matcher;
mod parser;
mod pattern;
mod report;
mod runner;
mod settings;
mod setup;
mod show;
mod suite;
mod wire;

pub use ast::{
    Action, Arg, Body, Call, CallResult, Ecn, EcnCounter, Event, Icmp, IcmpKind, Packet, Script,
    Tcp, TcpOption, Time, flag,
};
pub use cursor::ParseError;
pub use parser::parse;
pub use report::{Failure, Outcome, Summary};
pub use setup::Variant;
pub use suite::{Options, VariantResult, find, run_file, run_text};
