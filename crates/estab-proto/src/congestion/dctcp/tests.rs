use super::*;
use crate::congestion::tests::{MSS, sample};
use crate::congestion::{Algorithm, Controller};

const NOW: Instant = Instant::from_secs(1);

/// A sender whose window of twenty segments is acknowledged once per round trip.
struct Flow {
    dctcp: Dctcp,
    window: Window,
    delivered: u64,
}

impl Flow {
    fn new() -> Self {
        let mut window = Window::new(MSS);
        window.set_cwnd(20 * MSS);
        window.set_ssthresh(20 * MSS);
        Self {
            dctcp: Dctcp::new(None),
            window,
            delivered: 0,
        }
    }

    /// A round trip in which `marked` of twenty segments are marked.
    fn round(&mut self, marked: u32) {
        for segment in 1..=20 {
            self.delivered += u64::from(MSS);
            let ack = AckSample {
                delivered: self.delivered,
                in_flight: 19 * MSS,
                ce_bytes: if segment <= marked { MSS } else { 0 },
                is_cwnd_limited: false,
                ..sample(NOW, MSS)
            };
            self.dctcp.on_ack(&mut self.window, &ack);
        }
    }

    fn alpha(&self) -> f64 {
        f64::from(self.dctcp.alpha) / f64::from(ONE)
    }
}

/// alpha × 15/16 + M/16, from 1 on, once per window.
// proves RFC8257-3.3#1
#[test]
fn alpha_averages_the_marked_share() {
    for marked in [0, 1, 5, 10, 20] {
        let mut flow = Flow::new();
        let share = f64::from(marked) / 20.0;
        // The first acknowledgment of all ends the window before the first.
        let mut expected = 15.0 / 16.0 + if marked > 0 { 1.0 / 16.0 } else { 0.0 };
        for _ in 0..40 {
            flow.round(marked);
            expected = expected * 15.0 / 16.0 + share / 16.0;
            assert!(
                (flow.alpha() - expected).abs() < 0.02,
                "{marked} {} {expected}",
                flow.alpha()
            );
        }
    }
}

/// Without marks it comes to nothing, and it never exceeds one, however much a peer reports.
// proves RFC8257-4.2
#[test]
fn alpha_has_bounds() {
    let mut flow = Flow::new();
    for _ in 0..200 {
        flow.round(0);
    }
    assert_eq!(flow.dctcp.alpha, 0);
    flow.dctcp.on_ecn(&mut flow.window, NOW, 20 * MSS);
    assert_eq!(flow.window.cwnd(), 20 * MSS);
    for _ in 0..200 {
        flow.dctcp.bytes_marked = u32::MAX;
        flow.round(20);
        assert!(flow.dctcp.alpha <= ONE);
    }
    assert!(flow.alpha() > 0.95);
}

/// The window shrinks by half of alpha; at 1, where it starts, by half.
// proves RFC8257-3.3#1
#[test]
fn marks_reduce_by_half_of_alpha() {
    for (alpha, cwnd) in [(ONE, 10), (ONE / 2, 15), (ONE / 10, 19), (0, 20)] {
        let mut flow = Flow::new();
        flow.dctcp.alpha = alpha;
        flow.dctcp.on_ecn(&mut flow.window, NOW, 20 * MSS);
        assert_eq!(flow.window.cwnd() / MSS, cwnd);
        assert_eq!(flow.window.ssthresh(), flow.window.cwnd());
    }
}

/// A loss is answered as by NewReno, whatever is marked.
// proves RFC8257-3.5
#[test]
fn a_loss_is_a_loss() {
    let mut flow = Flow::new();
    flow.dctcp.alpha = 0;
    flow.dctcp.on_congestion(&mut flow.window, NOW, 20 * MSS);
    assert_eq!(flow.window.cwnd(), 10 * MSS);
    flow.dctcp.on_rto(&mut flow.window, NOW, 10 * MSS, true);
    assert_eq!((flow.window.cwnd(), flow.window.ssthresh()), (MSS, 5 * MSS));
}

/// It is nobody's default, and says that it is not for the Internet by asking to be named.
// proves RFC8257-1,5
#[test]
fn it_must_be_asked_for() {
    assert_ne!(Algorithm::default(), Algorithm::Dctcp);
    let cc = Controller::new(Algorithm::Dctcp, MSS);
    assert!(cc.uses_prr() && !cc.wants_rate() && !cc.is_paced());
}
