//! Packets between sockets, in real time. Upper bounds on time are asserted nowhere: the machine
//! may be busy.

use std::os::unix::net::UnixDatagram;
use std::time::Instant;

use super::*;
use crate::{Bandwidth, Queue};

/// Two sockets with a relay between them.
fn sockets(path: Path) -> (UnixDatagram, UnixDatagram, Relay) {
    let (here, first) = UnixDatagram::pair().unwrap();
    let (there, second) = UnixDatagram::pair().unwrap();
    let relay = Relay::start(first, second, path).unwrap();
    (here, there, relay)
}

#[expect(clippy::disallowed_methods, reason = "real time is measured")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn packets_take_their_time_both_ways() {
    let path = Path::builder().rtt(Duration::from_millis(20));
    let (here, there, relay) = sockets(path.build());
    let mut buf = [0; 100];
    let start = now();
    here.send(b"ping").unwrap();
    assert_eq!(there.recv(&mut buf).unwrap(), 4);
    assert!(start.elapsed() >= Duration::from_millis(10));
    there.send(b"pong!").unwrap();
    assert_eq!(here.recv(&mut buf).unwrap(), 5);
    assert!(start.elapsed() >= Duration::from_millis(20));
    let report = relay.stop().unwrap();
    assert_eq!((report.there.delivered, report.back.delivered), (1, 1));
    assert_eq!(report.lateness.packets, 2);
}

#[test]
fn a_rate_holds_in_real_time() {
    let path = Path::builder().rate(Bandwidth::mbit(12));
    let (here, there, relay) = sockets(path.build());
    let start = now();
    let sender = thread::spawn(move || {
        for number in 0..50u8 {
            here.send(&[number; 1500]).unwrap();
        }
        here
    });
    let mut buf = [0; 2000];
    for number in 0..50 {
        assert_eq!(there.recv(&mut buf).unwrap(), 1500);
        assert_eq!(buf[0], number);
        assert!(start.elapsed() >= Duration::from_millis(u64::from(number) + 1));
    }
    assert_eq!(relay.stop().unwrap().refused, 0);
    drop(sender.join().unwrap());
}

#[test]
fn drops_are_the_paths_and_are_reported_while_it_runs() {
    let path = Path::builder()
        .rate(Bandwidth::kbit(1))
        .queue(Queue::DropTail { bytes: 0 });
    let (here, _there, relay) = sockets(path.build());
    for _ in 0..5 {
        here.send(&[0; 1500]).unwrap();
    }
    while relay.report().there.pushed < 5 {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(relay.report().there.dropped().overflow, 4);
}

#[test]
fn a_full_receiver_is_waited_for() {
    let (here, there, relay) = sockets(Path::builder().build());
    // Far more than a socket queues.
    for number in 0..300u16 {
        here.send(&number.to_be_bytes()).unwrap();
    }
    let mut buf = [0; 100];
    for number in 0..300u16 {
        assert_eq!(there.recv(&mut buf).unwrap(), 2);
        assert_eq!(buf[..2], number.to_be_bytes());
    }
    assert_eq!(relay.stop().unwrap().refused, 0);
}

#[test]
fn it_ends_when_an_end_is_closed() {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    let pair = || {
        socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )
        .unwrap()
    };
    let ((here, first), (there, second)) = (pair(), pair());
    let relay = Relay::start(first, second, Path::builder().build()).unwrap();
    assert!(!relay.has_ended());
    drop(here);
    // The relay drops its ends.
    assert_eq!(rustix::io::read(&there, &mut [0; 10]).unwrap(), 0);
    relay.stop().unwrap();
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn two_stacks_meet_and_notice_when_the_relay_ends() {
    use estab::Stack;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let path = Path::builder()
        .rtt(Duration::from_millis(4))
        .rate(Bandwidth::mbit(100))
        .queue_bdp(2.0)
        .loss(0.01);
    let ((left, first), (right, second)) = (stack_port(1500).unwrap(), stack_port(1500).unwrap());
    let relay = Relay::start(first, second, path.build()).unwrap();
    let left = Stack::builder().addr("10.0.0.1/24").build(left).unwrap();
    let right = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();

    let listener = right.listen("10.0.0.2:80").await.unwrap();
    let connecting = left.connect("10.0.0.2:80");
    let (mut client, (mut server, _)) = tokio::try_join!(connecting, listener.accept()).unwrap();
    let sent: Vec<u8> = (0..500_000).map(|i| (i * 7 / 5) as u8).collect();
    let mut received = vec![0; sent.len()];
    let sending = client.write_all(&sent);
    tokio::try_join!(sending, server.read_exact(&mut received)).unwrap();
    assert!(sent == received);
    assert!(relay.stop().unwrap().there.pushed > 300);
    left.closed().await.unwrap_err();
    client.read_u8().await.unwrap_err();
}
