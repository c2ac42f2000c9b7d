//! What hostile peers and strangers may not achieve: the attacks of the threat model that need no
//! kernel to be tried, named by its rows.

mod exhaustion;
mod injection;
mod parsing;

use std::net::SocketAddr;
use std::time::Duration;

use estab_proto::wire::Flags;
use estab_proto::{ConnId, State};
use estab_tests::Peer;
use estab_tests::world::{B, config};

pub(crate) const SYN: Flags = Flags::SYN;
pub(crate) const ACK: Flags = Flags::ACK;
pub(crate) const RST: Flags = Flags::RST;

pub(crate) fn established() -> (Peer, ConnId) {
    Peer::established(config(B))
}

/// The connection works: the peer's next bytes come through.
#[track_caller]
pub(crate) fn assert_alive(peer: &mut Peer, id: ConnId) {
    assert_eq!(peer.state(id), State::Established);
    peer.read(id);
    peer.send_text(b"alive");
    assert_eq!(peer.read(id), b"alive");
    peer.wait(Duration::from_secs(1));
    peer.replies();
}

/// A stranger, by number.
pub(crate) fn stranger(number: u32) -> SocketAddr {
    let [a, b, c, _] = number.to_be_bytes();
    SocketAddr::from(([172, 16 + a % 16, b, c], 1024 + (number & 0x7fff) as u16))
}
