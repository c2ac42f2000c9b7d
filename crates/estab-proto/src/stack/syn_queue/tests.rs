use alloc::vec::Vec;
use core::mem::size_of;

use estab_timer::Duration;

use super::HalfOpen;
use crate::stack::testing::{Bench, Seg, peer, server};
use crate::stats::Counts;
use crate::wire::tcp::Flags;

#[test]
fn a_record_is_small() {
    assert!(
        size_of::<HalfOpen>() <= 192,
        "{} bytes",
        size_of::<HalfOpen>()
    );
}

#[test]
fn a_syn_is_answered_with_what_both_can() {
    let mut bench = Bench::new();
    bench.listen(8);
    let full = bench.ask(&Seg::syn(100));
    assert_eq!((full.ctl, full.ack), (Flags::SYN | Flags::ACK, 101));
    assert_eq!(full.opts.mss, Some(1460));
    assert!(full.opts.sack_permitted && full.opts.window_scale.is_some());
    assert_eq!(full.opts.timestamps.unwrap().ecr, 500);
    let plain = bench.ask(&Seg::syn(100).port(1001).plain());
    assert_eq!(plain.opts.mss, Some(1460));
    assert!(!plain.opts.sack_permitted && plain.opts.window_scale.is_none());
    assert_eq!(plain.opts.timestamps, None);
}

#[test]
fn a_repeated_syn_gets_the_same_answer() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let first = bench.ask(&Seg::syn(100));
    bench.sleep(Duration::from_millis(300));
    let second = bench.ask(&Seg::syn(100));
    assert_eq!((first.seq, first.ack), (second.seq, second.ack));
    assert_eq!(bench.stack.counts().half_open, 1);
    // The acknowledgement of the first one completes the handshake.
    bench.ask_in_vain(&Seg::answer(&first, Flags::ACK));
    assert!(bench.stack.accept(listener).is_some());
    assert!(bench.stack.accept(listener).is_none());
}

#[test]
fn an_unanswered_syn_ack_is_repeated_five_times() {
    let mut bench = Bench::new();
    bench.listen(8);
    let start = bench.now;
    let first = bench.ask(&Seg::syn(100));
    let sent = bench.sleep(Duration::from_secs(200));
    let times: Vec<u64> = sent.iter().map(|(at, _)| (*at - start).as_secs()).collect();
    assert_eq!(times, [1, 3, 7, 15, 31]);
    for (_, seg) in &sent {
        assert_eq!(
            (seg.seq, seg.ack, seg.ctl),
            (first.seq, first.ack, first.ctl)
        );
    }
    assert_eq!(
        bench.stack.counts(),
        Counts {
            listeners: 1,
            ..Counts::default()
        }
    );
    assert_eq!(bench.stack.stats().half_open_timeouts, 1);
    let late = bench.ask(&Seg::answer(&first, Flags::ACK));
    assert_eq!(
        (late.ctl, late.seq),
        (Flags::RST, first.seq.wrapping_add(1))
    );
}

#[test]
fn oddities_never_open_anything() {
    let mut bench = Bench::new();
    bench.listen(8);
    for ctl in [
        Flags::empty(),
        Flags::FIN,
        Flags::PSH | Flags::URG | Flags::FIN,
        Flags::SYN | Flags::FIN,
        Flags::SYN | Flags::RST,
        Flags::RST,
        Flags::RST | Flags::ACK,
    ] {
        bench.ask_in_vain(&Seg::new(ctl, 100, 7));
    }
    for ctl in [Flags::ACK, Flags::SYN | Flags::ACK, Flags::FIN | Flags::ACK] {
        let reset = bench.ask(&Seg::new(ctl, 100, 7));
        assert_eq!((reset.ctl, reset.seq), (Flags::RST, 7), "{ctl:?}");
    }
    assert_eq!(bench.stack.counts().half_open, 0);
    assert_eq!(bench.stack.stats().drop_tcp_listen, 10);
}

#[test]
fn text_on_a_syn_is_neither_kept_nor_acknowledged() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let syn_ack = bench.ask(&Seg::syn(100).text(b"early"));
    assert_eq!(syn_ack.ack, 101);
    bench.send(&Seg::answer(&syn_ack, Flags::ACK).text(b"early"));
    let (id, _) = bench.stack.accept(listener).unwrap();
    assert_eq!(bench.stack.readable(id), 5);
}

#[test]
fn nobody_is_at_port_0() {
    let mut bench = Bench::with(|config| config.any_ip = true);
    bench.listen_as(crate::stack::ListenConfig {
        port: None,
        ..Default::default()
    });
    let mut to_zero = server();
    to_zero.set_port(0);
    bench.ask_in_vain(&Seg::syn(1).to(to_zero));
    bench.ask_in_vain(&Seg::syn(1).port(0));
    assert_eq!(bench.stack.counts().half_open, 0);
}

#[test]
fn a_closed_port_refuses() {
    let mut bench = Bench::new();
    let reset = bench.ask(&Seg::syn(100).text(b"abc"));
    assert_eq!(
        (reset.ctl, reset.seq, reset.ack),
        (Flags::RST | Flags::ACK, 0, 104)
    );
    let reset = bench.ask(&Seg::new(Flags::ACK, 100, 7));
    assert_eq!(
        (reset.ctl, reset.seq, reset.dst),
        (Flags::RST, 7, peer(1000))
    );
    bench.ask_in_vain(&Seg::new(Flags::RST, 100, 7));
}

#[test]
fn refusals_are_limited() {
    let mut bench = Bench::with(|config| config.limits.resets_per_second = 100);
    let mut answers = 0;
    for n in 0..10_000 {
        answers += bench.send(&Seg::new(Flags::ACK, n, n)).len();
        bench.now += Duration::from_micros(100);
    }
    assert!(
        (150..=250).contains(&answers),
        "{answers} in a second, after a burst"
    );
    assert_eq!(bench.stack.stats().resets_limited, 10_000 - answers as u64);
}
