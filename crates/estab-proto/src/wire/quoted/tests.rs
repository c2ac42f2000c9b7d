use super::*;
use crate::wire::tests::{DATA_V6, SYN_V4};

fn syn() -> Option<QuotedTcp> {
    Some(QuotedTcp {
        src: "10.0.0.1:1000".parse().unwrap(),
        dst: "10.0.0.2:80".parse().unwrap(),
        seq: SeqNumber::new(0),
    })
}

fn data() -> Option<QuotedTcp> {
    Some(QuotedTcp {
        src: "[2001:db8::1]:443".parse().unwrap(),
        dst: "[2001:db8::2]:50000".parse().unwrap(),
        seq: SeqNumber::new(0xffff_fffe),
    })
}

#[test]
fn eight_bytes_of_tcp_suffice() {
    assert_eq!(quoted_tcp(&SYN_V4), syn());
    assert_eq!(quoted_tcp(&SYN_V4[..28]), syn());
    assert_eq!(quoted_tcp(&DATA_V6[..48]), data());
    for (packet, enough) in [(&SYN_V4[..], 28), (&DATA_V6[..], 48)] {
        for len in 0..enough {
            assert_eq!(quoted_tcp(&packet[..len]), None, "{len}");
        }
    }
}

#[test]
fn what_routers_change_does_not_matter() {
    let mut packet = SYN_V4;
    packet[8] = 1;
    packet[2] = 0xff;
    assert_eq!(quoted_tcp(&packet), syn());
}

#[test]
fn ipv4_options_are_skipped() {
    let mut packet = SYN_V4[..28].to_vec();
    packet[0] = 0x46;
    packet.splice(20..20, [1; 4]);
    assert_eq!(quoted_tcp(&packet), syn());
    packet[0] = 0x4f;
    assert_eq!(quoted_tcp(&packet), None);
    packet[0] = 0x44;
    assert_eq!(quoted_tcp(&packet), None);
}

#[test]
fn extension_headers_are_skipped() {
    let mut packet = DATA_V6[..48].to_vec();
    packet[6] = protocol::DESTINATION_OPTIONS;
    packet.splice(40..40, [protocol::TCP, 0, 1, 4, 0, 0, 0, 0]);
    assert_eq!(quoted_tcp(&packet), data());
}

#[test]
fn later_fragments_and_other_protocols_are_not_tcp() {
    let mut packet = SYN_V4;
    packet[7] = 1;
    assert_eq!(quoted_tcp(&packet), None);
    let mut packet = SYN_V4;
    packet[9] = protocol::UDP;
    assert_eq!(quoted_tcp(&packet), None);
    let mut packet = DATA_V6;
    packet[6] = protocol::UDP;
    assert_eq!(quoted_tcp(&packet), None);
    let mut packet = DATA_V6.to_vec();
    packet[6] = protocol::FRAGMENT;
    packet.splice(40..40, [protocol::TCP, 0, 0, 8, 0, 0, 0, 0]);
    assert_eq!(quoted_tcp(&packet), None);
    assert_eq!(quoted_tcp(&[0x55; 60]), None);
}
