//! Traps 8 to 10 and 20: windows and acknowledgements.

use estab_proto::wire::{Flags, TcpOptions};
use estab_proto::{ConnectionError, State};
use estab_tests::Peer;
use estab_tests::rng::Rng;

use crate::{established, fixed, millis, seconds, settings};

/// A peer that offers window scaling with this shift.
fn scaled(shift: u8, buffer: u32) -> (Peer, estab_proto::ConnId) {
    Peer::listening(settings(|tcp| tcp.recv_buffer = fixed(buffer))).open(TcpOptions {
        mss: Some(1460),
        window_scale: Some(shift),
        ..TcpOptions::default()
    })
}

/// A shift above 14 counts as 14, one offer alone is none, no window of a SYN is scaled, every
/// other is, and rounding moves no edge to the left.
// proves SHLD-14
#[test]
fn trap_08_window_scaling() {
    let (peer, id) = scaled(15, 1 << 20);
    assert_eq!(peer.host.stack.info(id).unwrap().snd_wscale, 14);
    let (peer, id) = established(|_| ());
    let info = peer.host.stack.info(id).unwrap();
    assert_eq!((info.snd_wscale, info.rcv_wscale), (0, 0));

    let (mut peer, id) = scaled(0, 1 << 24);
    let shift = peer.host.stack.info(id).unwrap().rcv_wscale;
    assert!(shift >= 8);
    let mut edge = peer.nxt + 65_535;
    for len in 1..200u32 {
        peer.send_text(&vec![1; len as usize]);
        for ack in peer.replies() {
            let now = ack.ack + (u32::from(ack.wnd) << shift);
            assert!(now.after_eq(edge), "{len}: the edge moved left");
            edge = now;
        }
    }
    // A challenge and a RST carry the same window, scaled.
    peer.send(&peer.syn());
    let challenge = peer.reply();
    assert!((challenge.ack + (u32::from(challenge.wnd) << shift)).after_eq(edge));
    peer.on(|stack, now| stack.abort(now, id));
    let rst = peer.reply();
    assert!((rst.ack + (u32::from(rst.wnd) << shift)).after_eq(edge));
}

/// The right edge never moves left, and moves right by no crumbs.
// proves MUST-39, SHLD-14
#[test]
fn trap_09_the_window_does_not_shrink() {
    let buffer = 20_000;
    for seed in 0..50 {
        let mut rng = Rng::new(seed);
        let (mut peer, id) = established(|tcp| tcp.recv_buffer = fixed(buffer));
        let base = peer.nxt;
        let mut edge = base + buffer;
        let mut end = base;
        for _ in 0..200 {
            if rng.chance(0.5) {
                let mut bytes = vec![0; rng.between(1, 3000) as usize];
                let _ = peer.on(|stack, now| stack.recv(now, id, &mut bytes));
            } else {
                let gap = rng.pick(&[0, 0, 1, 1500]);
                let len = rng.between(1, 1460) as u32;
                let seg = peer.seg().seq(end + gap).text(vec![0; len as usize]);
                peer.send(&seg);
            }
            for ack in peer.replies() {
                let now = ack.ack + u32::from(ack.wnd);
                assert!(now.after_eq(edge), "seed {seed}: left");
                let step = now - edge;
                assert!(step == 0 || step >= 536, "seed {seed}: a crumb of {step}");
                edge = now;
                end = ack.ack;
            }
        }
    }
}

/// A peer that answers is not dead, however long its window stays shut; one that does not is.
// proves MUST-34, MUST-35, MUST-36, MUST-37
#[test]
fn trap_10_a_closed_window_is_not_a_dead_peer() {
    let (mut peer, id) = established(|_| ());
    peer.write(id, &[1; 4380]);
    peer.replies();
    peer.send(&peer.seg().wnd(0));
    let end = peer.now + seconds(6 * 3600);
    let mut probes = 0;
    while peer.now < end {
        peer.wait_for_segment(seconds(200));
        probes += 1;
        peer.replies();
        peer.send(&peer.seg().wnd(0));
    }
    assert_eq!(peer.state(id), State::Established);
    assert!((100..2000).contains(&probes), "{probes} probes");
    // RST, URG and ACK are heard meanwhile; here an ACK.
    peer.rcv += 4380;
    peer.send(&peer.seg().wnd(0));
    assert_eq!(peer.host.stack.info(id).unwrap().unacked, 0);
    peer.send(&peer.seg());
    peer.write(id, &[1; 2920]);
    assert!(!peer.replies().is_empty());
    // Without an answer R2 ends it.
    peer.wait(seconds(3600));
    assert_eq!(peer.host.stack.error(id), Some(ConnectionError::TimedOut));
}

/// Two full segments, a hole and its filling are acknowledged at once; a burst once; the delay
/// runs from the first segment that waits.
// proves SHLD-18, SHLD-19, MUST-58, RFC5681-4.2, RFC5681-3.2#1
#[test]
fn trap_20_delayed_acknowledgements() {
    let (mut peer, id) = established(|tcp| tcp.delayed_ack.quick_segments = 0);
    let start = peer.now;
    peer.send_text(b"1");
    peer.wait(millis(25));
    peer.send_text(b"2");
    let (at, ack) = peer.wait_for_segment(seconds(1));
    assert_eq!(at - start, millis(40));
    assert_eq!(ack.ack, peer.nxt);

    let base = peer.nxt;
    let at = |n: u32| peer.seg().seq(base + n * 1460).text(vec![1; 1460]);
    let segs: Vec<_> = (0..12).map(at).collect();
    peer.send(&segs[0]);
    peer.expect_silence();
    peer.send(&segs[1]);
    assert_eq!(peer.reply().ack, segs[1].end());
    peer.send(&segs[3]);
    assert_eq!(peer.reply().ack, segs[1].end(), "a hole");
    peer.send(&segs[2]);
    assert_eq!(peer.reply().ack, segs[3].end(), "filled");
    peer.send_burst(&segs[4..12]);
    assert_eq!(peer.reply().ack, segs[11].end(), "one for eight");
    peer.nxt = segs[11].end();
    peer.send(&peer.seg().ctl(Flags::FIN));
    assert_eq!(peer.reply().ack, peer.nxt + 1);
    assert_eq!(peer.read(id).len(), 2 + 12 * 1460);
}
