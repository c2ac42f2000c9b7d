use core::mem::size_of;

use estab_timer::Duration;

use super::TimeWait;
use crate::addr::FourTuple;
use crate::event::Event;
use crate::stack::testing::{Bench, Seg, peer, server};
use crate::stats::Counts;
use crate::tcp::State;
use crate::wire::tcp::Flags;

#[test]
fn a_record_is_small() {
    assert!(
        size_of::<TimeWait>() <= 68,
        "{} bytes",
        size_of::<TimeWait>()
    );
}

#[test]
fn the_record_stays_for_two_lifetimes_of_a_segment() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    bench.stack.close(bench.now, id);
    let fin = bench.output().pop().unwrap();
    bench.send(&Seg::answer(&fin, Flags::FIN | Flags::ACK));
    let tuple = FourTuple {
        local: server(),
        remote: peer(1000),
    };
    assert_eq!(bench.stack.status(&tuple), State::TimeWait);
    let counts = bench.stack.counts();
    assert_eq!(
        (counts.connections, counts.time_wait, counts.buffer_bytes),
        (0, 1, 0)
    );
    bench.sleep(Duration::from_millis(59_999));
    assert_eq!(bench.stack.status(&tuple), State::TimeWait);
    bench.sleep(Duration::from_millis(1));
    assert_eq!(
        bench.stack.counts(),
        Counts {
            listeners: 1,
            ..Counts::default()
        }
    );
}

#[test]
fn a_handle_stays_readable_beside_the_record() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    bench.stack.shutdown(bench.now, id).unwrap();
    let fin = bench.output().pop().unwrap();
    bench.send(&Seg::answer(&fin, Flags::FIN | Flags::ACK).text(b"last words"));
    assert_eq!(bench.stack.state(id), Some(State::TimeWait));
    assert!(bench.events().contains(&Event::Closed(id, None)));
    bench.sleep(Duration::from_secs(60));
    assert_eq!(bench.stack.state(id), Some(State::Closed));
    let mut buf = [0; 32];
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(10));
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(0));
    bench.stack.close(bench.now, id);
    assert_eq!(
        bench.stack.counts(),
        Counts {
            listeners: 1,
            ..Counts::default()
        }
    );
}

#[test]
fn at_the_cap_the_oldest_goes() {
    let mut bench = Bench::with(|config| config.limits.max_time_wait = 3);
    let listener = bench.listen(8);
    let mut handles = alloc::vec::Vec::new();
    for port in 1..=5 {
        let (id, _) = bench.accepted(listener, port);
        bench.stack.shutdown(bench.now, id).unwrap();
        let fin = bench.output().pop().unwrap();
        bench.send(&Seg::answer(&fin, Flags::FIN | Flags::ACK));
        handles.push(id);
        assert!(bench.stack.counts().time_wait <= 3);
    }
    assert_eq!(bench.stack.stats().time_wait_overflows, 2);
    let state = |port| {
        bench.stack.status(&FourTuple {
            local: server(),
            remote: peer(port),
        })
    };
    assert_eq!((state(2), state(3)), (State::Listen, State::TimeWait));
    assert_eq!(bench.stack.state(handles[0]), Some(State::Closed));
    assert_eq!(bench.stack.state(handles[4]), Some(State::TimeWait));
}
