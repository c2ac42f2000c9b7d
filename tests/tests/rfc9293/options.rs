//! §3.1, §3.2, §3.7.1: options.

use estab_proto::ListenConfig;
use estab_proto::wire::{Flags, TcpOptions, Timestamps};
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

/// The option bytes of a packet over IPv4.
fn option_bytes(packet: &[u8]) -> &[u8] {
    let tcp = &packet[20..];
    &tcp[20..usize::from(tcp[12] >> 4) * 4]
}

// proves MUST-68, MUST-69
#[test]
fn every_option_sent_has_its_length_and_nothing_follows_the_end() {
    let mut packets = Vec::new();
    let mut peer = Peer::listening(config(B));
    let syn = Seg {
        opts: TcpOptions {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some(Timestamps { val: 1, ecr: 0 }),
            ..TcpOptions::default()
        },
        ..peer.syn()
    };
    peer.send(&syn);
    let (_, syn_ack) = peer.next_packet().unwrap();
    peer.nxt += 1;
    let ours = Seg::parse(&syn_ack).unwrap();
    packets.push(syn_ack);
    peer.timestamps = syn.opts.timestamps;
    peer.note(&ours);
    peer.send(&peer.seg());
    // One, two, three blocks.
    for hole in 1..4 {
        peer.send(&peer.seg().seq(peer.nxt + hole * 2000).text(b"beyond"));
    }
    peer.connect_host();
    packets.extend(std::iter::from_fn(|| peer.next_packet()).map(|(_, packet)| packet));
    assert_eq!(packets.len(), 5);
    for packet in &packets {
        let mut rest = option_bytes(packet);
        assert!(!rest.is_empty());
        while let [kind, tail @ ..] = rest {
            rest = match (kind, tail) {
                (0, padding) => {
                    assert!(padding.iter().all(|byte| *byte == 0), "{packet:?}");
                    &[]
                }
                (1, tail) => tail,
                (_, [len, ..]) => &rest[usize::from(*len)..],
                (_, []) => panic!("cut off: {packet:?}"),
            };
        }
    }
}

// proves MUST-16, MUST-67
#[test]
fn a_segment_fits_the_peer_and_the_link_with_its_options() {
    for (ipv6, mtu, mss, stamped) in [
        (false, 1500, 9000, false),
        (false, 1500, 1460, true),
        (false, 1500, 1000, true),
        (false, 9000, 8000, true),
        (true, 1500, 9000, true),
        (true, 1280, 1220, false),
    ] {
        let mut config = config(B);
        config.mtu = mtu;
        config.tcp.send_buffer = fixed(1 << 20);
        let mut peer = Peer::with(config);
        if ipv6 {
            peer = peer.ipv6();
        }
        peer.host.checker.set_mtu(mtu);
        peer.listen(ListenConfig {
            port: Some(PORT),
            ..ListenConfig::default()
        });
        let id = peer.handshake(TcpOptions {
            mss: Some(mss),
            timestamps: stamped.then_some(Timestamps { val: 1, ecr: 0 }),
            ..TcpOptions::default()
        });
        let headers = if ipv6 { 60 } else { 40 };
        let info = peer.host.stack.info(id).unwrap();
        assert_eq!(
            info.advertised_mss,
            mtu - headers,
            "options are not taken off"
        );
        peer.write(id, &[0; 60_000]);
        let expected = u32::from(mss).min(mtu - headers) - if stamped { 12 } else { 0 };
        let longest = peer.replies().iter().map(|seg| seg.text.len()).max();
        assert_eq!(longest, Some(expected as usize), "{mtu} {mss} {stamped}");
    }
}
