//! §3.1, §3.2, §3.7.1: options.

use estab_proto::ListenConfig;
use estab_proto::wire::Flags;
use estab_tests::world::{B, PORT, config};
use estab_tests::{Peer, Seg};

use crate::{established, fixed, settings};

/// A host, listening, that sends up to 100 kB; the segments it sends to a peer whose SYN carries
/// these options.
fn first_flight(ipv6: bool, raw: &[u8]) -> Vec<Seg> {
    let mut peer = Peer::with(settings(|tcp| tcp.send_buffer = fixed(100_000)));
    if ipv6 {
        peer = peer.ipv6();
    }
    peer.listen(ListenConfig {
        port: Some(PORT),
        ..ListenConfig::default()
    });
    peer.send(&Seg {
        raw_opts: Some(raw.to_vec()),
        ..peer.syn()
    });
    let syn_ack = peer.reply();
    peer.nxt += 1;
    peer.note(&syn_ack);
    peer.send(&peer.seg());
    let id = peer.accept().expect("open");
    peer.write(id, &[0; 50_000]);
    peer.replies()
}

// proves MUST-15
#[test]
fn a_peer_without_an_mss_gets_small_segments() {
    for (ipv6, mss) in [(false, 536), (true, 1220)] {
        let flight = first_flight(ipv6, &[]);
        assert!(flight.len() > 1);
        assert!(flight.iter().all(|seg| seg.text.len() == mss), "{flight:?}");
    }
}

// proves MUST-4, MUST-6, MUST-64, MUST-14
#[test]
fn the_mss_is_found_in_any_company() {
    let cases: [&[u8]; 5] = [
        &[2, 4, 1, 144],
        &[1, 2, 4, 1, 144, 0, 0, 0],
        &[200, 3, 9, 2, 4, 1, 144, 0],
        &[252, 2, 1, 1, 2, 4, 1, 144],
        &[2, 4, 1, 144, 0, 2, 4, 99],
    ];
    for raw in cases {
        let flight = first_flight(false, raw);
        assert!(
            flight.iter().all(|seg| seg.text.len() == 400),
            "{raw:?} {flight:?}"
        );
    }
}

// proves MUST-5
#[test]
fn options_are_no_matter_on_any_segment() {
    let unknown = Some(vec![200, 4, 1, 2]);
    let (mut peer, id) = established(|_| ());
    let with = |seg: Seg| Seg {
        raw_opts: unknown.clone(),
        ..seg
    };
    peer.write(id, b"data");
    let data = peer.reply();
    peer.note(&data);
    peer.send(&with(peer.seg()));
    assert_eq!(peer.host.stack.info(id).unwrap().unacked, 0);
    peer.send(&with(peer.seg().text(b"text")));
    assert_eq!(peer.read(id), b"text");
    peer.nxt += 4;
    peer.send(&with(peer.seg().ctl(Flags::FIN)));
    assert!(peer.at_end(id));
    peer.nxt += 1;
    peer.send(&with(Seg {
        ctl: Flags::RST,
        ..peer.seg()
    }));
    assert_eq!(peer.state(id), estab_proto::State::Closed);
}

// proves MUST-65
#[test]
fn the_mss_option_is_on_syns_alone() {
    let (mut peer, id) = Peer::opened_by_host(config(B), Default::default());
    peer.write(id, &[0; 5000]);
    peer.send_text(b"text");
    peer.on(|stack, now| stack.shutdown(now, id)).unwrap();
    let sent = peer.replies();
    assert!(sent.len() > 3);
    assert!(sent.iter().all(|seg| seg.opts.mss.is_none()), "{sent:?}");
    // One that is received elsewhere counts for nothing.
    peer.send(&Seg {
        raw_opts: Some(vec![2, 4, 0, 100]),
        ..peer.seg()
    });
    assert_eq!(peer.host.stack.info(id).unwrap().snd_mss, 536);
}
