use super::*;
use crate::wire::tcp::AccEcnOrder;

const MSS: u32 = 1000;

fn option(e0b: u32, ceb: u32) -> AccEcn {
    AccEcn::new(AccEcnOrder::E0bFirst, &[e0b, ceb])
}

/// Reads a count without option.
fn count(told: &mut Feedback, ace: u32, packets: u32) -> u32 {
    told.read((ace & 7) as u8, None, None, packets * MSS, MSS)
        .packets
}

/// Reads a count with the option.
fn with(told: &mut Feedback, ace: u32, option: AccEcn, bytes: u32) -> Report {
    told.read((ace & 7) as u8, Some(&option), None, bytes, MSS)
}

// proves RFC9768-3.2.2.5.2
#[test]
fn a_count_that_cannot_have_wrapped_is_what_it_says() {
    for marked in 0..8 {
        for before in 0..20 {
            let mut told = Feedback::new();
            told.cep += before;
            let ace = told.cep + marked;
            assert_eq!(count(&mut told, ace, 7), marked);
            assert_eq!(count(&mut told, ace, 7), 0, "only once");
        }
    }
}

// proves RFC9768-3.2.2.5.2
#[test]
fn a_count_that_may_have_wrapped_is_read_on_the_safe_side() {
    for (marked, packets, safest) in [
        (0, 8, 8),
        (1, 8, 1),
        (1, 9, 9),
        (3, 10, 3),
        (2, 10, 10),
        (0, 23, 16),
        (7, 23, 23),
    ] {
        let mut told = Feedback::new();
        let ace = told.cep + marked;
        assert_eq!(
            count(&mut told, ace, packets),
            safest,
            "{marked} of {packets}"
        );
        assert_eq!(told.cep % 8, ace % 8);
    }
}

// proves RFC9768-3.2.2.5.2
#[test]
fn the_option_tells_how_often_it_wrapped() {
    let read = |marked: u32, packets: u32| {
        let mut told = Feedback::new();
        let unmarked = packets - marked;
        let option = option(1 + unmarked * MSS, marked * MSS);
        with(&mut told, 5 + marked, option, packets * MSS)
    };
    for marked in 0..=40 {
        let report = read(marked, 40);
        assert_eq!((report.packets, report.bytes), (marked, marked * MSS));
    }
}

#[test]
fn the_bytes_of_a_count_alone_are_full_segments() {
    let mut told = Feedback::new();
    let report = told.read(7, None, None, 5 * MSS, MSS);
    assert_eq!((report.packets, report.bytes), (2, 2 * MSS));
    let report = told.read(1, None, None, 100, MSS);
    assert_eq!(
        (report.packets, report.bytes),
        (2, 100),
        "no more than arrived"
    );
}

// proves RFC9768-3.2.2.2
#[test]
fn a_marked_syn_ack_is_no_news() {
    let mut told = Feedback::new();
    told.on_marked_syn_ack();
    assert_eq!(count(&mut told, 6, 1), 0);
}

// proves RFC9768-3.2.2.4
#[test]
fn any_first_count_is_taken() {
    for ace in 0..8 {
        let mut told = Feedback::new();
        assert_eq!(count(&mut told, ace, 1), (ace + 8 - 5) % 8);
    }
}

#[test]
fn counters_that_shrink_are_passed_over() {
    let mut told = Feedback::new();
    with(&mut told, 6, option(4001, 1000), 5000);
    let report = with(&mut told, 6, option(2001, 500), 1000);
    assert_eq!(report, Report::default());
    assert_eq!((told.e0b, told.ceb), (4001, 1000));
    let report = with(&mut told, 7, option(5001, 2000), 2000);
    assert_eq!((report.packets, report.bytes), (1, 1000));
}

#[test]
fn the_24_bits_go_round() {
    let mut told = Feedback::new();
    let mut bytes = 0u32;
    for _ in 0..10 {
        bytes += 4_000_000;
        let option = option(1, bytes);
        let report = told.read(5, Some(&option), None, 4_000_000, MSS);
        assert_eq!(report.bytes, 4_000_000);
    }
}

#[test]
fn an_option_that_somebody_clears_is_not_read() {
    let mut told = Feedback::new();
    let cleared = option(0, 0);
    told.on_syn_ack(Some(&cleared));
    let report = with(&mut told, 5, option(8001, 0), 8 * MSS);
    assert_eq!(report.packets, 8, "as without it");
    // Later zeroes are counters that went round.
    let mut told = Feedback::new();
    with(&mut told, 5, option(2, 0), 1);
    told.e0b = 0xff_ffff;
    with(&mut told, 5, option(0, 0), 1);
    assert_eq!(told.option, Option24::Good);
}

#[test]
fn an_option_that_comes_too_late_says_nothing() {
    let mut told = Feedback::new();
    for _ in 0..SILENCE / (7 * MSS) + 1 {
        assert_eq!(count(&mut told, 5, 7), 0);
    }
    let report = with(&mut told, 5, option(77, 0), 8 * MSS);
    assert_eq!(report.packets, 8);
}

#[test]
fn an_older_segment_is_known_by_its_timestamp() {
    let mut told = Feedback::new();
    assert!(told.is_later(Some(7)));
    assert!(!told.is_later(None));
    told.read(5, None, Some(u32::MAX), MSS, MSS);
    assert!(told.is_later(Some(0)), "they wrap");
    assert!(!told.is_later(Some(u32::MAX)));
    assert!(!told.is_later(Some(u32::MAX - 1)));
}

/// Whatever a peer tells: no more bytes than arrived, and no overflow.
#[test]
fn lies_stay_within_what_arrived() {
    let mut told = Feedback::new();
    let mut word = 1u32;
    for _ in 0..10_000 {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let delivered = (word >> 7) % 100_000;
        let lie = option(word, word.rotate_left(9));
        let option = (word & 3 != 0).then_some(&lie);
        let report = told.read((word >> 29) as u8, option, Some(word), delivered, MSS);
        assert!(report.bytes <= delivered);
        assert!(report.packets <= delivered.div_ceil(MSS).max(7));
    }
}
