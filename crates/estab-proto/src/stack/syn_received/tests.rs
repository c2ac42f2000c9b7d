use estab_timer::Duration;

use crate::stack::testing::{Bench, Seg};
use crate::tcp::State;
use crate::wire::tcp::Flags;

/// A bench with a half-open record: what our SYN-ACK was.
fn half_open() -> (Bench, crate::stack::ListenerId, Seg) {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let syn_ack = bench.ask(&Seg::syn(100));
    (bench, listener, syn_ack)
}

#[test]
fn data_and_fin_on_the_third_segment_count() {
    let (mut bench, listener, syn_ack) = half_open();
    let ack = bench.ask(&Seg::answer(&syn_ack, Flags::ACK | Flags::PSH | Flags::FIN).text(b"all"));
    assert_eq!(ack.ack, 105);
    let (id, _) = bench.stack.accept(listener).unwrap();
    assert_eq!(bench.stack.state(id), Some(State::CloseWait));
    let mut buf = [0; 8];
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(3));
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(0));
}

#[test]
fn an_exact_reset_ends_the_attempt() {
    let (mut bench, _, _) = half_open();
    bench.ask_in_vain(&Seg::new(Flags::RST, 101, 0));
    assert_eq!(bench.stack.counts().half_open, 0);
    assert_eq!(bench.stack.stats().resets_in, 1);
}

#[test]
fn a_reset_that_only_hits_the_window_is_challenged() {
    let (mut bench, _, syn_ack) = half_open();
    let challenge = bench.ask(&Seg::new(Flags::RST, 102, 0));
    assert_eq!(challenge.ctl, Flags::ACK);
    assert_eq!(
        (challenge.seq, challenge.ack),
        (syn_ack.seq.wrapping_add(1), 101)
    );
    assert!(challenge.opts.timestamps.is_some() && challenge.opts.mss.is_none());
    // One in half a second.
    bench.ask_in_vain(&Seg::new(Flags::RST, 103, 0));
    bench.now += Duration::from_millis(500);
    bench.ask(&Seg::new(Flags::RST, 103, 0));
    // Outside the window: nothing.
    bench.now += Duration::from_millis(500);
    bench.ask_in_vain(&Seg::new(Flags::RST, 100, 0));
    bench.ask_in_vain(&Seg::new(Flags::RST, 101 + 65535, 0));
    assert_eq!(bench.stack.counts().half_open, 1);
}

#[test]
fn a_bad_acknowledgement_is_reset_and_changes_nothing() {
    let (mut bench, listener, syn_ack) = half_open();
    let good = Seg::answer(&syn_ack, Flags::ACK);
    for wrong in [good.ack.wrapping_sub(1), good.ack.wrapping_add(1), 0] {
        let mut bad = good.clone();
        bad.ack = wrong;
        let reset = bench.ask(&bad);
        assert_eq!((reset.ctl, reset.seq), (Flags::RST, wrong));
    }
    bench.ask_in_vain(&good);
    assert!(bench.stack.accept(listener).is_some());
}

#[test]
fn what_lies_outside_the_window_is_challenged() {
    let (mut bench, listener, syn_ack) = half_open();
    let mut stale = Seg::answer(&syn_ack, Flags::ACK).text(b"old");
    stale.seq = 50;
    let challenge = bench.ask(&stale);
    assert_eq!((challenge.ctl, challenge.ack), (Flags::ACK, 101));
    assert!(bench.stack.accept(listener).is_none());
    assert_eq!(bench.stack.stats().drop_tcp_sequence, 1);
}

#[test]
fn a_peer_that_starts_anew_is_told_and_then_heard() {
    let (mut bench, _, syn_ack) = half_open();
    // A SYN from outside the window: our acknowledgement makes the peer send a reset, which is
    // exact, and then its SYN is heard.
    let challenge = bench.ask(&Seg::syn(1_000_000));
    assert_eq!(challenge.ctl, Flags::ACK);
    bench.ask_in_vain(&Seg::new(Flags::RST, challenge.ack, 0));
    let fresh = bench.ask(&Seg::syn(1_000_000));
    assert_eq!(fresh.ack, 1_000_001);
    assert_ne!(fresh.seq, 0);
    assert_eq!(syn_ack.ack, 101);
    // A SYN inside the window ends the attempt at once (RFC 9293 §3.10.7.4, fourth).
    bench.ask_in_vain(&Seg::syn(1_000_005));
    assert_eq!(bench.stack.counts().half_open, 0);
}

#[test]
fn only_who_saw_the_syn_ack_knows_its_timestamp() {
    let (mut bench, listener, syn_ack) = half_open();
    let good = Seg::answer(&syn_ack, Flags::ACK);
    let ecr = syn_ack.opts.timestamps.unwrap().val;
    let later = good.clone().stamp(501, ecr.wrapping_add(1_000_000));
    assert_eq!(bench.ask(&later).ctl, Flags::ACK);
    // Within half a second of the other challenge.
    bench.ask_in_vain(&good.clone().stamp(501, ecr.wrapping_sub(1)));
    assert_eq!(bench.stack.stats().drop_tcp_ack, 2);
    // An old one is challenged (RFC 7323 §5.3).
    bench.sleep(Duration::from_millis(500));
    assert_eq!(bench.ask(&good.clone().stamp(499, ecr)).ctl, Flags::ACK);
    assert_eq!(bench.stack.stats().drop_tcp_paws, 1);
    assert!(bench.stack.accept(listener).is_none());
    bench.ask_in_vain(&good.stamp(501, ecr));
    assert!(bench.stack.accept(listener).is_some());
}

#[test]
fn a_missing_timestamp_is_forgiven_unless_strict() {
    let (mut bench, listener, syn_ack) = half_open();
    bench.ask_in_vain(&Seg::answer(&syn_ack, Flags::ACK).plain());
    assert!(bench.stack.accept(listener).is_some());

    let mut bench = Bench::with(|config| config.tcp.require_timestamps = true);
    let listener = bench.listen(8);
    let syn_ack = bench.ask(&Seg::syn(100));
    bench.ask_in_vain(&Seg::answer(&syn_ack, Flags::ACK).plain());
    assert!(bench.stack.accept(listener).is_none());
    assert_eq!(bench.stack.stats().drop_tcp_missing_timestamp, 1);
}

#[test]
fn a_segment_without_acknowledgement_is_dropped() {
    let (mut bench, _, _) = half_open();
    bench.ask_in_vain(&Seg::new(Flags::PSH, 101, 0).text(b"x").stamp(501, 0));
    bench.ask_in_vain(&Seg::new(Flags::FIN, 101, 0).stamp(501, 0));
    assert_eq!(bench.stack.stats().drop_tcp_no_ack, 2);
    assert_eq!(bench.stack.counts().half_open, 1);
}

#[test]
fn a_full_stack_lets_nobody_in() {
    let mut bench = Bench::with(|config| config.limits.max_connections = 1);
    let listener = bench.listen(8);
    bench.accepted(listener, 1000);
    let (_, answers) = bench.handshake(1001);
    assert!(answers.is_empty());
    assert_eq!(bench.stack.counts().connections, 1);
    assert_eq!(bench.stack.stats().accept_overflows, 1);
}

#[test]
fn the_handshake_gives_the_first_round_trip_sample() {
    let (mut bench, listener, syn_ack) = half_open();
    bench.now += Duration::from_millis(30);
    bench.ask_in_vain(&Seg::answer(&syn_ack, Flags::ACK));
    let (id, _) = bench.stack.accept(listener).unwrap();
    let rtt = bench.stack.info(id).unwrap().rtt;
    assert_eq!(rtt, Some(Duration::from_millis(30)));
}
