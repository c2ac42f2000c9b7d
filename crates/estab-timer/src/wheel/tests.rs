use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::Duration;

const MILLI: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

impl<T: Copy> Wheel<T> {
    /// Everything the wheel's structure promises.
    fn check(&self) {
        let mut found = self.check_list(&self.due, Home::Due);
        for (l, level) in self.levels.iter().enumerate() {
            assert_eq!(self.occupied >> l & 1 == 0, level.is_empty());
            for slot in 0..64 {
                let home = Home::Slot {
                    level: l as u8,
                    slot,
                };
                let list = level.list(slot);
                assert_eq!(level.is_occupied(slot), !list.is_empty());
                found += self.check_list(list, home);
            }
        }
        assert_eq!(found, self.len());
        assert_eq!(self.is_empty(), found == 0);
    }

    fn check_list(&self, list: &List, home: Home) -> usize {
        let entries: Vec<_> = self.slab.iter(list).collect();
        assert_eq!(entries.is_empty(), list.is_empty());
        for entry in &entries {
            assert_eq!(entry.home, home);
            match home {
                Home::Slot { level, slot } => {
                    assert!(entry.deadline > self.reached);
                    assert_eq!(place(self.reached, entry.deadline), (level, slot));
                }
                Home::Due | Home::Free => assert!(entry.deadline <= self.now),
            }
            assert!(list.earliest() <= entry.deadline);
        }
        entries.len()
    }

    fn drain(&mut self, now: Instant) -> Vec<T> {
        core::iter::from_fn(|| self.pop_expired(now))
            .map(|(_, value)| value)
            .collect()
    }
}

#[test]
fn an_entry_comes_at_its_nanosecond_and_not_before() {
    for nanos in [1, 63, 64, 65, 4_095, 4_096, 65_535, 65_536, 1_000_000_007] {
        let mut wheel = Wheel::new(Instant::ZERO);
        let key = wheel.insert(Instant::from_nanos(nanos), 'x');
        assert_eq!(wheel.next_deadline(), Some(Instant::from_nanos(nanos)));
        assert_eq!(wheel.pop_expired(Instant::from_nanos(nanos - 1)), None);
        assert_eq!(
            wheel.pop_expired(Instant::from_nanos(nanos)),
            Some((key, 'x'))
        );
        assert_eq!(wheel.pop_expired(Instant::from_nanos(nanos)), None);
        wheel.check();
    }
}

#[test]
fn earlier_slots_come_first() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let mut deadlines: Vec<u64> = (0..9).map(|power| 1_000 * 10_u64.pow(power)).collect();
    for &nanos in deadlines.iter().rev() {
        wheel.insert(Instant::from_nanos(nanos), nanos);
    }
    assert_eq!(
        wheel.drain(Instant::from_secs(1)),
        deadlines.split_off(0)[..7]
    );
    wheel.check();
}

#[test]
fn a_past_deadline_is_due_at_once() {
    let mut wheel = Wheel::new(Instant::from_secs(5));
    wheel.insert(Instant::from_secs(3), 'p');
    wheel.insert(Instant::from_secs(5), 'n');
    assert_eq!(wheel.next_deadline(), Some(Instant::from_secs(3)));
    wheel.check();
    assert_eq!(wheel.drain(Instant::from_secs(5)), ['p', 'n']);
}

#[test]
fn a_due_entry_can_still_be_moved_or_cancelled() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let now = Instant::from_secs(1);
    let keys = ['a', 'b', 'c', 'd'].map(|name| wheel.insert(now, name));
    assert_eq!(wheel.pop_expired(now), Some((keys[0], 'a')));
    assert_eq!(wheel.cancel(keys[2]), Some('c'));
    assert!(wheel.set(keys[3], now + MILLI));
    assert_eq!(wheel.drain(now), ['b']);
    assert_eq!(wheel.drain(now + MILLI), ['d']);
    wheel.check();
}

#[test]
fn re_arming_works_both_ways() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let key = wheel.insert(Instant::from_secs(10), 'x');
    assert!(wheel.set(key, Instant::from_secs(20)));
    assert_eq!(wheel.deadline(key), Some(Instant::from_secs(20)));
    assert_eq!(wheel.drain(Instant::from_secs(10)), []);
    assert!(wheel.set(key, Instant::from_secs(11)));
    assert_eq!(wheel.next_deadline(), Some(Instant::from_secs(11)));
    assert_eq!(wheel.drain(Instant::from_secs(11)), ['x']);
}

#[test]
fn stale_keys_find_nothing() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let old = wheel.insert(Instant::from_secs(1), 'o');
    assert_eq!(wheel.cancel(old), Some('o'));
    let new = wheel.insert(Instant::from_secs(2), 'n');
    assert_ne!(old, new);
    assert!(!wheel.set(old, Instant::from_secs(9)));
    assert_eq!(wheel.cancel(old), None);
    assert_eq!(wheel.deadline(old), None);
    assert_eq!(wheel.deadline(new), Some(Instant::from_secs(2)));
    assert_eq!(wheel.drain(Instant::from_secs(2)), ['n']);
    assert_eq!(wheel.deadline(new), None);
    assert_eq!(wheel.cancel(new), None);
}

#[test]
fn a_key_of_another_wheel_is_harmless() {
    let mut other = Wheel::new(Instant::ZERO);
    let foreign = [(); 3].map(|()| other.insert(Instant::ZERO, ()));
    let mut wheel: Wheel<()> = Wheel::new(Instant::ZERO);
    assert_eq!(wheel.cancel(foreign[2]), None);
    assert!(!wheel.set(foreign[0], Instant::ZERO));
}

#[test]
fn never_is_kept_but_never_comes() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let key = wheel.insert(Instant::NEVER, 'x');
    assert_eq!(wheel.next_deadline(), None);
    assert_eq!(wheel.drain(Instant::NEVER), []);
    assert_eq!(wheel.len(), 1);
    wheel.check();
    assert!(wheel.set(key, Instant::from_secs(1)));
    assert_eq!(wheel.drain(Instant::NEVER), ['x']);
    wheel.insert(Instant::NEVER, 'y');
    assert_eq!(wheel.next_deadline(), None);
    assert_eq!(wheel.drain(Instant::NEVER), []);

    let mut late = Wheel::new(Instant::NEVER);
    late.insert(Instant::NEVER, 'z');
    assert_eq!(late.next_deadline(), None);
    assert_eq!(late.drain(Instant::NEVER), []);
    late.check();
}

#[test]
fn the_end_of_time_is_reachable() {
    let mut wheel = Wheel::new(Instant::ZERO);
    wheel.insert(LAST, 'l');
    assert_eq!(wheel.next_deadline(), Some(LAST));
    assert_eq!(wheel.drain(LAST - Duration::from_nanos(1)), []);
    assert_eq!(wheel.drain(LAST), ['l']);
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let mut wheel = Wheel::new(Instant::ZERO);
    wheel.insert(Instant::from_secs(10), 'a');
    assert_eq!(wheel.drain(Instant::from_secs(5)), []);
    wheel.insert(Instant::from_secs(4), 'b');
    assert_eq!(wheel.drain(Instant::from_secs(1)), ['b']);
    wheel.insert(Instant::from_secs(6), 'c');
    assert_eq!(wheel.drain(Instant::from_secs(3)), []);
    wheel.check();
    assert_eq!(wheel.drain(Instant::from_secs(10)), ['c', 'a']);
}

#[test]
fn a_jump_costs_by_entries_and_not_by_time() {
    for count in [0, 1, 10, 1_000] {
        let mut wheel = Wheel::new(Instant::from_nanos(0x1234_5678_9abc));
        let mut at = Instant::from_nanos(0x1234_5678_9abc);
        for i in 0..count {
            at += DAY * 30 / count;
            wheel.insert(at, i);
        }
        let mut steps = 0;
        wheel.now = at;
        while wheel.advance() {
            steps += 1;
        }
        assert!(steps <= count as usize * LEVELS, "{steps} for {count}");
        assert_eq!(wheel.drain(at).len(), count as usize);
    }
}

#[test]
fn an_idle_wheel_keeps_up_with_the_time() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let now = Instant::from_nanos(123_456_789_012_340);
    assert_eq!(wheel.drain(now), []);
    let key = wheel.insert(now + Duration::from_nanos(1), ());
    let home = wheel.slab.at(wheel.slab.find(key).unwrap()).home;
    assert!(matches!(home, Home::Slot { level: 0, .. }));
}

#[test]
fn the_next_deadline_is_exact_until_the_earliest_leaves() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let first = wheel.insert(Instant::from_millis(9_001), 1);
    wheel.insert(Instant::from_millis(9_002), 2);
    assert_eq!(wheel.next_deadline(), Some(Instant::from_millis(9_001)));
    wheel.cancel(first);
    // One early call, then exact again.
    assert_eq!(wheel.next_deadline(), Some(Instant::from_millis(9_001)));
    assert_eq!(wheel.pop_expired(Instant::from_millis(9_001)), None);
    assert_eq!(wheel.next_deadline(), Some(Instant::from_millis(9_002)));
}

#[test]
fn places_are_reused() {
    let mut wheel = Wheel::new(Instant::ZERO);
    wheel.reserve(10);
    let mut now = Instant::ZERO;
    for round in 0..1_000_u32 {
        for i in 0..10 {
            wheel.insert(now + MILLI * i, round);
        }
        now += MILLI * 10;
        assert_eq!(wheel.drain(now).len(), 10);
    }
    assert_eq!(wheel.slab.places(), 10);
}

#[test]
fn records_are_small() {
    assert_eq!(size_of::<TimerKey>(), 8);
    assert_eq!(size_of::<Option<TimerKey>>(), 8);
    assert_eq!(size_of::<slab::Entry<u64>>(), 32);
    assert!(size_of::<Wheel<u64>>() <= 88);
    assert!(size_of::<[Level; LEVELS]>() <= 11 * 1_032);
}

/// What one step of a random history does. The numbers pick a key, a time or a scale.
#[derive(Clone, Debug)]
enum Op {
    Insert(Delay),
    Set(usize, Delay),
    Cancel(usize),
    /// Calls with a key that may be stale.
    Stale(usize, Delay),
    Drain(Delay),
    PopOne(Delay),
    /// What a driver on virtual time does.
    JumpToNext,
    /// A clock that goes back.
    Backwards(Delay),
}

/// A time of any magnitude: so many of the low bits of a random number.
#[derive(Clone, Copy, Debug)]
struct Delay {
    bits: u32,
    raw: u64,
}

impl Delay {
    fn get(self) -> Duration {
        Duration::from_nanos(self.raw & ((1_u64 << self.bits) - 1))
    }
}

/// The same timers as a sorted list.
struct Model {
    wheel: Wheel<u32>,
    now: Instant,
    sorted: BTreeSet<(Instant, u32)>,
    armed: BTreeMap<u32, (TimerKey, Instant)>,
    all_keys: Vec<(u32, TimerKey)>,
    next_id: u32,
}

impl Model {
    fn new(origin: Instant) -> Self {
        Self {
            wheel: Wheel::new(origin),
            now: origin,
            sorted: BTreeSet::new(),
            armed: BTreeMap::new(),
            all_keys: Vec::new(),
            next_id: 0,
        }
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Insert(delay) => self.insert(delay),
            Op::Set(pick, delay) => self.set(pick, delay),
            Op::Cancel(pick) => self.cancel(pick),
            Op::Stale(pick, delay) => self.stale(pick, delay),
            Op::Drain(delay) => self.drain(self.now + delay.get()),
            Op::PopOne(delay) => {
                self.pop_one(self.now + delay.get());
            }
            Op::JumpToNext => self.jump_to_next(),
            Op::Backwards(delay) => self.drain(self.now - delay.get()),
        }
        assert_eq!(self.wheel.len(), self.sorted.len());
        let earliest = self.sorted.first().map(|&(at, _)| at);
        match (self.wheel.next_deadline(), earliest) {
            (Some(next), Some(earliest)) => assert!(next <= earliest),
            (next, earliest) => assert_eq!(next, earliest.filter(|&at| at < Instant::NEVER)),
        }
    }

    /// Deadlines lie mostly ahead, sometimes behind, and once in a while at the end of time.
    fn deadline(&self, delay: Delay) -> Instant {
        match delay.raw >> 60 {
            0 => self.now - delay.get(),
            1 if delay.bits > 40 => Instant::NEVER,
            _ => self.now + delay.get(),
        }
    }

    fn pick(&self, pick: usize) -> Option<u32> {
        let at = pick.checked_rem(self.armed.len())?;
        let from = self.armed.first_key_value().map(|(&id, _)| id)?;
        // Identities are nearly dense, so start near the middle one in place of walking there.
        let guess = from + at as u32;
        self.armed.range(guess..).next().map(|(&id, _)| id)
    }

    fn insert(&mut self, delay: Delay) {
        let deadline = self.deadline(delay);
        let id = self.next_id;
        self.next_id += 1;
        let key = self.wheel.insert(deadline, id);
        self.sorted.insert((deadline, id));
        self.armed.insert(id, (key, deadline));
        self.all_keys.push((id, key));
    }

    fn set(&mut self, pick: usize, delay: Delay) {
        let Some(id) = self.pick(pick) else { return };
        let (key, old) = self.armed[&id];
        let deadline = self.deadline(delay);
        assert!(self.wheel.set(key, deadline));
        assert_eq!(self.wheel.deadline(key), Some(deadline));
        assert!(self.sorted.remove(&(old, id)));
        self.sorted.insert((deadline, id));
        self.armed.insert(id, (key, deadline));
    }

    fn cancel(&mut self, pick: usize) {
        let Some(id) = self.pick(pick) else { return };
        let (key, deadline) = self.armed[&id];
        assert_eq!(self.wheel.cancel(key), Some(id));
        self.forget(id, deadline);
    }

    fn stale(&mut self, pick: usize, delay: Delay) {
        let Some(at) = pick.checked_rem(self.all_keys.len()) else {
            return;
        };
        let (id, key) = self.all_keys[at];
        if let Some(&(live, deadline)) = self.armed.get(&id) {
            assert_eq!(live, key);
            assert_eq!(self.wheel.deadline(key), Some(deadline));
        } else {
            assert_eq!(self.wheel.deadline(key), None);
            assert!(!self.wheel.set(key, self.deadline(delay)));
            assert_eq!(self.wheel.cancel(key), None);
        }
    }

    fn forget(&mut self, id: u32, deadline: Instant) {
        assert!(self.sorted.remove(&(deadline, id)));
        self.armed.remove(&id);
    }

    fn pop_one(&mut self, now: Instant) -> bool {
        let popped = self.wheel.pop_expired(now);
        self.now = self.now.max(now).min(LAST);
        let due = self.sorted.first().is_some_and(|&(at, _)| at <= self.now);
        assert_eq!(popped.is_some(), due);
        if let Some((key, id)) = popped {
            let (armed, deadline) = self.armed[&id];
            assert_eq!(armed, key);
            assert!(deadline <= self.now);
            self.forget(id, deadline);
        }
        due
    }

    fn drain(&mut self, now: Instant) {
        while self.pop_one(now) {}
    }

    fn jump_to_next(&mut self) {
        let Some(next) = self.wheel.next_deadline() else {
            return;
        };
        let early = self.sorted.first().is_some_and(|&(at, _)| next < at);
        let len = self.wheel.len();
        self.drain(self.now.max(next));
        if early && len == self.wheel.len() {
            let earliest = self.sorted.first().map(|&(at, _)| at);
            let earliest = earliest.filter(|&at| at < Instant::NEVER);
            assert_eq!(
                self.wheel.next_deadline(),
                earliest,
                "one early call is enough"
            );
        }
    }

    /// Runs a virtual clock until nothing is left that will expire.
    fn run_out(&mut self) {
        while let Some(next) = self.wheel.next_deadline() {
            self.drain(self.now.max(next));
        }
        assert!(self.sorted.iter().all(|&(at, _)| at == Instant::NEVER));
    }
}

fn delays() -> impl Strategy<Value = Delay> {
    (0..62_u32, any::<u64>()).prop_map(|(bits, raw)| Delay { bits, raw })
}

/// Times a connection really uses: up to a few seconds.
fn short_delays() -> impl Strategy<Value = Delay> {
    (10..34_u32, any::<u64>()).prop_map(|(bits, raw)| Delay { bits, raw })
}

fn ops() -> impl Strategy<Value = Op> {
    let delay = prop_oneof![delays(), short_delays()].boxed();
    prop_oneof![
        6 => delay.clone().prop_map(Op::Insert),
        4 => (any::<usize>(), delay.clone()).prop_map(|(pick, delay)| Op::Set(pick, delay)),
        2 => any::<usize>().prop_map(Op::Cancel),
        1 => (any::<usize>(), delay.clone()).prop_map(|(pick, delay)| Op::Stale(pick, delay)),
        1 => short_delays().prop_map(Op::Drain),
        1 => delay.clone().prop_map(Op::PopOne),
        3 => Just(Op::JumpToNext),
        1 => delay.prop_map(Op::Backwards),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 5_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x6298),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_wheel_is_a_sorted_list(
        origin in delays(),
        ops in prop::collection::vec(ops(), 0..400),
    ) {
        let mut model = Model::new(Instant::ZERO + origin.get());
        for op in &ops {
            model.apply(op);
        }
        model.wheel.check();
        model.run_out();
        model.wheel.check();
    }
}

/// A long history, as a loaded stack makes it: too long to shrink, so it is seeded on its own.
#[test]
fn two_million_operations_agree_with_a_sorted_list() {
    let mut state = 0x9293_u64;
    let mut random = move || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let mut model = Model::new(Instant::ZERO);
    for _ in 0..2_000_000 {
        let pick = random() as usize;
        let delay = Delay {
            bits: 12 + random() as u32 % 26,
            raw: random(),
        };
        model.apply(&match random() % 16 {
            0..5 => Op::Insert(delay),
            5..10 => Op::Set(pick, delay),
            10..12 => Op::Cancel(pick),
            12 => Op::Stale(pick, delay),
            13..15 => Op::JumpToNext,
            _ => Op::Drain(Delay { bits: 20, ..delay }),
        });
    }
    model.wheel.check();
    model.run_out();
}
