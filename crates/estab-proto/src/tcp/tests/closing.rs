use super::*;
use crate::config::BufferConfig;
use crate::error::{CallError, ConnectionError};

fn shutdown(end: &mut End, now: Instant) {
    end.with(now, |conn, _| conn.shutdown()).unwrap();
}

#[test]
fn four_segments_close_and_the_half_closed_side_still_sends() {
    for iss in opening::ISNS {
        let mut couple = Couple::established(&TcpConfig::modern(), (iss, iss));
        let now = couple.now;
        shutdown(&mut couple.a, now);
        couple.exchange();
        assert_eq!(
            (couple.a.state(), couple.b.state()),
            (State::FinWait2, State::CloseWait)
        );
        couple.b.send(now, b"still here");
        couple.exchange();
        assert_eq!(couple.a.read_all(now), b"still here");
        shutdown(&mut couple.b, now);
        couple.exchange();
        assert_eq!(
            (couple.a.state(), couple.b.state()),
            (State::TimeWait, State::Closed)
        );
        let mut buf = [0; 1];
        assert_eq!(
            couple.a.with(now, |conn, ctx| conn.recv(ctx, &mut buf)),
            Ok(0)
        );
        assert_eq!(
            couple.b.with(now, |conn, ctx| conn.recv(ctx, &mut buf)),
            Ok(0)
        );
        assert_eq!(couple.b.conn.error(), None);
    }
}

#[test]
fn both_may_close_at_once() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    let now = couple.now;
    shutdown(&mut couple.a, now);
    shutdown(&mut couple.b, now);
    let (to_b, to_a) = (couple.a.transmit(now), couple.b.transmit(now));
    to_b.iter().for_each(|seg| couple.b.receive(now, seg));
    to_a.iter().for_each(|seg| couple.a.receive(now, seg));
    assert_eq!(
        (couple.a.state(), couple.b.state()),
        (State::Closing, State::Closing)
    );
    couple.exchange();
    assert_eq!(
        (couple.a.state(), couple.b.state()),
        (State::TimeWait, State::TimeWait)
    );
}

#[test]
fn a_lost_fin_is_repeated_with_its_own_number() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    let now = couple.now;
    couple.a.send(now, b"last words");
    shutdown(&mut couple.a, now);
    let lost = couple.a.transmit(now);
    assert_eq!(lost.len(), 1);
    assert!(lost[0].ctl.contains(Flags::FIN));
    couple.pass(Duration::from_secs(2));
    assert_eq!(couple.a.state(), State::FinWait2);
    assert_eq!(couple.b.read_all(couple.now), b"last words");
}

#[test]
fn a_fin_before_a_hole_waits_for_it() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    let now = couple.now;
    couple.a.send(now, &[1; 2000]);
    shutdown(&mut couple.a, now);
    let segs = couple.a.transmit(now);
    assert_eq!(segs.len(), 2);
    couple.b.receive(now, &segs[1]);
    assert_eq!(couple.b.state(), State::Established);
    couple.b.receive(now, &segs[0]);
    assert_eq!(couple.b.state(), State::CloseWait);
    assert_eq!(couple.b.read_all(now).len(), 2000);
}

#[test]
fn a_fin_is_taken_at_a_closed_window() {
    let mut config = TcpConfig::modern();
    config.recv_buffer = BufferConfig {
        initial: 3000,
        max: 3000,
    };
    let mut couple = Couple::established(&config, (1, 2));
    let now = couple.now;
    couple.a.send(now, &[1; 3000]);
    shutdown(&mut couple.a, now);
    couple.pass(Duration::from_secs(5));
    assert_eq!(couple.b.conn.info().rcv_wnd, 0);
    assert_eq!(couple.b.read_all(couple.now).len(), 3000);
    couple.pass(Duration::from_secs(120));
    assert_eq!(couple.b.state(), State::CloseWait);
}

#[test]
fn data_for_an_application_that_left_is_answered_by_a_reset() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    let now = couple.now;
    couple.b.with(now, Connection::close);
    couple.exchange();
    assert_eq!(
        (couple.a.state(), couple.b.state()),
        (State::CloseWait, State::FinWait2)
    );
    couple.a.send(now, b"anyone?");
    couple.exchange();
    assert_eq!(couple.a.conn.error(), Some(ConnectionError::Reset));
    assert_eq!(couple.b.state(), State::Closed);
    let sent = couple
        .a
        .with(now, |conn, ctx| conn.send_slice(ctx.share, b"?"));
    assert_eq!(sent, Err(CallError::Ended(ConnectionError::Reset)));
}

// proves SHLD-3
#[test]
fn unread_data_turns_a_close_into_a_reset() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    let now = couple.now;
    couple.a.send(now, b"unread");
    couple.exchange();
    couple.b.with(now, Connection::close);
    couple.exchange();
    assert_eq!(couple.a.conn.error(), Some(ConnectionError::Reset));
}

#[test]
fn nobody_waits_for_ever_in_fin_wait_2() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    couple.a.with(couple.now, Connection::close);
    couple.exchange();
    assert_eq!(couple.a.state(), State::FinWait2);
    couple.pass(Duration::from_secs(59));
    assert_eq!(couple.a.state(), State::FinWait2);
    couple.pass(Duration::from_secs(1));
    assert_eq!(couple.a.state(), State::Closed);
}

#[test]
fn a_half_closer_with_an_application_waits_as_long_as_it_takes() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    let now = couple.now;
    shutdown(&mut couple.a, now);
    couple.pass(Duration::from_secs(24 * 3600));
    assert_eq!(couple.a.state(), State::FinWait2);
}

#[test]
fn a_silent_peer_is_given_up_by_keepalive_at_7950_seconds() {
    let mut config = TcpConfig::modern();
    config.keepalive = Some(estab_timer::KeepaliveConfig::default());
    let mut couple = Couple::established(&config, (1, 2));
    let start = couple.now;
    let mut probes = Vec::new();
    let mut now = start;
    while couple.a.state() == State::Established {
        for probe in couple.a.transmit(now) {
            assert_eq!(
                (probe.seq, probe.text.len()),
                (couple.a.conn.snd.nxt.back(1), 0)
            );
            probes.push((now - start).as_secs());
        }
        now = couple.a.conn.next_deadline().unwrap();
        couple.a.with(now, |conn, ctx| conn.on_deadline(ctx));
    }
    assert_eq!(probes, (0..10).map(|n| 7200 + 75 * n).collect::<Vec<_>>());
    assert_eq!((now - start).as_secs(), 7950);
    assert_eq!(couple.a.conn.error(), Some(ConnectionError::TimedOut));
}
