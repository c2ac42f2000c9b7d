use bytes::Bytes;

use super::*;

#[test]
fn words_become_nodes() {
    let builder = Path::builder()
        .rtt(Duration::from_millis(100))
        .rate(Bandwidth::mbit(20))
        .queue_bdp(0.5)
        .loss(0.01)
        .reorder(0.02, Duration::from_millis(3))
        .there(Node::Duplicate(0.1))
        .back(Node::Corrupt(0.2));
    let (there, back) = builder.nodes();
    let common = [
        Node::Queue(Queue::DropTail { bytes: 125_000 }),
        Node::Rate(Bandwidth::mbit(20)),
        Node::Loss(Loss::Uniform(0.01)),
        Node::Delay(Duration::from_millis(50)),
        Node::Reorder {
            probability: 0.02,
            delay: Duration::from_millis(3),
        },
    ];
    assert_eq!(there[..5], common);
    assert_eq!(there[5..], [Node::Duplicate(0.1)]);
    assert_eq!(back[..5], common);
    assert_eq!(back[5..], [Node::Corrupt(0.2)]);
}

#[test]
fn a_queue_in_round_trips_holds_two_packets_at_least() {
    let builder = Path::builder().rate(Bandwidth::mbit(1)).queue_bdp(0.1);
    let (there, _) = builder.nodes();
    assert_eq!(there[0], Node::Queue(Queue::DropTail { bytes: 3_000 }));
}

#[test]
#[should_panic(expected = "a queue needs a rate")]
fn a_queue_needs_a_rate() {
    Path::builder().queue_bdp(1.0).build();
}

#[test]
#[should_panic(expected = "directly before a rate")]
fn a_queue_without_a_transmitter_is_refused() {
    Path::builder().queue(Queue::codel(10_000, true)).build();
}

#[test]
fn the_directions_draw_differently() {
    let mut path = Path::builder().loss(0.5).seed(9).build();
    for number in 0..200u8 {
        path.there.push(Instant::ZERO, Bytes::from(vec![number]));
        path.back.push(Instant::ZERO, Bytes::from(vec![number]));
    }
    let all = |pipe: &mut Pipe| -> Vec<Bytes> {
        std::iter::from_fn(|| pipe.poll(Instant::ZERO)).collect()
    };
    assert_ne!(all(&mut path.there), all(&mut path.back));
}

#[test]
fn the_earlier_direction_decides_the_deadline() {
    let mut path = Path::builder().rtt(Duration::from_millis(20)).build();
    path.back
        .push(Instant::from_millis(3), Bytes::from_static(b"b"));
    assert_eq!(path.next_deadline(), Some(Instant::from_millis(13)));
    path.there
        .push(Instant::from_millis(1), Bytes::from_static(b"a"));
    assert_eq!(path.next_deadline(), Some(Instant::from_millis(11)));
}
