//! Two stacks and a link that marks.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use estab_proto::EcnMode;
use estab_proto::config::Ecn;
use estab_proto::wire::{EcnCodepoint, Flags};
use estab_tests::link::Faults;
use estab_tests::pattern::Pattern;
use estab_tests::rng::Rng;
use estab_tests::world::{A, B, config};
use estab_tests::{Seg, World};

use crate::settings;

/// Moves a megabyte from A to B over a link that marks every `nth` ECN-capable packet; checks the
/// bytes, and returns the world, and all that A sent.
fn transfer(asks: Ecn, nth: usize) -> (World, [estab_proto::ConnId; 2], Vec<Seg>) {
    let mut a = settings(asks, |_| ());
    a.addrs = config(A).addrs;
    let mut world = World::with(a, settings(Ecn::Passive, |_| ()));
    let (a, b) = world.establish();
    let mut count = 0;
    world.mark = Some(Box::new(move |side, _| {
        count += usize::from(side == A);
        side == A && count % nth == 0
    }));
    let sent = Rc::new(RefCell::new(Vec::new()));
    let seen = sent.clone();
    world.pass = Some(Box::new(move |side, seg| {
        if side == A {
            seen.borrow_mut().push(seg.clone());
        }
        true
    }));
    let bytes = Pattern::new(1).bytes(0, 1 << 20);
    world.write(A, a, &bytes);
    let mut received = Vec::new();
    world.run_to(Duration::from_secs(600), |world| {
        received.extend(world.read(B, b));
        received.len() == bytes.len() && world.stack(A).info(a).unwrap().unacked == 0
    });
    assert_eq!(received, bytes);
    let sent = sent.borrow().clone();
    (world, [a, b], sent)
}

// proves RFC3168-6.1.2#2
#[test]
fn marks_slow_a_sender_down_without_a_single_loss() {
    for asks in [Ecn::Classic, Ecn::Accurate] {
        let (free, ..) = transfer(asks, usize::MAX);
        let (world, [a, b], sent) = transfer(asks, 20);
        let (ours, theirs) = (
            world.stack(A).info(a).unwrap(),
            world.stack(B).info(b).unwrap(),
        );
        assert!(world.now > free.now, "{asks:?}");
        assert_eq!(ours.retransmits, 0);
        assert!(ours.ssthresh < u32::MAX);
        assert!(ours.delivered_ce > 0);
        let marked = sent
            .iter()
            .filter(|seg| seg.ecn() == EcnCodepoint::Ect0)
            .count()
            / 20;
        assert_eq!(theirs.received_ce as usize, marked);
        if asks == Ecn::Accurate {
            assert_eq!(ours.ecn, EcnMode::Accurate);
            assert_eq!(ours.delivered_ce, theirs.received_ce, "every mark is known");
        } else {
            assert_eq!(ours.ecn, EcnMode::Classic);
            let cwr = sent.iter().filter(|seg| seg.has(Flags::CWR)).count();
            assert!((1..=marked).contains(&cwr), "{cwr} of {marked}");
        }
    }
}

#[test]
fn everything_marked_still_arrives() {
    for asks in [Ecn::Classic, Ecn::Accurate] {
        let (world, [a, _], _) = transfer(asks, 1);
        let info = world.stack(A).info(a).unwrap();
        assert_eq!(info.retransmits, 0);
        assert!(info.cwnd >= info.snd_mss);
    }
}

/// RFC 3168's table of who may be marked, over all that one transfer with losses sends.
// proves RFC3168-6.1.4, RFC3168-6.1.5, RFC8311-4.2, RFC8311-4.3
#[test]
fn the_ip_header_of_everything_that_is_sent() {
    for asks in [Ecn::Classic, Ecn::Accurate] {
        let mut a = settings(asks, |_| ());
        a.addrs = config(A).addrs;
        let mut world = World::with(a, settings(Ecn::Passive, |_| ()));
        let mut highest = [None; 2];
        let wrong = Rc::new(RefCell::new(Vec::new()));
        let found = wrong.clone();
        let mut count = 0;
        world.pass = Some(Box::new(move |side, seg| {
            count += 1;
            let highest = &mut highest[side as usize];
            let new = !seg.text.is_empty() && highest.is_none_or(|end| seg.seq.after_eq(end));
            if !seg.text.is_empty() {
                *highest = Some(
                    highest.map_or(seg.end(), |end: estab_proto::SeqNumber| end.max(seg.end())),
                );
            }
            let expected = if new {
                EcnCodepoint::Ect0
            } else {
                EcnCodepoint::NotEct
            };
            if seg.ecn() != expected {
                found.borrow_mut().push(seg.clone());
            }
            count < 30 || count % 17 != 0
        }));
        let (a, b) = world.establish();
        world.write(A, a, &vec![5; 300_000]);
        world.write(B, b, &vec![6; 100_000]);
        let mut received = [0, 0];
        world.run_to(Duration::from_secs(600), |world| {
            received[0] += world.read(B, b).len();
            received[1] += world.read(A, a).len();
            received == [300_000, 100_000]
        });
        world.on(A, |stack, now| stack.close(now, a));
        world.on(B, |stack, now| stack.close(now, b));
        world.run_for(Duration::from_secs(1));
        assert!(wrong.borrow().is_empty(), "{asks:?} {:?}", wrong.borrow());
        assert!(world.stack(A).stats().retransmits > 0);
    }
}

/// Marks, losses, copies and packets that overtake each other, whatever is agreed: every byte
/// arrives, and every packet is one that may be sent.
#[test]
fn marks_among_all_other_faults() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let configs = [A, B].map(|side| {
            let mut it = settings(crate::SETTINGS[rng.below(4) as usize], |_| ());
            it.addrs = config(side).addrs;
            it.tcp.sack = rng.chance(0.8);
            it.tcp.timestamps = rng.chance(0.7);
            it
        });
        let faults = Faults {
            loss: 0.02,
            reorder: 0.02,
            duplicate: 0.01,
            corrupt: 0.01,
            jitter: Duration::from_millis(3),
            late: Duration::from_millis(30),
            ..Faults::none(Duration::from_millis(10))
        };
        let start = estab_proto::Instant::from_secs(1);
        let mut world = World::faulty(configs, [faults.clone(), faults], rng.fork(), start);
        let rate = [0.0, 0.02, 0.3, 1.0][rng.below(4) as usize];
        let mut marks = rng.fork();
        world.mark = Some(Box::new(move |_, _| marks.chance(rate)));
        let (a, b) = world.establish();
        let bytes = Pattern::new(seed).bytes(0, 150_000);
        world.write(A, a, &bytes);
        world.write(B, b, &bytes);
        let mut received = [Vec::new(), Vec::new()];
        world.run_to(Duration::from_secs(900), |world| {
            received[0].extend(world.read(A, a));
            received[1].extend(world.read(B, b));
            received.iter().all(|it| it.len() == bytes.len())
        });
        assert!(received.iter().all(|it| *it == bytes), "{seed}");
    }
}
