//! Path MTU discovery, and what else ICMP may do to a connection (RFC 1191, RFC 8201, RFC 5927).

use std::time::Duration;

use estab_proto::wire::TcpOptions;
use estab_proto::{ConnId, ConnectionError, Event, SoftError, State};
use estab_tests::icmp::{self, Error};
use estab_tests::world::{A, B, config};
use estab_tests::{Peer, Seg, World};

/// A host with a connection and ten segments of 1460 bytes in flight, whose packets are returned.
fn in_flight(ipv6: bool) -> (Peer, ConnId, Vec<Vec<u8>>) {
    let mut peer = Peer::new();
    if ipv6 {
        peer = peer.ipv6();
    }
    peer.listen(estab_proto::ListenConfig {
        port: Some(80),
        ..Default::default()
    });
    let opts = TcpOptions {
        mss: Some(1440),
        sack_permitted: true,
        ..TcpOptions::default()
    };
    let id = peer.handshake(opts);
    peer.write(id, &[5; 14_400]);
    let packets: Vec<_> = std::iter::from_fn(|| peer.next_packet())
        .map(|(_, p)| p)
        .collect();
    assert_eq!(packets.len(), 10);
    (peer, id, packets)
}

#[test]
fn a_smaller_path_cuts_what_is_in_flight() {
    for (ipv6, mtu, text) in [(false, 1400, 1360), (true, 1300, 1240), (false, 552, 512)] {
        let (mut peer, id, packets) = in_flight(ipv6);
        let before = peer.host.stack.info(id).unwrap();
        peer.send_raw(&icmp::error(&packets[0], Error::TooBig(mtu)));
        let resent = peer.replies();
        assert!(!resent.is_empty(), "at once");
        assert_eq!(resent[0].seq, Seg::parse(&packets[0]).unwrap().seq);
        for seg in &resent {
            assert!(seg.packet().len() <= usize::from(mtu), "{seg}");
        }
        assert_eq!(resent[0].text.len(), text);
        let after = peer.host.stack.info(id).unwrap();
        assert_eq!(after.path_mtu, u32::from(mtu));
        assert_eq!(after.ssthresh, before.ssthresh, "no sign of congestion");
        assert_eq!(peer.host.stack.stats().path_mtu_lowered, 1);
        // Later connections to the same host begin with what is known.
        peer.local.set_port(6000);
        peer.nxt = estab_tests::peer::ISS;
        let other = peer.handshake(TcpOptions {
            mss: Some(1440),
            ..TcpOptions::default()
        });
        assert_eq!(
            peer.host.stack.info(other).unwrap().path_mtu,
            u32::from(mtu)
        );
    }
}

#[test]
fn a_link_too_small_for_the_segments_is_found_and_used() {
    for ipv6 in [false, true] {
        let mut world = World::new();
        let listener = world.listen(B, 80);
        let a = world.connect(A, 80, ipv6);
        world.run_for(Duration::from_secs(1));
        let (b, _) = world.on(B, |stack, _| stack.accept(listener)).unwrap();
        let narrow = 1300;
        let (sender, told) = std::sync::mpsc::channel();
        world.pass = Some(Box::new(move |side, seg| {
            let fits = side == B || seg.packet().len() <= narrow;
            if !fits {
                sender.send(seg.packet()).unwrap();
            }
            fits
        }));
        let bytes = vec![3; 200_000];
        let mut received = 0;
        world.write(A, a, &bytes);
        world.run_to(Duration::from_secs(60), |world| {
            let now = world.now;
            if let Ok(packet) = told.try_recv() {
                let message = icmp::error(&packet, Error::TooBig(narrow as u16));
                world.host(A).receive(now, &message);
                world.drain(A);
            }
            received += world.read(B, b).len();
            received == bytes.len()
        });
        assert_eq!(world.stack(A).info(a).unwrap().path_mtu, narrow as u32);
        assert_eq!(world.stack(A).stats().retransmission_timeouts, 0);
    }
}

#[test]
fn a_forged_path_mtu_does_nothing() {
    let (mut peer, id, packets) = in_flight(false);
    let seg = Seg::parse(&packets[0]).unwrap();
    let last = Seg::parse(&packets[9]).unwrap();
    let mut others = Vec::new();
    for seq in [
        seg.seq.back(1),
        seg.seq + 1_000_000,
        last.end(),
        seg.seq.back(100_000),
    ] {
        others.push(Seg { seq, ..seg.clone() });
    }
    others.push(Seg {
        dst: "10.0.0.77:1234".parse().unwrap(),
        ..seg.clone()
    });
    others.push(Seg {
        src: "10.0.0.2:1234".parse().unwrap(),
        ..seg.clone()
    });
    for forged in others {
        peer.send_raw(&icmp::error(&forged.packet(), Error::TooBig(600)));
        peer.expect_silence();
        assert_eq!(peer.host.stack.info(id).unwrap().path_mtu, 1500);
    }
    assert_eq!(peer.host.stack.stats().drop_icmp_unrelated, 6);
    // Nor does one that claims more than there is, or a link no router may have.
    peer.send_raw(&icmp::error(&packets[0], Error::TooBig(9000)));
    assert_eq!(peer.host.stack.info(id).unwrap().path_mtu, 1500);
    let (mut peer, id, packets) = in_flight(true);
    peer.send_raw(&icmp::error(&packets[0], Error::TooBig(1000)));
    let mtu = peer.host.stack.info(id).unwrap().path_mtu;
    assert!(mtu >= 1280, "{mtu}");
}

#[test]
fn an_old_router_that_does_not_tell_and_a_tiny_link_stop_at_the_floor() {
    let (mut peer, id, packets) = in_flight(false);
    peer.send_raw(&icmp::error(&packets[0], Error::TooBig(0)));
    let mtu = peer.host.stack.info(id).unwrap().path_mtu;
    assert_eq!(mtu, 1492, "the next plateau (RFC 1191 §7.1)");
    let (mut peer, id, packets) = in_flight(false);
    peer.send_raw(&icmp::error(&packets[0], Error::TooBig(68)));
    assert_eq!(peer.host.stack.info(id).unwrap().path_mtu, 552);
}

#[test]
fn a_path_is_tried_anew_after_ten_minutes() {
    let (mut peer, id, packets) = in_flight(false);
    peer.send_raw(&icmp::error(&packets[0], Error::TooBig(1400)));
    for _ in 0..20 {
        for seg in peer.replies() {
            peer.rcv = peer.rcv.max(seg.end());
        }
        peer.send(&peer.seg());
        peer.wait(Duration::from_millis(300));
    }
    assert_eq!(peer.host.stack.info(id).unwrap().unacked, 0);
    peer.wait(Duration::from_secs(601));
    peer.replies();
    peer.local.set_port(6000);
    peer.nxt = estab_tests::peer::ISS;
    let other = peer.handshake(TcpOptions {
        mss: Some(1460),
        ..TcpOptions::default()
    });
    assert_eq!(peer.host.stack.info(other).unwrap().path_mtu, 1500);
}

/// RFC 5927 §5.2: hard errors end an open, and are hints afterwards.
// proves MUST-47, MUST-56, SHLD-25, SHLD-26
#[test]
fn unreachable_ends_an_open_but_not_a_connection() {
    let cases = [
        (
            Error::Unreachable(3),
            Some(ConnectionError::Refused),
            Some(SoftError::PortUnreachable),
        ),
        (
            Error::Unreachable(2),
            Some(ConnectionError::Refused),
            Some(SoftError::PortUnreachable),
        ),
        (
            Error::Unreachable(13),
            Some(ConnectionError::HostUnreachable),
            Some(SoftError::HostUnreachable),
        ),
        (
            Error::Unreachable(0),
            None,
            Some(SoftError::NetworkUnreachable),
        ),
        (
            Error::Unreachable(1),
            None,
            Some(SoftError::HostUnreachable),
        ),
        (Error::TimeExceeded, None, Some(SoftError::TimeExceeded)),
        (Error::SourceQuench, None, None),
    ];
    for (error, hard, soft) in cases {
        let mut peer = Peer::with(config(B));
        let id = peer.connect_host();
        let syn = peer.reply();
        // Not about this SYN: nothing.
        let forged = Seg {
            seq: syn.seq + 1,
            ..syn.clone()
        };
        peer.send_raw(&icmp::error(&forged.packet(), error));
        assert_eq!(peer.state(id), State::SynSent);
        peer.send_raw(&icmp::error(&syn.packet(), error));
        assert_eq!(peer.host.stack.error(id), hard, "{error:?}");
        peer.expect_silence();

        let (mut peer, id, packets) = in_flight(false);
        let before = peer.host.stack.info(id).unwrap();
        peer.host.events.clear();
        peer.send_raw(&icmp::error(&packets[0], error));
        let after = peer.host.stack.info(id).unwrap();
        assert_eq!(peer.state(id), State::Established, "{error:?}");
        assert_eq!(
            (after.cwnd, after.rto),
            (before.cwnd, before.rto),
            "{error:?}"
        );
        let told: Vec<_> = peer.host.events.iter().copied().collect();
        let expected: Vec<_> = soft
            .map(|soft| Event::SoftError(id, soft))
            .into_iter()
            .collect();
        assert_eq!(told, expected, "{error:?}");
        peer.expect_silence();
    }
}
