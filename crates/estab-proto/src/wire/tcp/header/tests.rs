use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::wire::Timestamps;
use crate::wire::tests::{DATA_V6, SYN_V4, seeded};

fn v4() -> (IpAddr, IpAddr) {
    (
        Ipv4Addr::new(10, 0, 0, 1).into(),
        Ipv4Addr::new(10, 0, 0, 2).into(),
    )
}

fn v6() -> (IpAddr, IpAddr) {
    let addr = |host| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host).into();
    (addr(1), addr(2))
}

#[test]
fn a_syn_over_ipv4() {
    let (src, dst) = v4();
    let segment = Segment::parse(&SYN_V4[20..], src, dst, true).unwrap();
    let expected = Segment {
        src_port: 1000,
        dst_port: 80,
        ctl: Flags::SYN,
        wnd: WireWindow(65535),
        opts: TcpOptions {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some(Timestamps { val: 1, ecr: 0 }),
            ..TcpOptions::default()
        },
        ..Segment::default()
    };
    assert_eq!(segment, expected);
    assert_eq!((segment.len(), segment.header_len()), (1, 40));

    let mut buf = [0xee; 40];
    assert_eq!(segment.emit_header(&mut buf), 40);
    assert_eq!(buf[16..18], [0, 0]);
    fill_checksum(&mut buf, Sum::ZERO, 0, src, dst);
    assert_eq!(buf, SYN_V4[20..]);
}

#[test]
fn data_over_ipv6() {
    let (src, dst) = v6();
    let segment = Segment::parse(&DATA_V6[40..], src, dst, true).unwrap();
    assert_eq!(segment.seq, SeqNumber::new(0xffff_fffe));
    assert_eq!(segment.ack, SeqNumber::new(0x8000_0000));
    assert_eq!(segment.ctl, Flags::PSH | Flags::ACK);
    assert_eq!(segment.wnd, WireWindow(501));
    assert_eq!(
        segment.opts.timestamps,
        Some(Timestamps {
            val: 0x1122_3344,
            ecr: 0x5566_7788
        })
    );
    assert_eq!(segment.text, b"odd");
    assert_eq!(segment.len(), 3);

    let mut buf = [0; 32];
    assert_eq!(segment.emit_header(&mut buf), 32);
    fill_checksum(&mut buf, Sum::of(b"odd"), 3, src, dst);
    assert_eq!(buf, DATA_V6[40..72]);
}

#[test]
fn a_partial_checksum_is_the_bare_pseudo_header() {
    let (src, dst) = v4();
    let mut header = SYN_V4[20..].to_vec();
    fill_partial_checksum(&mut header, 1000, src, dst);
    assert_eq!(
        header[16..18],
        Sum::pseudo(src, dst, 6, 1040).folded().to_be_bytes()
    );

    // A device completes it by summing everything, the field included.
    let mut whole = header.clone();
    whole.extend(vec![0xab; 1000]);
    let completed = Sum::of(&whole).finish().to_be_bytes();
    fill_checksum(&mut header, Sum::of(&[0xab; 1000]), 1000, src, dst);
    assert_eq!(header[16..18], completed);
}

#[test]
fn a_header_too_short_for_a_checksum_is_left_alone() {
    let (src, dst) = v4();
    let mut short = [7; 19];
    fill_checksum(&mut short, Sum::ZERO, 0, src, dst);
    fill_partial_checksum(&mut short, 0, src, dst);
    assert_eq!(short, [7; 19]);
}

#[test]
fn malformed_headers() {
    let (src, dst) = v4();
    let parse = |bytes: &[u8]| Segment::parse(bytes, src, dst, false).map(|segment| segment.len());
    let mut bytes = SYN_V4[20..].to_vec();
    assert_eq!(parse(&[]), Err(WireError::Truncated));
    assert_eq!(parse(&bytes[..19]), Err(WireError::Truncated));
    for words in 0..5 {
        bytes[12] = words << 4;
        assert_eq!(parse(&bytes), Err(WireError::BadHeaderLength), "{words}");
    }
    for words in 11..16 {
        bytes[12] = words << 4;
        assert_eq!(parse(&bytes), Err(WireError::BadHeaderLength), "{words}");
    }
    bytes[12] = 5 << 4;
    assert_eq!(parse(&bytes), Ok(21));
}

#[test]
fn every_flipped_bit_breaks_the_checksum() {
    let (src, dst) = v4();
    let mut bytes = SYN_V4[20..].to_vec();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Segment::parse(&bytes, src, dst, true).is_err(), "{bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert_eq!(
        Segment::parse(&bytes, src, src, true),
        Err(WireError::BadChecksum)
    );
}

#[test]
fn malformed_options_do_not_lose_the_segment() {
    let (src, dst) = v4();
    let mut bytes = SYN_V4[20..].to_vec();
    bytes[20 + 4 + 1] = 0;
    let segment = Segment::parse(&bytes, src, dst, false).unwrap();
    assert!(segment.malformed_options);
    assert_eq!(
        segment.opts,
        TcpOptions {
            mss: Some(1460),
            ..TcpOptions::default()
        }
    );
}

#[test]
fn syn_and_fin_take_sequence_space() {
    let segment = |ctl, text| Segment {
        ctl,
        text,
        ..Segment::default()
    };
    assert!(segment(Flags::ACK | Flags::RST, &[]).is_empty());
    assert_eq!(segment(Flags::SYN, &[1, 2]).len(), 3);
    assert_eq!(segment(Flags::SYN | Flags::FIN, &[]).len(), 2);
    assert!(segment(Flags::SYN | Flags::ACK, &[]).has(Flags::SYN));
    assert!(!segment(Flags::SYN, &[]).has(Flags::SYN | Flags::ACK));
}

#[test]
fn a_short_buffer_takes_no_header() {
    let segment = Segment {
        opts: TcpOptions {
            mss: Some(1),
            ..TcpOptions::default()
        },
        ..Segment::default()
    };
    for len in 0..24 {
        assert_eq!(segment.emit_header(&mut vec![0; len]), 0, "{len}");
    }
    assert_eq!(segment.emit_header(&mut [0; 24]), 24);
}

proptest! {
    #![proptest_config(seeded(0x9293))]

    #[test]
    fn segments_survive_the_wire(
        ports in any::<(u16, u16)>(),
        numbers in any::<(u32, u32)>(),
        fields in any::<(u16, u16)>(),
        ctl in 0u16..0x200,
        mss in prop::option::of(any::<u16>()),
        timestamps in prop::option::of(any::<(u32, u32)>()),
        text in prop::collection::vec(any::<u8>(), 0..100),
        over_v6 in any::<bool>(),
    ) {
        let segment = Segment {
            src_port: ports.0,
            dst_port: ports.1,
            seq: SeqNumber::new(numbers.0),
            ack: SeqNumber::new(numbers.1),
            ctl: Flags::from_bits_truncate(ctl),
            wnd: WireWindow(fields.0),
            up: fields.1,
            opts: TcpOptions {
                mss,
                timestamps: timestamps.map(|(val, ecr)| Timestamps { val, ecr }),
                ..TcpOptions::default()
            },
            ecn: Default::default(),
            source_route: None,
            malformed_options: false,
            text: &text,
        };
        let (src, dst) = if over_v6 { v6() } else { v4() };
        let mut packet = Vec::from([0; 60]);
        packet.truncate(segment.header_len());
        prop_assert_eq!(segment.emit_header(&mut packet), segment.header_len());
        fill_checksum(&mut packet, Sum::of(&text), text.len(), src, dst);
        packet.extend(&text);
        prop_assert_eq!(Segment::parse(&packet, src, dst, true), Ok(segment));
    }
}
