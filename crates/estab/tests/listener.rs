//! Listening, accepting, and judging attempts.
#![allow(
    clippy::disallowed_methods,
    reason = "a test asks the paused clock how far it went"
)]

use std::io::ErrorKind;
use std::time::Duration;

use estab::config::TcpConfig;
use estab::device::Link;
use estab::testing::pair;
use estab::{IncomingListener, ListenConfig, Stack, TcpListener, TcpSocket, TcpStream};
use futures::stream::{StreamExt, TryStreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A client, and a stack that takes packets for any address.
fn any_ip() -> (Stack, Stack) {
    let (left, right) = Link::pair();
    let client = Stack::builder()
        .addr("10.0.0.1/24")
        .addr("fd00::1/64")
        .build(left)
        .unwrap();
    let server = Stack::builder().any_ip(true).build(right).unwrap();
    (client, server)
}

async fn sleep(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_listening_is_refused() {
    let (client, server) = pair().unwrap();
    let error = client.connect("10.0.0.2:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);

    let listener = server.listen("10.0.0.2:80").await.unwrap();
    client.connect("10.0.0.2:80").await.unwrap();
    drop(listener);
    let error = client.connect("10.0.0.2:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test(start_paused = true)]
async fn impossible_connects_fail_at_once() {
    let (client, _server) = pair().unwrap();
    let start = tokio::time::Instant::now();
    for (remote, kind) in [
        ("10.0.0.2:0", ErrorKind::InvalidInput),
        ("224.0.0.1:80", ErrorKind::InvalidInput),
        ("0.0.0.0:80", ErrorKind::InvalidInput),
        ("somewhere:80", ErrorKind::InvalidInput),
    ] {
        assert_eq!(
            client.connect(remote).await.unwrap_err().kind(),
            kind,
            "{remote}"
        );
    }
    let socket = TcpSocket::new_v4(&client).unwrap();
    socket.bind("10.9.9.9:0".parse().unwrap()).unwrap();
    let error = socket
        .connect("10.0.0.2:80".parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn every_local_port_in_use_is_reported_at_once() {
    let (left, right) = Link::pair();
    let client = Stack::builder()
        .addr("10.0.0.1/24")
        .ephemeral_ports(5000, 5002);
    let client = client.build(left).unwrap();
    let server = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    let _listener = server.listen("10.0.0.2:80").await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(client.connect("10.0.0.2:80").await.unwrap());
    }
    let error = client.connect("10.0.0.2:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
}

#[tokio::test(start_paused = true)]
async fn a_port_belongs_to_one_listener_until_it_is_dropped() {
    let (_client, server) = pair().unwrap();
    let listener = server.listen("0.0.0.0:80").await.unwrap();
    assert_eq!(
        listener.local_addr().unwrap(),
        "0.0.0.0:80".parse().unwrap()
    );
    let error = server.listen("0.0.0.0:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    let error = server.listen("10.9.9.9:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    drop(listener);
    server.listen("0.0.0.0:80").await.unwrap();
    let picked = server
        .listen(("10.0.0.2", 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    assert_ne!(picked.port(), 0);
}

#[tokio::test(start_paused = true)]
async fn connections_complete_while_nobody_accepts() {
    let (client, server) = pair().unwrap();
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let mut streams: Vec<TcpStream> = Vec::new();
    for n in 0..100_u32 {
        let mut stream = client.connect("10.0.0.2:80").await.unwrap();
        stream.write_all(&n.to_be_bytes()).await.unwrap();
        streams.push(stream);
    }
    sleep(1).await;
    assert_eq!(server.counts().await.unwrap().accept_queued, 100);
    for n in 0..100 {
        let (mut stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, streams[n as usize].local_addr().unwrap());
        assert_eq!(stream.read_u32().await.unwrap(), n);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_backlog_keeps_peers_waiting_and_loses_none() {
    let (client, server) = pair().unwrap();
    let socket = TcpSocket::new_v4(&server).unwrap();
    socket.bind("10.0.0.2:80".parse().unwrap()).unwrap();
    let listener = socket.listen(4).await.unwrap();
    // They speak first: a peer that has a SYN cookie is known again by what it sends.
    let connects = futures::future::join_all((0..12).map(async |_| {
        let mut stream = client.connect("10.0.0.2:80").await.unwrap();
        stream.write_all(b"x").await.unwrap();
        stream.read_u8().await.unwrap()
    }));
    let accepts = async {
        sleep(3).await;
        for _ in 0..12 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let byte = stream.read_u8().await.unwrap();
            stream.write_u8(byte).await.unwrap();
        }
    };
    let (echoed, ()) = tokio::join!(connects, accepts);
    assert_eq!(echoed, [b'x'; 12]);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_listener_resets_what_it_never_accepted() {
    let (client, server) = pair().unwrap();
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(client.connect("10.0.0.2:80").await.unwrap());
    }
    // One is on its way to a task that then goes away, the others never leave the stack.
    assert!(futures::poll!(std::pin::pin!(listener.accept())).is_pending());
    sleep(1).await;
    drop(listener);
    for mut stream in streams {
        let error = stream.read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(server.counts().await.unwrap().connections, 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_accept_loses_no_connection() {
    let (client, server) = pair().unwrap();
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    for _ in 0..20 {
        let _ = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
        let stream = client.connect("10.0.0.2:80").await.unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, stream.local_addr().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn several_tasks_accept_from_one_listener() {
    let (client, server) = pair().unwrap();
    let listener = std::sync::Arc::new(server.listen("10.0.0.2:80").await.unwrap());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let listener = listener.clone();
            tokio::spawn(async move { listener.accept().await.unwrap().1 })
        })
        .collect();
    let streams = futures::future::join_all((0..8).map(|_| client.connect("10.0.0.2:80"))).await;
    let mut peers = Vec::new();
    for task in tasks {
        peers.push(task.await.unwrap());
    }
    let mut locals: Vec<_> = streams
        .iter()
        .map(|s| s.as_ref().unwrap().local_addr().unwrap())
        .collect();
    peers.sort();
    locals.sort();
    assert_eq!(peers, locals);
}

#[tokio::test(start_paused = true)]
async fn connections_come_as_a_stream() {
    let (client, server) = pair().unwrap();
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let connects = futures::future::join_all((0..5).map(|_| client.connect("10.0.0.2:80")));
    let accepts = listener.incoming().take(5).try_collect::<Vec<_>>();
    let (connected, accepted) = tokio::join!(connects, accepts);
    assert_eq!(accepted.unwrap().len(), 5);
    assert!(connected.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_listener_on_everything_sees_the_original_destination() {
    let (client, server) = any_ip();
    let listener = TcpListener::bind_any(&server).await.unwrap();
    assert_eq!(listener.local_addr().unwrap(), "0.0.0.0:0".parse().unwrap());
    for destination in ["192.0.2.1:80", "198.51.100.7:443", "[2001:db8::5]:22"] {
        let stream = client.connect(destination).await.unwrap();
        let (accepted, peer) = listener.accept().await.unwrap();
        assert_eq!(accepted.local_addr().unwrap(), destination.parse().unwrap());
        assert_eq!(peer, stream.local_addr().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_gives_its_connections_its_settings() {
    let (client, server) = pair().unwrap();
    let mut tcp = TcpConfig::modern();
    tcp.nodelay = true;
    let addr = "10.0.0.2".parse().unwrap();
    let config = ListenConfig {
        addr: Some(addr),
        port: Some(80),
        tcp: Some(tcp),
        ..Default::default()
    };
    let listener = TcpListener::bind_with(&server, config).await.unwrap();
    assert_eq!(listener.ttl().unwrap(), 64);
    listener.set_ttl(9).unwrap();
    assert_eq!(
        listener.set_ttl(0).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    let _stream = client.connect("10.0.0.2:80").await.unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    assert!(accepted.nodelay().unwrap());
    assert_eq!(listener.ttl().unwrap(), 9);
    assert_eq!(accepted.ttl().unwrap(), 9);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_answered_only_when_it_is_judged() {
    let (client, server) = any_ip();
    let listener = IncomingListener::bind_any(&server).await.unwrap();
    let mut connect = std::pin::pin!(client.connect("192.0.2.1:80"));
    assert!(
        tokio::time::timeout(Duration::from_secs(10), &mut connect)
            .await
            .is_err()
    );
    let attempt = listener.next().await.unwrap();
    assert_eq!(attempt.local_addr(), "192.0.2.1:80".parse().unwrap());
    assert_eq!(
        attempt.peer_addr().ip(),
        "10.0.0.1".parse::<std::net::IpAddr>().unwrap()
    );
    let (stream, accepted) = tokio::join!(connect, attempt.accept());
    let (mut stream, mut accepted) = (stream.unwrap(), accepted.unwrap());
    assert_eq!(
        accepted.local_addr().unwrap(),
        "192.0.2.1:80".parse().unwrap()
    );
    accepted.write_all(b"hello").await.unwrap();
    drop(accepted);
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hello");
}

#[tokio::test(start_paused = true)]
async fn a_refused_or_dropped_attempt_is_a_closed_port() {
    let (client, server) = any_ip();
    let mut listener = IncomingListener::bind_any(&server).await.unwrap();
    for drop_it in [false, true] {
        let judge = async {
            let attempt = StreamExt::next(&mut listener).await.unwrap().unwrap();
            if drop_it {
                drop(attempt);
            } else {
                attempt.refuse();
            }
        };
        let (stream, ()) = tokio::join!(client.connect("192.0.2.1:80"), judge);
        assert_eq!(stream.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[tokio::test(start_paused = true)]
async fn an_ignored_attempt_is_a_silent_host() {
    let (client, server) = any_ip();
    let listener = IncomingListener::bind_any(&server).await.unwrap();
    let ignore = async {
        loop {
            listener.next().await.unwrap().ignore();
        }
    };
    tokio::select! {
        stream = client.connect("192.0.2.1:80") => {
            assert_eq!(stream.unwrap_err().kind(), ErrorKind::TimedOut);
        }
        () = ignore => {}
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_outlives_its_patience_only_as_an_error() {
    let (client, server) = any_ip();
    let listener = IncomingListener::bind_any(&server).await.unwrap();
    let connect = tokio::time::timeout(Duration::from_secs(5), client.connect("192.0.2.1:80"));
    let (given_up, attempt) = tokio::join!(connect, listener.next());
    assert!(given_up.is_err());
    sleep(200).await;
    let error = attempt.unwrap().accept().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    assert_eq!(server.counts().await.unwrap().incoming, 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_listener_refuses_what_it_never_handed_out() {
    let (client, server) = any_ip();
    let listener = IncomingListener::bind(&server, "192.0.2.1:80")
        .await
        .unwrap();
    assert_eq!(
        listener.local_addr().unwrap(),
        "192.0.2.1:80".parse().unwrap()
    );
    let close = async {
        sleep(2).await;
        drop(listener);
    };
    let (stream, ()) = tokio::join!(client.connect("192.0.2.1:80"), close);
    assert_eq!(stream.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_set_up_before_it_connects() {
    let (client, server) = pair().unwrap();
    let listener = server.listen("0.0.0.0:80").await.unwrap();
    let socket = TcpSocket::new_v6(&client).unwrap();
    assert_eq!(socket.local_addr().unwrap(), "[::]:0".parse().unwrap());
    let v4 = "10.0.0.1:1".parse().unwrap();
    assert_eq!(socket.bind(v4).unwrap_err().kind(), ErrorKind::InvalidInput);
    socket.bind("[::]:5000".parse().unwrap()).unwrap();
    let again = socket.bind("[::]:5001".parse().unwrap());
    assert_eq!(again.unwrap_err().kind(), ErrorKind::InvalidInput);
    socket.set_nodelay(true).unwrap();
    socket.set_keepalive(true).unwrap();
    socket.set_linger(Some(Duration::from_secs(3))).unwrap();
    socket.set_tos(0x10).unwrap();
    socket.set_send_buffer_size(20_000).unwrap();
    socket.set_recv_buffer_size(30_000).unwrap();
    assert_eq!(socket.send_buffer_size().unwrap(), 20_000);
    let stream = socket
        .connect("[fd00::2]:80".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        stream.local_addr().unwrap(),
        "[fd00::1]:5000".parse().unwrap()
    );
    assert!(stream.nodelay().unwrap());
    assert!(stream.keepalive().unwrap().is_some());
    assert_eq!(stream.linger().unwrap(), Some(Duration::from_secs(3)));
    assert_eq!(stream.tos().unwrap(), 0x10);
    assert_eq!(stream.info().await.unwrap().recv_capacity, 30_000);
    assert_eq!(stream.try_write(&[0; 50_000]).unwrap(), 20_000);
    drop(listener.accept().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_connect_leaves_nothing_behind() {
    let (client, server) = pair().unwrap();
    server
        .remove_addr("10.0.0.2".parse().unwrap())
        .await
        .unwrap();
    for patience in [0, 1, 1000, 5000] {
        let connect = client.connect("10.0.0.2:80");
        let patience = Duration::from_millis(patience);
        assert!(tokio::time::timeout(patience, connect).await.is_err());
    }
    sleep(1).await;
    let counts = client.counts().await.unwrap();
    assert_eq!(
        (counts.connections, counts.ports, counts.timers),
        (0, 0, 0),
        "{counts:?}"
    );
}
