use super::*;

fn peer(number: u16) -> IpAddr {
    [0x2001, 0xdb8, 0, 0, 0, 0, 0, number].into()
}

const NOW: Instant = Instant::from_secs(1);

#[test]
fn only_a_few_in_a_row_are_enough() {
    let mut trials = Trials::default();
    assert!(!trials.is_hopeless(NOW, peer(1)));
    trials.unanswered(NOW, peer(1), 2);
    assert!(!trials.is_hopeless(NOW, peer(1)));
    trials.answered(peer(1));
    trials.unanswered(NOW, peer(1), 2);
    assert!(!trials.is_hopeless(NOW, peer(1)));
    trials.unanswered(NOW, peer(1), 2);
    assert!(trials.is_hopeless(NOW, peer(1)));
    assert!(!trials.is_hopeless(NOW, peer(2)));
    for open in 0..4 {
        assert!(!trials.is_hopeless(NOW, peer(2)), "{open}");
        trials.unanswered(NOW, peer(2), 1);
    }
    assert!(trials.is_hopeless(NOW, peer(2)));
}

#[test]
fn after_an_hour_the_peer_is_tried_anew() {
    let mut trials = Trials::default();
    trials.broken(NOW, peer(1));
    let last = NOW + MAX_AGE.saturating_sub(Duration::from_nanos(1));
    assert!(trials.is_hopeless(last, peer(1)));
    assert!(!trials.is_hopeless(NOW + MAX_AGE, peer(1)));
    // From the beginning.
    trials.unanswered(NOW + MAX_AGE, peer(1), 2);
    assert!(!trials.is_hopeless(NOW + MAX_AGE, peer(1)));
}

#[test]
fn the_oldest_of_too_many_is_forgotten() {
    let mut trials = Trials::default();
    for number in 0..1000 {
        let now = NOW + Duration::from_secs(number.into());
        trials.broken(now, peer(number));
        assert!(trials.is_hopeless(now, peer(number)));
        assert!(trials.0.len() <= MAX_PEERS);
    }
    let now = NOW + Duration::from_secs(1000);
    let known = (0..1000).filter(|&number| trials.is_hopeless(now, peer(number)));
    assert!(known.eq(1000 - MAX_PEERS as u16..1000));
}
