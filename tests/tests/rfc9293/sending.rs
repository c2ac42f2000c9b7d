//! §3.7.4, §3.8.6, §3.9.1.2: what is sent when.

use std::time::Duration;

use estab_proto::wire::Flags;

use crate::{established, fixed};

// proves MUST-60, MUST-61, SHLD-27, SHLD-28
#[test]
fn a_stream_is_cut_into_full_segments_and_pushed_at_its_end() {
    let (mut peer, id) = established(|_| ());
    // Several writes while the first is out.
    peer.write(id, b"first");
    let first = peer.reply();
    assert!(first.has(Flags::PSH), "nothing is held back: {first}");
    for _ in 0..5 {
        peer.write(id, &[7; 1022]);
    }
    // The full ones go at once, the rest once nothing is out any more.
    let mut sent = peer.replies();
    peer.note(sent.last().unwrap());
    peer.send(&peer.seg());
    sent.extend(peer.replies());
    let sizes: Vec<_> = sent.iter().map(|seg| seg.text.len()).collect();
    assert_eq!(sizes, [1460, 1460, 1460, 5110 - 3 * 1460]);
    let pushed = sent.iter().filter(|seg| seg.has(Flags::PSH)).count();
    assert_eq!(pushed, 1);
    assert!(sent[3].has(Flags::PSH), "the last of what is queued");
}

// proves MUST-38
#[test]
fn a_window_that_opens_by_crumbs_is_not_filled_by_crumbs() {
    let (mut peer, id) = established(|tcp| tcp.send_buffer = fixed(200_000));
    peer.send(&peer.seg().wnd(0));
    peer.write(id, &[0; 50_000]);
    for wnd in 1..1000 {
        peer.send(&peer.seg().wnd(wnd));
    }
    peer.expect_silence();
    // A segment's worth goes.
    peer.send(&peer.seg().wnd(1460));
    assert_eq!(peer.reply().text.len(), 1460);
}

// proves MUST-35
#[test]
fn a_window_that_shrinks_to_nothing_is_probed_ever_more_rarely() {
    let (mut peer, id) = established(|_| ());
    peer.write(id, &[0; 5000]);
    peer.replies();
    // Nothing is acknowledged, all room is taken back.
    peer.send(&peer.seg().wnd(0));
    let mut gaps = Vec::new();
    let mut last = peer.now;
    for _ in 0..6 {
        let (at, probe) = peer.wait_for_segment(Duration::from_secs(200));
        assert_eq!(probe.seq, peer.rcv, "inside or at the old edge: {probe}");
        gaps.push(at - last);
        last = at;
        peer.send(&peer.seg().wnd(0));
    }
    for pair in gaps.windows(2) {
        let ratio = pair[1].as_secs_f64() / pair[0].as_secs_f64();
        assert!((1.9..2.1).contains(&ratio), "{gaps:?}");
    }
    peer.send(&peer.seg());
    peer.wait(Duration::from_secs(300));
    assert!(!peer.replies().is_empty(), "and it goes on");
}
