//! Traps 23 to 25: ICMP, path MTU, and what is answered at all.

use estab_proto::wire::Flags;
use estab_proto::{ConnectionError, State};
use estab_tests::icmp::{Error, error};
use estab_tests::peer::ISS;
use estab_tests::world::{B, config};
use estab_tests::{Peer, Seg};

use crate::{established, seconds};

/// A packet of ours that is too big: the MTU goes down only, only for a packet in flight, with a
/// floor and no sign of congestion.
#[test]
fn trap_23_path_mtu_discovery() {
    let (mut peer, id) = established(|_| ());
    peer.write(id, &[1; 14_600]);
    let (_, packet) = peer.next_packet().unwrap();
    assert_eq!(packet[6] & 0x40, 0x40, "do not fragment");
    peer.replies();
    let before = peer.host.stack.info(id).unwrap();
    let seg = Seg::parse(&packet).unwrap();
    for forged in [seg.seq + 100_000, seg.seq.back(1)] {
        let quote = Seg {
            seq: forged,
            ..seg.clone()
        };
        peer.send_raw(&error(&quote.packet(), Error::TooBig(600)));
        assert_eq!(peer.host.stack.info(id).unwrap().path_mtu, 1500);
    }
    for (told, mtu) in [(9000, 1500), (1400, 1400), (1450, 1400)] {
        peer.send_raw(&error(&packet, Error::TooBig(told)));
        assert_eq!(peer.host.stack.info(id).unwrap().path_mtu, mtu, "{told}");
    }
    let resent = peer.replies();
    assert_eq!(resent[0].seq, seg.seq, "again, at once");
    assert!(resent.iter().all(|seg| seg.text.len() <= 1360));
    let after = peer.host.stack.info(id).unwrap();
    assert_eq!(after.ssthresh, before.ssthresh);
    peer.send_raw(&error(&packet, Error::TooBig(0)));
    let plateau = peer.host.stack.info(id).unwrap().path_mtu;
    assert!((552..1400).contains(&plateau), "{plateau}");
    peer.send_raw(&error(&packet, Error::TooBig(68)));
    assert_eq!(peer.host.stack.info(id).unwrap().path_mtu, 552, "the floor");
    assert_eq!(peer.state(id), State::Established);
}

/// Soft errors end nothing, hard ones only an open whose SYN they quote.
// proves MUST-56, SHLD-25, SHLD-26
#[test]
fn trap_24_icmp_errors() {
    let soft = [
        Error::Unreachable(0),
        Error::Unreachable(1),
        Error::Unreachable(5),
        Error::TimeExceeded,
    ];
    let hard = [Error::Unreachable(2), Error::Unreachable(3)];
    for (kind, ends) in soft
        .map(|kind| (kind, false))
        .into_iter()
        .chain(hard.map(|kind| (kind, true)))
    {
        let mut peer = Peer::with(config(B));
        let id = peer.connect_host();
        let syn = peer.reply();
        let forged = Seg {
            seq: syn.seq.back(1),
            ..syn.clone()
        };
        peer.send_raw(&error(&forged.packet(), kind));
        assert_eq!(peer.state(id), State::SynSent, "{kind:?}");
        peer.send_raw(&error(&syn.packet(), kind));
        let expected = ends.then_some(ConnectionError::Refused);
        assert_eq!(peer.host.stack.error(id), expected, "{kind:?}");

        let (mut peer, id) = established(|_| ());
        peer.write(id, b"text");
        let (_, packet) = peer.next_packet().unwrap();
        peer.send_raw(&error(&packet, kind));
        assert_eq!(peer.state(id), State::Established, "{kind:?}");
        peer.rcv += 4;
        peer.send(&peer.seg());
        peer.send_text(b"more");
        assert_eq!(peer.read(id), b"more");
    }
}

/// Challenges are limited by connection and by nothing else; no RST is answered; each RST takes
/// its numbers from the segment it answers.
#[test]
fn trap_25_challenges_and_resets() {
    let mut peer = Peer::listening(config(B));
    let first = peer.handshake(Default::default());
    let blind = |peer: &Peer| Seg {
        ctl: Flags::RST,
        ..peer.seg().seq(peer.nxt + 100)
    };
    for n in 0..100 {
        let seg = blind(&peer);
        peer.send(&seg);
        assert_eq!(peer.replies().len(), usize::from(n == 0));
    }
    // Another connection is challenged as if nothing had happened.
    peer.local.set_port(6001);
    peer.nxt = ISS;
    let second = peer.handshake(Default::default());
    let seg = blind(&peer);
    peer.send(&seg);
    peer.reply();
    peer.wait(seconds(1));
    assert_eq!(peer.state(first), State::Established);
    assert_eq!(peer.state(second), State::Established);

    let mut peer = Peer::with(config(B));
    for bits in 0..64 {
        let ctl = Flags::from_bits_truncate(bits);
        let seg = Seg {
            ctl,
            ..peer.seg().seq(ISS).ack(ISS + 9).text(b"12345")
        };
        let seg = Seg { ctl, ..seg };
        peer.send(&seg);
        let answers = peer.replies();
        if ctl.contains(Flags::RST) {
            assert!(answers.is_empty(), "{ctl:?}");
            continue;
        }
        let [answer] = &answers[..] else {
            panic!("{ctl:?}: {answers:?}")
        };
        if ctl.contains(Flags::ACK) {
            assert_eq!((answer.ctl, answer.seq), (Flags::RST, ISS + 9));
        } else {
            assert_eq!(answer.ctl, Flags::RST | Flags::ACK);
            assert_eq!((answer.seq.to_u32(), answer.ack), (0, seg.end()));
        }
    }
}
