#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use core::net::IpAddr;

use super::{Addrs, Wrong};
use crate::addr::IpCidr;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn addrs(any: bool) -> Addrs {
    let list = [
        IpCidr::new(ip("10.0.0.2"), 24),
        IpCidr::new(ip("192.0.2.9"), 31),
        IpCidr::new(ip("2001:db8::2"), 64),
    ];
    Addrs::new(&list, any)
}

#[test]
fn who_may_have_sent_a_packet() {
    let addrs = addrs(true);
    for good in [
        "10.0.0.1",
        "1.1.1.1",
        "192.0.2.8",
        "10.0.1.255",
        "2001:db8::1",
        "fe80::1",
    ] {
        assert!(addrs.may_send(ip(good)), "{good}");
    }
    for bad in [
        "10.0.0.2",
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "10.0.0.255",
        "2001:db8::2",
        "::",
        "::1",
        "ff02::1",
        "::ffff:10.0.0.1",
    ] {
        assert!(!addrs.may_send(ip(bad)), "{bad}");
    }
}

#[test]
fn what_is_addressed_to_us() {
    let (own, any) = (addrs(false), addrs(true));
    for addr in ["10.0.0.2", "192.0.2.9", "2001:db8::2"] {
        assert!(own.accepts(ip(addr)) && any.accepts(ip(addr)), "{addr}");
    }
    for addr in ["10.0.0.3", "8.8.8.8", "2001:db8::3"] {
        assert!(!own.accepts(ip(addr)) && any.accepts(ip(addr)), "{addr}");
    }
    for addr in [
        "10.0.0.255",
        "255.255.255.255",
        "224.0.0.1",
        "0.0.0.0",
        "127.0.0.1",
        "ff02::1",
        "::1",
        "::ffff:8.8.8.8",
    ] {
        assert!(!own.accepts(ip(addr)) && !any.accepts(ip(addr)), "{addr}");
    }
}

#[test]
fn on_a_loopback_link_we_talk_to_ourselves() {
    let addrs = Addrs::new(&[IpCidr::new(ip("127.0.0.1"), 8)], false);
    assert!(addrs.may_send(ip("127.0.0.1")) && addrs.accepts(ip("127.0.0.1")));
    assert!(!addrs.accepts(ip("127.0.0.2")));
}

#[test]
fn an_address_can_be_replaced() {
    let mut addrs = addrs(false);
    addrs.add(IpCidr::new(ip("10.0.0.2"), 8));
    assert_eq!(addrs.list().len(), 3);
    assert!(addrs.is_broadcast(ip("10.255.255.255")) && !addrs.is_broadcast(ip("10.0.0.255")));
    assert!(addrs.remove(ip("10.0.0.2")) && !addrs.remove(ip("10.0.0.2")));
}

#[test]
fn who_may_send_to_whom_follows_the_addresses() {
    let (src, dst) = (ip("10.0.0.9"), ip("10.0.0.2"));
    let mut addrs = Addrs::new(&[IpCidr::new(dst, 24)], false);
    for _ in 0..2 {
        assert_eq!(addrs.check(src, dst), Ok(()));
    }
    assert_eq!(addrs.check(src, src), Err(Wrong::Destination));
    assert_eq!(addrs.check(dst, dst), Err(Wrong::Source));
    // The same pair after each change.
    addrs.add(IpCidr::new(src, 24));
    assert_eq!(addrs.check(src, dst), Err(Wrong::Source));
    addrs.remove(src);
    assert_eq!(addrs.check(src, dst), Ok(()));
    addrs.remove(dst);
    assert_eq!(addrs.check(src, dst), Err(Wrong::Destination));
}
