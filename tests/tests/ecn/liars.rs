//! Peers that report what never happened, or deny what did.

use estab_proto::ConnId;
use estab_proto::wire::{AccEcn, AccEcnOrder, Flags};
use estab_tests::Peer;
use estab_tests::rng::Rng;

use crate::{MSS, accurate, ace, classic, info, millis, tick};

/// Lets the host send a lot to a peer that acknowledges everything by `seg`; returns how many round
/// trips that took.
fn transfer(peer: &mut Peer, id: ConnId, mut seg: impl FnMut(&Peer) -> estab_tests::Seg) -> u32 {
    peer.write(id, &vec![1; 300 * MSS as usize]);
    let mut rounds = 0;
    while info(peer, id).unsent > 0 || info(peer, id).unacked > 0 {
        let sent = peer.replies();
        if sent.is_empty() {
            peer.wait(millis(10));
        } else {
            rounds += 1;
            peer.wait(millis(20));
        }
        for segment in sent {
            if !segment.text.is_empty() {
                tick(peer);
                peer.note(&segment);
                let answer = seg(peer);
                peer.send(&answer);
            }
        }
        let cwnd = info(peer, id).cwnd;
        assert!((MSS - 12..1 << 20).contains(&cwnd), "{cwnd}");
        assert!(rounds < 2_000, "no progress");
    }
    rounds
}

/// Until that is taken for a fault of the path.
#[test]
fn a_peer_that_always_reports_congestion_is_served_slowly() {
    let (mut peer, id, _) = classic(|_| ());
    let rounds = transfer(&mut peer, id, |peer| peer.seg().ctl(Flags::ECE));
    assert!(rounds > 25, "{rounds}");
    assert_eq!(info(&peer, id).retransmits, 0);
    let (mut peer, id, _) = accurate(|_| ());
    let mut count = 5u8;
    let rounds = transfer(&mut peer, id, |peer| {
        count = count.wrapping_add(1);
        ace(peer, count)
    });
    assert!(rounds > 25, "{rounds}");
}

#[test]
fn a_peer_that_says_nothing_is_an_ordinary_peer() {
    let (mut peer, id, _) = classic(|_| ());
    assert!(transfer(&mut peer, id, |peer| peer.seg()) < 20);
    let (mut peer, id, _) = accurate(|_| ());
    assert!(transfer(&mut peer, id, |peer| ace(peer, 5)) < 20);
    assert_eq!(info(&peer, id).delivered_ce, 0);
}

#[test]
fn counts_that_jump_and_counters_that_shrink() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let (mut peer, id, _) = accurate(|_| ());
        let rounds = transfer(&mut peer, id, |peer| {
            let mut seg = ace(peer, rng.below(8) as u8);
            let counters = [(); 3].map(|()| rng.next_u64() as u32);
            let order = [AccEcnOrder::E0bFirst, AccEcnOrder::E1bFirst][rng.below(2) as usize];
            let fields = rng.below(4) as usize;
            if rng.chance(0.7) {
                seg.opts.accecn = Some(AccEcn::new(order, &counters[..fields]));
            }
            seg
        });
        assert!(rounds < 1_000, "{seed}: {rounds}");
        assert_eq!(info(&peer, id).retransmits, 0);
    }
}

/// A peer without classic ECN never gets a reduction out of ECE; nor on a SYN, nor in a segment
/// nobody would accept.
#[test]
fn ece_where_it_means_nothing() {
    let (mut peer, id) =
        Peer::established(crate::settings(estab_proto::config::Ecn::Passive, |_| ()));
    let before = info(&peer, id);
    peer.write(id, &[1; 5000]);
    for segment in peer.replies() {
        peer.note(&segment);
        peer.send(&peer.seg().ctl(Flags::ECE | Flags::CWR));
    }
    assert_eq!(info(&peer, id).ssthresh, before.ssthresh);
    assert_eq!(info(&peer, id).delivered_ce, 0);

    let (mut peer, id, base) = classic(|_| ());
    let before = info(&peer, id);
    peer.write(id, &[1; 5000]);
    peer.replies();
    peer.send(&peer.seg().ctl(Flags::ECE | Flags::SYN));
    peer.send(&peer.seg().ctl(Flags::ECE).ack(base + 1_000_000));
    peer.send(&peer.seg().ctl(Flags::ECE).seq(peer.nxt + 10_000_000));
    assert_eq!(info(&peer, id).ssthresh, before.ssthresh);
}

/// With nothing in flight a report can be about nothing: the window stays.
#[test]
fn reports_while_nothing_is_in_flight() {
    let (mut peer, id, _) = classic(|_| ());
    let before = info(&peer, id);
    for _ in 0..5 {
        let seg = peer.seg().ctl(Flags::ECE).text(vec![1; 100]);
        peer.nxt = seg.end();
        peer.send(&seg);
    }
    assert_eq!(info(&peer, id).ssthresh, before.ssthresh);
    let (mut peer, id, _) = accurate(|_| ());
    for count in 0..5 {
        tick(&mut peer);
        let seg = ace(&peer, count).text(vec![1; 100]);
        peer.nxt = seg.end();
        peer.send(&seg);
    }
    assert_eq!(info(&peer, id).ssthresh, before.ssthresh);
}

/// Any flags, any option, any ECN field, before, during and after the handshake.
#[test]
fn segments_of_every_kind() {
    for seed in 0..500 {
        let mut rng = Rng::new(seed);
        let ecn = crate::SETTINGS[rng.below(4) as usize];
        let config = crate::settings(ecn, |_| ());
        let opens = rng.chance(0.5);
        let mut peer = if opens {
            Peer::with(config)
        } else {
            Peer::listening(config)
        };
        let mut id = opens.then(|| peer.connect_host());
        for _ in 0..60 {
            let kinds = [Flags::SYN, Flags::SYN | Flags::ACK, Flags::ACK, Flags::ACK];
            let kind = kinds[rng.below(4) as usize];
            let mut seg = peer.seg();
            seg.ctl = kind.with_ace(rng.below(8) as u8);
            seg.tos = rng.below(256) as u8;
            if rng.chance(0.5) {
                let counters = [(); 3].map(|()| rng.next_u64() as u32);
                let fields = rng.below(4) as usize;
                let order = [AccEcnOrder::E0bFirst, AccEcnOrder::E1bFirst][rng.below(2) as usize];
                seg.opts.accecn = Some(AccEcn::new(order, &counters[..fields]));
            }
            if !seg.has(Flags::SYN) {
                seg.text = vec![1; rng.below(300) as usize];
            }
            peer.send(&seg);
            if rng.chance(0.8) {
                peer.nxt = seg.end();
            }
            id = id.or_else(|| peer.listener.and_then(|_| peer.accept()));
            if let Some(id) = id {
                let _ = peer.on(|stack, now| stack.send_slice(now, id, &[1; 3000]));
            }
            for answer in peer.replies() {
                if rng.chance(0.8) && !answer.has(Flags::RST) {
                    peer.note(&answer);
                }
            }
            peer.wait(millis(rng.below(400)));
            peer.replies();
        }
    }
}
