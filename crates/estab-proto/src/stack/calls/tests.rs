use bytes::Bytes;
use estab_timer::Duration;

use crate::error::CallError;
use crate::event::Event;
use crate::stack::testing::{Bench, Seg};
use crate::wire::tcp::Flags;

#[test]
fn chunks_come_without_a_copy_and_open_the_window_when_consumed() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, ack) = bench.accepted(listener, 1000);
    bench.send(&ack.text(&[7; 1000]));
    let chunk = bench.stack.take_chunk(id).unwrap().unwrap();
    assert_eq!(chunk, [7; 1000][..]);
    assert_eq!(bench.stack.take_chunk(id), Err(CallError::WouldBlock));
    bench.stack.consumed(bench.now, id, chunk.len());
    assert_eq!(bench.stack.readable(id), 0);
}

#[test]
fn a_full_send_buffer_says_so_and_tells_when_there_is_room() {
    let mut bench = Bench::with(|config| config.tcp.send_buffer.initial = 1000);
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    bench.events();
    bench.stack.set_nodelay(bench.now, id, true).unwrap();
    assert_eq!(bench.stack.send_room(id), 1000);
    // A whole piece goes in while there is any room.
    assert_eq!(bench.stack.send_slice(bench.now, id, &[1; 600]), Ok(600));
    assert_eq!(
        bench
            .stack
            .send(bench.now, id, Bytes::from_static(&[2; 900])),
        Ok(900)
    );
    assert_eq!(bench.stack.send_room(id), 0);
    assert_eq!(
        bench.stack.send_slice(bench.now, id, &[3]),
        Err(CallError::WouldBlock)
    );
    let out = bench.output();
    let text: usize = out.iter().map(|seg| seg.text.len()).sum();
    assert_eq!(text, 1500);
    bench.send(&Seg::answer(out.last().unwrap(), Flags::ACK));
    assert_eq!(bench.events(), [Event::Writable(id)]);
    assert!(bench.stack.send_room(id) >= 1000);
}

#[test]
fn half_closed_is_not_closed() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, ack) = bench.accepted(listener, 1000);
    bench.stack.shutdown(bench.now, id).unwrap();
    let fin = bench.output().pop().unwrap();
    assert!(fin.ctl.contains(Flags::FIN));
    assert_eq!(
        bench.stack.send_slice(bench.now, id, b"x"),
        Err(CallError::Closing)
    );
    bench.send(&Seg::answer(&fin, Flags::ACK).text(b"late"));
    assert_eq!(bench.stack.readable(id), 4);
    let mut buf = [0; 2];
    assert_eq!(bench.stack.peek(id, &mut buf), Ok(2));
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(2));
    assert_eq!(&buf, b"la");
    assert_eq!(ack.src.port(), 1000);
}

#[test]
fn urgent_bytes_are_marked() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    bench.stack.send_urgent(bench.now, id, b"!").unwrap();
    let out = bench.output().pop().unwrap();
    assert!(out.ctl.contains(Flags::URG));
    assert_eq!(bench.stack.urgent_remaining(id), None);
}

#[test]
fn the_rate_of_an_open_connection_may_be_bounded() {
    let mut bench = Bench::with(|config| config.tcp.send_buffer.initial = 100_000);
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    assert_eq!(bench.stack.max_pacing_rate(id), Some(None));
    let written = bench.stack.send_slice(bench.now, id, &[1; 60_000]);
    assert_eq!(written, Ok(60_000));
    let last = bench.output().pop().unwrap();

    let (now, rate) = (bench.now, Some(10_000));
    bench.stack.set_max_pacing_rate(now, id, rate).unwrap();
    assert_eq!(bench.stack.max_pacing_rate(id), Some(rate));
    bench.now += Duration::from_millis(20);
    let text = |out: &[Seg]| out.iter().map(|seg| seg.text.len()).sum::<usize>();
    let out = bench.send(&Seg::answer(&last, Flags::ACK));
    assert!((1..=3000).contains(&text(&out)));

    let now = bench.now;
    bench.stack.set_max_pacing_rate(now, id, None).unwrap();
    assert!(text(&bench.output()) > 3000);
}
