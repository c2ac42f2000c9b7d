use alloc::vec::Vec;

use estab_timer::Duration;

use super::CROWD;
use crate::stack::ConnId;
use crate::stack::testing::{Bench, Seg};
use crate::wire::tcp::Flags;

/// Accepts `count` connections, one every `apart`.
fn crowd(bench: &mut Bench, count: usize, apart: Duration) -> Vec<(ConnId, Seg)> {
    let listener = bench.listen(8);
    (0..count)
        .map(|nth| {
            bench.now += apart;
            let accepted = bench.accepted(listener, 1 + nth as u16);
            bench.events();
            accepted
        })
        .collect()
}

fn awake(bench: &Bench) -> usize {
    let counts = bench.stack.counts();
    counts.connections - counts.dormant
}

#[test]
fn a_crowd_that_opens_does_not_stay_awake() {
    let mut bench = Bench::new();
    crowd(&mut bench, 3000, Duration::from_micros(200));
    assert_eq!(bench.stack.counts().connections, 3000);
    assert!(awake(&bench) <= CROWD + 1, "{} awake", awake(&bench));
    // No timer of those that were put away is left.
    assert!(bench.stack.counts().timers <= CROWD + 1);
    bench.sleep_through(Duration::from_secs(2));
    assert_eq!((awake(&bench), bench.stack.counts().timers), (0, 0));
}

#[test]
fn those_that_just_came_are_left_alone() {
    let mut bench = Bench::new();
    crowd(&mut bench, 300, Duration::from_micros(10));
    assert_eq!(bench.stack.counts().dormant, 0);
}

#[test]
fn few_stay_awake_for_their_time() {
    let mut bench = Bench::new();
    crowd(&mut bench, CROWD, Duration::from_millis(3));
    assert_eq!(bench.stack.counts().dormant, 0);
}

#[test]
fn who_was_woken_stays_awake_as_long_as_any() {
    let mut bench = Bench::new();
    let all = crowd(&mut bench, 2 * CROWD, Duration::from_millis(1));
    let (id, ack) = all.into_iter().next().unwrap();
    let before = awake(&bench);
    bench.send(&ack.text(b"hello"));
    bench.stack.recv(bench.now, id, &mut [0; 8]).unwrap();
    bench.output();
    bench.events();
    assert_eq!(awake(&bench), before + 1);
    bench.sleep_through(Duration::from_millis(900));
    assert!(bench.stack.conns.get(id).is_some());
    bench.stack.abort(bench.now, id);
    assert!(bench.output().pop().unwrap().ctl.contains(Flags::RST));
}

#[test]
fn keepalive_goes_on_in_a_crowd() {
    let mut bench = Bench::with(|config| config.tcp.keepalive = Some(Default::default()));
    crowd(&mut bench, 2 * CROWD, Duration::from_millis(1));
    assert!(bench.stack.counts().dormant > 0);
    assert_eq!(bench.stack.counts().timers, 2 * CROWD);
    let probes = bench.sleep(Duration::from_secs(7_250));
    assert!(probes.len() >= 2 * CROWD);
}

#[test]
fn where_nothing_is_put_away_nothing_is_remembered() {
    let mut bench = Bench::with(|config| config.dormant_after = None);
    crowd(&mut bench, 2 * CROWD, Duration::from_millis(1));
    assert_eq!(
        (bench.stack.counts().dormant, bench.stack.fresh.len()),
        (0, 0)
    );
}
