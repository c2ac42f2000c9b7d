//! What RFC 9293 asks of the segments on the wire and of the calls, requirement by requirement,
//! where no other test of this package proves it already. The tags are those of
//! `tests/requirements.tsv`.

mod calls;
mod icmp;
mod options;
mod sending;
mod source_route;
mod urgent;
mod wire;

use estab_proto::ConnId;
use estab_proto::config::{BufferConfig, StackConfig, TcpConfig};
use estab_tests::Peer;
use estab_tests::world::{B, config};

/// The settings of the host, changed.
fn settings(change: impl FnOnce(&mut TcpConfig)) -> StackConfig {
    let mut config = config(B);
    change(&mut config.tcp);
    config
}

/// A connection to a host with changed settings.
fn established(change: impl FnOnce(&mut TcpConfig)) -> (Peer, ConnId) {
    Peer::established(settings(change))
}

/// A buffer of this size that does not grow.
fn fixed(bytes: u32) -> BufferConfig {
    BufferConfig {
        initial: bytes,
        max: bytes,
    }
}
