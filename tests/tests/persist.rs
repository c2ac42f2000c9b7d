//! Probing of closed windows (RFC 9293 §3.8.6.1).

use std::time::Duration;

use estab_tests::peer::Peer;
use estab_tests::world::{B, config};

/// The acknowledgement that shuts the window also empties the flight, so nothing but the
/// persist timer is left to move the rest.
#[test]
fn an_ack_that_shuts_the_window_starts_the_probing() {
    let (mut peer, id) = Peer::established(config(B));
    peer.wnd = 10;
    let ack = peer.seg();
    peer.send(&ack);
    peer.write(id, &[7; 30]);
    peer.wait(Duration::from_secs(1));
    while let Some(seg) = peer.next_segment() {
        peer.note(&seg);
    }
    peer.wnd = 0;
    let shut = peer.seg();
    peer.send(&shut);
    assert_eq!(
        peer.host
            .stack
            .info(id)
            .map(|info| (info.unacked, info.unsent)),
        Some((0, 20))
    );
    let (_, probe) = peer.wait_for_segment(Duration::from_secs(2));
    assert!(probe.text.is_empty());
    assert_eq!(probe.seq + 1, peer.rcv);
}
