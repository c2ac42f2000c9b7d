use super::{GUESSES, Habit};

#[test]
fn what_came_twice_is_expected_again() {
    let mut habit = Habit::default();
    assert!(!habit.is_all(1));
    habit.learn(1);
    assert!(!habit.is_all(1));
    habit.learn(1);
    assert!(habit.is_all(1));
    assert!(!habit.is_all(2));
    habit.learn(2);
    assert!(!habit.is_all(2));
}

#[test]
fn nothing_is_no_habit() {
    let mut habit = Habit::default();
    for packets in [3, 0, 3, 0] {
        habit.learn(packets);
    }
    assert!(habit.is_all(3));
    assert!(!habit.is_all(0));
}

#[test]
fn a_habit_is_looked_after_now_and_then() {
    let mut habit = Habit::default();
    habit.learn(1);
    habit.learn(1);
    for _ in 0..GUESSES {
        assert!(habit.is_all(1));
    }
    assert!(!habit.is_all(1));
    habit.learn(1);
    assert!(habit.is_all(1));
}
