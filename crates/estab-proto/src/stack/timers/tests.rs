use estab_timer::Duration;

use crate::stack::testing::{Bench, Seg};

#[test]
fn an_early_call_does_nothing() {
    let mut bench = Bench::new();
    bench.listen(8);
    bench.send(&Seg::syn(100));
    bench.events();
    let due = bench.stack.poll_timeout().unwrap();
    bench.stack.handle_timeout(due - Duration::from_nanos(1));
    assert!(bench.output().is_empty());
    assert_eq!(bench.stack.poll_timeout(), Some(due));
    bench.now = due;
    bench.stack.handle_timeout(due);
    assert_eq!(bench.output().len(), 1);
}

#[test]
fn a_jump_of_a_month_fires_each_timer_once() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    bench.stack.send_slice(bench.now, id, b"x").unwrap();
    bench.send(&Seg::syn(100).port(1001));
    bench.now += Duration::from_secs(30 * 86_400);
    bench.stack.handle_timeout(bench.now);
    let out = bench.output();
    assert!(out.len() <= 2, "{out:?}");
    bench.events();
    assert!(bench.stack.poll_timeout().is_none_or(|at| at > bench.now));
}
