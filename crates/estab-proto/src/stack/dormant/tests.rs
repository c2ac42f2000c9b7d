use estab_timer::Duration;

use crate::congestion::Algorithm;
use crate::stack::testing::{Bench, Seg};
use crate::wire::tcp::Flags;

/// Longer than a connection stays awake.
const QUIET: Duration = Duration::from_secs(2);

#[test]
fn a_quiet_connection_is_put_away_and_woken_by_whatever_touches_it() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, ack) = bench.accepted(listener, 1000);
    let dormant = |bench: &Bench| bench.stack.counts().dormant;
    assert_eq!(dormant(&bench), 0);
    bench.sleep_through(QUIET);
    assert_eq!(dormant(&bench), 1);
    assert_eq!(bench.stack.poll_timeout(), None);

    bench.send(&ack.text(b"awake?"));
    assert_eq!((dormant(&bench), bench.stack.readable(id)), (0, 6));
    bench.sleep_through(QUIET);
    assert_eq!(dormant(&bench), 0, "there is something to read");
    let mut buf = [0; 8];
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(6));
    bench.output();
    bench.events();
    bench.sleep_through(QUIET);
    assert_eq!(dormant(&bench), 1);

    bench.stack.set_nodelay(bench.now, id, true).unwrap();
    assert_eq!(dormant(&bench), 0);
    bench.sleep_through(QUIET);
    assert_eq!((dormant(&bench), bench.stack.nodelay(id)), (1, Some(true)));
    bench.stack.abort(bench.now, id);
    assert!(bench.output().pop().unwrap().ctl.contains(Flags::RST));
}

#[test]
fn looking_at_a_dormant_connection_leaves_it_so() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    bench.sleep_through(QUIET);
    let stack = &mut bench.stack;
    assert!(stack.info(id).is_some() && stack.send_room(id) > 0);
    assert!(stack.take_chunk(id).is_err());
    assert_eq!(stack.counts().dormant, 1);
}

#[test]
fn one_that_was_put_away_in_the_accept_queue_is_put_away_again() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    bench.handshake(1000);
    bench.sleep_through(QUIET);
    assert_eq!(bench.stack.counts().dormant, 1);
    assert!(bench.stack.accept(listener).is_some());
    bench.events();
    bench.sleep_through(QUIET);
    assert_eq!(bench.stack.counts().dormant, 1);
}

#[test]
fn keepalive_goes_on() {
    let mut bench = Bench::with(|config| config.tcp.keepalive = Some(Default::default()));
    let listener = bench.listen(8);
    bench.accepted(listener, 1000);
    bench.sleep_through(QUIET);
    assert_eq!(bench.stack.counts().dormant, 1);
    let heard = bench.now - QUIET;
    let probes = bench.sleep(Duration::from_secs(7_300));
    let (at, probe) = probes.first().expect("a probe");
    assert_eq!(*at, heard + Duration::from_secs(7_200));
    bench.send(&Seg::answer(probe, Flags::ACK));
    bench.sleep_through(QUIET);
    assert_eq!(bench.stack.counts().dormant, 1);
}

#[test]
fn so_is_one_under_dctcp() {
    let mut bench = Bench::with(|config| config.tcp.congestion = Algorithm::Dctcp);
    let listener = bench.listen(8);
    let (id, ack) = bench.accepted(listener, 1000);
    bench.stack.send_slice(bench.now, id, b"hello").unwrap();
    let text = bench.output().pop().unwrap();
    bench.send(&Seg::answer(&text, Flags::ACK).stamp(600, ack.ack));
    let before = bench.stack.info(id).unwrap().cwnd;
    bench.sleep_through(QUIET);
    assert_eq!(bench.stack.counts().dormant, 1);
    assert_eq!(bench.stack.info(id).unwrap().cwnd, before);
}

/// A peer can wake a connection as often as it likes, and have it put away again once a second at most:
/// each time costs the same, and nothing is left behind.
#[test]
fn waking_and_sleeping_all_day_costs_no_more_each_time() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, ack) = bench.accepted(listener, 1000);
    bench.sleep_through(QUIET);
    let (info, counts) = (bench.stack.info(id).unwrap(), bench.stack.counts());
    let moves = bench.stack.stats().timer_moves;
    for round in 1..=500 {
        // A burst of what says nothing: duplicates, and text far beyond the window.
        for _ in 0..3 {
            bench.send(&ack);
        }
        bench.send(&Seg {
            seq: ack.seq.wrapping_add(0x4000_0000),
            ..ack.clone().text(b"far away")
        });
        bench.output();
        assert_eq!(bench.stack.counts().dormant, 0);
        bench.sleep_through(QUIET);
        assert_eq!(bench.stack.counts(), counts, "{round}");
        assert!(bench.stack.stats().timer_moves - moves <= 8 * round);
    }
    let after = bench.stack.info(id).unwrap();
    assert!(
        after.memory <= info.memory + 16,
        "{} {}",
        after.memory,
        info.memory
    );
}
