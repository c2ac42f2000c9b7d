use super::{GUESSES, Habit, TIMES};

/// After so many packets again and again, and no more each time.
fn used_to(packets: usize) -> Habit {
    let mut habit = Habit::default();
    for _ in 0..=TIMES {
        assert!(!habit.is_all(packets, false));
        habit.learn(packets);
    }
    habit
}

#[test]
fn what_always_comes_is_expected_again() {
    let mut habit = used_to(1);
    assert!(habit.is_all(1, false));
    assert!(!habit.is_all(2, false));
    habit.learn(2);
    assert!(!habit.is_all(1, false) && !habit.is_all(2, false));
}

#[test]
fn the_bold_guess_what_came_twice() {
    let mut habit = Habit::default();
    habit.learn(2);
    assert!(!habit.is_all(2, true));
    habit.learn(2);
    assert!(habit.is_all(2, true) && !habit.is_all(2, false));
}

#[test]
fn nothing_is_no_habit() {
    let mut habit = used_to(3);
    habit.learn(0);
    assert!(habit.is_all(3, false));
    assert!(!habit.is_all(0, false));
}

#[test]
fn a_habit_is_looked_after_now_and_then() {
    let mut habit = used_to(1);
    for _ in 0..GUESSES {
        assert!(habit.is_all(1, false));
    }
    assert!(!habit.is_all(1, false));
    habit.learn(1);
    assert!(habit.is_all(1, false));
}
