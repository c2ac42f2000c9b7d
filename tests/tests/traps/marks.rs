//! Traps 21 and 22: explicit congestion notification.

use estab_proto::EcnMode;
use estab_proto::config::Ecn;
use estab_proto::congestion::Algorithm;
use estab_proto::wire::EcnCodepoint::{self, Ce, Ect0, Ect1, NotEct};
use estab_proto::wire::{Flags, TcpOptions};
use estab_tests::world::{A, B, config};
use estab_tests::{Peer, Seg, World};

use crate::{fixed, millis, seconds, settings};

const MSS: u32 = 1000;

/// A SYN with these ECN flags.
fn syn(peer: &Peer, ace: u8) -> Seg {
    let opts = TcpOptions {
        mss: Some(MSS as u16),
        sack_permitted: true,
        ..TcpOptions::default()
    };
    Seg {
        opts,
        ctl: Flags::SYN.with_ace(ace),
        ..peer.syn()
    }
}

/// ECT on new data only; CWR on the first new data after any reduction; ECE until CWR; one reduction
/// per round trip and no growth meanwhile; a SYN-ACK with CWR agrees to nothing.
// proves RFC3168-6.1.1#5, RFC3168-6.1.2#2, RFC3168-6.1.2#3, RFC3168-6.1.3#1, RFC3168-6.1.5
#[test]
fn trap_21_classic_ecn() {
    let mut peer = Peer::listening(settings(|tcp| {
        tcp.congestion = Algorithm::NewReno;
        tcp.send_buffer = fixed(1 << 20);
        tcp.recovery.tail_loss_probe = false;
    }));
    let asks = syn(&peer, 0b011);
    peer.send(&asks);
    let syn_ack = peer.reply();
    assert_eq!(syn_ack.ctl, Flags::SYN | Flags::ACK | Flags::ECE);
    peer.nxt = asks.end();
    peer.note(&syn_ack);
    peer.send(&peer.seg());
    let id = peer.accept().unwrap();
    let info = |peer: &Peer| peer.host.stack.info(id).unwrap();

    // The receiver: a mark on each packet, and CWR once.
    for cwr in [false, false, true, false] {
        let mut seg = peer.seg().text(vec![1; 100]).with_ecn(Ce);
        seg.ctl.set(Flags::CWR, cwr);
        peer.nxt = seg.end();
        peer.send(&seg);
        let ack = peer.reply();
        assert_eq!((ack.has(Flags::ECE), ack.ecn()), (true, NotEct));
    }
    let last = peer.seg().ctl(Flags::CWR).text(vec![1; 100]).with_ecn(Ect0);
    peer.nxt = last.end();
    peer.send(&last);
    assert!(!peer.reply().has(Flags::ECE));

    // The sender: ECE on each acknowledgement of a window.
    let base = peer.rcv;
    peer.write(id, &[1; 40 * MSS as usize]);
    assert!(peer.replies().iter().all(|seg| seg.ecn() == Ect0));
    peer.wait(millis(50));
    let before = info(&peer).cwnd;
    let mut new = Vec::new();
    for n in 1..=10 {
        peer.rcv = base + n * MSS;
        peer.send(&peer.seg().ctl(Flags::ECE));
        new.extend(peer.replies());
        assert!(info(&peer).cwnd <= before, "no growth");
    }
    assert_eq!(info(&peer).ssthresh, before * 8 / 10, "once");
    assert!(new[0].has(Flags::CWR));
    assert!(!new[1..].iter().any(|seg| seg.has(Flags::CWR)));
    // A timeout reduces as well; what it sends again is bare of all of it.
    let (_, again) = peer.wait_for_segment(seconds(10));
    assert_eq!(again.seq, base + 10 * MSS);
    assert_eq!((again.ecn(), again.has(Flags::CWR)), (NotEct, false));
    peer.rcv = new.last().unwrap().end();
    peer.send(&peer.seg());
    let next = peer.replies();
    assert!(next[0].has(Flags::CWR));
    assert!(next.iter().all(|seg| seg.ecn() == Ect0));

    // Flags that came back as they were sent.
    let mut peer = Peer::with(settings(|tcp| tcp.ecn = Ecn::Classic));
    let id = peer.connect_host();
    let asks = peer.reply();
    peer.note(&asks);
    peer.send(&Seg {
        ctl: (Flags::SYN | Flags::ACK).with_ace(asks.ctl.ace()),
        ack: peer.rcv,
        ..peer.syn()
    });
    assert_eq!(peer.host.stack.info(id).unwrap().ecn, EcnMode::Off);
}

/// Every ECN field that a SYN and a SYN-ACK can arrive with, lost and not: the codes of both
/// answers, the counters they begin with, and that no SYN has the option.
// proves RFC9768-3.1.1,Table2, RFC9768-3.2.2.1, RFC9768-3.2.2.2, RFC9768-3.2.1, RFC9768-3.2.3.2.1
#[test]
fn trap_22_the_encodings_of_accurate_ecn() {
    let fields = [(NotEct, 0b010), (Ect1, 0b011), (Ect0, 0b100), (Ce, 0b110)];
    for (syn_field, syn_code) in fields {
        for (syn_ack_field, syn_ack_code) in fields {
            for lost in [None, Some(Flags::SYN), Some(Flags::SYN | Flags::ACK)] {
                handshake([syn_field, syn_ack_field], [syn_code, syn_ack_code], lost);
            }
        }
    }
}

/// A handshake whose SYN and SYN-ACK arrive with these fields, after the first one with exactly the
/// flags of `lost` was.
fn handshake(fields: [EcnCodepoint; 2], codes: [u8; 2], lost: Option<Flags>) {
    let mut asking = config(A);
    asking.tcp.ecn = Ecn::Accurate;
    let mut world = World::with(asking, config(B));
    let listener = world.listen(B, 80);
    let a = world.connect(A, 80, false);
    let mut lost = lost;
    let (mut b, mut end) = (None, None);
    while b.is_none() || end.is_none() {
        // Taken off the link, and put there again as the path changed it.
        let mut seg = if world.in_flight() == 0 {
            assert!(world.next_event().is_some());
            world.step(estab_proto::Instant::NEVER);
            continue;
        } else {
            world.lose()
        };
        let kind = seg.ctl.difference(Flags::ACE);
        if lost == Some(kind) {
            lost = None;
            continue;
        }
        if kind == Flags::SYN {
            assert_eq!((seg.ctl.ace(), seg.opts.accecn), (0b111, None));
            seg.tos = fields[0] as u8;
        } else if kind == Flags::SYN | Flags::ACK {
            assert_eq!(seg.ctl.ace(), codes[0]);
            seg.tos = fields[1] as u8;
        } else if kind == Flags::ACK {
            assert_eq!(seg.ctl.ace(), codes[1], "the code, not the count");
            end = Some(seg.clone());
        }
        let to = if seg.dst.port() == 80 { B } else { A };
        let now = world.now;
        world.host(to).receive(now, &seg.packet());
        world.drain(to);
        b = b.or_else(|| world.on(B, |stack, _| stack.accept(listener)));
    }
    let (b, _) = b.unwrap();
    for (side, id, honest) in [(A, a, fields[0] == NotEct), (B, b, fields[1] == NotEct)] {
        let info = world.stack(side).info(id).unwrap();
        assert_eq!(info.ecn, EcnMode::Accurate);
        world.write(side, id, b"data");
        let data = world.lose();
        let marked = side == A && fields[1] == Ce;
        assert_eq!(data.ctl.ace(), 5 + u8::from(marked), "the count");
        // Neither SYN was sent as ECN-capable: what says otherwise tells of a broken path.
        assert_eq!(data.ecn() == Ect0, honest, "{side:?}");
        world.lose_all();
    }
    let counted = world.stack(A).info(a).unwrap().received_ce;
    assert_eq!(counted, u32::from(fields[1] == Ce));
}
