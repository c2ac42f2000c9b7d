use super::*;
use crate::wire::tests::{DATA_V6, SYN_V4};
use crate::wire::{IpPacket, protocol};

fn repr(src: IpAddr, dst: IpAddr) -> IpRepr {
    IpRepr {
        src,
        dst,
        protocol: protocol::TCP,
        hop_limit: 64,
        traffic_class: 0,
        ident: 0,
        dont_fragment: true,
        flow_label: 0,
    }
}

#[test]
fn the_golden_headers() {
    let mut buf = [0xee; 60];
    let packet = IpPacket::parse(&SYN_V4).unwrap();
    let v4 = repr(packet.src(), packet.dst());
    assert_eq!((v4.header_len(), v4.emit(40, &mut buf)), (20, 20));
    assert_eq!(buf[..20], SYN_V4[..20]);

    let packet = IpPacket::parse(&DATA_V6).unwrap();
    let v6 = IpRepr {
        hop_limit: 255,
        traffic_class: 0xb8,
        flow_label: 0xabcde,
        ..repr(packet.src(), packet.dst())
    };
    assert_eq!((v6.header_len(), v6.emit(35, &mut buf)), (40, 40));
    assert_eq!(buf[..40], DATA_V6[..40]);
}

#[test]
fn addresses_of_different_versions_make_no_header() {
    let mut buf = [0; 60];
    let (v4, v6) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([0; 16]));
    assert_eq!(repr(v4, v6).emit(0, &mut buf), 0);
    assert_eq!(repr(v6, v4).emit(0, &mut buf), 0);
    assert_eq!(buf, [0; 60]);
}

#[test]
fn what_a_length_field_cannot_say_is_zero_there() {
    let mut buf = [0xee; 60];
    let v4 = repr([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    assert_eq!(v4.emit_long(65_515, &mut buf), 20);
    assert_eq!(buf[2..4], [0xff, 0xff]);
    assert_eq!(v4.emit(65_516, &mut buf), 0);
    assert_eq!(v4.emit_long(65_516, &mut buf), 20);
    assert_eq!((v4.long_header_len(65_516), &buf[2..4]), (20, &[0, 0][..]));
    assert_eq!(crate::wire::Sum::of(&buf[..20]).finish(), 0);

    let v6 = repr([1; 16].into(), [2; 16].into());
    for (len, header) in [(65_535, 40), (65_536, 48)] {
        assert_eq!(v6.long_header_len(len), header);
        assert_eq!(v6.emit_long(len, &mut buf), header);
    }
    assert_eq!(v6.emit(65_536, &mut buf), 0);
}
