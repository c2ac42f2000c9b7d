use estab_timer::{Duration, Instant};

use super::{MSS_CLASSES, decode, encode};
use crate::addr::FourTuple;
use crate::seq::SeqNumber;
use crate::stack::secret::Secrets;
use crate::stack::testing::{Bench, Seg, peer, server};
use crate::stack::tuple::TupleKey;
use crate::tcp::State;
use crate::wire::tcp::Flags;

fn key(port: u16) -> TupleKey {
    TupleKey::new(&FourTuple {
        local: server(),
        remote: peer(port),
    })
}

#[test]
fn a_cookie_names_the_greatest_mss_that_fits() {
    let secrets = Secrets::new(&[1; 32]);
    let now = Instant::from_secs(1000);
    let irs = SeqNumber::new(5);
    for mss in [
        1, 127, 128, 535, 536, 1219, 1220, 1459, 1460, 1461, 9000, 65535,
    ] {
        let cookie = encode(&secrets.cookie, &key(1), irs, now, mss);
        let fits = |class: &u16| u32::from(*class) <= mss;
        let expected = MSS_CLASSES
            .iter()
            .copied()
            .rfind(fits)
            .unwrap_or(MSS_CLASSES[0]);
        assert_eq!(
            decode(&secrets.cookie, &key(1), irs, now, cookie),
            Some(expected),
            "{mss}"
        );
    }
}

#[test]
fn a_cookie_holds_for_its_slot_and_the_next() {
    let secrets = Secrets::new(&[1; 32]);
    let irs = SeqNumber::new(5);
    let start = Instant::from_secs(64 * 100);
    let cookie = encode(&secrets.cookie, &key(1), irs, start, 1460);
    let holds = |now| decode(&secrets.cookie, &key(1), irs, now, cookie).is_some();
    assert!(holds(start + Duration::from_millis(127_999)));
    assert!(!holds(start + Duration::from_secs(128)));
    assert!(!holds(start - Duration::from_secs(1)));
    assert!(decode(&secrets.cookie, &key(2), irs, start, cookie).is_none());
    assert!(decode(&secrets.cookie, &key(1), irs + 1, start, cookie).is_none());
    let other = Secrets::new(&[2; 32]);
    assert!(decode(&other.cookie, &key(1), irs, start, cookie).is_none());
}

/// A bench whose queue of half-open records is full.
fn flooded() -> (Bench, crate::stack::ListenerId) {
    let mut bench = Bench::new();
    let listener = bench.listen(4);
    for port in 1..=4 {
        bench.ask(&Seg::syn(100).port(port));
    }
    (bench, listener)
}

#[test]
fn a_flood_is_answered_from_memory_of_its_own() {
    let (mut bench, listener) = flooded();
    let syn = Seg::syn(100);
    let syn_ack = bench.ask(&syn);
    assert_eq!(bench.stack.stats().syn_cookies_sent, 1);
    assert_eq!(bench.stack.counts().half_open, 4);
    bench.now += Duration::from_millis(40);
    bench.send(&Seg::answer(&syn_ack, Flags::ACK).text(b"data"));
    let (id, tuple) = bench.stack.accept(listener).unwrap();
    assert_eq!(tuple.remote, peer(1000));
    assert_eq!(bench.stack.readable(id), 4);
    let info = bench.stack.info(id).unwrap();
    assert_eq!(info.state, State::Established);
    assert!(info.timestamps && info.sack);
    assert_eq!(info.snd_wscale, 7);
    assert_eq!(info.rcv_wscale, syn_ack.opts.window_scale.unwrap());
    assert_eq!(info.snd_mss, 1460 - 12);
    let rtt = info.rtt.unwrap();
    assert!((40..=104).contains(&rtt.as_millis()), "{rtt:?}");
    assert_eq!(bench.stack.stats().syn_cookies_accepted, 1);
}

#[test]
fn a_peer_without_timestamps_gets_a_plain_connection() {
    let (mut bench, listener) = flooded();
    let mut syn = Seg::syn(100);
    syn.opts.timestamps = None;
    let syn_ack = bench.ask(&syn);
    assert!(!syn_ack.opts.sack_permitted && syn_ack.opts.window_scale.is_none());
    bench.ask_in_vain(&Seg::answer(&syn_ack, Flags::ACK));
    let (id, _) = bench.stack.accept(listener).unwrap();
    let info = bench.stack.info(id).unwrap();
    assert!(!info.timestamps && !info.sack);
    assert_eq!(
        (info.snd_wscale, info.rcv_wscale, info.snd_mss),
        (0, 0, 1460)
    );
    assert_eq!(info.rtt, None);
}

#[test]
fn guesses_are_refused() {
    let (mut bench, listener) = flooded();
    bench.ask(&Seg::syn(100));
    // Paced so that the limit on resets does not hide an answer.
    for guess in 0..10_000u32 {
        bench.now += Duration::from_millis(2);
        let ack = Seg::new(Flags::ACK, 7, guess.wrapping_mul(0x9e37_79b1)).port(2000);
        let reset = bench.ask(&ack);
        assert_eq!(reset.ctl, Flags::RST);
    }
    assert!(bench.stack.accept(listener).is_none());
    assert_eq!(bench.stack.stats().syn_cookies_refused, 10_000);
}

#[test]
fn cookies_hold_only_while_there_was_a_flood() {
    let (mut bench, listener) = flooded();
    let syn_ack = bench.ask(&Seg::syn(100));
    bench.sleep(Duration::from_secs(130));
    let reset = bench.ask(&Seg::answer(&syn_ack, Flags::ACK));
    assert_eq!(reset.ctl, Flags::RST);
    assert!(bench.stack.accept(listener).is_none());
    assert_eq!(
        bench.stack.stats().syn_cookies_refused,
        0,
        "not even looked at"
    );
}

#[test]
fn a_cookie_costs_no_reply_when_nothing_could_come_of_it() {
    let mut bench = Bench::new();
    bench.listen(1);
    bench.handshake(1);
    bench.ask(&Seg::syn(100).port(2));
    bench.ask_in_vain(&Seg::syn(100).port(3));
    assert_eq!(bench.stack.stats().drop_syn, 1);
}

#[test]
fn the_stack_as_a_whole_is_bounded_too() {
    let mut bench = Bench::with(|config| config.limits.max_half_open = 10);
    bench.listen(1000);
    for port in 1..=100 {
        bench.ask(&Seg::syn(100).port(port));
    }
    assert_eq!(bench.stack.counts().half_open, 10);
    assert_eq!(bench.stack.stats().syn_cookies_sent, 90);
    // Cookies are not repeated: a reflected answer stays one.
    let sent = bench.sleep(Duration::from_secs(100));
    assert_eq!(sent.len(), 10 * 5);
}
