use super::*;
use crate::ast::{EcnCounter, IcmpKind, flag};

fn packet(v6: bool) -> TcpPacket {
    let addr = |last: u8| match v6 {
        true => IpAddr::from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]),
        false => IpAddr::from([10, 0, 0, last]),
    };
    TcpPacket {
        src: SocketAddr::new(addr(1), 1234),
        dst: SocketAddr::new(addr(2), 80),
        tos: 0x2e,
        ttl: 63,
        flags: flag::ACK | flag::PSH | flag::AE,
        seq: 0xffff_fff0,
        ack: 7,
        window: 512,
        urgent: 0,
        options: vec![
            TcpOption::Nop,
            TcpOption::Nop,
            TcpOption::Timestamps(Some(1), 2),
            TcpOption::Sack(vec![(5, 9)]),
            TcpOption::Nop,
            TcpOption::Nop,
        ],
        payload: vec![1, 2, 3],
    }
}

#[test]
fn packets_of_both_families_come_back_as_they_were() {
    for v6 in [false, true] {
        let packet = packet(v6);
        assert_eq!(TcpPacket::decode(&packet.encode()), Ok(packet));
    }
}

#[test]
fn every_flipped_bit_of_a_segment_is_seen() {
    for v6 in [false, true] {
        let bytes = packet(v6).encode();
        let header = if v6 { 40 } else { 20 };
        for bit in header * 8..bytes.len() * 8 {
            let mut wrong = bytes.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(TcpPacket::decode(&wrong).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn the_sum_of_rfc_1071_section_3() {
    assert_eq!(
        fold(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])),
        0xddf2
    );
    assert_eq!(fold(sum(&[0x12])), 0x1200);
}

#[test]
fn every_option_comes_back() {
    let options = vec![
        TcpOption::Mss(1460),
        TcpOption::Wscale(14),
        TcpOption::SackOk,
        TcpOption::FastOpen(vec![1, 2, 3, 4]),
        TcpOption::FastOpenExp(vec![]),
        TcpOption::AccEcn(vec![
            (EcnCounter::E1, 70_000),
            (EcnCounter::Ce, 2),
            (EcnCounter::E0, 3),
        ]),
        TcpOption::Unknown(77, vec![9]),
    ];
    let mut packet = packet(false);
    packet.options.clone_from(&options);
    let decoded = TcpPacket::decode(&packet.encode()).unwrap();
    assert_eq!(decoded.options[..options.len()], options);
    assert!(
        decoded.options[options.len()..]
            .iter()
            .all(|option| *option == TcpOption::Eol)
    );
}

#[test]
fn icmp_errors_have_the_numbers_of_their_family() {
    let quoted = [0; 28];
    for (v6, kind, numbers) in [
        (false, IcmpKind::TooBig, Some((3, 4))),
        (true, IcmpKind::TooBig, Some((2, 0))),
        (true, IcmpKind::PortUnreachable, Some((1, 4))),
        (false, IcmpKind::SourceQuench, Some((4, 0))),
        (true, IcmpKind::SourceQuench, None),
    ] {
        let packet = packet(v6);
        let (src, dst) = (packet.src.ip(), packet.dst.ip());
        let bytes = encode_error(src, dst, kind, 1280, &quoted);
        let at = if v6 { 40 } else { 20 };
        assert_eq!(bytes.map(|b| (b[at], b[at + 1])), numbers, "{kind:?}");
    }
}
