use super::*;
use crate::wire::tests::{DATA_V6, SYN_V4};

#[test]
fn both_versions_have_the_same_accessors() {
    let v4 = IpPacket::parse(&SYN_V4).unwrap();
    assert_eq!(
        (v4.src(), v4.dst()),
        ([10, 0, 0, 1].into(), [10, 0, 0, 2].into())
    );
    assert_eq!(
        (v4.protocol(), v4.hop_limit(), v4.traffic_class()),
        (6, 64, 0)
    );
    assert_eq!(v4.payload(), &SYN_V4[20..]);

    let v6 = IpPacket::parse(&DATA_V6).unwrap();
    assert_eq!(v6.src(), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]));
    assert_eq!(v6.dst(), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 2]));
    assert_eq!(
        (v6.protocol(), v6.hop_limit(), v6.traffic_class()),
        (6, 255, 0xb8)
    );
    assert_eq!(v6.payload(), &DATA_V6[40..]);
}

#[test]
fn other_versions_are_refused() {
    assert_eq!(IpPacket::parse(&[]), Err(WireError::Truncated));
    for version in [0, 1, 2, 3, 5, 7, 8, 15] {
        assert_eq!(
            IpPacket::parse(&[version << 4; 60]),
            Err(WireError::BadVersion)
        );
    }
}
