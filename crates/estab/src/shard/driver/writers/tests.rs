use super::*;

#[test]
fn a_turn_is_shared_by_those_who_wait() {
    let mut writers = Writers::default();
    assert_eq!(writers.share(TURN), TURN);
    for _ in 0..4 {
        writers.push(ConnId::default());
    }
    assert_eq!(writers.share(TURN), TURN / 4);
    for _ in 0..60 {
        writers.push(ConnId::default());
    }
    // Not so little that a turn of each is not worth it.
    assert_eq!(writers.share(TURN), SHARE);
}
