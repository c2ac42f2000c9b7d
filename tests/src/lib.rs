//! What the tests of estab are made with: hosts in virtual time, links with faults, scripted
//! peers, and a judge of every packet sent.
//!
//! - [`world`]: two stacks, a link and a clock that jumps to what happens next;
//! - [`peer`]: a stack against a peer that sends what the test says;
//! - [`app`]: an application that writes, reads, stalls and closes by a plan;
//! - [`crowd`]: very many connections between two stacks;
//! - [`check`]: the rules every packet must keep, written apart from the stack;
//! - [`kernel`], [`transfer`]: a stack against the kernel over a TUN, and bytes with their hash;
//! - [`kernels`]: two kernels, each in a namespace, with an emulated path between them;
//! - [`faulty`]: the faults of [`link`] for real streams, in tokio's time;
//! - [`link`], [`rng`], [`pattern`], [`trace`]: faults, seeds, streams and traces.

pub mod app;
pub mod check;
pub mod crowd;
pub mod faulty;
pub mod host;
pub mod icmp;
pub mod kernel;
pub mod kernels;
pub mod link;
pub mod pattern;
pub mod peer;
pub mod rng;
pub mod segment;
pub mod trace;
pub mod transfer;
pub mod world;

pub use peer::Peer;
pub use segment::Seg;
pub use world::{A, B, Side, World};
