mod chaos;

use alloc::vec;
use alloc::vec::Vec;

use estab_timer::Duration;

use super::testing::{Bench, Seg, peer, server};
use crate::addr::FourTuple;
use crate::error::{CallError, ConnectionError};
use crate::event::Event;
use crate::stack::RxMeta;
use crate::stats::Counts;
use crate::tcp::State;
use crate::wire::tcp::Flags;

#[test]
fn a_connection_opens_carries_bytes_and_closes() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (ack, answers) = bench.handshake(1000);
    assert!(answers.is_empty());
    assert_eq!(bench.events(), [Event::Listener(listener)]);
    let (id, _) = bench.stack.accept(listener).unwrap();
    assert_eq!(bench.stack.accept(listener), None);
    assert_eq!(bench.stack.state(id), Some(State::Established));
    bench.events();

    bench.send(&ack.clone().text(b"hello"));
    assert_eq!(bench.events(), [Event::Readable(id)]);
    let mut buf = [0; 16];
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(5));
    assert_eq!(&buf[..5], b"hello");
    assert_eq!(
        bench.stack.recv(bench.now, id, &mut buf),
        Err(CallError::WouldBlock)
    );

    assert_eq!(bench.stack.send_slice(bench.now, id, b"world"), Ok(5));
    let out = bench.output();
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].text, b"world");

    // The peer closes first, then we do.
    let mut fin = Seg::answer(&out[0], Flags::FIN | Flags::ACK);
    let answer = bench.ask(&fin);
    assert_eq!(answer.ack, fin.seq.wrapping_add(1));
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(0));
    bench.stack.close(bench.now, id);
    let out = bench.output();
    assert!(out[0].ctl.contains(Flags::FIN));
    fin = Seg::answer(&out[0], Flags::ACK);
    bench.ask_in_vain(&fin);
    bench.events();
    bench.stack.close_listener(bench.now, listener);
    assert_eq!(bench.stack.counts(), Counts::default());
}

#[test]
fn ids_of_the_past_are_harmless() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, _) = bench.accepted(listener, 1000);
    bench.stack.abort(bench.now, id);
    assert_eq!(
        bench.stack.send_slice(bench.now, id, b"x"),
        Err(CallError::Ended(ConnectionError::Aborted))
    );
    bench.stack.close(bench.now, id);
    assert_eq!(bench.output().len(), 1);
    let now = bench.now;
    let gone = Err(CallError::NoSuchConnection);
    assert_eq!(bench.stack.send_slice(now, id, b"x"), gone);
    assert_eq!(bench.stack.recv(now, id, &mut [0]), gone);
    assert_eq!(bench.stack.peek(id, &mut [0]), gone);
    assert_eq!(bench.stack.take_chunk(id), Err(CallError::NoSuchConnection));
    assert_eq!(
        bench.stack.shutdown(now, id),
        Err(CallError::NoSuchConnection)
    );
    assert_eq!(
        bench.stack.set_ttl(now, id, 3),
        Err(CallError::NoSuchConnection)
    );
    assert_eq!(bench.stack.ttl(id), None);
    assert_eq!(bench.stack.state(id), None);
    assert!(bench.stack.info(id).is_none());
    bench.stack.abort(now, id);
    bench.stack.close(now, id);
    bench.stack.consumed(now, id, 7);
    bench.stack.close_listener(now, listener);
    bench.stack.close_listener(now, listener);
    assert_eq!(bench.stack.accept(listener), None);
    assert_eq!(bench.stack.listener_addr(listener), None);
    assert_eq!(bench.events(), []);
    assert_eq!(bench.stack.counts(), Counts::default());
}

#[test]
fn the_device_is_lost() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (held, _) = bench.accepted(listener, 1000);
    let (released, _) = bench.accepted(listener, 1001);
    bench.handshake(1002);
    bench.send(&Seg::syn(1).port(1003));
    let opening = bench.stack.connect(bench.now, peer(9), None, None).unwrap();
    bench.stack.close(bench.now, released);
    bench.output();
    bench.events();

    bench
        .stack
        .shut_down(bench.now, ConnectionError::DeviceLost);
    assert_eq!(bench.output().len(), 0);
    let lost = Some(ConnectionError::DeviceLost);
    let events = bench.events();
    assert!(events.contains(&Event::Closed(held, lost)), "{events:?}");
    assert!(events.contains(&Event::Closed(opening, lost)), "{events:?}");
    assert_eq!(bench.stack.listen(Default::default()).map(|_| ()), Ok(()));
    for id in [held, opening] {
        bench.stack.close(bench.now, id);
    }
    assert_eq!(
        bench.stack.counts(),
        Counts {
            listeners: 1,
            ..Counts::default()
        }
    );
}

#[test]
fn time_that_goes_backwards_stands_still() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (id, ack) = bench.accepted(listener, 1000);
    let earlier = bench.now - Duration::from_secs(3600);
    bench
        .stack
        .handle_packet(earlier, &ack.text(b"x").packet(), RxMeta::default());
    bench.stack.handle_timeout(earlier);
    assert_eq!(bench.stack.readable(id), 1);
    assert!(bench.stack.info(id).unwrap().last_received_at >= bench.now);
}

#[test]
fn what_is_sent_to_one_connection_shows_in_no_other() {
    // The answers on flow B are the same, bit by bit, whatever happens to flow A.
    let run = |attack: bool| {
        let mut bench = Bench::new();
        let listener = bench.listen(8);
        let (_, a) = bench.accepted(listener, 1000);
        let (_, b) = bench.accepted(listener, 1001);
        let mut seen = Vec::new();
        for round in 0..50u32 {
            if attack {
                for n in 1..20 {
                    let mut forged = a.clone();
                    forged.seq = forged.seq.wrapping_add(n);
                    forged.ctl = [Flags::RST, Flags::SYN, Flags::ACK][n as usize % 3];
                    bench.send(&forged);
                }
            }
            let mut probe = b.clone();
            probe.seq = probe.seq.wrapping_add(round + 1);
            probe.ctl = Flags::RST;
            seen.extend(bench.send(&probe).iter().map(Seg::packet));
            bench.now += Duration::from_millis(90);
            bench.stack.handle_timeout(bench.now);
            bench.events();
        }
        seen
    };
    let quiet = run(false);
    assert!(quiet.len() > 5);
    assert_eq!(quiet, run(true));
}

#[test]
fn many_deadlines_at_once_do_not_keep_packets_waiting() {
    let mut bench = Bench::with(|config| config.limits.max_half_open = 5000);
    bench.listen(5000);
    for port in 1..=5000 {
        bench.feed(&Seg::syn(1).port(port).packet());
    }
    bench.packets();
    bench.now += Duration::from_secs(1);
    let mut calls = 0;
    while bench.stack.poll_timeout().is_some_and(|at| at <= bench.now) {
        bench.stack.handle_timeout(bench.now);
        assert!(bench.packets().len() <= 1024);
        calls += 1;
    }
    assert_eq!(calls, 5);
}

#[test]
fn who_holds_a_four_tuple() {
    let mut bench = Bench::new();
    let tuple = FourTuple {
        local: server(),
        remote: peer(1000),
    };
    assert_eq!(bench.stack.status(&tuple), State::Closed);
    let listener = bench.listen(8);
    assert_eq!(bench.stack.status(&tuple), State::Listen);
    bench.send(&Seg::syn(100));
    assert_eq!(bench.stack.status(&tuple), State::SynReceived);
    let (id, _) = bench.accepted(listener, 1001);
    let tuple = bench.stack.tuple(id).unwrap();
    assert_eq!(bench.stack.status(&tuple), State::Established);
}

#[test]
fn two_stacks_talk_whatever_is_lost_at_first() {
    // Both directions lose their first packets; the timers repair it.
    for lost in 0..4 {
        let mut a = Bench::new();
        let mut b = Bench::with(|config| {
            config.addrs = vec![crate::addr::IpCidr::new(super::testing::PEER.into(), 24)];
        });
        let listener = a.listen(1);
        let id = b.stack.connect(b.now, server(), None, None).unwrap();
        b.stack.send_slice(b.now, id, b"ping").unwrap();
        let mut dropped = 0;
        let mut accepted = None;
        for _ in 0..200 {
            let out: Vec<_> = b.packets().into_iter().map(|p| (true, p)).collect();
            let back: Vec<_> = a.packets().into_iter().map(|p| (false, p)).collect();
            if out.is_empty() && back.is_empty() {
                a.events();
                b.events();
                let next = [a.stack.poll_timeout(), b.stack.poll_timeout()];
                let Some(next) = next.into_iter().flatten().min() else {
                    break;
                };
                (a.now, b.now) = (a.now.max(next), b.now.max(next));
                a.stack.handle_timeout(next);
                b.stack.handle_timeout(next);
            }
            for (to_a, packet) in out.into_iter().chain(back) {
                if dropped < lost {
                    dropped += 1;
                } else if to_a {
                    a.feed(&packet);
                } else {
                    b.feed(&packet);
                }
            }
            accepted = accepted.or_else(|| a.stack.accept(listener).map(|(id, _)| id));
            if let Some(id) = accepted
                && a.stack.readable(id) == 4
            {
                break;
            }
        }
        let mut buf = [0; 8];
        let id = accepted.expect("accepted");
        assert_eq!(a.stack.recv(a.now, id, &mut buf), Ok(4), "{lost} lost");
        assert_eq!(&buf[..4], b"ping");
    }
}
