use estab_timer::Duration;

use crate::addr::FourTuple;
use crate::stack::testing::{Bench, Seg, peer, server};
use crate::tcp::State;
use crate::wire::tcp::Flags;

const TUPLE: fn() -> FourTuple = || FourTuple {
    local: server(),
    remote: peer(1000),
};

/// A bench with a TIME-WAIT record, and the peer's FIN that led to it: its timestamp, if it has
/// one, is 600.
fn time_wait(timestamps: bool) -> (Bench, Seg) {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let mut syn = Seg::syn(100);
    if !timestamps {
        syn.opts.timestamps = None;
    }
    let syn_ack = bench.ask(&syn);
    bench.send(&Seg::answer(&syn_ack, Flags::ACK));
    let (id, _) = bench.stack.accept(listener).unwrap();
    bench.stack.close(bench.now, id);
    let ours = bench.output().pop().unwrap();
    let mut fin = Seg::answer(&ours, Flags::FIN | Flags::ACK);
    if let Some(ts) = &mut fin.opts.timestamps {
        ts.val = 600;
    }
    let ack = bench.ask(&fin);
    assert_eq!(ack.ack, fin.seq.wrapping_add(1));
    assert_eq!(bench.stack.status(&TUPLE()), State::TimeWait);
    (bench, fin)
}

fn is_time_wait(bench: &Bench) -> bool {
    bench.stack.status(&TUPLE()) == State::TimeWait
}

#[test]
fn a_repeated_fin_is_acknowledged_and_starts_the_wait_anew() {
    let (mut bench, fin) = time_wait(true);
    bench.sleep(Duration::from_secs(50));
    let ack = bench.ask(&fin);
    assert_eq!(
        (ack.ctl, ack.seq, ack.ack),
        (Flags::ACK, fin.ack, fin.seq.wrapping_add(1))
    );
    assert_eq!(ack.opts.timestamps.unwrap().ecr, 600);
    bench.sleep(Duration::from_secs(59));
    assert!(is_time_wait(&bench));
    bench.sleep(Duration::from_secs(1));
    assert!(!is_time_wait(&bench));
}

#[test]
fn a_reset_does_not_assassinate() {
    let (mut bench, fin) = time_wait(true);
    bench.ask_in_vain(&Seg::new(Flags::RST, fin.seq.wrapping_add(1), 0));
    bench.ask_in_vain(&Seg::new(
        Flags::RST | Flags::ACK,
        fin.seq.wrapping_add(1),
        fin.ack,
    ));
    assert!(is_time_wait(&bench));
    assert_eq!(bench.stack.stats().time_wait_resets_ignored, 2);
}

#[test]
fn old_data_is_answered_rarely_and_changes_nothing() {
    let (mut bench, fin) = time_wait(true);
    bench.sleep(Duration::from_secs(30));
    let mut old = Seg::new(Flags::ACK, fin.seq.wrapping_sub(10), fin.ack).text(b"old");
    old = old.stamp(599, 0);
    let ack = bench.ask(&old);
    assert_eq!(ack.ack, fin.seq.wrapping_add(1));
    for _ in 0..100 {
        bench.ask_in_vain(&old);
    }
    bench.sleep(Duration::from_millis(500));
    bench.ask(&old);
    bench.sleep(Duration::from_millis(29_500));
    assert!(!is_time_wait(&bench), "2 MSL were not started anew");
}

#[test]
fn a_bare_acknowledgement_in_place_is_not_answered() {
    let (mut bench, fin) = time_wait(true);
    bench.ask_in_vain(&Seg::new(Flags::ACK, fin.seq.wrapping_add(1), fin.ack).stamp(601, 0));
}

/// Whether a SYN is answered with a SYN-ACK whose sequence number lies above the old one's.
fn reopens(timestamps: bool, change: impl FnOnce(Seg, u32) -> Seg) -> bool {
    let (mut bench, fin) = time_wait(timestamps);
    let last = fin.seq;
    let syn = change(Seg::syn(last), last);
    let answers = bench.send(&syn);
    match answers.as_slice() {
        [] => {
            assert!(is_time_wait(&bench));
            false
        }
        [syn_ack] => {
            assert_eq!(syn_ack.ctl, Flags::SYN | Flags::ACK);
            let above = syn_ack.seq.wrapping_sub(fin.ack) as i32;
            assert!(above > 0, "{above}");
            assert_eq!(bench.stack.status(&TUPLE()), State::SynReceived);
            assert_eq!(bench.stack.counts().time_wait, 0);
            assert_eq!(bench.stack.stats().time_wait_reused, 1);
            true
        }
        more => panic!("{more:?}"),
    }
}

fn at(mut syn: Seg, seq: u32) -> Seg {
    syn.seq = seq;
    syn
}

#[test]
fn the_six_rules_of_rfc_6191() {
    // With timestamps before and now: the newer wins, whatever the sequence number.
    assert!(reopens(true, |syn, last| at(
        syn,
        last.wrapping_sub(1_000_000)
    )
    .stamp(601, 0)));
    assert!(!reopens(true, |syn, last| at(
        syn,
        last.wrapping_add(1_000_000)
    )
    .stamp(599, 0)));
    // The same timestamp: the sequence number decides.
    assert!(reopens(true, |syn, last| at(syn, last.wrapping_add(1))
        .stamp(600, 0)));
    assert!(!reopens(true, |syn, last| at(syn, last).stamp(600, 0)));
    // Timestamps before and not now.
    assert!(reopens(true, |syn, last| at(syn, last.wrapping_add(1)).plain()));
    assert!(!reopens(true, |syn, last| at(syn, last).plain()));
    // Timestamps now and not before.
    assert!(reopens(false, |syn, last| at(syn, last.wrapping_sub(9)).stamp(1, 0)));
    // Never any.
    assert!(reopens(false, |syn, last| at(syn, last.wrapping_add(1)).plain()));
    assert!(!reopens(false, |syn, last| at(syn, last).plain()));
}

#[test]
fn without_a_listener_nothing_opens() {
    let (mut bench, fin) = time_wait(true);
    let listener = bench.stack.listeners.ids().next().unwrap();
    bench.stack.close_listener(bench.now, listener);
    bench.ask_in_vain(&Seg::syn(fin.seq.wrapping_add(9)).stamp(700, 0));
    assert!(is_time_wait(&bench));
}

#[test]
fn a_new_incarnation_works_while_the_old_handle_is_held() {
    let mut bench = Bench::new();
    let listener = bench.listen(8);
    let (old, _) = bench.accepted(listener, 1000);
    bench.stack.shutdown(bench.now, old).unwrap();
    let ours = bench.output().pop().unwrap();
    let fin = Seg::answer(&ours, Flags::FIN | Flags::ACK);
    bench.send(&fin);
    assert_eq!(bench.stack.state(old), Some(State::TimeWait));
    let syn_ack = bench.ask(&Seg::syn(fin.seq.wrapping_add(9)).stamp(700, 0));
    assert_eq!(bench.stack.state(old), Some(State::Closed));
    bench.send(&Seg::answer(&syn_ack, Flags::ACK).stamp(701, syn_ack.opts.timestamps.unwrap().val));
    let (new, _) = bench.stack.accept(listener).unwrap();
    bench.stack.close(bench.now, old);
    assert_eq!(bench.stack.state(new), Some(State::Established));
    assert_eq!(bench.stack.status(&TUPLE()), State::Established);
}
