use super::*;

#[test]
fn it_lasts_a_minute_or_three_and_a_half_timeouts() {
    let config = FinWait2Config::default();
    let after = |rto| config.deadline(Instant::ZERO, rto).as_millis();
    assert_eq!(after(Duration::from_millis(200)), 60_000);
    assert_eq!(after(Duration::from_millis(17_142)), 60_000);
    assert_eq!(after(Duration::from_millis(17_144)), 60_004);
    assert_eq!(after(Duration::from_secs(120)), 420_000);
}

#[test]
fn absurd_values_do_not_overflow() {
    let config = FinWait2Config {
        timeout: Duration::ZERO,
    };
    let at = config.deadline(Instant::from_secs(1), Duration::MAX);
    assert_eq!(at, Instant::NEVER);
}
