//! The test cases of draft-ietf-ccwg-bbr §10.

use alloc::vec::Vec;

use super::*;
use crate::congestion::Algorithm;

const SECOND: Duration = Duration::from_secs(1);

/// A path of 10 Mbit/s and 40 ms with a deep queue.
fn path() -> Path {
    Path::new(1_250_000, 40 * MS, 1_000_000)
}

/// A path on which BBR has come to a state.
fn path_in(state: State) -> Path {
    let mut path = path();
    path.run_until(20 * SECOND, |path| path.bbr().state == state);
    path
}

// proves BBR-5.3.1.2
#[test]
fn startup_ends_on_a_plateau() {
    let mut path = path();
    path.run_until(SECOND, |path| path.bbr().full_pipe.count == 2);
    assert_eq!(path.bbr().state, State::Startup);
    path.run_until(SECOND, |path| path.bbr().full_pipe.reached);
    let bbr = path.bbr();
    assert_eq!((bbr.state, bbr.full_pipe.count), (State::Drain, 3));
    assert!(bbr.full_pipe.now);
    let bw = bbr.max_bw.get();
    assert!(bw.abs_diff(path.rate) <= path.rate / 50, "{bw}");
    assert_eq!(path.dropped, 0);
}

// proves BBR-5.3.1.3
#[test]
fn startup_ends_on_loss_though_the_application_limits() {
    let mut path = path();
    path.write_at(Some(500_000));
    path.run_for(SECOND);
    assert_eq!(path.bbr().state, State::Startup);
    path.lose_one_in = Some(8);
    // A round of 20 segments has too few losses to tell; at full speed it has enough.
    path.write_at(Some(1_200_000));
    path.run_until(2 * SECOND, |path| path.bbr().full_pipe.reached);
    let bbr = path.bbr();
    assert!(bbr.full_pipe.now && bbr.inflight_longterm != UNBOUNDED);
    assert!(bbr.inflight_longterm >= bbr.latest.inflight);
}

// proves BBR-5.3.2
#[test]
fn drain_ends_when_the_queue_is_empty() {
    let mut path = path_in(State::Drain);
    let rate = path.cc.pacing_rate().unwrap();
    assert!(rate <= path.bbr().bw / 2, "{rate}");
    assert!(path.queued() > 20_000);
    path.run_until(SECOND, |path| path.bbr().state != State::Drain);
    // Down, and with so little in flight on to cruising at once.
    assert_eq!(path.bbr().state, State::ProbeBwCruise);
    let (window, bbr) = (path.cc.window, path.bbr());
    assert!(path.in_flight() <= bbr.inflight(&window, 100) + 2 * MSS);
    assert!(path.queued() < 5000, "{}", path.queued());
}

// proves BBR-5.3.2
#[test]
fn drain_ends_after_three_rounds() {
    let path = path_in(State::Drain);
    let (mut bbr, window) = (path.bbr().clone(), path.cc.window);
    let rs = Signals {
        now: path.now,
        delivery_rate: 0,
        delivered: 0,
        prior_delivered: 0,
        is_app_limited: false,
        tx_in_flight: 0,
        lost: 0,
        newly_acked: 0,
        rtt: path.rtt,
        in_flight: 10 * path.bdp(),
        total_delivered: bbr.delivered,
    };
    for _ in 0..=3 {
        bbr.check_drain_done(&window, &rs);
        assert_eq!(bbr.state, State::Drain);
        bbr.rounds.count += 1;
    }
    bbr.check_drain_done(&window, &rs);
    assert_eq!(bbr.state, State::ProbeBwDown);
}

// proves BBR-5.3.3.5-5.3.3.7
#[test]
fn a_probe_ends_on_a_plateau() {
    let mut path = path_in(State::ProbeBwUp);
    let rate = path.cc.pacing_rate().unwrap();
    assert!(rate > path.bbr().bw * 6 / 5, "{rate}");
    path.run_until(2 * SECOND, |path| path.bbr().state != State::ProbeBwUp);
    let bbr = path.bbr();
    assert_eq!(bbr.state, State::ProbeBwDown);
    assert!(bbr.full_pipe.now && !bbr.probe.was_too_high);
    assert_eq!(path.dropped, 0);
}

// proves BBR-5.3.3.5-5.3.3.7, BBR-5.5.10.2
#[test]
fn a_probe_ends_on_loss_though_the_application_limits() {
    let mut path = path_in(State::ProbeBwUp);
    path.write_at(Some(1_000_000));
    path.run_for(100 * MS);
    assert_eq!(path.bbr().state, State::ProbeBwUp);
    path.lose_one_in = Some(10);
    path.run_until(SECOND, |path| path.bbr().state != State::ProbeBwUp);
    // Down, or with so little in flight on to cruising at once.
    assert_ne!(path.bbr().state, State::ProbeBwRefill);
    assert!(path.bbr().probe.was_too_high);
}

#[test]
fn without_loss_an_application_that_limits_is_no_plateau() {
    let mut startup = path();
    startup.write_at(Some(300_000));
    startup.run_for(4 * SECOND);
    assert_eq!(startup.bbr().state, State::Startup);

    let mut up = path_in(State::ProbeBwUp);
    up.write_at(Some(300_000));
    up.run_for(SECOND);
    assert_eq!(up.bbr().state, State::ProbeBwUp);
}

// proves BBR-5.3.3.1
#[test]
fn down_ends_with_headroom() {
    let mut path = path_in(State::ProbeBwUp);
    path.run_until(2 * SECOND, |path| path.bbr().state == State::ProbeBwDown);
    path.run_for(MS * 5);
    let rate = path.cc.pacing_rate().unwrap();
    assert!(rate <= path.bbr().bw * 9 / 10, "{rate}");
    path.run_until(2 * SECOND, |path| path.bbr().state != State::ProbeBwDown);
    let (window, bbr) = (path.cc.window, path.bbr());
    assert_eq!(bbr.state, State::ProbeBwCruise);
    assert!(path.in_flight() <= bbr.inflight(&window, 100) + 2 * MSS);
    assert!(path.in_flight() <= bbr.inflight_with_headroom(&window));
}

// proves BBR-5.3.3.1
#[test]
fn down_ends_after_its_time() {
    // Ten segments: it takes ten rounds (§5.3.3.8).
    let mut path = Path::new(250_000, 40 * MS, 1_000_000);
    path.run_until(5 * SECOND, |path| path.bbr().state == State::ProbeBwUp);
    path.run_until(SECOND, |path| path.bbr().state == State::ProbeBwDown);
    path.rate /= 3;
    path.run_until(3 * SECOND, |path| path.bbr().state != State::ProbeBwDown);
    assert_eq!(path.bbr().state, State::ProbeBwRefill);
}

// proves BBR-5.3.4
#[test]
fn the_round_trip_is_looked_for_every_five_seconds() {
    let mut path = path_in(State::ProbeBwCruise);
    let mut probes = Vec::new();
    for _ in 0..3 {
        path.run_until(8 * SECOND, |path| path.bbr().state == State::ProbeRtt);
        probes.push(path.now);
        path.run_for(150 * MS);
        assert_eq!(path.bbr().state, State::ProbeRtt);
        assert!(path.cc.cwnd() <= path.bdp() * 6 / 10);
        assert!(path.queued() < 5000);
        path.run_until(SECOND, |path| path.bbr().state != State::ProbeRtt);
        assert!(path.now - *probes.last().unwrap() >= 200 * MS);
        assert_eq!(path.bbr().state, State::ProbeBwCruise);
    }
    for pair in probes.windows(2) {
        let interval = pair[1] - pair[0];
        assert!(
            interval > 5 * SECOND && interval < 6 * SECOND,
            "{interval:?}"
        );
    }
}

// proves BBR-5.4.1
#[test]
fn silence_takes_the_place_of_the_probe() {
    let mut path = path_in(State::ProbeBwCruise);
    path.write_at(Some(0));
    path.run_for(12 * SECOND);
    assert_eq!(path.in_flight(), 0);
    let before = path.cc.cwnd();
    path.write_at(None);
    path.run_until(SECOND, |path| path.in_flight() > 0);
    assert!(path.bbr().idle_restart);
    let (rate, bw) = (path.cc.pacing_rate().unwrap(), path.bbr().bw);
    assert_eq!(rate, bw * 99 / 100);
    assert_eq!(path.cc.cwnd(), before);
    path.run_for(SECOND);
    assert_ne!(path.bbr().state, State::ProbeRtt);
}

/// Acknowledgments that come every 30 ms.
#[test]
fn aggregation_is_made_room_for() {
    let mut path = path();
    path.aggregation = 30 * MS;
    path.run_until(5 * SECOND, |path| path.bbr().full_pipe.reached);
    let bw = path.bbr().max_bw.get();
    assert!(bw > path.rate * 9 / 10, "{bw}");
    path.run_until(10 * SECOND, |path| path.bbr().state == State::ProbeBwCruise);
    assert!(path.bbr().extra_acked.get() >= 15_000);
    assert!(path.cc.cwnd() > 2 * path.bdp());
    let (from, at) = (path.delivered, path.now);
    path.run_for(SECOND);
    let rate = (path.delivered - from) as f64 / (path.now - at).as_secs_f64();
    assert!(rate > path.rate as f64 * 0.9, "{rate}");
}

/// 64 kbit/s and 20 ms: a sixth of a segment.
// proves BBR-5.6.4.6-5.6.4.7
#[test]
fn four_segments_are_the_least() {
    let mut path = Path::new(8000, 20 * MS, 20_000);
    path.run_until(60 * SECOND, |path| path.bbr().state == State::ProbeBwCruise);
    for _ in 0..20 {
        path.run_for(SECOND);
        assert!(path.cc.cwnd() >= 4 * MSS);
        let bw = path.bbr().bw;
        assert!((6000..10_000).contains(&bw), "{bw}");
    }
}

// proves BBR-5.3.3.3, BBR-5.3.3.5-5.3.3.7
#[test]
fn ten_times_the_bandwidth_is_found() {
    let mut path = path_in(State::ProbeBwCruise);
    path.rate *= 10;
    path.queue *= 10;
    path.run_for(20 * SECOND);
    let bw = path.bbr().max_bw.get();
    assert!(bw > path.rate * 9 / 10, "{bw}");
}

// proves BBR-5.5.10.3, BBR-5.3.3.2
#[test]
fn a_tenth_of_the_bandwidth_is_accepted() {
    let mut path = Path::new(12_500_000, 40 * MS, 250_000);
    path.run_until(20 * SECOND, |path| path.bbr().state == State::ProbeBwCruise);
    path.rate /= 10;
    path.run_for(2 * SECOND);
    assert!(path.bbr().bw_shortterm < 12_500_000 / 2);
    path.run_for(15 * SECOND);
    let bw = path.bbr().max_bw.get();
    assert!(bw < path.rate * 3 / 2, "{bw}");
    let (sent, dropped) = (path.sent, path.dropped);
    path.run_for(10 * SECOND);
    let share = f64::from(path.dropped - dropped) / f64::from(path.sent - sent);
    assert!(share < 0.05, "{share}");
}

#[test]
fn a_policer_is_lived_with() {
    let mut path = path();
    path.bucket = Some(100_000);
    path.run_for(10 * SECOND);
    let (sent, dropped, delivered) = (path.sent, path.dropped, path.delivered);
    path.run_for(10 * SECOND);
    let share = f64::from(path.dropped - dropped) / f64::from(path.sent - sent);
    assert!(share < 0.1, "{share}");
    let rate = (path.delivered - delivered) / 10;
    assert!(rate > path.rate * 7 / 10, "{rate}");
}

// proves BBR-5.5.11
#[test]
fn a_needless_recovery_restores_the_model() {
    for timeout in [false, true] {
        let mut path = path_in(State::ProbeBwUp);
        let (now, flight) = (path.now, path.in_flight());
        let (before, cwnd) = (path.bbr().clone(), path.cc.cwnd());
        if timeout {
            path.cc.on_rto(now, flight, true);
        } else {
            path.cc.on_congestion(now, flight);
        }
        path.cc.on_lost(now, &burst(&path, flight / 4));
        let bbr = path.bbr();
        assert_eq!(bbr.state, State::ProbeBwDown);
        assert_eq!(bbr.undo.state, Some(State::ProbeBwUp));
        assert!(bbr.inflight_longterm < UNBOUNDED);
        let snapshot = path.cc.snapshot();
        path.cc.restore(now, &snapshot);
        let bbr = path.bbr();
        assert_eq!(bbr.state, State::ProbeBwRefill);
        assert_eq!(bbr.inflight_longterm, before.inflight_longterm);
        assert_eq!(bbr.inflight_shortterm, before.inflight_shortterm);
        assert_eq!(bbr.bw_shortterm, before.bw_shortterm);
        assert!(path.cc.cwnd() >= cwnd);
    }
}

/// A loss of so many of the bytes in flight.
fn burst(path: &Path, bytes: u32) -> LostBurst {
    LostBurst {
        seq: SeqNumber::new(1),
        bytes,
        tx_in_flight: path.in_flight(),
        lost: bytes,
        is_app_limited: false,
        delivered: path.bbr().delivered,
        has_sack: true,
    }
}

// proves BBR-5.3.4
#[test]
fn startup_goes_on_after_looking_for_the_round_trip() {
    let mut path = path();
    path.write_at(Some(300_000));
    path.run_until(8 * SECOND, |path| path.bbr().state == State::ProbeRtt);
    assert!(!path.bbr().full_pipe.reached);
    path.run_until(2 * SECOND, |path| path.bbr().state != State::ProbeRtt);
    assert_eq!(path.bbr().state, State::Startup);
}

// proves BBR-5.5.10.2
#[test]
fn a_loss_while_probing_sets_the_bound_once() {
    let mut path = path_in(State::ProbeBwUp);
    let (now, flight) = (path.now, path.in_flight());
    let target = path.bbr().target_inflight(&path.cc.window);
    path.cc.on_lost(now, &burst(&path, flight / 2));
    let bbr = path.bbr();
    let bound = bbr.inflight_longterm;
    assert_eq!(bbr.state, State::ProbeBwDown);
    assert!(bound >= model::beta(target) && bound <= flight);
    assert!(bbr.probe.was_too_high && !bbr.probe.is_sample);
    path.cc.on_lost(now, &burst(&path, flight / 2));
    assert_eq!(path.bbr().inflight_longterm, bound);
}

// proves BBR-5.3.3.3
#[test]
fn an_application_that_limits_does_not_lower_the_model() {
    let mut path = path_in(State::ProbeBwRefill);
    let bw = path.bbr().max_bw.get();
    path.write_at(Some(100_000));
    path.run_until(SECOND, |path| path.bbr().state != State::ProbeBwRefill);
    assert_eq!(path.bbr().state, State::ProbeBwUp);
    assert!(path.bbr().max_bw.get() >= bw);
    path.write_at(None);
    path.run_until(5 * SECOND, |path| path.bbr().state == State::ProbeBwCruise);
    assert!(path.bbr().max_bw.get() >= bw * 9 / 10);
}

/// Of four products of queue, CUBIC fills most; BBR leaves it nearly empty.
#[test]
fn the_standing_queue_is_short() {
    let standing = |algorithm| {
        let mut path = Path::under(algorithm, 6_250_000, 40 * MS, 1_000_000);
        // CUBIC leaves slow start before the queue is full, and takes ten seconds to fill it.
        path.run_for(10 * SECOND);
        let mut sum = 0;
        for _ in 0..1000 {
            path.run_for(10 * MS);
            sum += path.queued();
        }
        assert!(path.delivered > path.rate * 20 * 85 / 100);
        sum as f64 / 1000.0 / f64::from(path.bdp())
    };
    let (bbr, cubic) = (standing(Algorithm::Bbr), standing(Algorithm::Cubic));
    assert!(bbr < 0.5, "{bbr}");
    assert!(cubic > 2.0, "{cubic}");
}
