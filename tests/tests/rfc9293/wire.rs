//! §3.1, §3.4, §3.5: the header, and what it means.

use estab_proto::wire::{Flags, TcpOptions};
use estab_proto::{CallError, ConnectionError, State};
use estab_tests::world::{B, config};
use estab_tests::{Peer, Seg};

use crate::{established, fixed, settings};

/// The sum of a packet's TCP part as RFC 9293 §3.1 has it; right if it is all ones.
fn sum(packet: &[u8]) -> u16 {
    let (addresses, text) = match packet[0] >> 4 {
        4 => (&packet[12..20], &packet[20..]),
        _ => (&packet[8..40], &packet[40..]),
    };
    let words = |bytes: &[u8]| -> u64 {
        bytes
            .chunks(2)
            .map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)))
            .sum()
    };
    let mut sum = words(addresses) + 6 + text.len() as u64 + words(text);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

// proves MUST-1
#[test]
fn the_upper_half_of_the_window_is_usable() {
    let (mut peer, id) = established(|tcp| tcp.send_buffer = fixed(200_000));
    peer.wnd = 0xc000;
    peer.send(&peer.seg());
    peer.write(id, &[0; 100_000]);
    for _ in 0..30 {
        for seg in peer.replies() {
            assert!(seg.end() - peer.rcv <= 0xc000);
        }
        let info = peer.host.stack.info(id).unwrap();
        if info.unacked > 0x8000 {
            return;
        }
        // The window stays, cwnd grows.
        peer.rcv += info.unacked.min(2920);
        peer.send(&peer.seg());
    }
    panic!("never more than half the window\n{}", peer.trace);
}

// proves MUST-2
#[test]
fn every_kind_of_segment_has_a_correct_checksum() {
    for ipv6 in [false, true] {
        let mut peer = Peer::with(config(B));
        if ipv6 {
            peer = peer.ipv6();
        }
        peer.listen(estab_proto::ListenConfig {
            port: Some(estab_tests::world::PORT),
            ..Default::default()
        });
        let mut kinds = Vec::new();
        let mut check = |peer: &mut Peer| {
            while let Some((_, packet)) = peer.next_packet() {
                assert_eq!(sum(&packet), 0xffff, "{:?}", Seg::parse(&packet));
                kinds.push(Seg::parse(&packet).unwrap().ctl);
            }
        };
        peer.send(&peer.syn());
        let syn_ack = {
            let (_, packet) = peer.next_packet().unwrap();
            assert_eq!(sum(&packet), 0xffff);
            Seg::parse(&packet).unwrap()
        };
        peer.nxt += 1;
        peer.note(&syn_ack);
        peer.send(&peer.seg());
        let id = peer.accept().unwrap();
        peer.write(id, b"odd");
        peer.send_text(b"even");
        check(&mut peer);
        peer.on(|stack, now| stack.shutdown(now, id)).unwrap();
        check(&mut peer);
        peer.on(|stack, now| stack.abort(now, id));
        check(&mut peer);
        peer.send(&peer.seg());
        check(&mut peer);
        peer.connect_host();
        check(&mut peer);
        for kind in [Flags::ACK, Flags::RST, Flags::RST | Flags::ACK, Flags::SYN] {
            assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
        }
        let with = |flag: Flags| kinds.iter().any(|ctl| ctl.contains(flag));
        assert!(with(Flags::FIN) && with(Flags::PSH));
    }
}

// proves MUST-11
#[test]
fn a_reset_in_syn_received_depends_on_how_it_began() {
    let mut passive = Peer::listening(config(B));
    passive.send(&passive.syn());
    passive.reply();
    passive.send(&Seg {
        ctl: Flags::RST,
        ..passive.syn().seq(passive.nxt + 1)
    });
    assert_eq!(passive.status(), State::Listen);
    passive.expect_silence();
    assert!(passive.host.events.is_empty(), "nobody is told");

    let mut active = Peer::with(config(B));
    let id = active.connect_host();
    active.reply();
    active.send(&active.syn());
    active.reply();
    assert_eq!(active.state(id), State::SynReceived);
    active.send(&Seg {
        ctl: Flags::RST,
        ..active.syn().seq(active.nxt + 1)
    });
    assert_eq!(active.state(id), State::Closed);
    assert_eq!(active.host.stack.error(id), Some(ConnectionError::Refused));
}

// proves MUST-12, SHLD-2
#[test]
fn an_end_and_a_reset_are_told_apart() {
    let (mut peer, id) = established(|_| ());
    peer.send_fin();
    assert!(peer.at_end(id));

    let (mut peer, id) = established(|_| ());
    peer.send(&Seg {
        ctl: Flags::RST,
        ..peer.seg().text(b"why it was reset")
    });
    let end = peer.on(|stack, now| stack.recv(now, id, &mut [0; 32]));
    assert_eq!(end, Err(CallError::Ended(ConnectionError::Reset)));
}

// proves MUST-58, MUST-59
#[test]
fn a_burst_is_worked_off_before_it_is_acknowledged() {
    for lost in [true, false] {
        let (mut peer, id) = Peer::listening(settings(|_| ())).open(TcpOptions {
            mss: Some(1460),
            sack_permitted: true,
            ..TcpOptions::default()
        });
        let base = peer.nxt;
        let at = |n: u32| peer.seg().seq(base + n * 1000).text(vec![7; 1000]);
        let segs: Vec<_> = (0..10).map(at).collect();
        if lost {
            // The rest is queued already when the first comes.
            for seg in &segs[1..] {
                peer.send(seg);
            }
            peer.replies();
            peer.send(&segs[0]);
        } else {
            peer.send_burst(&segs);
        }
        assert_eq!(peer.reply().ack, base + 10_000, "one for all");
        assert_eq!(peer.read(id).len(), 10_000);
    }
}

// proves MAY-8
#[test]
fn a_window_may_stay_shut_for_a_day() {
    let (mut peer, id) = established(|tcp| tcp.recv_buffer = fixed(1000));
    peer.send_text(&[1; 1000]);
    assert_eq!(peer.replies().pop().unwrap().wnd, 0);
    for _ in 0..24 {
        peer.wait(std::time::Duration::from_secs(3600));
        peer.expect_silence();
        peer.send(&peer.seg().text(b"?"));
        let answer = peer.reply();
        assert_eq!((answer.ack, answer.wnd), (peer.nxt, 0));
    }
    assert_eq!(peer.read(id).len(), 1000);
    assert!(peer.reply().wnd > 0, "the update comes by itself");
}
