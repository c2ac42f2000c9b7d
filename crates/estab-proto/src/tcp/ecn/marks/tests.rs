use super::*;
use EcnCodepoint::{Ce, Ect0, Ect1, NotEct};

fn counters(marks: &Marks) -> (Option<u32>, Option<u32>, Option<u32>) {
    let option = marks.option_now();
    (option.e0b(), option.ceb(), option.e1b())
}

// proves RFC9768-3.2.1
#[test]
fn the_counters_begin_where_zeroes_can_be_told() {
    let marks = Marks::new();
    assert_eq!(marks.ace(), 0b101);
    assert_eq!(counters(&marks), (Some(1), Some(0), Some(1)));
}

// proves RFC9768-3.2.2.2
#[test]
fn a_marked_syn_ack_counts_once() {
    let mut marks = Marks::new();
    marks.on_marked_syn_ack();
    marks.on_marked_syn_ack();
    assert_eq!(marks.ace(), 6);
}

// proves RFC9768-3.2,3.2.2
#[test]
fn packets_and_bytes_are_counted_by_their_field() {
    let mut marks = Marks::new();
    marks.on_segment(NotEct, 1, 100, false);
    assert_eq!((marks.ace(), counters(&marks).1), (5, Some(0)));
    marks.on_segment(Ect0, 1, 100, false);
    marks.on_segment(Ect1, 1, 10, false);
    marks.on_segment(Ce, 1, 1000, false);
    // A bare acknowledgement has no bytes, but it counts.
    marks.on_segment(Ce, 1, 0, false);
    assert_eq!(marks.ace(), 7);
    assert_eq!(counters(&marks), (Some(101), Some(1000), Some(11)));
    // Joined by the device: each of them was marked.
    marks.on_segment(Ce, 3, 3000, false);
    assert_eq!(marks.ace(), 2, "three bits");
}

// proves RFC9768-3.2.2.5.1
#[test]
fn enough_marks_make_an_acknowledgement_due() {
    // With data: the second, and the first after one that was not marked.
    let mut marks = Marks::new();
    assert!(marks.on_segment(Ce, 1, 10, false));
    marks.on_sent(Instant::ZERO, false);
    assert!(!marks.on_segment(Ce, 1, 10, false));
    assert!(marks.on_segment(Ce, 1, 10, true));
    marks.on_sent(Instant::ZERO, false);
    assert!(!marks.on_segment(Ect0, 1, 10, false));
    assert!(marks.on_segment(Ce, 1, 10, false), "a change");

    // Without: the third.
    let mut marks = Marks::new();
    let due = [(); 3].map(|()| marks.on_segment(Ce, 1, 0, false));
    assert_eq!(due, [false, false, true]);
    marks.on_sent(Instant::ZERO, false);
    // Data that waits changes that.
    assert!(!marks.on_segment(Ce, 1, 0, true));
    assert!(marks.on_segment(Ce, 1, 0, true));
}

#[test]
fn the_option_goes_out_at_the_start_and_after_a_change() {
    let now = Instant::from_millis(5);
    let mut marks = Marks::new();
    assert_eq!(marks.option().map(|it| it.len()), Some(11), "all at first");
    marks.on_sent(now, false);
    assert!(marks.option().is_some(), "no room does not count");
    marks.on_sent(now, true);
    marks.on_sent(now, true);
    assert_eq!(marks.option(), None);

    marks.on_segment(Ect0, 1, 10, false);
    assert_eq!(marks.option().map(|it| it.len()), Some(8), "without ECT(1)");
    marks.on_sent(now, true);
    marks.on_sent(now, true);
    marks.on_segment(Ect0, 1, 10, false);
    assert_eq!(marks.option(), None, "the same again");
    marks.on_segment(Ect1, 1, 10, false);
    assert_eq!(marks.option().map(|it| it.len()), Some(11));
}

#[test]
fn counters_that_go_on_are_told_from_time_to_time() {
    let rtt = Some(Duration::from_millis(40));
    let mut now = Instant::from_millis(5);
    let mut marks = Marks::new();
    marks.on_sent(now, true);
    marks.on_sent(now, true);
    let mut options = 0;
    for _ in 0..100 {
        now += Duration::from_millis(1);
        marks.tick(now, rtt);
        let option = marks.option().is_some();
        options += u32::from(option);
        marks.on_sent(now, option);
    }
    assert_eq!(options, 10, "four a round trip");
}
