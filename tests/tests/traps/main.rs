//! What is subtle in TCP and often implemented wrongly, one test a trap. Their numbers are those
//! of the project's list.

mod ending;
mod input;
mod marks;
mod path;
mod recovery;
mod sender;
mod window;

use std::time::Duration;

use estab_proto::ConnId;
use estab_proto::config::{BufferConfig, StackConfig, TcpConfig};
use estab_proto::wire::{TcpOptions, Timestamps};
use estab_tests::Peer;
use estab_tests::world::{B, config};

/// The default settings, changed.
fn settings(change: impl FnOnce(&mut TcpConfig)) -> StackConfig {
    let mut config = config(B);
    change(&mut config.tcp);
    config
}

/// A connection to a host with changed settings: MSS 1460, no other option.
fn established(change: impl FnOnce(&mut TcpConfig)) -> (Peer, ConnId) {
    Peer::established(settings(change))
}

/// A connection with timestamps, TS.Recent at 1000.
fn with_timestamps(change: impl FnOnce(&mut TcpConfig)) -> (Peer, ConnId) {
    Peer::listening(settings(change)).open(TcpOptions {
        mss: Some(1460),
        timestamps: Some(Timestamps { val: 1000, ecr: 0 }),
        ..TcpOptions::default()
    })
}

/// A buffer that does not grow.
fn fixed(bytes: u32) -> BufferConfig {
    BufferConfig {
        initial: bytes,
        max: bytes,
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
