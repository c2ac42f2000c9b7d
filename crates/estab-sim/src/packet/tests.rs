use super::*;

/// An IPv4 header with a good checksum, with `payload` behind it.
fn v4(tos: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len()) as u16;
    let mut packet = vec![0x45, tos, 0, 0, 0xbe, 0xef, 0x40, 0, 64, protocol, 0, 0];
    packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    let sum = !sum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(payload);
    packet
}

fn v6(class: u8, next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![
        0x60 | class >> 4,
        class << 4 | 0xa,
        0xbc,
        0xde,
        0,
        0,
        next,
        64,
    ];
    packet[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    packet.extend([0xfd; 32]);
    packet.extend(payload);
    packet
}

/// The Internet checksum's sum: 0xffff over a header that is right.
fn sum(header: &[u8]) -> u16 {
    let words = header
        .chunks(2)
        .map(|word| u64::from(word[0]) << 8 | u64::from(word[1]));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// A TCP header without options, with this text.
fn tcp(flags: u8, text: &[u8]) -> Vec<u8> {
    let mut segment = vec![
        0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0, 0, 0, 0, 0, 0,
    ];
    segment.extend(text);
    segment
}

#[test]
fn a_mark_keeps_the_header_checksum_right() {
    for tos in 0..=255 {
        for protocol in [6, 17] {
            let packet = Bytes::from(v4(tos, protocol, b"payload"));
            assert_eq!(is_ect(&packet), tos & 3 != 0);
            let marked = mark(packet.clone());
            assert_eq!(marked[1], tos | 3);
            assert_eq!(sum(&marked[..20]), 0xffff);
            assert_eq!(marked[12..], packet[12..]);
        }
    }
}

#[test]
fn a_mark_changes_two_bits_of_an_ipv6_header() {
    for class in 0..=255 {
        let packet = Bytes::from(v6(class, 6, b"payload"));
        assert_eq!(is_ect(&packet), class & 3 != 0);
        let mut expected = packet.to_vec();
        expected[1] |= 0x30;
        assert_eq!(mark(packet), expected);
    }
}

#[test]
fn what_is_no_ip_packet_stays_as_it_is() {
    for packet in [&b""[..], b"E", &[0x45; 19], &[0x6f; 39], &[0xff; 100]] {
        assert!(!is_ect(packet));
        assert_eq!(mark(Bytes::copy_from_slice(packet)), packet);
        assert_eq!(tcp_flow(packet), None);
    }
}

#[test]
fn pure_acks_are_told_from_other_segments() {
    let pure = |segment: &[u8]| {
        let four = tcp_flow(&v4(0, TCP, segment)).map(|(_, pure)| pure);
        let six = tcp_flow(&v6(0, TCP, segment)).map(|(_, pure)| pure);
        assert_eq!(four, six);
        four
    };
    assert_eq!(pure(&tcp(ACK, b"")), Some(true));
    assert_eq!(pure(&tcp(ACK | 0x40, b"")), Some(true));
    assert_eq!(pure(&tcp(ACK, b"text")), Some(false));
    for flags in [SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, URG | ACK, 0] {
        assert_eq!(pure(&tcp(flags, b"")), Some(false), "{flags:#x}");
    }
    assert_eq!(pure(&tcp(ACK, b"")[..13]), None);
    assert_eq!(tcp_flow(&v4(0, 17, &tcp(ACK, b""))), None);
    let mut fragment = v4(0, TCP, &tcp(ACK, b""));
    fragment[7] = 1;
    assert_eq!(tcp_flow(&fragment), None);
    // Padding behind the packet is not text.
    let mut padded = v4(0, TCP, &tcp(ACK, b""));
    padded.extend([0; 6]);
    assert_eq!(tcp_flow(&padded).map(|(_, pure)| pure), Some(true));
}

#[test]
fn flows_are_told_apart_by_addresses_and_ports() {
    let packet = v4(0, TCP, &tcp(ACK, b""));
    let flow = |packet: &[u8]| tcp_flow(packet).unwrap().0;
    for at in [12, 19, 20, 23] {
        let mut other = packet.clone();
        other[at] ^= 1;
        assert_ne!(flow(&packet), flow(&other), "{at}");
    }
    let mut later = packet.clone();
    later[24] ^= 1;
    assert_eq!(flow(&packet), flow(&later));
}
