use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn prefixes_contain_their_hosts() {
    let net = IpCidr::new(ip("10.1.2.3"), 24);
    assert!(net.contains(ip("10.1.2.200")) && !net.contains(ip("10.1.3.1")));
    assert!(!net.contains(ip("fd00::1")));
    assert!(IpCidr::new(ip("10.1.2.3"), 0).contains(ip("192.168.0.1")));
    assert!(!IpCidr::new(ip("10.1.2.3"), 200).contains(ip("10.1.2.4")));
    let net = IpCidr::new(ip("fd00:1::1"), 64);
    assert!(net.contains(ip("fd00:1::ffff")) && !net.contains(ip("fd00:2::1")));
    assert!(IpCidr::new(ip("fd00::1"), 0).contains(ip("::1")));
}

#[test]
fn broadcast_exists_only_where_there_are_hosts() {
    assert_eq!(
        IpCidr::new(ip("10.1.2.3"), 24).broadcast(),
        Some(Ipv4Addr::new(10, 1, 2, 255))
    );
    assert_eq!(IpCidr::new(ip("10.1.2.3"), 31).broadcast(), None);
    assert_eq!(IpCidr::new(ip("fd00::1"), 64).broadcast(), None);
    assert_eq!(
        IpCidr::new(ip("10.1.2.3"), 0).broadcast(),
        Some(Ipv4Addr::BROADCAST)
    );
}

#[test]
fn unicast_names_one_host() {
    for good in ["10.0.0.1", "127.0.0.1", "223.255.255.255", "fd00::1", "::1"] {
        assert!(is_unicast(ip(good)), "{good}");
    }
    for bad in [
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "ff02::1",
    ] {
        assert!(!is_unicast(ip(bad)), "{bad}");
    }
}
