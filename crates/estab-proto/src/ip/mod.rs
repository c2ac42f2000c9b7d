//! The Internet layer: fragments and path MTUs.

pub mod pmtu;
pub mod reassembly;
