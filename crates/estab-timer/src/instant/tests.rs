use super::*;

#[test]
fn units_agree() {
    let second = Instant::from_secs(1);
    assert_eq!(second, Instant::from_millis(1_000));
    assert_eq!(second, Instant::from_micros(1_000_000));
    assert_eq!(second, Instant::from_nanos(1_000_000_000));
    assert_eq!(second.as_nanos(), 1_000_000_000);
    assert_eq!(second.as_micros(), 1_000_000);
    assert_eq!(second.as_millis(), 1_000);
    assert_eq!(Instant::from_nanos(1_999_999).as_millis(), 1);
    assert_eq!(Instant::from_nanos(1_999).as_micros(), 1);
}

#[test]
fn constructors_stop_at_never() {
    assert_eq!(Instant::from_secs(u64::MAX), Instant::NEVER);
    assert_eq!(Instant::from_millis(u64::MAX), Instant::NEVER);
    assert_eq!(Instant::from_micros(u64::MAX), Instant::NEVER);
}

#[test]
fn addition_and_subtraction_stop_at_the_ends() {
    let at = Instant::from_nanos(5);
    assert_eq!(at + Duration::from_nanos(7), Instant::from_nanos(12));
    assert_eq!(at - Duration::from_nanos(3), Instant::from_nanos(2));
    assert_eq!(at - Duration::from_nanos(6), Instant::ZERO);
    assert_eq!(at + Duration::MAX, Instant::NEVER);
    assert_eq!(Instant::NEVER + Duration::from_nanos(1), Instant::NEVER);
    assert_eq!(Instant::NEVER - Duration::MAX, Instant::ZERO);

    let mut moved = at;
    moved += Duration::from_nanos(1);
    assert_eq!(moved, Instant::from_nanos(6));
    moved += Duration::MAX;
    assert_eq!(moved, Instant::NEVER);
}

#[test]
fn differences_are_never_negative() {
    let (early, late) = (Instant::from_nanos(5), Instant::from_nanos(9));
    assert_eq!(late - early, Duration::from_nanos(4));
    assert_eq!(early - late, Duration::ZERO);
    assert_eq!(
        late.checked_duration_since(early),
        Some(Duration::from_nanos(4))
    );
    assert_eq!(late.checked_duration_since(late), Some(Duration::ZERO));
    assert_eq!(early.checked_duration_since(late), None);
}
