use super::*;

#[test]
fn it_lasts_two_lifetimes() {
    let modern = TimeWaitConfig::default();
    assert_eq!(modern.duration(), Duration::from_secs(60));
    let strict = TimeWaitConfig::RFC_STRICT;
    assert_eq!(strict.duration(), Duration::from_secs(240));
    assert_eq!(
        strict.deadline(Instant::from_secs(1)),
        Instant::from_secs(241)
    );
}

#[test]
fn a_retransmitted_fin_starts_it_anew() {
    let config = TimeWaitConfig::default();
    let first = config.deadline(Instant::from_secs(0));
    assert_eq!(first, Instant::from_secs(60));
    assert_eq!(
        config.deadline(Instant::from_secs(59)),
        Instant::from_secs(119)
    );
}

#[test]
fn an_endless_lifetime_never_ends() {
    let config = TimeWaitConfig { msl: Duration::MAX };
    assert_eq!(config.deadline(Instant::from_secs(1)), Instant::NEVER);
}
