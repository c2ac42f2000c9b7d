use estab_timer::Duration;

use crate::addr::FourTuple;
use crate::error::CallError;
use crate::event::Event;
use crate::stack::testing::{Bench, Seg, peer, server};
use crate::stack::{IncomingId, ListenConfig, ListenerId};
use crate::stats::Counts;
use crate::tcp::State;
use crate::wire::tcp::Flags;

fn deferring(bench: &mut Bench, backlog: usize) -> ListenerId {
    bench.listen_as(ListenConfig {
        port: Some(80),
        backlog,
        deferred: true,
        ..ListenConfig::default()
    })
}

/// A bench with one attempt from port 1000.
fn attempt() -> (Bench, ListenerId, IncomingId) {
    let mut bench = Bench::new();
    let listener = deferring(&mut bench, 4);
    bench.ask_in_vain(&Seg::syn(100));
    assert_eq!(bench.events(), [Event::Listener(listener)]);
    let (id, tuple) = bench.stack.next_incoming(listener).unwrap();
    assert_eq!(
        tuple,
        FourTuple {
            local: server(),
            remote: peer(1000)
        }
    );
    (bench, listener, id)
}

#[test]
fn an_accepted_attempt_becomes_a_connection() {
    let (mut bench, listener, attempt) = attempt();
    // The peer repeats its SYN: still the same attempt, and still silence.
    bench.ask_in_vain(&Seg::syn(100));
    assert_eq!(bench.stack.next_incoming(listener), None);
    let id = bench.stack.accept_incoming(bench.now, attempt).unwrap();
    assert_eq!(bench.stack.state(id), Some(State::SynReceived));
    let out = bench.output();
    assert_eq!((out.len(), out[0].ctl), (1, Flags::SYN | Flags::ACK));
    assert_eq!(
        (out[0].opts.mss, out[0].opts.window_scale.is_some()),
        (Some(1460), true)
    );
    assert!(out[0].opts.sack_permitted);
    bench.ask_in_vain(&Seg::answer(&out[0], Flags::ACK));
    assert_eq!(bench.events().first(), Some(&Event::Connected(id)));
    assert_eq!(bench.stack.state(id), Some(State::Established));
    let again = bench.stack.accept_incoming(bench.now, attempt);
    assert_eq!(again, Err(CallError::NoSuchConnection));
}

#[test]
fn an_accepted_attempt_may_fail_like_any_open() {
    let (mut bench, _, attempt) = attempt();
    let id = bench.stack.accept_incoming(bench.now, attempt).unwrap();
    let syn_ack = bench.output().pop().unwrap();
    bench.ask_in_vain(&Seg::answer(&syn_ack, Flags::RST));
    let events = bench.events();
    assert!(matches!(events.last(), Some(&Event::Closed(closed, Some(_))) if closed == id));
}

#[test]
fn a_refused_attempt_is_reset() {
    let (mut bench, _, attempt) = attempt();
    bench.stack.refuse_incoming(bench.now, attempt);
    let reset = bench.output().pop().unwrap();
    assert_eq!(
        (reset.ctl, reset.seq, reset.ack),
        (Flags::RST | Flags::ACK, 0, 101)
    );
    bench.stack.refuse_incoming(bench.now, attempt);
    assert!(bench.output().is_empty());
    assert_eq!(
        bench.stack.counts(),
        Counts {
            listeners: 1,
            ..Counts::default()
        }
    );
}

#[test]
fn an_ignored_attempt_leaves_no_trace() {
    let (mut bench, listener, attempt) = attempt();
    bench.stack.ignore_incoming(attempt);
    assert!(bench.output().is_empty());
    assert_eq!(
        bench.stack.counts(),
        Counts {
            listeners: 1,
            ..Counts::default()
        }
    );
    // The peer does not know, and tries again.
    bench.ask_in_vain(&Seg::syn(100));
    assert!(bench.stack.next_incoming(listener).is_some());
}

#[test]
fn an_attempt_nobody_judges_is_forgotten() {
    let (mut bench, listener, attempt) = attempt();
    bench.sleep(Duration::from_secs(60));
    bench.ask_in_vain(&Seg::syn(100));
    bench.sleep(Duration::from_secs(63));
    assert_eq!(bench.stack.counts().incoming, 1);
    let sent = bench.sleep(Duration::from_secs(2));
    assert!(sent.is_empty());
    let late = bench.stack.accept_incoming(bench.now, attempt);
    assert_eq!(late, Err(CallError::NoSuchConnection));
    assert_eq!(bench.stack.next_incoming(listener), None);
    assert_eq!(bench.stack.stats().half_open_timeouts, 1);
}

#[test]
fn the_backlog_bounds_what_waits() {
    let mut bench = Bench::new();
    let listener = deferring(&mut bench, 4);
    for port in 1000..1010 {
        bench.ask_in_vain(&Seg::syn(100).port(port));
    }
    assert_eq!(bench.stack.counts().incoming, 4);
    assert_eq!(bench.stack.stats().drop_syn, 6);
    // Handed out and not judged counts as well.
    let (id, _) = bench.stack.next_incoming(listener).unwrap();
    bench.ask_in_vain(&Seg::syn(100).port(1020));
    assert_eq!(bench.stack.counts().incoming, 4);
    bench.stack.ignore_incoming(id);
    bench.ask_in_vain(&Seg::syn(100).port(1020));
    assert_eq!(bench.stack.counts().incoming, 4);
    bench.stack.close_listener(bench.now, listener);
    assert_eq!(bench.output().len(), 4);
    assert_eq!(bench.stack.counts(), Counts::default());
}

#[test]
fn to_the_peer_it_is_still_listen() {
    let (mut bench, listener, attempt) = attempt();
    let reset = bench.ask(&Seg::new(Flags::ACK, 101, 77));
    assert_eq!((reset.ctl, reset.seq), (Flags::RST, 77));
    bench.ask_in_vain(&Seg::new(Flags::FIN, 101, 0));
    bench.ask_in_vain(&Seg::new(Flags::RST, 100, 0));
    assert_eq!(bench.stack.counts().incoming, 1);
    // A new SYN on the same ports takes the old one's place.
    bench.ask_in_vain(&Seg::syn(900));
    assert_eq!(bench.stack.next_incoming(listener), None);
    let id = bench.stack.accept_incoming(bench.now, attempt).unwrap();
    let syn_ack = bench.output().pop().unwrap();
    assert_eq!(syn_ack.ack, 901);
    bench.ask_in_vain(&Seg::answer(&syn_ack, Flags::ACK));
    assert_eq!(bench.stack.state(id), Some(State::Established));
}

#[test]
fn a_peer_that_gives_up_frees_its_place() {
    let (mut bench, _, _) = attempt();
    bench.ask_in_vain(&Seg::new(Flags::RST, 101, 0));
    assert_eq!(bench.stack.counts().incoming, 0);
}
