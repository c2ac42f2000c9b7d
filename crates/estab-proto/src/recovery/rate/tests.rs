use alloc::vec::Vec;

use super::*;
use crate::congestion::{Algorithm, CongestionControl, Window};
use crate::recovery::{AckInput, AckSample};
use crate::wire::tcp::SackBlock;

const MSS: u32 = 1000;
const MS: Duration = Duration::from_millis(1);
const UNA: SeqNumber = SeqNumber::new(1);

/// A window of fixed size.
#[derive(Debug)]
struct Fixed;

impl CongestionControl for Fixed {
    fn on_ack(&mut self, _window: &mut Window, _sample: &AckSample) {}
    fn on_congestion(&mut self, _window: &mut Window, _now: Instant, _flight: u32) {}
    fn on_rto(&mut self, _window: &mut Window, _now: Instant, _flight: u32, _first: bool) {}
    fn wants_rate(&self) -> bool {
        true
    }
}

/// A sender whose time is in milliseconds and whose data is in segments.
struct Sender {
    recovery: Recovery,
    cc: Controller,
}

impl Sender {
    fn new() -> Self {
        let mut cc = Controller::custom(Box::new(Fixed), MSS);
        cc.set_cwnd(100 * MSS);
        let recovery = Recovery::new(UNA, MSS, true).with_rate_samples(cc.wants_rate());
        Self { recovery, cc }
    }

    fn send(&mut self, at: u64, segments: u32) {
        for _ in 0..segments {
            let nxt = self.recovery.una() + self.recovery.outstanding();
            self.recovery.on_sent(Instant::from_millis(at), nxt, MSS);
        }
    }

    /// The first so many segments are acknowledged in all.
    fn ack(&mut self, at: u64, segments: u32) -> Option<RateSample> {
        let input = AckInput::new(Instant::from_millis(at), UNA + segments * MSS);
        self.recovery.on_ack(&input, &mut self.cc).rate
    }

    fn sack(&mut self, at: u64, una: u32, from: u32, to: u32) -> Option<RateSample> {
        let sack = [SackBlock {
            left: UNA + from * MSS,
            right: UNA + to * MSS,
        }];
        let input = AckInput {
            sack: &sack,
            ..AckInput::new(Instant::from_millis(at), UNA + una * MSS)
        };
        self.recovery.on_ack(&input, &mut self.cc).rate
    }
}

/// A segment a millisecond, a round trip of 10 ms.
// proves BBR-4.1.2.2, BBR-4.1.2.3
#[test]
fn a_steady_flow_is_measured_exactly() {
    let mut sender = Sender::new();
    for at in 1..100 {
        let rate = (at > 10).then(|| sender.ack(at, (at - 10) as u32).unwrap());
        sender.send(at, 1);
        if let Some(rate) = rate.filter(|_| at > 30) {
            assert_eq!((rate.delivered, rate.interval), (10 * MSS, 10 * MS));
            assert_eq!(rate.delivery_rate(), 1_000_000);
            assert_eq!(rate.prior_delivered, (at - 20) * u64::from(MSS));
            assert_eq!((rate.tx_in_flight, rate.lost), (10 * MSS, 0));
            assert_eq!(rate.rtt, 10 * MS);
            assert!(!rate.is_app_limited);
            assert_eq!(sender.recovery.delivery_rate(), Some((1_000_000, false)));
        }
    }
}

/// What the last sent segment says counts, and its burst is one.
// proves BBR-4.1.2.2, BBR-4.1.2.3
#[test]
fn a_burst_from_idle_starts_the_clock() {
    let mut sender = Sender::new();
    sender.send(1000, 10);
    let rate = sender.ack(1020, 4).unwrap();
    assert_eq!((rate.delivered, rate.interval), (4 * MSS, 20 * MS));
    assert_eq!(rate.tx_in_flight, 10 * MSS);
    let rate = sender.ack(1030, 10).unwrap();
    assert_eq!((rate.delivered, rate.interval), (10 * MSS, 30 * MS));
    assert_eq!(sender.recovery.delivery_rate(), Some((333_333, false)));
    // The silence between is nobody's rate.
    sender.send(5000, 2);
    let rate = sender.ack(5020, 12).unwrap();
    assert_eq!((rate.delivered, rate.interval), (2 * MSS, 20 * MS));
}

/// Acknowledgments that were held up on the way and come together do not make the path faster than
/// what was sent into it.
// proves BBR-4.1.2.3
#[test]
fn compressed_acknowledgments_are_bounded_by_the_send_rate() {
    let mut sender = Sender::new();
    let mut largest = 0;
    for at in 1..200u64 {
        sender.send(at, 1);
        // Those of 8 ms come together.
        if at > 40 && at % 8 == 0 {
            for acked in at - 17..=at - 10 {
                if let Some(rate) = sender.ack(at, acked as u32) {
                    largest = largest.max(rate.delivery_rate());
                }
            }
        }
    }
    assert!((900_000..=1_000_000).contains(&largest), "{largest}");
}

/// A sample that took less than the shortest round trip is of a retransmission that was not needed.
// proves BBR-4.1.2.3
#[test]
fn less_than_a_round_trip_is_no_rate() {
    let mut marks = Marks::default();
    let sent = Instant::from_millis(500);
    marks.on_sent(sent, 0, MSS, 0, false);
    let latest = Sent {
        at: sent,
        end: UNA + MSS,
    };
    let now = sent + 5 * MS;
    let rate = marks.on_ack(now, MSS.into(), latest, 6 * MS).unwrap();
    assert_eq!((rate.interval, rate.delivery_rate()), (Duration::ZERO, 0));
    let rate = marks.on_ack(now, MSS.into(), latest, 5 * MS).unwrap();
    assert_eq!(rate.delivery_rate(), 200_000);
}

/// The gap is over when what was in flight at it is delivered.
// proves BBR-4.1.2.4
#[test]
fn a_gap_marks_the_next_round_trip() {
    let mut sender = Sender::new();
    sender.send(0, 10);
    assert!(!sender.recovery.is_app_limited());
    sender.recovery.on_app_limited(&sender.cc);
    assert!(sender.recovery.is_app_limited());
    sender.send(5, 1);
    assert!(!sender.ack(20, 10).unwrap().is_app_limited);
    assert!(sender.recovery.is_app_limited());
    assert!(sender.ack(25, 11).unwrap().is_app_limited);
    assert!(!sender.recovery.is_app_limited());
    sender.send(30, 1);
    assert!(!sender.ack(50, 12).unwrap().is_app_limited);
}

/// A full window is no gap, nor is what waits to be sent again.
// proves BBR-4.1.2.4
#[test]
fn a_window_that_is_full_is_no_gap() {
    let mut sender = Sender::new();
    sender.cc.set_cwnd(10 * MSS);
    sender.send(0, 10);
    sender.recovery.on_app_limited(&sender.cc);
    assert!(!sender.recovery.is_app_limited());
    sender.sack(20, 0, 5, 10);
    assert!(sender.recovery.lost() > 0);
    sender.recovery.on_app_limited(&sender.cc);
    assert!(!sender.recovery.is_app_limited());
}

/// A slower rate that the application limited does not replace a known one; a faster one does.
#[test]
fn a_limited_rate_counts_if_it_is_more() {
    let mut sender = Sender::new();
    let mut total = 0;
    for (at, segments, limited, rate) in [
        (0, 10, false, (1_000_000, false)),
        (100, 5, true, (1_000_000, false)),
        (200, 20, true, (2_000_000, true)),
        (300, 5, false, (500_000, false)),
    ] {
        if limited {
            sender.recovery.on_app_limited(&sender.cc);
        }
        sender.send(at, segments);
        total += segments;
        sender.ack(at + 10, total);
        assert_eq!(sender.recovery.delivery_rate(), Some(rate));
    }
}

/// Each run of lost segments is told with what was in flight and lost when it was sent.
#[test]
fn losses_are_told_by_burst() {
    let mut marks = Marks::default();
    let mut log = LossLog::default();
    log.enable(true);
    let (first, second) = (Instant::from_millis(1), Instant::from_millis(2));
    marks.on_sent(first, 0, 4 * MSS, 0, false);
    marks.on_sent(second, 4 * MSS, 8 * MSS, 0, true);
    for (number, at) in [(0, first), (1, first), (3, first), (4, second)] {
        log.note(UNA + number * MSS, MSS, at);
    }
    let told: Vec<_> = log
        .take()
        .iter()
        .filter_map(|loss| marks.on_lost(loss, 7))
        .map(|burst| {
            (
                burst.bytes,
                burst.tx_in_flight,
                burst.lost,
                burst.is_app_limited,
            )
        })
        .collect();
    let expected = [
        (2 * MSS, 4 * MSS, 2 * MSS, false),
        (MSS, 4 * MSS, 3 * MSS, false),
        (MSS, 8 * MSS, 4 * MSS, true),
    ];
    assert_eq!(told, expected);
    assert!(log.take().is_empty());
    // What is sent now has these losses behind it.
    marks.on_sent(Instant::from_millis(3), MSS, MSS, 0, false);
    let loss = Loss {
        seq: UNA,
        len: MSS,
        sent_at: Instant::from_millis(3),
    };
    assert_eq!(marks.on_lost(&loss, 7).unwrap().lost, MSS);
}

/// Reordering does no harm: a late segment is measured by its own mark.
#[test]
fn selective_acknowledgments_are_measured() {
    let mut sender = Sender::new();
    for at in 0..10 {
        sender.send(at, 1);
    }
    let rate = sender.sack(20, 0, 1, 2).unwrap();
    assert_eq!((rate.delivered, rate.rtt), (MSS, 19 * MS));
    let rate = sender.sack(21, 0, 1, 3).unwrap();
    assert_eq!((rate.delivered, rate.rtt), (2 * MSS, 19 * MS));
    assert_eq!(sender.sack(21, 0, 1, 3), None);
    let rate = sender.ack(22, 4).unwrap();
    assert_eq!((rate.delivered, rate.rtt), (4 * MSS, 19 * MS));
}

/// Without SACK duplicates count as deliveries, and the next acknowledgment measures them too.
// proves BBR-4.1.1.3,4.1.3.5.1
#[test]
fn duplicates_are_deliveries_without_sack() {
    let mut sender = Sender::new();
    sender.recovery = Recovery::new(UNA, MSS, false).with_rate_samples(true);
    sender.send(0, 10);
    for at in [21, 22] {
        assert_eq!(sender.ack(at, 0), None);
    }
    assert_eq!(sender.recovery.delivered(), 2 * u64::from(MSS));
    let rate = sender.ack(30, 10).unwrap();
    assert_eq!((rate.delivered, rate.interval), (10 * MSS, 30 * MS));
    // What the peer's window holds back is no gap: nobody says that the application is at its end.
    assert!(!rate.is_app_limited);
}

/// No more marks are kept than bursts are in flight, and none unless wanted.
#[test]
fn marks_take_little_memory() {
    let mut sender = Sender::new();
    for at in 1..1000 {
        sender.send(at, 2);
        if at > 10 {
            sender.ack(at, 2 * (at - 10) as u32);
        }
        let marks = sender.recovery.rate.marks.as_ref().unwrap();
        assert!(marks.marks.len() <= 12, "{at} {}", marks.marks.len());
    }
    assert!(size_of::<Mark>() <= 40);
    let cc = Controller::new(Algorithm::Cubic, MSS);
    let recovery = Recovery::new(UNA, MSS, true).with_rate_samples(cc.wants_rate());
    assert!(recovery.rate.marks.is_none());
}
