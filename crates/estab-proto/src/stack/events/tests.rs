use crate::error::ConnectionError;
use crate::event::Event;
use crate::stack::testing::{Bench, Seg};
use crate::wire::tcp::Flags;

#[test]
fn a_hundred_packets_are_one_event() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, ack) = bench.accepted(listener, 1000);
    bench.events();
    for n in 0..100 {
        let mut seg = ack.clone().text(b"x");
        seg.seq = seg.seq.wrapping_add(n);
        bench.send(&seg);
    }
    assert_eq!(bench.events(), [Event::Readable(id)]);
    assert_eq!(bench.stack.readable(id), 100);
}

#[test]
fn the_end_is_told_last() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, ack) = bench.accepted(listener, 1000);
    bench.events();
    bench.send(&ack.clone().text(b"x"));
    let mut reset = Seg::new(Flags::RST, ack.seq.wrapping_add(1), 0);
    reset.src = ack.src;
    bench.send(&reset);
    let events = bench.events();
    assert_eq!(events.first(), Some(&Event::Readable(id)));
    assert_eq!(
        events.last(),
        Some(&Event::Closed(id, Some(ConnectionError::Reset)))
    );
    let mut buf = [0; 4];
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(1));
}

#[test]
fn nobody_hears_of_a_released_connection() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, ack) = bench.accepted(listener, 1000);
    bench.events();
    bench.stack.close(bench.now, id);
    bench.output();
    bench.send(&ack.text(b"x"));
    assert_eq!(bench.events(), []);
}

#[test]
fn one_event_for_many_connections_to_accept() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    for port in 1000..1005 {
        bench.handshake(port);
    }
    assert_eq!(bench.events(), [Event::Listener(listener)]);
    bench.handshake(1005);
    assert_eq!(bench.events(), [Event::Listener(listener)]);
}

#[test]
#[should_panic(expected = "drive rule")]
#[cfg(debug_assertions)]
fn reading_the_deadline_with_events_untold_is_a_bug() {
    let mut bench = Bench::new();
    bench.listen(8);
    bench.handshake(1000);
    bench.stack.poll_timeout();
}
