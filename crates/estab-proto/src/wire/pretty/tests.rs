use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::seq::SeqNumber;
use crate::wire::tests::{DATA_V6, SYN_V4};
use crate::wire::{IpRepr, SackBlock, TcpOptions};

/// A packet from `::1` to `::2`, or from 10.0.0.1 to 10.0.0.2.
fn packet(version: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let addr = |host: u8| match version {
        4 => Ipv4Addr::new(10, 0, 0, host).into(),
        _ => Ipv6Addr::from_bits(host.into()).into(),
    };
    let repr = IpRepr {
        src: addr(1),
        dst: addr(2),
        protocol,
        hop_limit: 64,
        traffic_class: 0,
        ident: 5,
        dont_fragment: false,
        flow_label: 0,
    };
    let mut bytes = [0; 40];
    let len = repr.emit(payload.len(), &mut bytes);
    [&bytes[..len], payload].concat()
}

fn tcp(segment: &Segment<'_>) -> String {
    let mut header = [0; 60];
    let len = segment.emit_header(&mut header);
    let payload = [&header[..len], segment.text].concat();
    Pretty(&packet(4, protocol::TCP, &payload)).to_string()
}

#[test]
fn golden_packets() {
    assert_eq!(
        Pretty(&SYN_V4).to_string(),
        "10.0.0.1:1000 > 10.0.0.2:80 S seq 0:0 win 65535 \
         <mss 1460,sackOK,TS val 1 ecr 0,wscale 7>"
    );
    assert_eq!(
        Pretty(&DATA_V6).to_string(),
        "[2001:db8::1]:443 > [2001:db8::2]:50000 P. seq 4294967294:1 ack 2147483648 win 501 \
         <TS val 287454020 ecr 1432778632>"
    );
}

#[test]
fn flags_urgent_pointer_and_sack() {
    let sack = SackBlock {
        left: SeqNumber::new(10),
        right: SeqNumber::new(20),
    };
    let mut opts = TcpOptions::default();
    opts.sack.push(sack);
    let segment = Segment {
        ctl: Flags::all(),
        up: 9,
        text: b"abc",
        opts,
        ..Segment::default()
    };
    assert_eq!(
        tcp(&segment),
        "10.0.0.1:0 > 10.0.0.2:0 FSRP.UEWe seq 0:3 ack 0 win 0 urg 9 <sack 10:20>"
    );
    assert_eq!(
        tcp(&Segment::default()),
        "10.0.0.1:0 > 10.0.0.2:0 none seq 0:0 win 0"
    );
}

#[test]
fn ecn_in_the_ip_header_and_in_the_options() {
    let mut segment = Segment {
        ctl: Flags::ACK.with_ace(6),
        ..Segment::default()
    };
    for (order, text) in [
        (AccEcnOrder::E0bFirst, "ECN e0b 1 ceb 2 e1b 3"),
        (AccEcnOrder::E1bFirst, "ECN e1b 1 ceb 2 e0b 3"),
    ] {
        segment.opts.accecn = Some(AccEcn::new(order, &[1, 2, 3]));
        let line = tcp(&segment);
        assert!(
            line.contains(" .We seq") && line.ends_with(&alloc::format!("<{text}>")),
            "{line}"
        );
    }
    segment.opts.accecn = Some(AccEcn::new(AccEcnOrder::E0bFirst, &[]));
    assert!(tcp(&segment).ends_with("win 0 <ECN>"));

    let mut packet = DATA_V6;
    packet[1] |= 0x30;
    assert!(Pretty(&packet).to_string().contains(":50000 [ce] P. seq"));
}

#[test]
fn malformed_packets() {
    let mut packet = SYN_V4;
    packet[20 + 25] = 0;
    let line = Pretty(&packet).to_string();
    assert!(line.ends_with("win 65535 <mss 1460,malformed>"), "{line}");
    packet[32] = 0;
    assert_eq!(
        Pretty(&packet).to_string(),
        "10.0.0.1 > 10.0.0.2 malformed TCP, 40 bytes: header length below the minimum or past the end"
    );
    assert_eq!(
        Pretty(&[]).to_string(),
        "malformed IP, 0 bytes: shorter than its fixed header"
    );
}

#[test]
fn fragments() {
    let bytes = [protocol::UDP, 0, 0, 9, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8];
    let bytes = packet(6, protocol::FRAGMENT, &bytes);
    assert_eq!(Pretty(&bytes).to_string(), "::1 > ::2 fragment id 7 8:16+");

    let header = crate::wire::Ipv4Header {
        src: Ipv4Addr::new(10, 0, 0, 1),
        dst: Ipv4Addr::new(10, 0, 0, 2),
        protocol: protocol::TCP,
        ttl: 64,
        tos: 0,
        ident: 5,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 1480,
    };
    let mut bytes = [0; 25];
    header.emit(5, &mut bytes);
    assert_eq!(
        Pretty(&bytes).to_string(),
        "10.0.0.1 > 10.0.0.2 fragment id 5 1480:1485"
    );
}

#[test]
fn icmp_of_both_versions() {
    let v4 = |message: Icmpv4<'_>| {
        let mut bytes = [0; 100];
        let len = message.emit(&mut bytes);
        Pretty(&packet(4, protocol::ICMP, &bytes[..len])).to_string()
    };
    assert_eq!(
        v4(Icmpv4::EchoRequest {
            ident: 1,
            seq: 2,
            data: b"abc"
        }),
        "10.0.0.1 > 10.0.0.2 icmp echo request ident 1 seq 2 len 3"
    );
    assert_eq!(
        v4(Icmpv4::Unreachable {
            code: 4,
            mtu: 1400,
            quoted: &[]
        }),
        "10.0.0.1 > 10.0.0.2 icmp unreachable code 4 mtu 1400"
    );
    let v6 = |message: Icmpv6<'_>| {
        let mut bytes = [0; 100];
        let (src, dst) = (Ipv6Addr::from_bits(1), Ipv6Addr::from_bits(2));
        let len = message.emit(src, dst, &mut bytes);
        Pretty(&packet(6, protocol::ICMPV6, &bytes[..len])).to_string()
    };
    assert_eq!(
        v6(Icmpv6::PacketTooBig {
            mtu: 1280,
            quoted: &[]
        }),
        "::1 > ::2 icmp6 packet too big mtu 1280"
    );
    assert_eq!(
        v6(Icmpv6::ParameterProblem {
            code: 1,
            pointer: 6,
            quoted: &[]
        }),
        "::1 > ::2 icmp6 parameter problem code 1 pointer 6"
    );
}

#[test]
fn other_protocols() {
    assert_eq!(
        Pretty(&packet(4, 47, &[0; 9])).to_string(),
        "10.0.0.1 > 10.0.0.2 protocol 47 len 9"
    );
    assert_eq!(
        Pretty(&packet(6, 1, &[0; 9])).to_string(),
        "::1 > ::2 protocol 1 len 9"
    );
}
