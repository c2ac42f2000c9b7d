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

/// The schedule of RFC 8289 §3.3: n drops take the sum of interval / √k, to the nanosecond.
#[test]
fn the_control_law_is_exact() {
    let mut codel = codel();
    for count in 1..10_000u64 {
        codel.count = count;
        let step = codel.control_law(Instant::ZERO).as_nanos();
        let square = u128::from(step).pow(2) * u128::from(count);
        let next = u128::from(step + 1).pow(2) * u128::from(count);
        let interval = INTERVAL.as_nanos().pow(2);
        assert!(square <= interval && interval < next, "{count}");
    }
}

/// RFC 8289 §5: what counts when the dropping begins anew are the drops of the last time alone, so the
/// count comes down from cycle to cycle.
#[test]
fn the_count_decays() {
    let mut codel = codel();
    let bad = Duration::from_millis(50);
    let first = drops(&mut codel, 0..1000, bad).len() as u64;
    assert_eq!((codel.count, codel.last_count), (first, 1));
    let mut at = 1000;
    let mut counts = Vec::new();
    for _ in 0..3 {
        drops(&mut codel, at..at + 1, Duration::ZERO);
        // An interval, the drop that begins it, and a few more.
        let again = drops(&mut codel, at + 1..at + 160, bad).len() as u64;
        counts.push(codel.last_count);
        assert_eq!(codel.count, codel.last_count + again - 1);
        at += 160;
    }
    assert_eq!(counts[0], first - 1);
    assert!(counts.is_sorted_by(|a, b| a > b), "{counts:?}");
    assert!(counts[2] < 10, "{counts:?}");
}

/// Sixteen intervals after the last drop it begins slowly again. After a drop that ended it, because
/// the packet behind it had not waited long, that is counted from that drop.
#[test]
fn sixteen_intervals_of_peace_are_enough() {
    let bad = Duration::from_millis(50);
    for (peace, recent) in [(1599, true), (1600, false)] {
        let mut codel = codel();
        let last = *drops(&mut codel, 0..500, bad).last().unwrap();
        // Due again, and good behind it.
        let due = codel.drop_next.as_millis() + 1;
        assert_eq!(drops(&mut codel, last + 1..due, bad), []);
        let now = Instant::from_millis(due);
        assert_eq!(codel.judge(now, bad, 100 * LEN, LEN, false), Verdict::Drop);
        assert_eq!(
            codel.judge(now, Duration::ZERO, 100 * LEN, LEN, false),
            Verdict::Send
        );
        let drops_so_far = codel.count;
        assert!(
            now - codel.drop_next < Duration::from_millis(1),
            "of the last drop"
        );
        let begin = codel.drop_next + Duration::from_millis(peace);
        let above = begin - INTERVAL;
        assert_eq!(
            codel.judge(above, bad, 100 * LEN, LEN, false),
            Verdict::Send
        );
        assert_eq!(
            codel.judge(begin, bad, 100 * LEN, LEN, false),
            Verdict::Drop
        );
        assert_eq!(codel.count, if recent { drops_so_far - 1 } else { 1 });
    }
}

/// A backlog that lasts is dropped from several times at one moment if the schedule has fallen behind
/// (the inner loop of RFC 8289 §5).
#[test]
fn a_schedule_that_fell_behind_is_made_up_for() {
    let mut codel = codel();
    let bad = Duration::from_millis(50);
    drops(&mut codel, 0..1000, bad);
    let now = codel.drop_next + INTERVAL;
    let mut at_once = 0;
    while codel.judge(now, bad, 100 * LEN, LEN, false) == Verdict::Drop {
        at_once += 1;
    }
    assert!(at_once > 3, "{at_once}");
    assert!(codel.drop_next > now);
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
