//! The sans-IO TCP/IP protocol engine of estab.
#![no_std]

extern crate alloc;

pub mod buffer;
pub mod congestion;
pub mod ip;
pub mod recovery;
pub mod seq;
pub mod wire;

pub use seq::SeqNumber;
