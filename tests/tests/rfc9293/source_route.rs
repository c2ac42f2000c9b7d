//! §3.9.2.1: IPv4's source routes.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use estab_proto::config::{SourceRoute, StackConfig, TcpConfig};
use estab_proto::wire::{Flags, Ipv4Packet, Sum};
use estab_proto::{ConnId, ConnectError, ListenConfig, State};
use estab_tests::world::{A, B, PORT, addr, config};
use estab_tests::{Peer, Seg};

const LOOSE: u8 = 131;
const STRICT: u8 = 137;

/// The hops, seen from the host.
const FIRST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SECOND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// The peer's address and the host's.
fn hosts() -> (Ipv4Addr, Ipv4Addr) {
    match (addr(A, false), addr(B, false)) {
        (IpAddr::V4(peer), IpAddr::V4(host)) => (peer, host),
        _ => panic!("IPv4 was asked for"),
    }
}

/// The packet with this option behind its header.
fn with_option(packet: &[u8], option: &[u8]) -> Vec<u8> {
    let mut option = option.to_vec();
    option.resize(option.len().next_multiple_of(4), 0);
    let mut header = [&packet[..20], &option].concat();
    header[0] = 0x40 | (header.len() / 4) as u8;
    let total = (packet.len() + option.len()) as u16;
    header[2..4].copy_from_slice(&total.to_be_bytes());
    header[10..12].fill(0);
    let sum = Sum::of(&header).finish();
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    [&header, &packet[20..]].concat()
}

/// The segment as it arrives after it went through `recorded`.
fn came_by(seg: &Seg, kind: u8, recorded: &[Ipv4Addr]) -> Vec<u8> {
    let len = 3 + 4 * recorded.len() as u8;
    let mut option = vec![kind, len, len + 1];
    option.extend(recorded.iter().flat_map(|hop| hop.octets()));
    with_option(&seg.packet(), &option)
}

/// A packet of the host: the hops it goes by, and the segment as it arrives.
fn sent_by(packet: &[u8]) -> (Vec<Ipv4Addr>, Seg) {
    let ip = Ipv4Packet::parse(packet).expect("a good header");
    let Some(&[1, kind, len, pointer, ref listed @ ..]) =
        Some(ip.options).filter(|o| !o.is_empty())
    else {
        return (Vec::new(), Seg::parse(packet).unwrap());
    };
    assert!([LOOSE, STRICT].contains(&kind));
    assert_eq!((usize::from(len), pointer), (3 + listed.len(), 4));
    let mut hops = vec![ip.dst];
    hops.extend(
        listed
            .chunks(4)
            .map(|o| Ipv4Addr::new(o[0], o[1], o[2], o[3])),
    );
    let end = hops.pop().expect("where it ends");
    let mut plain = [&packet[..20], ip.payload].concat();
    plain[0] = 0x45;
    plain[16..20].copy_from_slice(&end.octets());
    let total = plain.len() as u16;
    plain[2..4].copy_from_slice(&total.to_be_bytes());
    plain[10..12].fill(0);
    let sum = Sum::of(&plain[..20]).finish();
    plain[10..12].copy_from_slice(&sum.to_be_bytes());
    // The segment's checksum is made with the two ends.
    (hops, Seg::parse(&plain).expect("a segment"))
}

/// The one packet the host sent.
fn reply(peer: &mut Peer) -> (Vec<Ipv4Addr>, Seg) {
    let (_, packet) = peer.next_packet().expect("an answer");
    peer.expect_silence();
    sent_by(&packet)
}

/// All that the host sent, which goes by `hops`.
fn replies(peer: &mut Peer, hops: &[Ipv4Addr]) -> Vec<Seg> {
    let packets = std::iter::from_fn(|| peer.next_packet());
    packets
        .map(|(_, packet)| {
            let (by, seg) = sent_by(&packet);
            assert_eq!(by, hops, "{seg}");
            seg
        })
        .collect()
}

fn taking() -> StackConfig {
    StackConfig {
        source_routes: true,
        ..config(B)
    }
}

fn listening(config: StackConfig) -> Peer {
    let mut peer = Peer::with(config);
    peer.listen(ListenConfig {
        port: Some(PORT),
        ..Default::default()
    });
    peer
}

/// A connection whose SYN came by these hops.
fn opened_by(route: &[Ipv4Addr]) -> (Peer, ConnId) {
    let mut peer = listening(taking());
    let syn = peer.syn().mss(1460);
    peer.send_raw(&came_by(&syn, LOOSE, route));
    let (_, syn_ack) = reply(&mut peer);
    peer.note(&syn_ack);
    peer.nxt = syn.end();
    let ack = came_by(&peer.seg(), LOOSE, route);
    peer.send_raw(&ack);
    let id = peer.accept().expect("the handshake is complete");
    (peer, id)
}

fn connect(peer: &mut Peer, route: SourceRoute) -> Result<ConnId, ConnectError> {
    let to = peer.local;
    let mut tcp = TcpConfig::modern();
    tcp.source_route = Some(route);
    let id = peer.on(|stack, now| stack.connect(now, to, None, Some(tcp)))?;
    peer.remote = peer.host.stack.tuple(id).expect("just made").local;
    Ok(id)
}

/// An active open along FIRST and SECOND, which the peer answered without any route.
fn opened_along(config: StackConfig) -> (Peer, ConnId) {
    let mut peer = Peer::with(config);
    let route = SourceRoute::strict(&[FIRST, SECOND]).unwrap();
    let id = connect(&mut peer, route).expect("an open");
    let (hops, syn) = reply(&mut peer);
    assert_eq!(
        (hops, syn.ctl & Flags::SYN),
        (vec![FIRST, SECOND], Flags::SYN)
    );
    peer.note(&syn);
    let syn_ack = peer.syn().mss(1460).ack(peer.rcv);
    peer.send(&syn_ack);
    peer.nxt = syn_ack.end();
    assert_eq!(reply(&mut peer).0, [FIRST, SECOND]);
    (peer, id)
}

// proves MUST-51
#[test]
fn an_active_open_goes_along_the_route_it_names() {
    let (mut peer, id) = opened_along(config(B));
    peer.write(id, &[7; 5000]);
    let mut longest = 0;
    while let Some((_, packet)) = peer.next_packet() {
        let (hops, seg) = sent_by(&packet);
        assert_eq!(hops, [FIRST, SECOND]);
        assert!(packet.len() <= 1500);
        longest = longest.max(seg.text.len());
    }
    // The peer's MSS fits the link without IP options; twelve bytes are theirs.
    assert_eq!(longest, 1448);
    // What comes later goes the same way: acknowledgements, probes, the end, and TIME-WAIT.
    let end = peer.host.stack.info(id).unwrap().unacked;
    peer.rcv += end;
    peer.send(&peer.seg());
    replies(&mut peer, &[FIRST, SECOND]);
    peer.on(|stack, now| stack.abort(now, id));
    let (hops, reset) = reply(&mut peer);
    assert_eq!((hops, reset.has(Flags::RST)), (vec![FIRST, SECOND], true));
}

// proves MUST-51
#[test]
fn time_wait_and_icmp_know_the_route() {
    let (mut peer, id) = opened_along(config(B));
    peer.on(|stack, now| stack.shutdown(now, id)).unwrap();
    let (_, packet) = peer.next_packet().unwrap();
    // A router in the middle of the route quotes the hop, not the end.
    let about = estab_tests::icmp::error(&packet, estab_tests::icmp::Error::Unreachable(0));
    peer.host.events.clear();
    peer.send_raw(&about);
    assert_eq!(peer.host.stack.stats().drop_icmp_unrelated, 0);
    assert_eq!(peer.host.events.len(), 1);
    peer.note(&sent_by(&packet).1);
    let fin = peer.seg().ctl(Flags::FIN);
    peer.send(&fin);
    assert_eq!(reply(&mut peer).0, [FIRST, SECOND]);
    assert_eq!(peer.status(), State::TimeWait);
    peer.send(&fin);
    assert_eq!(reply(&mut peer).0, [FIRST, SECOND]);
}

// proves MUST-52
#[test]
fn the_route_of_the_application_goes_before_a_received_one() {
    let (mut peer, _) = opened_along(taking());
    for text in ["a", "b"] {
        let seg = peer.seg().ctl(Flags::PSH).text(text);
        peer.nxt = seg.end();
        peer.send_raw(&came_by(&seg, LOOSE, &[SECOND]));
        peer.wait(Duration::from_secs(1));
        assert_eq!(reply(&mut peer).0, [FIRST, SECOND]);
    }
}

// proves MUST-53
#[test]
fn a_passive_open_answers_along_the_recorded_route() {
    let (mut peer, id) = opened_by(&[SECOND, FIRST]);
    // A segment without a route changes nothing.
    peer.send_text(b"question");
    peer.write(id, &[7; 5000]);
    peer.wait(Duration::from_secs(1));
    let sent = replies(&mut peer, &[FIRST, SECOND]);
    // Room is kept for the longest route.
    assert!(sent.iter().all(|seg| seg.text.len() <= 1460 - 40));
    assert!(sent.iter().any(|seg| seg.text.len() == 1460 - 40));
}

// proves MUST-53
#[test]
fn handshakes_answer_along_the_recorded_route() {
    let mut peer = listening(taking());
    let (source, _) = hosts();
    let syn = peer.syn();
    // The source itself in front is no hop (RFC 1122 §3.2.1.8 (c), case B).
    peer.send_raw(&came_by(&syn, STRICT, &[source, SECOND, FIRST]));
    assert_eq!(reply(&mut peer).0, [FIRST, SECOND]);
    // The SYN-ACK sent again, and after the peer came another way.
    peer.wait(Duration::from_secs(1));
    assert_eq!(reply(&mut peer).0, [FIRST, SECOND]);
    peer.send_raw(&came_by(&syn, STRICT, &[SECOND]));
    assert_eq!(reply(&mut peer).0, [SECOND]);
    // A port where nobody listens.
    let mut nowhere = peer.syn();
    nowhere.dst.set_port(1);
    peer.send_raw(&came_by(&nowhere, STRICT, &[SECOND, FIRST]));
    let (hops, reset) = reply(&mut peer);
    assert_eq!((hops, reset.has(Flags::RST)), (vec![FIRST, SECOND], true));
}

// proves MUST-53
#[test]
fn a_cookie_needs_no_room_for_the_route() {
    let mut peer = Peer::with(taking());
    peer.listen(ListenConfig {
        port: Some(PORT),
        backlog: 1,
        ..Default::default()
    });
    let mut other = peer.syn();
    other.src.set_port(9);
    peer.send(&other);
    peer.replies();
    let syn = peer.syn();
    peer.send_raw(&came_by(&syn, LOOSE, &[SECOND, FIRST]));
    let (hops, cookie) = reply(&mut peer);
    assert_eq!(hops, [FIRST, SECOND]);
    assert_eq!(peer.host.stack.stats().syn_cookies_sent, 1);
    peer.note(&cookie);
    peer.nxt = syn.end();
    let ack = came_by(&peer.seg(), LOOSE, &[SECOND, FIRST]);
    peer.send_raw(&ack);
    let id = peer.accept().expect("the cookie is good");
    peer.write(id, b"answer");
    assert_eq!(reply(&mut peer).0, [FIRST, SECOND]);
}

// proves SHLD-24
#[test]
fn a_later_route_overrides_an_earlier_one() {
    let (mut peer, id) = opened_by(&[SECOND, FIRST]);
    let mut other = peer.seg();
    // Not acceptable: not believed.
    other.seq += 1_000_000;
    peer.send_raw(&came_by(&other, LOOSE, &[SECOND]));
    assert_eq!(reply(&mut peer).0, [FIRST, SECOND]);
    let longest: Vec<_> = (1..=9).map(|n| Ipv4Addr::new(198, 51, 100, n)).collect();
    for route in [&[SECOND][..], &longest, &[]] {
        let seg = came_by(&peer.seg(), LOOSE, route);
        peer.send_raw(&seg);
        peer.write(id, &[7; 1420]);
        let (hops, seg) = reply(&mut peer);
        let back: Vec<_> = route.iter().rev().copied().collect();
        assert_eq!((hops, seg.text.len()), (back, 1420));
        peer.note(&seg);
    }
}

#[test]
fn routes_are_refused_unless_the_stack_takes_them() {
    let mut peer = listening(config(B));
    let syn = peer.syn();
    for route in [&[SECOND, FIRST][..], &[SECOND], &[]] {
        peer.send_raw(&came_by(&syn, LOOSE, route));
        peer.expect_silence();
    }
    assert_eq!(peer.host.stack.stats().drop_ip_source_route, 3);
}

#[test]
fn bad_routes_are_refused() {
    let mut peer = listening(taking());
    let (source, own) = hosts();
    let syn = peer.syn().packet();
    let one = |kind, len, pointer, hop: Ipv4Addr| {
        let [a, b, c, d] = hop.octets();
        with_option(&syn, &[kind, len, pointer, a, b, c, d])
    };
    let bad = [
        // To go on from here, pointers astray, a part of an address.
        one(LOOSE, 7, 4, FIRST),
        one(STRICT, 7, 4, source),
        one(LOOSE, 7, 0, FIRST),
        one(LOOSE, 7, 9, FIRST),
        one(LOOSE, 6, 8, FIRST),
        // Two routes.
        with_option(&syn, &[LOOSE, 3, 4, STRICT, 3, 4]),
        // Hops that are no other host.
        one(LOOSE, 7, 8, own),
        one(LOOSE, 7, 8, Ipv4Addr::BROADCAST),
        one(LOOSE, 7, 8, Ipv4Addr::new(224, 0, 0, 1)),
        one(LOOSE, 7, 8, Ipv4Addr::LOCALHOST),
        one(LOOSE, 7, 8, Ipv4Addr::UNSPECIFIED),
    ];
    for packet in &bad {
        peer.send_raw(packet);
        peer.expect_silence();
    }
    let stats = peer.host.stack.stats();
    assert_eq!(stats.drop_ip_source_route, bad.len() as u64);
}

#[test]
fn an_open_along_a_route_that_cannot_be_is_refused() {
    let mut peer = Peer::new();
    let (_, own) = hosts();
    for hop in [own, Ipv4Addr::BROADCAST, Ipv4Addr::UNSPECIFIED] {
        let route = SourceRoute::loose(&[FIRST, hop]).unwrap();
        let refused = connect(&mut peer, route);
        assert_eq!(refused, Err(ConnectError::InvalidSourceRoute));
    }
    let mut peer = Peer::new().ipv6();
    let refused = connect(&mut peer, SourceRoute::loose(&[FIRST]).unwrap());
    assert_eq!(refused, Err(ConnectError::InvalidSourceRoute));
    peer.expect_silence();
}
