use super::*;

const START: SeqNumber = SeqNumber::new(u32::MAX - 10_000);

/// Acknowledges rounds of ten segments of 1000 bytes, of which `marks` says how many are marked; gives
/// the round after which it was enough.
fn rounds(marks: impl Fn(u32) -> u32) -> Option<u32> {
    let mut scrutiny = Scrutiny::default();
    (0..1000).find(|&round| {
        let first = START + round * 10_000;
        (1..=10).any(|segment| {
            let marked = u32::from(segment <= marks(round)) * 1000;
            scrutiny.on_ack(
                first + segment * 1000,
                first + 10_000 + segment * 1000,
                1000,
                marked,
            )
        })
    })
}

#[test]
fn everything_marked_for_sixteen_rounds_is_enough() {
    // The first acknowledgment begins the first round.
    assert_eq!(rounds(|_| 10), Some(15));
    assert_eq!(rounds(|_| 9), Some(15));
}

#[test]
fn a_round_that_is_not_marked_throughout_starts_the_count_over() {
    assert_eq!(rounds(|_| 8), None);
    assert_eq!(rounds(|round| if round % 15 == 0 { 5 } else { 10 }), None);
    assert_eq!(rounds(|round| if round == 10 { 0 } else { 10 }), Some(27));
}

#[test]
fn acknowledgments_that_deliver_nothing_say_nothing() {
    let mut scrutiny = Scrutiny::default();
    for _ in 0..1000 {
        assert!(!scrutiny.on_ack(START, START, 0, 0));
    }
    // Nor do those within a round: it counts once.
    for segment in 0..1000 {
        assert!(!scrutiny.on_ack(START + segment, START + 1_000_000, 1, 1));
    }
}

/// Where everything is sent as ECN-capable by design, as by DCTCP, it may be enough for ever.
#[test]
fn the_count_of_rounds_has_an_end() {
    let mut scrutiny = Scrutiny::default();
    for round in 1..1000 {
        let ack = START + round * 1000;
        let enough = scrutiny.on_ack(ack, ack + 1000, 1000, 1000);
        assert_eq!(enough, round >= 16, "{round}");
    }
}
