//! What an acknowledgment is taken to say of the path and of the use of the window.

use estab_timer::Duration;

use super::sender::{MSS, Sender, UNA};
use crate::congestion::{Algorithm, Controller};
use crate::recovery::AckInput;

/// RFC 6298 §3 (Karn) and RFC 7323 §4: what was sent twice measures only by its timestamp.
// proves RFC6298-3#1, RFC6298-3#2
#[test]
fn round_trips_are_measured_without_ambiguity() {
    let mut s = Sender::new(true, 10);
    let ms = Duration::from_millis;
    s.now += ms(30);
    assert_eq!(s.ack(1, &[]).rtt, Some(ms(30)));
    // By a selective acknowledgment.
    assert_eq!(s.ack(1, &[(2, 5)]).rtt, Some(ms(30)));
    s.resend();
    s.now += ms(30);
    let stamped = |input: &mut AckInput<'_>| input.ts_rtt = Some(ms(29));
    // Nothing new is no measurement.
    assert_eq!(s.input(Sender::at(1), &[], stamped).rtt, None);
    let mut plain = Sender::new(true, 10);
    plain.ack(0, &[(1, 4)]);
    plain.resend();
    assert_eq!(plain.ack(4, &[]).rtt, None);
    assert_eq!(s.input(Sender::at(5), &[], stamped).rtt, Some(ms(29)));
    s.now += ms(10);
    assert_eq!(s.ack(6, &[]).rtt, Some(ms(70)));
}

/// RFC 9438 §5.8: a window that is not used does not grow; in slow start it may be twice what is.
#[test]
fn an_unused_window_does_not_grow() {
    let mut s = Sender::new(true, 0);
    s.cc = Controller::new(Algorithm::NewReno, MSS);
    for _ in 0..40 {
        s.send(4);
        assert!(!s.ack(s.sent, &[]).is_cwnd_limited);
    }
    assert_eq!(s.windows().0, 10);
    // Six of ten is more than half; in slow start growth ends at twice what is used.
    for _ in 0..40 {
        s.send(6);
        s.ack(s.sent, &[]);
    }
    assert!((12..18).contains(&s.windows().0), "{:?}", s.windows());
    let cwnd = s.windows().0;
    s.send(cwnd);
    assert!(s.ack(s.sent, &[]).is_cwnd_limited && s.recovery.is_cwnd_limited());
    assert_eq!(s.windows().0, 2 * cwnd);
    // Congestion avoidance wants all of it used.
    s.cc.on_congestion(s.now, 20 * MSS);
    for _ in 0..40 {
        s.send(8);
        assert!(!s.ack(s.sent, &[]).is_cwnd_limited);
    }
    assert_eq!(s.windows(), (10, 10));
}

/// Several acknowledgments may arrive before the sender can refill the window.
#[test]
fn a_batch_of_acknowledgments_counts_as_one_round() {
    let mut s = Sender::new(true, 10);
    for ack in 1..=10 {
        assert!(s.ack(ack, &[]).is_cwnd_limited);
    }
    assert_eq!(s.windows().0, 20);
}

/// RFC 5681 §3.1: a hundred acknowledgments for one segment are worth one.
// proves RFC5681-3.1#5
#[test]
fn dividing_acknowledgments_gains_nothing() {
    let (mut honest, mut divided) = (Sender::new(true, 10), Sender::new(true, 10));
    for round in 0..40 {
        let sent = honest.sent;
        honest.ack(sent, &[]);
        let from = (divided.sent - divided.recovery.outstanding() / MSS) * 100;
        for hundredth in from + 1..=divided.sent * 100 {
            divided.input(UNA + hundredth * (MSS / 100), &[], |_| {});
        }
        if round == 6 {
            for s in [&mut honest, &mut divided] {
                s.cc.on_congestion(s.now, 40 * MSS);
            }
        }
        for s in [&mut honest, &mut divided] {
            s.send(s.recovery.quota(&s.cc) / MSS);
        }
    }
    let (honest, divided) = (honest.cc.cwnd(), divided.cc.cwnd());
    assert!(divided <= honest / 100 * 105, "{divided} against {honest}");
}
