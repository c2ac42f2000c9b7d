use alloc::vec::Vec;

use super::*;

const MSS: u32 = 1000;

/// A sender in the middle of a reduction that always has something to send, in whole segments.
struct Sender {
    prr: Prr,
    in_flight: u32,
}

impl Sender {
    /// An acknowledgment of `delivered` bytes, `lost` more being found lost. Gives how many segments
    /// it lets out.
    fn ack(&mut self, delivered: u32, lost: u32, safe: bool) -> u32 {
        self.in_flight -= delivered + lost;
        let progress = Progress {
            delivered,
            in_flight: self.in_flight,
            safe,
        };
        let cwnd = self.prr.on_ack(progress, MSS).unwrap_or(self.in_flight);
        let segments = (cwnd - self.in_flight) / MSS;
        self.prr.on_sent(segments * MSS);
        self.in_flight += segments * MSS;
        segments
    }
}

/// Half the window: every second acknowledgment lets a segment out, the first at once, until the target
/// is reached; then each does.
// proves RFC9937-6.2#3, RFC9937-6.3
#[test]
fn one_loss_is_spread_over_the_round_trip() {
    let mut s = Sender {
        prr: Prr::new(10 * MSS, 20 * MSS),
        in_flight: 19 * MSS,
    };
    let sent: Vec<u32> = (0..18).map(|_| s.ack(MSS, 0, false)).collect();
    assert_eq!(sent[..8], [1, 0, 1, 0, 1, 0, 1, 0]);
    assert_eq!(sent.iter().sum::<u32>(), 9);
    assert_eq!(s.in_flight, 10 * MSS);
    // Less than a half: seven of ten.
    let mut s = Sender {
        prr: Prr::new(14 * MSS, 20 * MSS),
        in_flight: 20 * MSS,
    };
    let sent: u32 = (0..10).map(|_| s.ack(MSS, 0, false)).sum();
    assert_eq!(sent, 7);
    // An acknowledgment for many is worth as much as many.
    let mut s = Sender {
        prr: Prr::new(14 * MSS, 20 * MSS),
        in_flight: 30 * MSS,
    };
    assert_eq!(s.ack(10 * MSS, 0, false), 7);
}

/// Below the target as much goes out as arrived, and one segment more while nothing further is lost;
/// never beyond the target.
// proves RFC9937-6.2#4, RFC9937-6.2#5
#[test]
fn a_heavy_loss_is_conserved_or_grown_by() {
    let start = || Sender {
        prr: Prr::new(10 * MSS, 20 * MSS),
        in_flight: 20 * MSS,
    };
    let mut s = start();
    assert_eq!(s.ack(MSS, 15 * MSS, false), 1);
    assert_eq!(s.ack(MSS, 0, false), 1);
    assert_eq!(s.in_flight, 5 * MSS);
    assert_eq!(s.ack(MSS, 0, true), 2, "safe");
    assert_eq!(s.ack(MSS, MSS, false), 1, "further loss");
    for _ in 0..20 {
        s.ack(MSS, 0, true);
        assert!(s.in_flight <= 10 * MSS);
    }
    assert_eq!(s.in_flight, 10 * MSS);
    assert_eq!(s.prr.target(), 10 * MSS);
}

/// What could not be sent for want of data, or of the peer's window, may be sent later.
#[test]
fn a_stall_is_made_up_for() {
    let mut prr = Prr::new(10 * MSS, 20 * MSS);
    let ack = |in_flight| Progress {
        delivered: MSS,
        in_flight,
        safe: false,
    };
    for n in 1..=4 {
        prr.on_ack(ack((14 - n) * MSS), MSS);
    }
    prr.on_ack(ack(9 * MSS), MSS);
    // Five arrived and nothing was sent: the bound is the target.
    assert_eq!(prr.on_ack(ack(6 * MSS), MSS), Some(10 * MSS));
    assert_eq!(prr.on_ack(ack(5 * MSS), MSS), Some(10 * MSS));
    assert_eq!(prr.on_ack(ack(2 * MSS), MSS), Some(10 * MSS));
}

// proves RFC9937-6.2#6
#[test]
fn the_first_segment_always_goes() {
    let mut prr = Prr::new(10 * MSS, 20 * MSS);
    let ack = |delivered| Progress {
        delivered,
        in_flight: 10 * MSS,
        safe: false,
    };
    assert_eq!(prr.on_ack(ack(0), MSS), None, "nothing was delivered");
    assert_eq!(prr.on_ack(ack(MSS), MSS), Some(11 * MSS), "forced");
    prr.on_sent(MSS);
    assert_eq!(prr.on_ack(ack(MSS), MSS), Some(10 * MSS));
}

#[test]
fn no_numbers_break_it() {
    for number in [0, 1, MSS, u32::MAX] {
        for other in [0, 1, u32::MAX] {
            let mut prr = Prr::new(number, other);
            for safe in [true, false] {
                let progress = Progress {
                    delivered: number,
                    in_flight: other,
                    safe,
                };
                prr.on_ack(progress, u32::MAX);
                prr.on_sent(other);
            }
        }
    }
}
