use core::net::SocketAddr;

use super::TupleKey;
use crate::addr::FourTuple;

fn tuple(local: &str, remote: &str) -> FourTuple {
    FourTuple {
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
    }
}

#[test]
fn a_key_gives_its_tuple_back() {
    for tuple in [
        tuple("10.0.0.1:80", "192.0.2.1:65535"),
        tuple("[2001:db8::1]:80", "[fe80::1]:1"),
        tuple("0.0.0.0:0", "255.255.255.255:0"),
    ] {
        assert_eq!(TupleKey::new(&tuple).tuple(), tuple);
    }
}

#[test]
fn what_differs_in_one_end_differs() {
    let key = TupleKey::new(&tuple("10.0.0.1:80", "10.0.0.2:81"));
    for other in [
        tuple("10.0.0.2:81", "10.0.0.1:80"),
        tuple("10.0.0.1:81", "10.0.0.2:80"),
        tuple("10.0.0.3:80", "10.0.0.2:81"),
        tuple("10.0.0.1:80", "10.0.0.2:82"),
        tuple("[::a00:1]:80", "[::a00:2]:81"),
    ] {
        assert_ne!(key, TupleKey::new(&other), "{other}");
    }
}

#[test]
fn scope_and_flow_information_do_not_count() {
    let plain = tuple("[fe80::1]:80", "[fe80::2]:81");
    let mut scoped = plain;
    if let SocketAddr::V6(remote) = &mut scoped.remote {
        remote.set_scope_id(3);
        remote.set_flowinfo(5);
    }
    assert_eq!(TupleKey::new(&plain), TupleKey::new(&scoped));
}
