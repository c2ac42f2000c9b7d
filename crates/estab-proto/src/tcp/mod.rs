//! The connection: RFC 9293's machine, with RFC 5961, 7323, 2018, 2883 and 6298 in it.
//!
//! One connection's life is spread over files by what happens to it: [`open`] and [`close`] begin
//! and end it, [`input`] is SEGMENT ARRIVES, [`output`] decides what to send next, [`calls`] is
//! what the application asks, [`timers`] what time brings, [`icmp`] what routers say,
//! [`source_route`] the hops in between. All of it works on [`connection::Connection`], whose
//! variables carry the RFC's names ([`tcb`]).

mod calls;
mod close;
pub(crate) mod connection;
pub(crate) mod control;
pub(crate) mod dormant;
pub(crate) mod ecn;
mod icmp;
mod input;
mod memory;
pub(crate) mod negotiate;
mod open;
mod options;
pub(crate) mod output;
pub(crate) mod source_route;
mod state;
mod tcb;
mod timers;

pub use ecn::EcnMode;
pub use state::State;

pub(crate) use connection::{Connection, Ctx, Notices, TimeWaitInfo};
pub(crate) use control::Control;
pub(crate) use icmp::IcmpKind;
pub(crate) use negotiate::Handshake;
pub(crate) use output::SegmentOut;

#[cfg(test)]
mod tests;
