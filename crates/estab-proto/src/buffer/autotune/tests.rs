use core::time::Duration;

use estab_timer::Instant;

use super::{HALF_LIFE, RecvTuner, SendTuner};

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;
const RTT: Duration = Duration::from_millis(100);

/// The first echo of a timestamp, after `rtt`.
fn echo(tuner: &mut RecvTuner, rtt: Duration) {
    tuner.on_echo(1, rtt, None);
}

/// Bytes arrive and are consumed.
fn through(tuner: &mut RecvTuner, now: Instant, bytes: u32, rtt: Option<Duration>) -> Option<u32> {
    tuner.on_data(now, bytes, 0, u32::MAX);
    tuner.on_consumed(now, bytes, rtt)
}

/// Runs `rounds` round trips from `now` on: a sender whose window grows as in slow start up to `rate` bytes per round trip, into a window
/// the tuner decides, for an application that takes at most `appetite` at once. Returns the rounds
/// in which the receive window held the sender back, and the final capacity.
fn run(
    tuner: &mut RecvTuner,
    now: &mut Instant,
    rate: u32,
    appetite: u32,
    rounds: u32,
) -> (u32, u32) {
    let (mut cwnd, mut next, mut limited) = (14_600u32, 0u64, 0);
    for _ in 0..rounds {
        let wanted = cwnd.min(rate);
        let sent = wanted.min(tuner.capacity());
        limited += u32::from(sent < wanted);
        // A round trip's bytes come and are read in sixteen parts.
        for _ in 0..16 {
            *now += RTT / 16;
            next += u64::from(sent / 16);
            tuner.on_data(*now, sent / 16, next, tuner.capacity());
            tuner.on_consumed(*now, (sent / 16).min(appetite), Some(RTT));
        }
        cwnd = cwnd.saturating_mul(2);
    }
    (limited, tuner.capacity())
}

#[test]
fn a_window_never_holds_slow_start_back() {
    let mut tuner = RecvTuner::new(64 * KIB, 32 * MIB);
    echo(&mut tuner, RTT);
    let (limited, capacity) = run(&mut tuner, &mut { Instant::ZERO }, 4 * MIB, u32::MAX, 30);
    assert_eq!(limited, 0);
    assert!((8 * MIB..=32 * MIB).contains(&capacity), "{capacity}");
}

#[test]
fn a_slow_path_keeps_the_first_window() {
    let mut tuner = RecvTuner::new(64 * KIB, 32 * MIB);
    echo(&mut tuner, RTT);
    let (_, capacity) = run(&mut tuner, &mut { Instant::ZERO }, 10 * KIB, u32::MAX, 100);
    assert_eq!(capacity, 64 * KIB);
}

#[test]
fn a_slow_application_keeps_the_first_window() {
    let mut tuner = RecvTuner::new(64 * KIB, 32 * MIB);
    echo(&mut tuner, RTT);
    let (_, capacity) = run(&mut tuner, &mut { Instant::ZERO }, 4 * MIB, 512, 100);
    assert_eq!(capacity, 64 * KIB);
}

#[test]
fn a_steady_flow_does_not_grow_for_ever() {
    let mut tuner = RecvTuner::new(64 * KIB, u32::MAX);
    echo(&mut tuner, RTT);
    let mut now = Instant::ZERO;
    let (_, before) = run(&mut tuner, &mut now, 4 * MIB, u32::MAX, 30);
    let (_, after) = run(&mut tuner, &mut now, 4 * MIB, u32::MAX, 300);
    assert_eq!(before, after);
}

#[test]
fn the_maximum_holds() {
    let mut tuner = RecvTuner::new(64 * KIB, MIB);
    echo(&mut tuner, RTT);
    let mut now = Instant::ZERO;
    assert_eq!(run(&mut tuner, &mut now, MIB, u32::MAX, 40).1, MIB);
    let more = through(&mut tuner, now + RTT, 8 * MIB, None);
    assert_eq!(more, None, "the maximum is told once");
}

#[test]
fn growth_is_told_once() {
    let mut tuner = RecvTuner::new(64 * KIB, MIB);
    let at = Instant::from_millis;
    assert_eq!(through(&mut tuner, at(0), 40_000, Some(RTT)), None);
    assert_eq!(
        through(&mut tuner, at(99), 15_000, Some(RTT)),
        None,
        "the round is not over"
    );
    let grown = through(&mut tuner, at(100), 3400, Some(RTT));
    // More than twice as much came through as was expected: that counts as twice.
    assert_eq!(grown, Some(350_400));
    assert_eq!(tuner.capacity(), 350_400);
    assert_eq!(
        through(&mut tuner, at(200), 58_400, Some(RTT)),
        None,
        "no more than before"
    );
}

#[test]
fn a_doubled_rate_gets_six_times_the_room() {
    let mut tuner = RecvTuner::new(64 * KIB, MIB);
    let at = Instant::from_millis;
    assert_eq!(through(&mut tuner, at(0), 0, Some(RTT)), None);
    assert_eq!(
        through(&mut tuner, at(100), 29_200, Some(RTT)),
        Some(175_200)
    );
    assert_eq!(
        through(&mut tuner, at(200), 58_400, Some(RTT)),
        Some(350_400)
    );
}

#[test]
fn what_waited_behind_a_hole_counts_when_it_arrived() {
    let mut tuner = RecvTuner::new(64 * KIB, MIB);
    let at = Instant::from_millis;
    assert_eq!(through(&mut tuner, at(0), 0, Some(RTT)), None);
    // For three round trips nothing is in order; then all is consumed at once.
    for ms in [50, 150, 250] {
        tuner.on_data(at(ms), 29_200, 0, u32::MAX);
        assert_eq!(tuner.on_consumed(at(ms), 0, Some(RTT)), None);
    }
    tuner.on_data(at(350), 29_200, 0, u32::MAX);
    let grown = tuner.on_consumed(at(350), 4 * 29_200, Some(RTT));
    assert_eq!(grown, Some(175_200), "as for a round trip's bytes");
}

#[test]
fn nothing_is_decided_without_a_round_trip_time() {
    let mut tuner = RecvTuner::new(64 * KIB, MIB);
    for ms in 0..1000 {
        assert_eq!(
            through(&mut tuner, Instant::from_millis(ms), MIB, None),
            None
        );
    }
}

#[test]
fn a_window_of_data_gives_the_round_trip() {
    let mut tuner = RecvTuner::new(64 * KIB, MIB);
    let (at, ms) = (Instant::from_millis, Duration::from_millis);
    tuner.on_data(at(0), 0, 1000, 5000);
    tuner.on_data(at(40), 0, 5999, 5000);
    assert_eq!(tuner.rtt(None), None);
    tuner.on_data(at(50), 0, 6000, 5000);
    assert_eq!(tuner.rtt(None), Some(ms(50)));
    tuner.on_data(at(950), 0, 11_000, 5000);
    assert_eq!(tuner.rtt(None), Some(ms(50)), "a pause is no round trip");
    tuner.on_data(at(980), 0, 16_000, 5000);
    assert_eq!(tuner.rtt(None), Some(ms(30)));
    assert_eq!(tuner.rtt(Some(ms(20))), Some(ms(20)), "sending tells more");
}

#[test]
fn timestamp_echoes_take_precedence() {
    let mut tuner = RecvTuner::new(64 * KIB, MIB);
    let (at, ms) = (Instant::from_millis, Duration::from_millis);
    tuner.on_data(at(0), 0, 0, 1000);
    tuner.on_data(at(10), 0, 1000, 1000);
    tuner.on_echo(7, ms(80), None);
    assert_eq!(tuner.rtt(Some(ms(1))), Some(ms(80)));
    tuner.on_echo(8, ms(160), None);
    assert_eq!(
        tuner.rtt(None),
        Some(ms(90)),
        "a longer one counts a little"
    );
    tuner.on_echo(8, ms(200), None);
    assert_eq!(tuner.rtt(None), Some(ms(90)), "each timestamp once");
    tuner.on_echo(9, ms(60), None);
    assert_eq!(tuner.rtt(None), Some(ms(60)), "a shorter one at once");
}

#[test]
fn the_first_echo_may_be_late() {
    let mut tuner = RecvTuner::new(64 * KIB, MIB);
    let ms = Duration::from_millis;
    tuner.on_echo(7, ms(5100), Some(ms(100)));
    assert_eq!(tuner.rtt(None), Some(ms(725)));
    tuner.on_echo(8, ms(100), Some(ms(100)));
    assert_eq!(tuner.rtt(None), Some(ms(100)));
}

#[test]
fn a_tick_is_too_coarse_for_a_short_path() {
    let mut tuner = RecvTuner::new(64 * KIB, MIB);
    let micros = Duration::from_micros;
    echo(&mut tuner, micros(1000));
    assert_eq!(tuner.rtt(None), Some(micros(1000)));
    assert_eq!(tuner.rtt(Some(micros(50))), Some(micros(50)));
    tuner.on_data(Instant::from_micros(0), 0, 0, 1000);
    tuner.on_data(Instant::from_micros(70), 0, 1000, 1000);
    assert_eq!(tuner.rtt(None), Some(micros(70)));
}

#[test]
fn an_idle_connection_gives_its_window_back_by_halves() {
    let mut tuner = RecvTuner::new(64 * KIB, 32 * MIB);
    echo(&mut tuner, RTT);
    let mut end = Instant::ZERO;
    let (_, capacity) = run(&mut tuner, &mut end, 4 * MIB, u32::MAX, 30);
    assert_eq!(
        tuner.on_idle(end + HALF_LIFE - Duration::from_nanos(1)),
        None
    );
    assert_eq!(tuner.on_idle(end + HALF_LIFE), Some(capacity / 2));
    assert_eq!(tuner.on_idle(end + HALF_LIFE), None);
    assert_eq!(tuner.on_idle(end + HALF_LIFE * 3), Some(capacity / 8));
    assert_eq!(tuner.on_idle(end + HALF_LIFE * 10_000), Some(64 * KIB));
    assert_eq!(
        tuner.on_idle(end + HALF_LIFE * 20_000),
        None,
        "never below the start"
    );

    let mut now = end + HALF_LIFE * 20_000;
    let (limited, _) = run(&mut tuner, &mut now, 4 * MIB, u32::MAX, 30);
    assert_eq!(limited, 0, "and earns it anew");
}

#[test]
fn the_smallest_configuration_works() {
    let mut tuner = RecvTuner::new(0, u32::MAX);
    for ms in 0..100 {
        through(
            &mut tuner,
            Instant::from_millis(ms),
            u32::MAX,
            Some(Duration::ZERO),
        );
    }
    assert_eq!(tuner.capacity(), u32::MAX);
}

#[test]
fn the_send_buffer_holds_twice_the_congestion_window() {
    let tuner = SendTuner::new(128 << 10, 16 << 20);
    assert_eq!(tuner.target(14_600), 128 << 10);
    assert_eq!(tuner.target(1 << 20), 2 << 20);
    assert_eq!(tuner.target(u32::MAX), 16 << 20);
}

#[test]
fn the_capacity_keeps_ahead_of_what_is_beyond_a_hole() {
    let mut tuner = RecvTuner::new(64 * KIB, MIB);
    for (span, capacity) in [(10, 64), (40, 80), (39, 80), (300, 600), (900, 1024)] {
        tuner.on_beyond(span * KIB);
        assert_eq!(tuner.capacity(), capacity * KIB);
    }
}
