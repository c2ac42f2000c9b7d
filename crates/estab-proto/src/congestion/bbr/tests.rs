mod path;
mod sections;

use super::*;
use path::{MS, MSS, Path};

/// draft-ietf-ccwg-bbr §2.8, §2.11, §2.16.
// proves BBR-2.8,2.11,2.16
#[test]
fn the_constants_are_those_of_the_draft() {
    let window = Window::new(MSS);
    assert_eq!(cwnd::min_pipe(&window), 4 * MSS);
    assert_eq!(model::beta(1000), 700);
    let mut bbr = Bbr::new(&window);
    bbr.inflight_longterm = 100_000;
    assert_eq!(bbr.inflight_with_headroom(&window), 85_000);
    assert!(!bbr.is_inflight_too_high(2000, 100_000));
    assert!(bbr.is_inflight_too_high(2001, 100_000));
}

/// The gains of the table in §5.6.1.
// proves BBR-5.3.1.1, BBR-5.3.2
#[test]
fn the_gains_are_those_of_the_draft() {
    for (state, pacing, cwnd) in [
        (State::Startup, 277, 200),
        (State::Drain, 50, 200),
        (State::ProbeBwDown, 90, 200),
        (State::ProbeBwCruise, 100, 200),
        (State::ProbeBwRefill, 100, 200),
        (State::ProbeBwUp, 125, 225),
        (State::ProbeRtt, 100, 50),
    ] {
        assert_eq!((state.pacing_gain(), state.cwnd_gain()), (pacing, cwnd));
    }
}

/// §5.6.2: 2.77 initial windows in the first round trip, and never less until the pipe is full.
// proves BBR-5.6.2
#[test]
fn the_first_rate_is_that_of_the_initial_window() {
    let mut window = Window::new(MSS);
    let mut bbr = Bbr::new(&window);
    bbr.init_pacing_rate(&mut window, Some(100 * MS));
    assert_eq!(window.pacing_rate(), Some(277_000));
    bbr.bw = 50_000;
    bbr.set_pacing_rate(&mut window, 277);
    assert_eq!(window.pacing_rate(), Some(277_000));
    bbr.bw = 200_000;
    bbr.set_pacing_rate(&mut window, 277);
    assert_eq!(window.pacing_rate(), Some(548_460));
    bbr.full_pipe.reached = true;
    bbr.bw = 100_000;
    bbr.set_pacing_rate(&mut window, 100);
    assert_eq!(window.pacing_rate(), Some(99_000));
    let mut unknown = Window::new(MSS);
    bbr.init_pacing_rate(&mut unknown, None);
    assert_eq!(unknown.pacing_rate(), Some(27_700_000));
}

/// The filters forget what is old, and nothing else.
#[test]
fn the_filters_forget() {
    let mut bw = MaxBw::default();
    bw.update(10);
    bw.advance();
    bw.update(5);
    assert_eq!(bw.get(), 10);
    bw.advance();
    assert_eq!(bw.get(), 5);
    // A cycle without a sample is none.
    bw.advance();
    assert_eq!(bw.get(), 5);

    let mut max = WindowedMax::default();
    for (round, value) in [(1, 50), (2, 80), (3, 30), (8, 40), (12, 10)] {
        max.update(round, 10, value);
    }
    assert_eq!(max.get(), 80);
    max.update(13, 10, 10);
    assert_eq!(max.get(), 40);
    max.update(30, 10, 7);
    assert_eq!(max.get(), 7);
    max.update(31, 10, 9);
    assert_eq!(max.get(), 9);
}

/// A burst that crosses the threshold part of the way.
// proves BBR-5.5.10.2
#[test]
fn the_flight_at_the_loss_is_found_inside_the_burst() {
    let burst = LostBurst {
        seq: SeqNumber::new(1),
        bytes: 10_000,
        tx_in_flight: 110_000,
        lost: 11_000,
        is_app_limited: false,
        delivered: 0,
        has_sack: true,
    };
    // 1,000 of 100,000 were lost before: (2 % of 100,000 - 1,000) / 98 % more are the threshold.
    assert_eq!(loss::inflight_at_loss(&burst), 101_020);
    let all = LostBurst {
        lost: 60_000,
        ..burst
    };
    assert_eq!(loss::inflight_at_loss(&all), 100_000);
}

/// §3.7: a mark is congestion: it ends Startup, ends a probe, and otherwise lowers the short-term
/// bounds at the end of the round.
// proves BBR-3.7
#[test]
fn marks_count_as_congestion() {
    let mut path = Path::new(1_000_000, 50 * MS, 500_000);
    path.run_for(100 * MS);
    assert_eq!(path.bbr().state, State::Startup);
    let (now, flight) = (path.now, path.in_flight());
    path.cc.on_ecn(now, flight);
    path.run_until(200 * MS, |path| path.bbr().state == State::Drain);

    let seconds = Duration::from_secs(20);
    path.run_until(seconds, |path| path.bbr().state == State::ProbeBwUp);
    path.run_until(seconds, |path| path.bbr().state == State::ProbeBwCruise);
    assert_eq!(path.bbr().bw_shortterm, UNBOUNDED_BW);
    path.cc.on_ecn(path.now, flight);
    path.run_until(seconds, |path| path.bbr().bw_shortterm != UNBOUNDED_BW);
    assert_eq!(path.bbr().state, State::ProbeBwCruise);
    assert!(path.bbr().inflight_shortterm < UNBOUNDED);

    path.run_until(seconds, |path| path.bbr().state == State::ProbeBwUp);
    let (now, flight) = (path.now, path.in_flight());
    path.cc.on_ecn(now, flight);
    assert_eq!(path.bbr().state, State::ProbeBwDown);
    assert!(path.bbr().inflight_longterm <= path.bdp() * 2);
}
