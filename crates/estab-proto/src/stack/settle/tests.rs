use alloc::vec;
use alloc::vec::Vec;

use estab_timer::Duration;

use crate::stack::testing::{Bench, Seg};
use crate::wire::tcp::Flags;

/// Round trips of each test.
const ROUNDS: u64 = 500;

/// Segments a round trip, each acknowledged for itself.
const SEGMENTS: u64 = 8;

/// So many connections, each of which sends in every round trip of a millisecond and hears an
/// acknowledgement of each segment, all of them in turn.
fn transfer(flows: u16) -> Bench {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let flows: Vec<_> = (0..flows)
        .map(|nth| bench.accepted(listener, 1000 + nth).0)
        .collect();
    for _ in 0..ROUNDS {
        let mut acks = Vec::new();
        for &id in &flows {
            let mss = bench.stack.info(id).map_or(0, |info| info.snd_mss as usize);
            let text = vec![7; mss * SEGMENTS as usize];
            let taken = bench.stack.send_slice(bench.now, id, &text);
            assert_eq!(taken, Ok(text.len()));
            let out = bench.output();
            assert_eq!(out.len() as u64, SEGMENTS);
            for (nth, seg) in out.iter().enumerate() {
                acks.push((nth, Seg::answer(seg, Flags::ACK)));
            }
        }
        bench.sleep(Duration::from_millis(1));
        acks.sort_by_key(|(nth, _)| *nth);
        for (_, ack) in &acks {
            bench.ask_in_vain(ack);
        }
        bench.events();
    }
    bench
}

#[test]
fn an_acknowledgement_costs_no_work_in_the_timing_wheel() {
    let bench = transfer(1);
    let (acks, moves) = (ROUNDS * SEGMENTS, bench.stack.stats().timer_moves);
    assert!(moves * 10 <= acks, "{moves} moves for {acks} ACKs");
}

#[test]
fn a_packet_is_hashed_once_and_not_if_it_follows_one_of_the_same_connection() {
    let bench = transfer(1);
    let stats = bench.stack.stats();
    assert!(stats.segments_in > ROUNDS * SEGMENTS);
    // The SYN and the handshake's last ACK, then nobody else came.
    assert!(stats.flow_lookups <= 3, "{} lookups", stats.flow_lookups);

    let bench = transfer(3);
    let stats = bench.stack.stats();
    assert!(stats.flow_lookups <= stats.segments_in);
    assert!(stats.flow_lookups > stats.segments_in / 2);
}
