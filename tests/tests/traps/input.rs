//! Traps 1 to 7: which segments count.

use estab_proto::wire::{Flags, TcpOptions};
use estab_proto::{ConnectionError, State};
use estab_tests::world::{A, B, config};
use estab_tests::{Peer, Seg, World};

use crate::{established, fixed, seconds, with_timestamps};

/// Only a RST exactly at RCV.NXT resets, at a closed window too; another in the window is
/// challenged; PAWS tests none.
// proves MUST-66
#[test]
fn trap_01_a_reset_must_be_exact() {
    let wnd = 5000;
    for (at, challenged, resets) in [
        (u32::MAX, false, false),
        (0, false, true),
        (1, true, false),
        (wnd - 1, true, false),
        (wnd, false, false),
        (wnd + 1, false, false),
    ] {
        let (mut peer, id) = with_timestamps(|tcp| tcp.recv_buffer = fixed(wnd));
        peer.send(&Seg {
            ctl: Flags::RST,
            ..peer.seg().seq(peer.nxt + at).timestamps(1, 1)
        });
        let answers = peer.replies();
        assert_eq!(answers.len(), usize::from(challenged), "RCV.NXT + {at}");
        assert!(answers.iter().all(|seg| seg.ctl == Flags::ACK));
        assert_eq!(peer.state(id) == State::Closed, resets, "RCV.NXT + {at}");
    }
    let (mut peer, id) = established(|tcp| tcp.recv_buffer = fixed(1000));
    peer.send_text(&[1; 1000]);
    for (at, resets) in [(u32::MAX, false), (1, false), (0, true)] {
        peer.send(&Seg {
            ctl: Flags::RST,
            ..peer.seg().seq(peer.nxt + at)
        });
        assert_eq!(peer.state(id) == State::Closed, resets, "closed window");
    }
}

/// A SYN within a connection is challenged wherever it falls, and changes nothing.
#[test]
fn trap_02_a_syn_in_a_connection_is_challenged() {
    for at in [u32::MAX - 100_000, u32::MAX, 0, 1000, 100_000_000] {
        let (mut peer, id) = established(|_| ());
        peer.send(&peer.syn().seq(peer.nxt + at));
        let answer = peer.reply();
        assert_eq!(
            (answer.ctl, answer.seq, answer.ack),
            (Flags::ACK, peer.rcv, peer.nxt)
        );
        assert_eq!(peer.state(id), State::Established);
    }
    // The original SYN again, while the handshake is not done: the SYN-ACK again.
    let mut peer = Peer::listening(config(B));
    peer.send(&peer.syn());
    let syn_ack = peer.reply();
    peer.send(&peer.syn());
    assert_eq!(peer.reply(), syn_ack);
}

/// In SYN-SENT a RST counts only with an acknowledgement of our SYN.
#[test]
fn trap_03_a_reset_in_syn_sent_must_acknowledge_the_syn() {
    for (ack, refused) in [
        (None, false),
        (Some(0), false),
        (Some(1), true),
        (Some(2), false),
    ] {
        let mut peer = Peer::with(config(B));
        let id = peer.connect_host();
        let iss = peer.reply().seq;
        let mut rst = Seg {
            ctl: Flags::RST,
            ..peer.syn()
        };
        if let Some(ack) = ack {
            rst = rst.ack(iss + ack);
        }
        peer.send(&rst);
        peer.expect_silence();
        let error = peer.host.stack.error(id);
        assert_eq!(
            error,
            refused.then_some(ConnectionError::Refused),
            "{ack:?}"
        );
    }
    let mut peer = Peer::with(config(B));
    peer.connect_host();
    let iss = peer.reply().seq;
    peer.send(&peer.syn().ack(iss + 7));
    let rst = peer.reply();
    assert_eq!((rst.ctl, rst.seq), (Flags::RST, iss + 7));
}

/// The window of the SYN-ACK is in force at once, unscaled.
#[test]
fn trap_04_the_window_of_the_syn_ack_counts() {
    let mut peer = Peer::with(config(B));
    let id = peer.connect_host();
    let syn = peer.reply();
    peer.note(&syn);
    peer.wnd = 1000;
    let mut syn_ack = peer.syn().ack(peer.rcv).mss(1460);
    syn_ack.opts.window_scale = Some(7);
    peer.nxt = syn_ack.end();
    peer.write(id, &[1; 5000]);
    peer.send(&syn_ack);
    let sent: usize = peer.replies().iter().map(|seg| seg.text.len()).sum();
    assert_eq!(sent, 1000);
}

/// An old acknowledgement's text counts, one too old or too new costs the whole segment, and the
/// window is taken with an acknowledgement that is not new.
// proves MAY-12
#[test]
fn trap_05_acknowledgements_have_a_range() {
    let judged = |acked: usize, ack: i64, taken: bool, answered: bool| {
        let (mut peer, id) = established(|_| ());
        for _ in 0..acked / 1000 {
            peer.write(id, &[1; 1000]);
            peer.replies();
            peer.rcv += 1000;
            peer.send(&peer.seg());
        }
        peer.write(id, &[1; 100]);
        let una = peer.rcv;
        peer.replies();
        peer.send(&peer.seg().ack(una + ack as u32).text(b"text"));
        assert_eq!(peer.read(id).len(), if taken { 4 } else { 0 }, "{ack}");
        let answers = peer.replies();
        assert_eq!(!answers.is_empty(), answered, "{ack}");
        assert_eq!(peer.state(id), State::Established);
    };
    // The largest window is the limit, and what was ever acknowledged.
    judged(70_000, -65_536, false, true);
    judged(70_000, -65_535, true, true);
    judged(2000, -2001, false, true);
    judged(2000, -2000, true, true);
    judged(0, -1, false, true);
    judged(0, 0, true, true);
    judged(0, 100, true, true);
    judged(0, 101, false, true);
    let (mut peer, id) = established(|_| ());
    peer.send(&peer.seg().wnd(1234));
    assert_eq!(peer.host.stack.info(id).unwrap().snd_wnd, 1234);
}

/// Two ends with closed windows probe each other without a war, and both go on afterwards.
// proves MUST-10, MUST-36
#[test]
fn trap_06_crossing_probes_are_answered_and_heard() {
    let small = |side| {
        let mut config = config(side);
        config.tcp.recv_buffer = fixed(4000);
        config
    };
    let mut world = World::with(small(A), small(B));
    let (a, b) = world.establish();
    world.write(A, a, &[1; 20_000]);
    world.write(B, b, &[2; 20_000]);
    world.run_for(seconds(3600));
    assert!(world.trace.count() < 500, "{} packets", world.trace.count());
    let (mut at_a, mut at_b) = (0, 0);
    for _ in 0..200 {
        at_a += world.read(A, a).len();
        at_b += world.read(B, b).len();
        world.run_for(seconds(1));
    }
    assert_eq!((at_a, at_b), (20_000, 20_000));
}

/// PAWS comes before the window; the echo is that of the oldest segment not acknowledged; what has
/// no timestamp never ends a connection; 24 days make TS.Recent worthless.
#[test]
fn trap_07_timestamps() {
    let (mut peer, id) = with_timestamps(|tcp| {
        tcp.delayed_ack.quick_segments = 0;
        tcp.require_timestamps = true;
    });
    let ecr = peer.timestamps.unwrap().ecr;
    let base = peer.nxt;
    let stamped = |val: u32, at: u32, text: &[u8]| {
        Seg::new(peer.local, peer.remote)
            .seq(base + at)
            .ack(peer.rcv)
            .text(text)
            .timestamps(val, ecr)
    };
    let first = stamped(1001, 0, b"1");
    let second = stamped(1005, 1, b"2");
    let old = stamped(1000, 2, b"old");
    let beyond = stamped(1009, 60_000_000, b"far");
    let after = stamped(1002, 2, b"3");
    peer.send(&first);
    peer.send(&second);
    let ack = peer.wait_for_segment(seconds(1)).1;
    assert_eq!(ack.opts.timestamps.unwrap().ecr, 1001, "the oldest");
    peer.send(&old);
    assert_eq!(peer.reply().ack, base + 2);
    peer.send(&beyond);
    peer.wait(seconds(1));
    peer.replies();
    peer.send(&after);
    assert_eq!(
        peer.read(id),
        b"123",
        "what lay outside did not move TS.Recent"
    );
    let mut bare = peer.seg().seq(base + 3).text(b"bare");
    bare.opts = TcpOptions::default();
    peer.send(&bare);
    assert_eq!(peer.host.stack.readable(id), 0);
    assert_eq!(peer.state(id), State::Established);
    peer.wait(seconds(24 * 86_400 + 1));
    peer.replies();
    peer.send(
        &Seg {
            opts: TcpOptions::default(),
            ..bare
        }
        .timestamps(3, ecr),
    );
    assert_eq!(peer.read(id), b"bare");
}
