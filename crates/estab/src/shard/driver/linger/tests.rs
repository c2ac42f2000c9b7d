use super::*;

const MUCH: usize = 64 << 10;

fn at(micros: u64) -> Instant {
    Instant::ZERO + Duration::from_micros(micros)
}

/// Waits that end in vain, one after the other; how many turns of a stream did not wait in between.
fn passed_over(linger: &mut Linger, now: u64) -> u32 {
    let mut turns = 0;
    while !linger.judge(at(now), MUCH, false, true).looks {
        turns += 1;
    }
    assert!(linger.judge(at(now + 1), 0, false, true).looks);
    assert!(!linger.judge(at(now + 100), 0, false, true).looks);
    turns
}

#[test]
fn acknowledgements_wait_while_there_is_more_to_read() {
    let mut linger = Linger::default();
    for micros in (0..4000).step_by(100) {
        let verdict = linger.judge(at(micros), 1 << 20, true, true);
        assert_eq!((verdict.holds, verdict.looks), (true, false));
    }
    assert!(!linger.judge(at(4000), 1 << 20, true, true).holds);
    assert!(linger.judge(at(4100), 1 << 20, true, true).holds);
}

#[test]
fn what_else_is_to_be_sent_does_not_wait() {
    let mut linger = Linger::default();
    assert!(!linger.judge(at(0), MUCH, true, false).holds);
    assert!(!linger.judge(at(1), MUCH, false, false).holds);
}

#[test]
fn acknowledgements_wait_for_what_follows_at_once() {
    let mut linger = Linger::default();
    let waits = Verdict {
        holds: true,
        looks: true,
    };
    assert_eq!(linger.judge(at(0), MUCH, false, true), waits);
    assert_eq!(linger.judge(at(10), 0, false, true), waits);
    // Something came: the wait begins anew.
    assert_eq!(linger.judge(at(15), MUCH, false, true), waits);
    assert_eq!(linger.judge(at(30), 0, false, true), waits);
    assert_eq!(linger.judge(at(35), 0, false, true), Verdict::default());
}

#[test]
fn much_is_acknowledged_while_more_is_looked_for() {
    let mut linger = Linger::default();
    assert!(linger.judge(at(0), HELD / 2, false, true).holds);
    let verdict = linger.judge(at(10), HELD / 2, false, true);
    assert_eq!((verdict.holds, verdict.looks), (false, true));
    assert!(linger.judge(at(20), MUCH, false, true).holds);
}

#[test]
fn vain_waits_become_rare_and_one_that_was_not_makes_them_usual() {
    let mut linger = Linger::default();
    let mut now = 0;
    let mut turns = [0; 8];
    for turns in &mut turns {
        now += 1000;
        *turns = passed_over(&mut linger, now);
    }
    assert_eq!(turns, [0, 1, 3, 7, 15, 31, 31, 31]);
    while !linger.judge(at(now), MUCH, false, true).looks {}
    assert!(linger.judge(at(now), MUCH, false, true).looks);
}

#[test]
fn nothing_is_waited_for_after_a_request_or_when_idle() {
    let mut linger = Linger::default();
    assert_eq!(linger.judge(at(0), 0, false, true), Verdict::default());
    assert_eq!(linger.judge(at(1), SHORT, false, true), Verdict::default());
    // Nor after a request that came while more was waited for.
    assert!(linger.judge(at(2), MUCH, false, true).looks);
    assert_eq!(linger.judge(at(3), 1, false, true), Verdict::default());
    assert_eq!(linger.judge(at(4), 0, false, true), Verdict::default());
}

#[test]
fn a_clock_that_stands_still_does_not_keep_the_driver_awake() {
    let mut linger = Linger::default();
    assert!(linger.judge(at(0), MUCH, false, true).looks);
    let looks = (0..).take_while(|_| linger.judge(at(0), 0, false, true).looks);
    assert_eq!(looks.count(), LOOKS as usize);
}
