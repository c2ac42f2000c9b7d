use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::Duration;

fn secs(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

#[test]
fn all_lists_every_timer_at_its_own_number() {
    for (number, &timer) in Timer::ALL.iter().enumerate() {
        assert_eq!(timer as usize, number);
    }
    assert_eq!(Timer::Linger as usize + 1, Timer::COUNT);
    assert_eq!(size_of::<Deadlines>(), 96);
    assert_eq!(size_of::<LazyEntry>(), 16);
}

#[test]
fn a_timer_is_armed_moved_and_cancelled() {
    let mut deadlines = Deadlines::new();
    assert_eq!(deadlines.next(), None);
    deadlines.arm(Timer::Persist, secs(5));
    deadlines.arm(Timer::Persist, secs(9));
    assert_eq!(deadlines.get(Timer::Persist), Some(secs(9)));
    assert_eq!(deadlines.armed(), 1);
    deadlines.cancel(Timer::Persist);
    assert!(!deadlines.is_armed(Timer::Persist));
    assert_eq!(deadlines, Deadlines::default());
}

#[test]
fn arming_at_never_turns_off() {
    let mut deadlines = Deadlines::new();
    deadlines.arm(Timer::Linger, secs(1));
    deadlines.arm(Timer::Linger, Instant::NEVER);
    assert_eq!(deadlines.get(Timer::Linger), None);
    assert_eq!(deadlines.take_expired(Instant::NEVER), None);
}

#[test]
fn expired_timers_come_earliest_first_and_once() {
    let mut deadlines = Deadlines::new();
    deadlines.arm(Timer::Pacing, secs(3));
    deadlines.arm(Timer::Keepalive, secs(2));
    deadlines.arm(Timer::Retransmit, secs(3));
    deadlines.arm(Timer::TimeWait, secs(4));
    assert_eq!(deadlines.take_expired(secs(1)), None);
    assert_eq!(deadlines.take_expired(secs(3)), Some(Timer::Keepalive));
    assert_eq!(deadlines.take_expired(secs(3)), Some(Timer::Retransmit));
    assert_eq!(deadlines.take_expired(secs(3)), Some(Timer::Pacing));
    assert_eq!(deadlines.take_expired(secs(3)), None);
    assert_eq!(deadlines.next(), Some((secs(4), Timer::TimeWait)));
    deadlines.clear();
    assert_eq!(deadlines.armed(), 0);
}

#[test]
fn an_entry_moves_earlier_but_never_later() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let mut entry = LazyEntry::new();
    entry.sync(&mut wheel, 1, None);
    entry.sync(&mut wheel, 1, Some(Instant::NEVER));
    assert!(wheel.is_empty());

    entry.sync(&mut wheel, 1, Some(secs(5)));
    assert_eq!(entry.armed_at(), Some(secs(5)));
    for next in [Some(secs(6)), Some(secs(5)), None] {
        entry.sync(&mut wheel, 1, next);
        assert_eq!(wheel.next_deadline(), Some(secs(5)));
    }
    entry.sync(&mut wheel, 1, Some(secs(4)));
    assert_eq!(wheel.next_deadline(), Some(secs(4)));
    assert_eq!(wheel.len(), 1);

    // Early: it finds nothing due and goes back in.
    let (_, value) = wheel.pop_expired(secs(4)).unwrap();
    assert_eq!(value, 1);
    entry.fired();
    assert_eq!(entry.armed_at(), None);
    entry.sync(&mut wheel, 1, Some(secs(8)));
    assert_eq!(wheel.next_deadline(), Some(secs(8)));

    entry.release(&mut wheel);
    assert!(wheel.is_empty());
    entry.release(&mut wheel);
    assert_eq!(entry.armed_at(), None);
}

#[test]
fn an_entry_that_was_lost_is_made_again() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let mut entry = LazyEntry::new();
    entry.sync(&mut wheel, 1, Some(secs(5)));
    wheel.pop_expired(secs(5)).unwrap();
    // Without `fired`: the key is stale by now.
    entry.sync(&mut wheel, 1, Some(secs(4)));
    assert_eq!(wheel.len(), 1);
    assert_eq!(wheel.next_deadline(), Some(secs(4)));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x9293),
        ..ProptestConfig::default()
    })]

    /// Whatever a connection does to its deadlines, a driver that sleeps until the wheel's next one
    /// takes each timer at its exact time.
    #[test]
    fn no_deadline_is_missed_behind_a_lazy_entry(
        moves in prop::collection::vec((0..Timer::COUNT, 0..50_u64, 0..4_u32), 1..100),
    ) {
        let mut now = Instant::ZERO;
        let mut wheel = Wheel::new(now);
        let (mut deadlines, mut entry) = (Deadlines::new(), LazyEntry::new());
        for (timer, millis, what) in moves {
            let timer = Timer::ALL[timer];
            match what {
                0 => deadlines.cancel(timer),
                _ => deadlines.arm(timer, now + Duration::from_millis(millis)),
            }
            entry.follow(&mut wheel, (), &mut deadlines);
            // Until the next event, at most 10 ms later, the driver serves the wheel.
            let until = now + Duration::from_millis(millis % 11);
            while let Some(at) = wheel.next_deadline().filter(|&at| at <= until) {
                now = now.max(at);
                while wheel.pop_expired(now).is_some() {
                    entry.fired();
                    while let Some((due, timer)) = deadlines.next().filter(|&(due, _)| due <= now) {
                        prop_assert_eq!(due, now);
                        prop_assert_eq!(deadlines.take_expired(now), Some(timer));
                    }
                    entry.follow(&mut wheel, (), &mut deadlines);
                }
            }
            now = until;
            prop_assert!(deadlines.next().is_none_or(|(at, _)| at > now));
            prop_assert!(wheel.len() <= 1);
        }
    }
}
