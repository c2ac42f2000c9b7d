//! Every timer on its exact schedule, in virtual time.

use std::time::Duration;

use estab_proto::config::{BufferConfig, StackConfig, TcpConfig};
use estab_proto::wire::{Flags, TcpOptions};
use estab_proto::{ConnId, ConnectionError, Event, Instant, SoftError, State};
use estab_tests::world::{B, config};
use estab_tests::{Peer, Seg};
use estab_timer::{KeepaliveConfig, UserTimeout};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The default settings, changed.
fn configured(change: impl FnOnce(&mut TcpConfig)) -> StackConfig {
    let mut config = config(B);
    change(&mut config.tcp);
    config
}

fn established(change: impl FnOnce(&mut TcpConfig)) -> (Peer, ConnId) {
    Peer::established(configured(change))
}

/// Lets the peer be silent for `limit`: what the host sends, and when, counted from now.
fn sent_within(peer: &mut Peer, limit: Duration) -> Vec<(Duration, Seg)> {
    let start = peer.now;
    peer.wait(limit);
    let mut sent = Vec::new();
    while let Some((at, packet)) = peer.next_packet() {
        sent.push((at - start, Seg::parse(&packet).expect("a segment")));
    }
    sent
}

/// The moments at which what is sent at 0 is sent again: timeouts that double from `first` up to
/// `most`, until `end`.
fn back_off(first: Duration, most: Duration, end: Duration) -> Vec<Duration> {
    let (mut at, mut timeout, mut times) = (first, first, Vec::new());
    while at < end {
        times.push(at);
        timeout = (timeout * 2).min(most);
        at += timeout;
    }
    times
}

#[track_caller]
fn assert_ended(peer: &mut Peer, id: ConnId, error: ConnectionError) {
    assert_eq!(peer.state(id), State::Closed);
    assert_eq!(peer.host.stack.error(id), Some(error));
    let last = peer
        .host
        .events
        .iter()
        .rfind(|event| matches!(event, Event::Closed(..)));
    assert_eq!(last, Some(&Event::Closed(id, Some(error))));
}

// proves MUST-28, MUST-29, SHLD-12, MAY-5
#[test]
fn keepalive_gives_a_dead_peer_two_hours_and_ten_probes() {
    let (mut peer, id) = established(|tcp| tcp.keepalive = Some(KeepaliveConfig::default()));
    let probes = sent_within(&mut peer, seconds(7_950) - Duration::from_nanos(1));
    let times: Vec<_> = probes.iter().map(|(at, _)| *at).collect();
    let expected: Vec<_> = (0..10).map(|n| seconds(7_200 + 75 * n)).collect();
    assert_eq!(times, expected);
    for (_, probe) in &probes {
        assert_eq!((probe.ctl, probe.len()), (Flags::ACK, 0), "no data");
        assert_eq!((probe.seq, probe.ack), (peer.rcv.back(1), peer.nxt));
    }
    assert_eq!(peer.state(id), State::Established);
    let reset = sent_within(&mut peer, Duration::from_nanos(1));
    assert_eq!(reset[0].1.ctl, Flags::RST | Flags::ACK);
    assert_ended(&mut peer, id, ConnectionError::TimedOut);
}

// proves MUST-26
#[test]
fn any_segment_starts_keepalive_over() {
    let (mut peer, id) = established(|tcp| tcp.keepalive = Some(KeepaliveConfig::default()));
    // Nine probes unanswered, then an answer, then data: each makes it two hours again.
    peer.wait(seconds(7_200 + 8 * 75 + 10));
    assert_eq!(peer.replies().len(), 9);
    peer.send(&peer.seg());
    let sent = sent_within(&mut peer, seconds(7_200));
    assert_eq!(
        sent.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
        [seconds(7_200)]
    );
    peer.send_text(b"still here");
    let sent = sent_within(&mut peer, seconds(7_199));
    assert!(
        sent.iter().all(|(at, _)| *at <= millis(40)),
        "the delayed ACK alone: {sent:?}"
    );
    peer.wait(seconds(1));
    peer.reply();
    assert_eq!(peer.state(id), State::Established);
}

// proves MUST-24, MUST-25
#[test]
fn keepalive_is_off_unless_asked_for() {
    let (mut peer, id) = established(|_| ());
    assert_eq!(sent_within(&mut peer, seconds(30 * 86_400)), []);
    assert_eq!(
        peer.host.stack.counts().timers,
        0,
        "an idle connection has no timer"
    );
    peer.on(|stack, now| stack.set_keepalive(now, id, Some(KeepaliveConfig::default())))
        .unwrap();
    assert_eq!(sent_within(&mut peer, seconds(7_200)).len(), 1);
}

// proves MUST-20, SHLD-9, SHLD-10, SHLD-11
#[test]
fn data_is_sent_again_until_r2() {
    let strict = TcpConfig::rfc_strict();
    for (tcp, first, r2) in [
        (TcpConfig::modern(), millis(200), 924),
        (strict, seconds(1), 300),
    ] {
        let (mut peer, id) = established(|config| *config = tcp.clone());
        peer.write(id, b"hello?");
        let data = peer.reply();
        let sent = sent_within(&mut peer, seconds(r2) - Duration::from_nanos(1));
        for (_, again) in &sent {
            assert_eq!((again.seq, &again.text), (data.seq, &data.text));
        }
        let times: Vec<_> = sent.iter().map(|(at, _)| *at).collect();
        let expected = back_off(first, seconds(120), seconds(r2));
        // The round trip of the handshake took no time: only the floor is left, to the microsecond.
        let close = |(a, b): (&Duration, &Duration)| a.abs_diff(*b) < millis(1) * 20;
        assert_eq!(times.len(), expected.len(), "{times:?}");
        assert!(
            times.iter().zip(&expected).all(close),
            "{times:?}\n{expected:?}"
        );
        let soft = Event::SoftError(id, SoftError::DeliveryTrouble);
        assert_eq!(
            peer.host
                .events
                .iter()
                .filter(|event| **event == soft)
                .count(),
            1,
            "R1, once"
        );
        peer.host.events.clear();

        assert_eq!(peer.state(id), State::Established);
        let sent = sent_within(&mut peer, Duration::from_nanos(1));
        assert_eq!(sent[0].1.ctl, Flags::RST | Flags::ACK);
        assert_ended(&mut peer, id, ConnectionError::TimedOut);
        assert_eq!(peer.host.stack.counts().timers, 0);
    }
}

// proves MUST-22, MUST-23
#[test]
fn a_syn_is_sent_again_for_three_minutes() {
    let mut peer = Peer::with(config(B));
    let id = peer.connect_host();
    let syn = peer.reply();
    let sent = sent_within(&mut peer, seconds(180) - Duration::from_nanos(1));
    let times: Vec<_> = sent.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(times, [1, 3, 7, 15, 31, 63, 123]);
    assert!(
        sent.iter()
            .all(|(_, again)| again.ctl == Flags::SYN && again.seq == syn.seq)
    );
    assert_eq!(peer.state(id), State::SynSent);
    peer.wait(Duration::from_nanos(1));
    peer.expect_silence();
    assert_ended(&mut peer, id, ConnectionError::TimedOut);
    assert_eq!(peer.host.stack.counts().ports, 0);
}

#[test]
fn a_half_open_connection_is_given_up() {
    let mut peer = Peer::listening(config(B));
    peer.send(&peer.syn());
    peer.reply();
    let sent = sent_within(&mut peer, seconds(300));
    let times: Vec<_> = sent.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(times, [1, 3, 7, 15, 31]);
    let counts = peer.host.stack.counts();
    assert_eq!((counts.half_open, counts.timers), (0, 0));
    assert_eq!(peer.host.stack.stats().half_open_timeouts, 1);
}

/// After a lost SYN the first timeout of data is 3 s (RFC 6298 §5.7), unless a timestamp measured
/// the round trip.
// proves RFC6298-5(5.7)
#[test]
fn a_lost_syn_makes_the_first_timeout_three_seconds() {
    for (timestamps, expected) in [(false, seconds(3)), (true, millis(200))] {
        let mut peer = Peer::with(configured(|tcp| tcp.timestamps = timestamps));
        let id = peer.connect_host();
        peer.wait(seconds(1));
        let syn = peer.replies().pop().unwrap();
        peer.note(&syn);
        let mut syn_ack = peer.syn().ack(peer.rcv);
        if let Some(theirs) = syn.opts.timestamps {
            syn_ack = syn_ack.timestamps(1, theirs.val);
            peer.timestamps = syn_ack.opts.timestamps;
        }
        peer.send(&syn_ack);
        peer.reply();
        peer.write(id, b"data");
        peer.reply();
        let (at, _) = (peer.now, ());
        let (again, _) = peer.wait_for_segment(seconds(10));
        assert!(
            (again - at).abs_diff(expected) < millis(5),
            "{:?}",
            again - at
        );
    }
}

/// Answers each probe with a closed window for `time`; returns when the probes came.
fn answer_probes(peer: &mut Peer, time: Duration) -> Vec<Instant> {
    let (end, mut times) = (peer.now + time, Vec::new());
    loop {
        let left = end.saturating_duration_since(peer.now);
        let Some(due) = peer.host.deadline().filter(|due| *due <= end) else {
            break;
        };
        peer.wait_until(due.min(peer.now + left));
        for probe in peer.replies() {
            assert_eq!(probe.len(), 0, "{probe}");
            assert_eq!(probe.seq, peer.rcv.back(1), "{probe}");
            times.push(peer.now);
            peer.send(&peer.seg().wnd(0));
        }
    }
    peer.wait_until(end);
    times
}

// proves MUST-36, MUST-37, SHLD-29, SHLD-30
#[test]
fn a_closed_window_is_probed_for_hours_while_the_peer_answers() {
    let (mut peer, id) = established(|_| ());
    peer.wnd = 0;
    peer.send(&peer.seg());
    peer.write(id, b"waiting");
    peer.expect_silence();
    let start = peer.now;
    let times = answer_probes(&mut peer, seconds(6 * 3600));
    let expected = back_off(millis(200), seconds(60), seconds(6 * 3600));
    assert_eq!(times.len(), expected.len());
    for (time, expected) in times.iter().zip(&expected) {
        assert!(
            (*time - start).abs_diff(*expected) < millis(20),
            "{time:?} {expected:?}"
        );
    }
    assert_eq!(peer.state(id), State::Established);
    // Then without answers: R2 counts from the first probe that stays unanswered.
    let sent = sent_within(&mut peer, seconds(2 * 924));
    let first = sent[0].0;
    let (last, reset) = sent.last().unwrap();
    assert_eq!(reset.ctl, Flags::RST | Flags::ACK);
    assert!(
        (seconds(924)..seconds(924 + 60)).contains(&(*last - first)),
        "{first:?} {last:?}"
    );
    assert_ended(&mut peer, id, ConnectionError::TimedOut);
}

#[test]
fn an_opened_window_ends_the_probing() {
    let (mut peer, id) = established(|_| ());
    peer.send(&peer.seg().wnd(0));
    peer.write(id, b"waiting");
    peer.wait(seconds(600));
    peer.replies();
    peer.send(&peer.seg().wnd(1000));
    assert_eq!(peer.reply().text, b"waiting");
}

// proves MUST-40, SHLD-18
#[test]
fn an_ack_waits_40_ms_for_company() {
    let (mut peer, id) = established(|tcp| tcp.delayed_ack.quick_segments = 0);
    let start = peer.now;
    peer.send_text(b"first");
    peer.wait(millis(30));
    peer.send_text(b"second");
    peer.expect_silence();
    let (at, ack) = peer.wait_for_segment(seconds(1));
    assert_eq!(at - start, millis(40), "counted from the first segment");
    assert_eq!(ack.ack, peer.nxt);

    // An answer carries it.
    peer.send_text(b"third");
    peer.write(id, b"answer");
    assert_eq!(peer.reply().ack, peer.nxt);
    peer.note(
        &Seg::new(peer.remote, peer.local)
            .seq(peer.rcv)
            .text(b"answer"),
    );
    peer.send(&peer.seg());
    assert_eq!(sent_within(&mut peer, seconds(1)), []);
}

// proves SHLD-19
#[test]
fn every_second_full_segment_is_acknowledged_at_once() {
    let (mut peer, _) = established(|tcp| tcp.delayed_ack.quick_segments = 0);
    for _ in 0..10 {
        peer.send_text(&[1; 1460]);
        peer.expect_silence();
        peer.send_text(&[2; 1460]);
        assert_eq!(peer.reply().ack, peer.nxt);
    }
}

#[test]
fn a_young_connection_acknowledges_at_once() {
    let (mut peer, _) = established(|_| ());
    for _ in 0..16 {
        peer.send_text(b"x");
        assert_eq!(peer.reply().ack, peer.nxt);
    }
    peer.send_text(b"x");
    peer.expect_silence();
}

#[test]
fn holes_and_ends_are_acknowledged_at_once() {
    let (mut peer, _) = established(|tcp| tcp.delayed_ack.quick_segments = 0);
    let gap = peer.seg().seq(peer.nxt + 100).text([0; 100]);
    peer.send(&gap);
    assert_eq!(peer.reply().ack, peer.nxt, "out of order");
    peer.send_text(&[0; 100]);
    peer.nxt += 100;
    assert_eq!(peer.reply().ack, peer.nxt, "the hole is filled");
    peer.send_fin();
    assert_eq!(peer.reply().ack, peer.nxt, "a FIN");
}

#[test]
fn an_orphan_waits_a_minute_for_the_peers_fin() {
    let (mut peer, id) = established(|_| ());
    peer.on(|stack, now| stack.close(now, id));
    let fin = peer.reply();
    peer.wait(millis(10));
    peer.note(&fin);
    peer.send(&peer.seg());
    assert_eq!(peer.status(), State::FinWait2);
    peer.wait(seconds(60) - Duration::from_nanos(1));
    assert_eq!(peer.status(), State::FinWait2);
    peer.wait(Duration::from_nanos(1));
    assert_eq!(peer.status(), State::Listen);
    peer.expect_silence();
    let counts = peer.host.stack.counts();
    assert_eq!(
        (counts.connections, counts.timers, counts.buffer_bytes),
        (0, 0, 0)
    );
}

#[test]
fn an_application_may_wait_for_the_peers_fin_as_long_as_it_likes() {
    let (mut peer, id) = established(|_| ());
    peer.on(|stack, now| stack.shutdown(now, id)).unwrap();
    let fin = peer.reply();
    peer.note(&fin);
    peer.send(&peer.seg());
    peer.wait(seconds(86_400));
    assert_eq!(peer.state(id), State::FinWait2);
    peer.send_text(b"at last");
    assert_eq!(peer.read(id), b"at last");
}

// proves MUST-21
#[test]
fn a_user_timeout_counts_from_the_first_unacknowledged_byte() {
    let (mut peer, id) = established(|_| ());
    peer.on(|stack, now| stack.set_user_timeout(now, id, UserTimeout::After(seconds(30))))
        .unwrap();
    peer.wait(seconds(1000));
    assert_eq!(peer.state(id), State::Established, "nothing is outstanding");
    peer.write(id, b"one");
    peer.wait(seconds(20));
    peer.write(id, b"two");
    peer.wait(seconds(10) - Duration::from_nanos(1));
    assert_eq!(peer.state(id), State::Established);
    peer.wait(Duration::from_nanos(1));
    assert_ended(&mut peer, id, ConnectionError::TimedOut);
}

#[test]
fn a_user_timeout_bounds_an_open_as_well() {
    let mut peer = Peer::with(configured(|tcp| {
        tcp.give_up.user_timeout = UserTimeout::After(seconds(5));
    }));
    let id = peer.connect_host();
    peer.wait(seconds(5));
    assert_ended(&mut peer, id, ConnectionError::TimedOut);
}

#[test]
fn lingering_ends_in_a_reset() {
    // At once,
    let (mut peer, id) = established(|tcp| tcp.linger = Some(Duration::ZERO));
    peer.write(id, b"lost");
    peer.replies();
    peer.on(|stack, now| stack.close(now, id));
    assert_eq!(peer.reply().ctl, Flags::RST | Flags::ACK);
    assert_eq!(peer.status(), State::Listen);

    // or when the time is over and not everything is acknowledged.
    let (mut peer, id) = established(|tcp| tcp.linger = Some(seconds(5)));
    peer.write(id, b"lost");
    peer.on(|stack, now| stack.close(now, id));
    peer.wait(seconds(5) - Duration::from_nanos(1));
    assert!(peer.replies().iter().all(|seg| !seg.has(Flags::RST)));
    peer.wait(Duration::from_nanos(1));
    assert_eq!(peer.reply().ctl, Flags::RST | Flags::ACK);
    assert_eq!(peer.host.stack.counts().connections, 0);
}

/// A host in TIME-WAIT since `peer.now`.
fn in_time_wait(opts: TcpOptions) -> (Peer, Seg) {
    let (mut peer, id) = Peer::listening(config(B)).open(opts);
    peer.on(|stack, now| stack.close(now, id));
    let fin = peer.reply();
    peer.note(&fin);
    peer.send(&peer.seg());
    peer.wait(seconds(1));
    let peers_fin = peer.seg().ctl(Flags::FIN);
    peer.nxt = peers_fin.end();
    peer.send(&peers_fin);
    assert_eq!(peer.reply().ack, peer.nxt);
    assert_eq!(peer.status(), State::TimeWait);
    (peer, peers_fin)
}

// proves MUST-13
#[test]
fn only_a_repeated_fin_starts_twice_the_msl_over() {
    let (mut peer, fin) = in_time_wait(TcpOptions::default());
    let entered = peer.now;
    peer.wait(seconds(30));
    // Old data, a bare ACK, a RST, an old SYN: no more than an answer.
    for seg in [
        peer.seg().seq(fin.seq.back(10)).text([1; 10]),
        peer.seg(),
        Seg {
            ctl: Flags::RST,
            ..peer.seg()
        },
        Seg {
            ctl: Flags::RST,
            ..peer.seg().seq(peer.nxt.back(1))
        },
        peer.syn().seq(fin.seq.back(5000)),
    ] {
        peer.send(&seg);
        assert!(peer.replies().iter().all(|seg| seg.ctl == Flags::ACK));
        peer.wait(seconds(1));
    }
    peer.wait_until(entered + seconds(60) - Duration::from_nanos(1));
    assert_eq!(peer.status(), State::TimeWait);
    peer.wait(Duration::from_nanos(1));
    assert_eq!(peer.status(), State::Listen);

    let (mut peer, fin) = in_time_wait(TcpOptions::default());
    peer.wait(seconds(59));
    peer.send(&fin);
    assert_eq!(peer.reply().ack, fin.end());
    let restarted = peer.now;
    peer.wait_until(restarted + seconds(60) - Duration::from_nanos(1));
    assert_eq!(peer.status(), State::TimeWait);
    peer.wait(Duration::from_nanos(1));
    assert_eq!(peer.status(), State::Listen);
    assert_eq!(peer.host.stack.counts().timers, 0);
}

/// A timer that was re-armed a million times leaves one entry, and none when it is over.
#[test]
fn a_busy_connection_keeps_one_timer() {
    let buffer = BufferConfig {
        initial: 1 << 20,
        max: 1 << 20,
    };
    let (mut peer, id) = established(|tcp| tcp.send_buffer = buffer);
    for _ in 0..2_000 {
        peer.write(id, &[9; 1000]);
        for seg in peer.replies() {
            peer.note(&seg);
        }
        peer.send(&peer.seg());
        assert!(peer.host.stack.counts().timers <= 1);
        peer.wait(millis(1));
    }
    peer.wait(seconds(10));
    peer.replies();
    assert_eq!(peer.host.stack.counts().timers, 0);
}
