//! §3.9.2.2: ICMP.

use estab_proto::{ConnectionError, State};
use estab_tests::Peer;
use estab_tests::icmp::{Error, error};
use estab_tests::world::{B, config};

use estab_proto::SoftError;

// proves MUST-54
#[test]
fn an_error_reaches_the_connection_it_quotes() {
    let mut peer = Peer::with(config(B));
    let first = peer.connect_host();
    peer.reply();
    let second = peer.connect_host();
    let (_, syn) = peer.next_packet().unwrap();
    peer.host.events.clear();
    peer.send_raw(&error(&syn, Error::Unreachable(1)));
    let told: Vec<_> = peer.host.events.drain(..).collect();
    assert_eq!(
        told,
        [estab_proto::Event::SoftError(
            second,
            SoftError::HostUnreachable
        )]
    );
    peer.send_raw(&error(&syn, Error::Unreachable(3)));
    assert_eq!(peer.state(first), State::SynSent);
    assert_eq!(
        peer.host.stack.error(second),
        Some(ConnectionError::Refused)
    );
}

// proves MUST-55
#[test]
fn source_quench_is_nothing() {
    let (mut peer, id) = Peer::established(config(B));
    peer.write(id, &[0; 20_000]);
    let (_, packet) = peer.next_packet().unwrap();
    let before = peer.host.stack.info(id).unwrap();
    peer.replies();
    peer.host.events.clear();
    peer.send_raw(&error(&packet, Error::SourceQuench));
    let after = peer.host.stack.info(id).unwrap();
    assert_eq!((after.cwnd, after.ssthresh), (before.cwnd, before.ssthresh));
    assert!(peer.host.events.is_empty());
    peer.expect_silence();
}
