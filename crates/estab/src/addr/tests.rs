use super::sealed::{ToAddr, ToCidr};
use super::*;

#[test]
fn text_names_endpoints_but_is_never_looked_up() {
    assert_eq!(
        "10.0.0.1:80".to_addr().unwrap(),
        SocketAddr::from(([10, 0, 0, 1], 80))
    );
    assert_eq!(
        "[::1]:7".to_addr().unwrap(),
        (Ipv6Addr::LOCALHOST, 7).to_addr().unwrap()
    );
    assert_eq!(
        ("10.0.0.1", 9).to_addr().unwrap(),
        "10.0.0.1:9".to_addr().unwrap()
    );
    for text in ["localhost:80", "10.0.0.1", "10.0.0.1:99999", ""] {
        assert_eq!(
            text.to_addr().unwrap_err().kind(),
            io::ErrorKind::InvalidInput,
            "{text}"
        );
    }
}

#[test]
fn prefixes_are_checked_against_the_family() {
    let v4 = "10.0.0.2/24".to_cidr().unwrap();
    assert_eq!(v4, IpCidr::new(IpAddr::from([10, 0, 0, 2]), 24));
    assert_eq!("10.0.0.2".to_cidr().unwrap().prefix, 32);
    assert_eq!("fd00::1/64".to_cidr().unwrap().prefix, 64);
    assert_eq!("fd00::1".to_cidr().unwrap().prefix, 128);
    for text in [
        "10.0.0.2/33",
        "fd00::1/129",
        "10.0.0.2/",
        "10.0.0/8",
        "/8",
        "",
    ] {
        assert_eq!(
            text.to_cidr().unwrap_err().kind(),
            io::ErrorKind::InvalidInput,
            "{text}"
        );
    }
}
