use super::*;

// proves RFC3168-6.1.3#1
#[test]
fn the_echo_stays_until_cwr() {
    let mut classic = Classic::new(false);
    assert!(!classic.on_text(false, false));
    assert!(
        classic.on_text(false, true),
        "the first mark is told at once"
    );
    for _ in 0..5 {
        assert!(!classic.on_text(false, false));
        assert!(classic.echo);
    }
    assert!(!classic.on_text(false, true), "known already");
    classic.on_text(true, false);
    assert!(!classic.echo);
}

// proves RFC3168-6.1.3#1
#[test]
fn cwr_is_older_than_the_mark_beside_it() {
    let mut classic = Classic::new(false);
    classic.on_text(false, true);
    assert!(classic.on_text(true, true));
    assert!(classic.echo);
}

// proves RFC8257-3.2
#[test]
fn an_exact_echo_follows_each_mark() {
    let mut classic = Classic::new(true);
    for (marked, flips) in [
        (false, false),
        (true, true),
        (true, false),
        (false, true),
        (false, false),
    ] {
        assert_eq!(classic.flips(marked), flips);
        assert_eq!(classic.on_text(false, marked), flips);
        assert_eq!(classic.echo, marked);
    }
    classic.on_text(true, true);
    assert!(classic.echo, "CWR ends nothing");
}

#[test]
fn a_latched_echo_never_flips() {
    let classic = Classic::new(false);
    assert!(!classic.flips(true));
}
