use super::*;

const TARGET: Duration = Duration::from_millis(5);
const INTERVAL: Duration = Duration::from_millis(100);
const LEN: u64 = 1500;

/// Judges packets that all waited for `waited`, one a millisecond, with a long queue behind them;
/// returns the milliseconds at which packets were dropped.
fn drops(codel: &mut CoDel, span: std::ops::Range<u64>, waited: Duration) -> Vec<u64> {
    let mut drops = Vec::new();
    for millis in span {
        let now = Instant::from_millis(millis);
        while codel.judge(now, waited, 100 * LEN, LEN, false) == Verdict::Drop {
            drops.push(millis);
        }
    }
    drops
}

fn codel() -> CoDel {
    CoDel::new(TARGET, INTERVAL, true)
}

#[test]
fn it_drops_after_an_interval_above_the_target_and_then_by_the_square_root() {
    let mut codel = codel();
    // 100 ms after the first packet that waited too long; then 100/√1, 100/√2, … later.
    assert_eq!(
        drops(&mut codel, 10..500, Duration::from_millis(6)),
        [110, 210, 281, 339, 389, 434, 474]
    );
}

#[test]
fn a_delay_below_the_target_is_left_alone() {
    let mut codel = codel();
    assert_eq!(drops(&mut codel, 0..1000, Duration::from_micros(4_999)), []);
    assert_eq!(drops(&mut codel, 1000..2000, TARGET).first(), Some(&1100));
}

#[test]
fn one_good_packet_ends_the_dropping() {
    let mut codel = codel();
    let bad = Duration::from_millis(50);
    assert_eq!(drops(&mut codel, 0..150, bad), [100]);
    assert_eq!(drops(&mut codel, 150..151, Duration::ZERO), []);
    // A new interval, counted from the next packet that waits too long.
    assert_eq!(drops(&mut codel, 151..252, bad), [251]);
}

#[test]
fn it_resumes_near_the_rate_it_had_if_that_is_not_long_ago() {
    let bad = Duration::from_millis(50);
    let spacing = |pause: u64| {
        let mut codel = codel();
        let first = drops(&mut codel, 0..1000, bad);
        assert!(first.len() > 20);
        drops(&mut codel, 1000..1001, Duration::ZERO);
        let again = drops(&mut codel, 1000 + pause..1000 + pause + 300, bad);
        again[1] - again[0]
    };
    assert!(spacing(1) < 25);
    assert_eq!(spacing(2_000), 100);
}

#[test]
fn a_queue_of_one_packet_is_no_bad_queue() {
    let mut codel = codel();
    for millis in 0..1000 {
        let now = Instant::from_millis(millis);
        let verdict = codel.judge(now, Duration::from_secs(1), LEN, LEN, false);
        assert_eq!(verdict, Verdict::Send);
    }
}

#[test]
fn an_empty_queue_ends_it() {
    let mut codel = codel();
    let bad = Duration::from_millis(50);
    assert_eq!(drops(&mut codel, 0..101, bad), [100]);
    codel.on_empty();
    assert_eq!(drops(&mut codel, 101..202, bad), [201]);
}

/// A mark takes the place of a drop, and the packets after it are judged by the same schedule.
#[test]
fn packets_capable_of_ecn_are_marked_at_the_same_times() {
    let mut codel = codel();
    let mut marks = Vec::new();
    for millis in 10..500 {
        let now = Instant::from_millis(millis);
        match codel.judge(now, Duration::from_millis(6), 100 * LEN, LEN, true) {
            Verdict::Mark => marks.push(millis),
            verdict => assert_eq!(verdict, Verdict::Send),
        }
    }
    assert_eq!(marks, [110, 210, 281, 339, 389, 434, 474]);
}
