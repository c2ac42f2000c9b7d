use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use estab_timer::Duration;

use crate::addr::{FourTuple, IpCidr};
use crate::error::ConnectError;
use crate::event::Event;
use crate::stack::ListenConfig;
use crate::stack::testing::{Bench, OWN, PEER, Seg, peer, server};
use crate::tcp::State;
use crate::wire::tcp::Flags;

fn cidr(text: &str, prefix: u8) -> IpCidr {
    IpCidr::new(text.parse().unwrap(), prefix)
}

fn remote(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn an_open_sends_a_syn_and_completes() {
    let mut bench = Bench::new();
    let id = bench.stack.connect(bench.now, peer(9), None, None).unwrap();
    let out = bench.output();
    assert_eq!(out.len(), 1);
    let syn = &out[0];
    assert_eq!(
        (syn.ctl, syn.dst, syn.src.ip()),
        (Flags::SYN, peer(9), IpAddr::V4(OWN))
    );
    assert_eq!(syn.opts.mss, Some(1460));
    let mut syn_ack = Seg::answer(syn, Flags::SYN | Flags::ACK);
    syn_ack.seq = 5000;
    syn_ack.opts = Seg::syn(0).stamp(9, syn.opts.timestamps.unwrap().val).opts;
    let ack = bench.ask(&syn_ack);
    assert_eq!((ack.ctl, ack.ack), (Flags::ACK, 5001));
    assert_eq!(bench.events().first(), Some(&Event::Connected(id)));
    assert_eq!(bench.stack.counts().ports, 1);
}

// proves MUST-46
#[test]
fn nobody_connects_to_what_is_not_one_host() {
    let mut bench = Bench::new();
    for bad in [
        "0.0.0.0:80",
        "10.0.0.1:0",
        "224.0.0.1:80",
        "255.255.255.255:80",
        "10.0.0.255:80",
        "10.0.0.2:80",
        "127.0.0.1:80",
        "[ff02::1]:80",
        "[::]:80",
        "[::1]:80",
        "[::ffff:10.0.0.1]:80",
    ] {
        let result = bench.stack.connect(bench.now, remote(bad), None, None);
        assert_eq!(result, Err(ConnectError::InvalidRemote), "{bad}");
    }
    assert!(bench.output().is_empty());
    let v6 = bench
        .stack
        .connect(bench.now, remote("[2001:db8::1]:80"), None, None);
    assert_eq!(v6, Err(ConnectError::NoLocalAddress));
    let other = SocketAddr::new(PEER.into(), 5);
    let foreign = bench.stack.connect(bench.now, peer(9), Some(other), None);
    assert_eq!(foreign, Err(ConnectError::LocalAddressNotOurs));
    let family = Some(remote("[2001:db8::1]:5"));
    let mixed = bench.stack.connect(bench.now, peer(9), family, None);
    assert_eq!(mixed, Err(ConnectError::NoLocalAddress));
}

// proves MUST-44
#[test]
fn the_source_address_is_the_nearest() {
    let mut bench = Bench::with(|config| {
        config.addrs = vec![
            cidr("10.0.0.2", 24),
            cidr("192.168.7.1", 16),
            cidr("172.16.0.1", 12),
            cidr("2001:db8::5", 64),
            cidr("fd00::5", 64),
        ];
    });
    for (to, from) in [
        ("10.0.0.77:1", "10.0.0.2"),
        ("192.168.200.1:1", "192.168.7.1"),
        ("172.20.1.1:1", "172.16.0.1"),
        ("[2001:db8::9]:1", "2001:db8::5"),
        ("[fd12::1]:1", "fd00::5"),
    ] {
        let id = bench
            .stack
            .connect(bench.now, remote(to), None, None)
            .unwrap();
        let local = bench.stack.tuple(id).unwrap().local.ip();
        assert_eq!(local, from.parse::<IpAddr>().unwrap(), "{to}");
    }
    let chosen = remote("192.168.7.1:0");
    let id = bench
        .stack
        .connect(bench.now, peer(2), Some(chosen), None)
        .unwrap();
    assert_eq!(bench.stack.tuple(id).unwrap().local.ip(), chosen.ip());
    let port = Some(remote("0.0.0.0:77"));
    let id = bench.stack.connect(bench.now, peer(3), port, None).unwrap();
    assert_eq!(bench.stack.tuple(id).unwrap().local, remote("10.0.0.2:77"));
}

#[test]
fn ports_run_out_at_once_and_come_back() {
    let mut bench = Bench::with(|config| config.ephemeral_ports = (5000, 5009));
    bench.listen_as(ListenConfig {
        port: Some(5003),
        ..ListenConfig::default()
    });
    let addr = Some(IpAddr::V4(OWN));
    bench.listen_as(ListenConfig {
        addr,
        port: Some(5004),
        ..ListenConfig::default()
    });
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(bench.stack.connect(bench.now, peer(9), None, None).unwrap());
    }
    let mut ports: Vec<u16> = open
        .iter()
        .map(|&id| bench.stack.tuple(id).unwrap().local.port())
        .collect();
    ports.sort_unstable();
    assert_eq!(ports, [5000, 5001, 5002, 5005, 5006, 5007, 5008, 5009]);
    let full = bench.stack.connect(bench.now, peer(9), None, None);
    assert_eq!(full, Err(ConnectError::PortsExhausted));
    // Another remote has all of them.
    bench
        .stack
        .connect(bench.now, peer(10), None, None)
        .unwrap();
    let taken = bench.stack.tuple(open[0]).unwrap().local;
    let again = bench.stack.connect(bench.now, peer(9), Some(taken), None);
    assert_eq!(again, Err(ConnectError::AddressInUse));
    bench.stack.close(bench.now, open[0]);
    assert!(bench.stack.connect(bench.now, peer(9), None, None).is_ok());
}

#[test]
fn a_driver_can_choose_among_the_ports() {
    let mut bench = Bench::new();
    let fits = |tuple: &FourTuple| tuple.local.port().is_multiple_of(64);
    let id = bench
        .stack
        .connect_where(bench.now, peer(9), None, None, fits)
        .unwrap();
    assert!(fits(&bench.stack.tuple(id).unwrap()));
    let none = bench
        .stack
        .connect_where(bench.now, peer(9), None, None, |_| false);
    assert_eq!(none, Err(ConnectError::PortsExhausted));
}

#[test]
fn connections_are_capped() {
    let mut bench = Bench::with(|config| config.limits.max_connections = 2);
    for _ in 0..2 {
        bench.stack.connect(bench.now, peer(9), None, None).unwrap();
    }
    let over = bench.stack.connect(bench.now, peer(9), None, None);
    assert_eq!(over, Err(ConnectError::TooManyConnections));
}

#[test]
fn a_connection_to_itself_opens() {
    let mut bench = Bench::with(|config| {
        config.addrs = vec![IpCidr::new(Ipv4Addr::LOCALHOST.into(), 8)];
    });
    let own = remote("127.0.0.1:7777");
    let id = bench
        .stack
        .connect(bench.now, own, Some(own), None)
        .unwrap();
    for _ in 0..10 {
        for packet in bench.packets() {
            bench.feed(&packet);
        }
    }
    assert_eq!(bench.stack.state(id), Some(State::Established));
    bench.stack.send_slice(bench.now, id, b"echo").unwrap();
    for _ in 0..10 {
        for packet in bench.packets() {
            bench.feed(&packet);
        }
    }
    let mut buf = [0; 8];
    assert_eq!(bench.stack.recv(bench.now, id, &mut buf), Ok(4));
    assert!(bench.packets().is_empty());
}

#[test]
fn both_sides_may_open_at_once() {
    let mut a = Bench::new();
    let mut b = Bench::with(|config| config.addrs = vec![IpCidr::new(PEER.into(), 24)]);
    let ida = a
        .stack
        .connect(a.now, peer(6), Some(remote("10.0.0.2:5")), None)
        .unwrap();
    let idb = b
        .stack
        .connect(b.now, remote("10.0.0.2:5"), Some(peer(6)), None)
        .unwrap();
    for _ in 0..10 {
        let (from_a, from_b) = (a.packets(), b.packets());
        from_a.iter().for_each(|packet| b.feed(packet));
        from_b.iter().for_each(|packet| a.feed(packet));
    }
    assert_eq!(a.stack.state(ida), Some(State::Established));
    assert_eq!(b.stack.state(idb), Some(State::Established));
    assert!(a.packets().is_empty() && b.packets().is_empty());
}

#[test]
fn a_tuple_in_time_wait_is_not_opened_again() {
    let mut bench = Bench::with(|config| config.ephemeral_ports = (5000, 5000));
    let id = bench.stack.connect(bench.now, peer(9), None, None).unwrap();
    let syn = bench.output().pop().unwrap();
    let mut syn_ack = Seg::answer(&syn, Flags::SYN | Flags::ACK).plain();
    syn_ack.seq = 5000;
    bench.send(&syn_ack);
    bench.stack.close(bench.now, id);
    let fin = bench.output().pop().unwrap();
    bench.send(&Seg::answer(&fin, Flags::FIN | Flags::ACK));
    let tuple = FourTuple {
        local: syn.src,
        remote: syn.dst,
    };
    assert_eq!(bench.stack.status(&tuple), State::TimeWait);
    let again = bench.stack.connect(bench.now, peer(9), None, None);
    assert_eq!(again, Err(ConnectError::PortsExhausted));
    let again = bench.stack.connect(bench.now, peer(9), Some(syn.src), None);
    assert_eq!(again, Err(ConnectError::AddressInUse));
    bench.sleep(Duration::from_secs(60));
    assert!(bench.stack.connect(bench.now, peer(9), None, None).is_ok());
}

#[test]
fn addresses_come_and_go() {
    let mut bench = Bench::new();
    bench.listen(8);
    assert!(bench.stack.remove_addr(OWN.into()));
    assert!(!bench.stack.remove_addr(OWN.into()));
    bench.ask_in_vain(&Seg::syn(1));
    bench.stack.add_addr(IpCidr::new(OWN.into(), 16));
    assert_eq!(bench.stack.config().addrs, [IpCidr::new(OWN.into(), 16)]);
    bench.ask(&Seg::syn(1).to(server()));
}

#[test]
fn the_mtu_is_that_of_the_device_now() {
    let mut bench = Bench::new();
    bench.stack.set_mtu(1280);
    bench.stack.connect(bench.now, peer(9), None, None).unwrap();
    assert_eq!(bench.output()[0].opts.mss, Some(1240));
}
