use super::*;

fn resend(number: u32) -> Resend {
    Resend {
        at: Instant::from_millis(number.into()),
        seq: SeqNumber::new(number),
        end: SeqNumber::new(number + 1),
    }
}

#[test]
fn the_oldest_comes_first() {
    let mut resent = Resent::default();
    assert_eq!(resent.front(), None);
    for number in 0..3 {
        resent.push(resend(number), 3, |_| true);
    }
    for number in 0..3 {
        assert_eq!(resent.front(), Some(resend(number)));
        resent.pop();
    }
    assert_eq!(resent.front(), None);
}

/// While the one in front stays in flight, those behind it that do not are cleared away in time.
#[test]
fn it_is_bounded_by_the_records() {
    let mut resent = Resent::default();
    for number in 0..100_000 {
        resent.push(resend(number), 10, |it| *it == resend(0));
        assert!(resent.0.len() <= 2 * 10 + SPARE + 1);
    }
    assert_eq!(resent.front(), Some(resend(0)));
}
