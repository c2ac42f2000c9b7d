use super::*;
use crate::{Node, Pipe};

const WITHIN: Duration = Duration::from_millis(10);

fn pipe(keep_one_in: u32) -> Pipe {
    let node = Node::ThinAcks {
        keep_one_in,
        within: WITHIN,
    };
    Pipe::new(&[node], 0)
}

/// A segment of the flow with this port, with `text` bytes of text; the last byte is its number.
fn segment(port: u8, number: u8, text: usize) -> Bytes {
    let mut packet = vec![0; 40 + text];
    packet[0] = 0x45;
    packet[3] = 40 + text as u8;
    packet[9] = 6;
    packet[20] = port;
    packet[32] = 0x50;
    packet[33] = 0x10;
    packet[35] = number;
    packet.into()
}

/// The numbers of what has arrived, with the time.
fn arrived(pipe: &mut Pipe, millis: u64) -> Vec<(u64, u8)> {
    std::iter::from_fn(|| pipe.poll_timed(Instant::from_millis(millis)))
        .map(|(at, packet)| (at.as_millis(), packet[35]))
        .collect()
}

#[test]
fn the_newest_of_each_n_goes() {
    let mut pipe = pipe(3);
    for number in 1..=8 {
        pipe.push(Instant::ZERO, segment(1, number, 0));
    }
    assert_eq!(arrived(&mut pipe, 0), [(0, 3), (0, 6)]);
    assert_eq!(pipe.stats().dropped().thinned, 5);
    // The last is not kept for ever.
    assert_eq!(pipe.next_deadline(), Some(Instant::ZERO + WITHIN));
    assert_eq!(arrived(&mut pipe, 10), [(10, 8)]);
    assert_eq!(pipe.stats().inside(), 0);
}

#[test]
fn time_runs_from_the_first_ack_held() {
    let mut pipe = pipe(100);
    for millis in [0, 4, 9, 11] {
        pipe.push(Instant::from_millis(millis), segment(1, millis as u8, 0));
    }
    assert_eq!(arrived(&mut pipe, 30), [(10, 9), (21, 11)]);
}

#[test]
fn other_segments_push_the_ack_of_their_flow_out_before_them() {
    let mut pipe = pipe(10);
    pipe.push(Instant::ZERO, segment(1, 1, 0));
    pipe.push(Instant::ZERO, segment(2, 2, 0));
    pipe.push(Instant::ZERO, segment(1, 3, 5));
    assert_eq!(arrived(&mut pipe, 0), [(0, 1), (0, 3)]);
    pipe.push(Instant::ZERO, Bytes::from_static(b"no segment"));
    assert_eq!(pipe.poll(Instant::ZERO).unwrap(), "no segment");
    assert_eq!(arrived(&mut pipe, 10), [(10, 2)]);
}

#[test]
fn one_in_one_is_all() {
    let mut pipe = pipe(1);
    for number in 0..5 {
        pipe.push(Instant::ZERO, segment(1, number, 0));
    }
    assert_eq!(arrived(&mut pipe, 0).len(), 5);
}

#[test]
#[should_panic(expected = "one ACK in 0")]
fn one_in_none_is_refused() {
    pipe(0);
}
