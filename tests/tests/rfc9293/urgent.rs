//! §3.8.5: urgent data.

use estab_proto::Event;
use estab_proto::wire::Flags;

use crate::{established, fixed};

// proves MUST-30, MUST-31, MUST-62
#[test]
fn urgent_data_of_any_length_is_sent() {
    for len in [1usize, 65_536, 150_000] {
        let (mut peer, id) = established(|tcp| tcp.send_buffer = fixed(300_000));
        let start = peer.rcv;
        let mark = start + len as u32;
        let sent = peer.on(|stack, now| stack.send_urgent(now, id, &vec![1; len]));
        assert_eq!(sent, Ok(len));
        peer.write(id, &[2; 100]);
        let mut received = 0;
        for _ in 0..2000 {
            let Some(seg) = peer.next_segment() else {
                break;
            };
            assert_eq!(seg.seq, peer.rcv, "in order");
            assert_eq!(seg.has(Flags::URG), mark.after(seg.seq), "{seg}");
            if seg.has(Flags::URG) {
                let ahead = mark - seg.seq;
                assert_eq!(u32::from(seg.up), ahead.min(0xffff), "just after the last");
            }
            received += seg.text.len();
            peer.note(&seg);
            peer.send(&peer.seg());
        }
        assert_eq!(received, len + 100);
    }
}

// proves MUST-31, MUST-32, MUST-33
#[test]
fn the_application_hears_of_each_advance_once() {
    let (mut peer, id) = established(|_| ());
    let urgent = Event::Urgent(id);
    let tell = |peer: &mut estab_tests::Peer, up: u16, text: &[u8]| {
        peer.host.events.clear();
        let mut seg = peer.seg().ctl(Flags::URG).text(text);
        seg.up = up;
        peer.nxt = seg.end();
        peer.send(&seg);
        peer.host.events.contains(&urgent)
    };
    // Before the data it is about.
    assert!(tell(&mut peer, 1000, b""));
    assert_eq!(peer.host.stack.urgent_remaining(id), Some(1000));
    assert!(!tell(&mut peer, 1000, &[0; 400]), "the same again");
    assert!(!tell(&mut peer, 600, b""), "still the same place");
    assert!(tell(&mut peer, 65_535, &[0; 600]), "it moved forward");
    assert_eq!(peer.read(id).len(), 1000);
    assert_eq!(peer.host.stack.urgent_remaining(id), Some(65_535 - 600));
    assert!(!tell(&mut peer, 10, b""), "it does not move back");
}
