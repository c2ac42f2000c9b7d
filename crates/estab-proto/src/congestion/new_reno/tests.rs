use super::*;
use crate::congestion::tests::{MSS, sample};

const NOW: Instant = Instant::from_secs(1);

/// A window of ten segments in congestion avoidance.
fn avoiding() -> (NewReno, Window) {
    let (mut reno, mut window) = (NewReno::default(), Window::new(MSS));
    window.set_cwnd(20 * MSS);
    reno.on_congestion(&mut window, NOW, 20 * MSS);
    assert_eq!(window.cwnd(), 10 * MSS);
    (reno, window)
}

/// RFC 5681 §3.1: one segment a round trip, however the receiver acknowledges.
// proves MUST-19, RFC5681-3.1#6
#[test]
fn a_segment_a_round_trip() {
    for per_ack in [10, 500, MSS, 2 * MSS, 5 * MSS, 10 * MSS] {
        let (mut reno, mut window) = avoiding();
        for round in 10..20 {
            assert_eq!(window.cwnd(), round * MSS, "{per_ack}");
            let mut left = round * MSS;
            while left > 0 {
                let acked = left.min(per_ack);
                reno.on_ack(&mut window, &sample(NOW, acked));
                left -= acked;
            }
        }
    }
}

/// RFC 5681 §3.1: never more than a segment an acknowledgment, nor what was saved up.
#[test]
fn an_acknowledgment_of_everything_is_worth_a_segment() {
    let (mut reno, mut window) = avoiding();
    reno.on_ack(&mut window, &sample(NOW, 1000 * MSS));
    assert_eq!(window.cwnd(), 11 * MSS);
    reno.on_ack(&mut window, &sample(NOW, 1));
    assert_eq!(window.cwnd(), 11 * MSS);
}

/// RFC 5681 §3.1: integer arithmetic does not stop the growth of a window of more than MSS².
// proves RFC5681-3.1#7
#[test]
fn a_vast_window_grows() {
    let (mut reno, mut window) = avoiding();
    window.set_cwnd(900_000_000);
    for _ in 0..900_000 {
        reno.on_ack(&mut window, &sample(NOW, MSS));
    }
    assert_eq!(window.cwnd(), 900_000_000 + MSS);
}
