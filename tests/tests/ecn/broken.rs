//! Paths that do to the ECN field what they must not.

use std::time::Duration;

use estab_proto::config::Ecn;
use estab_proto::wire::{AccEcn, AccEcnOrder, EcnCodepoint, Flags};
use estab_proto::{ConnId, EcnMode, ListenerId};
use estab_tests::pattern::Pattern;
use estab_tests::world::{A, B, PORT, config};
use estab_tests::{Peer, World};

use crate::{MSS, accurate, ace, classic, info, millis, settings, tick};

/// A writes two megabytes to B, over a connection of its own.
fn transfer(world: &mut World, listener: ListenerId) -> (ConnId, Duration) {
    let a = world.connect(A, PORT, false);
    let begun = world.now;
    let mut b = None;
    world.run_to(Duration::from_secs(10), |world| {
        b = b.or_else(|| world.on(B, |stack, _| stack.accept(listener)));
        b.is_some()
    });
    let (b, _) = b.expect("run until accepted");
    let bytes = Pattern::new(1).bytes(0, 2 << 20);
    world.write(A, a, &bytes);
    let mut received = 0;
    world.run_to(Duration::from_secs(600), |world| {
        received += world.read(B, b).len();
        received == bytes.len() && world.stack(A).info(a).unwrap().unacked == 0
    });
    (a, world.now - begun)
}

/// RFC 9768 §3.2.2.3: marks on everything, however little is sent, are none. After sixteen round trips
/// the sender goes on without ECT, and later connections to this peer do not ask.
#[test]
fn a_path_that_marks_everything_is_found_out() {
    for asks in [Ecn::Classic, Ecn::Accurate] {
        let mut a = settings(asks, |_| ());
        a.addrs = config(A).addrs;
        let mut world = World::with(a, settings(Ecn::Passive, |_| ()));
        world.mark = Some(Box::new(|side, _| side == A));
        let listener = world.listen(B, PORT);
        let (first, slowly) = transfer(&mut world, listener);
        let info = world.stack(A).info(first).unwrap();
        assert_ne!(info.ecn, EcnMode::Off, "it goes on reporting");
        let marks = info.delivered_ce;
        assert!(marks > 16, "{asks:?}: {marks}");
        assert_eq!(world.stack(A).stats().ecn_broken_paths, 1, "{asks:?}");
        assert!(info.cwnd > 20 * info.snd_mss, "{asks:?}: {}", info.cwnd);

        let (second, fast) = transfer(&mut world, listener);
        assert_eq!(world.stack(A).info(second).unwrap().ecn, EcnMode::Off);
        assert_eq!(world.stack(A).stats().ecn_not_asked, 1);
        assert!(fast < slowly / 2, "{asks:?}: {fast:?} {slowly:?}");
    }
}

/// Acknowledges all that the host sends, in rounds of 20 ms, with a mark on so many of every ten segments,
/// until it has sent 600 segments; returns how many of its last hundred were ECN-capable.
fn report(peer: &mut Peer, id: ConnId, of_ten: usize, is_accurate: bool) -> usize {
    peer.write(id, &vec![1; 600 * MSS as usize]);
    let (mut count, mut fields) = (5u8, Vec::new());
    while info(peer, id).unsent > 0 || info(peer, id).unacked > 0 {
        let sent = peer.replies();
        peer.wait(millis(20));
        for segment in sent.into_iter().filter(|segment| !segment.text.is_empty()) {
            let marked = fields.len() % 10 < of_ten;
            fields.push(segment.ecn());
            tick(peer);
            peer.note(&segment);
            let answer = if is_accurate {
                count = count.wrapping_add(u8::from(marked));
                ace(peer, count)
            } else {
                peer.seg()
                    .ctl(if marked { Flags::ECE } else { Flags::empty() })
            };
            peer.send(&answer);
        }
    }
    let last = &fields[fields.len() - 100..];
    last.iter()
        .filter(|&&field| field == EcnCodepoint::Ect0)
        .count()
}

/// Half of the packets is much, but may be congestion.
#[test]
fn a_path_that_marks_much_is_believed() {
    for (of_ten, capable) in [(10, 0), (5, 100), (0, 100)] {
        let (mut peer, id, _) = classic(|_| ());
        assert_eq!(report(&mut peer, id, of_ten, false), capable, "{of_ten}");
        let (mut peer, id, _) = accurate(|_| ());
        assert_eq!(report(&mut peer, id, of_ten, true), capable, "{of_ten}");
        let broken = peer.host.stack.stats().ecn_broken_paths;
        assert_eq!(broken, u64::from(of_ten == 10));
    }
}

/// RFC 9768 §3.2.2.3: what was sent as ECN-capable and counted as not so was changed on the way, so
/// marks may be lost as well. A retransmission says nothing: it is not ECN-capable.
#[test]
fn a_path_that_clears_the_field_is_found_out() {
    let first = |e0b, ceb| AccEcn::new(AccEcnOrder::E0bFirst, &[e0b, ceb]);
    let table = [
        (first(1, 0), EcnCodepoint::NotEct),
        (first(1 + MSS, 0), EcnCodepoint::Ect0),
        (first(1, MSS), EcnCodepoint::Ect0),
        // Of the other counter nothing is known.
        (AccEcn::new(AccEcnOrder::E0bFirst, &[1]), EcnCodepoint::Ect0),
    ];
    for (option, field) in table {
        let (mut peer, id, _) = accurate(|_| ());
        peer.write(id, &[1; 100]);
        let data = peer.reply();
        assert_eq!(data.ecn(), EcnCodepoint::Ect0);
        peer.note(&data);
        peer.wait(millis(20));
        tick(&mut peer);
        let mut ack = ace(&peer, 5);
        ack.opts.accecn = Some(option);
        peer.send(&ack);
        peer.write(id, &[1; 100]);
        assert_eq!(peer.reply().ecn(), field, "{option:?}");
        assert_eq!(info(&peer, id).ecn, EcnMode::Accurate);
    }
    let (mut peer, id, _) = accurate(|_| ());
    peer.write(id, &[1; 100]);
    peer.reply();
    peer.wait(millis(250));
    let again = peer.reply();
    peer.note(&again);
    tick(&mut peer);
    let mut ack = ace(&peer, 5);
    ack.opts.accecn = Some(first(1, 0));
    peer.send(&ack);
    peer.write(id, &[1; 100]);
    assert_eq!(peer.reply().ecn(), EcnCodepoint::Ect0);
}
