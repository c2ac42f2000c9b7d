//! The behaviour of a stream, as `tokio::net` and the kernel have it.
#![allow(
    clippy::disallowed_methods,
    reason = "a test asks the paused clock how far it went"
)]

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::time::Duration;

use bytes::Bytes;
use estab::testing::{pair, streams};
use estab::{State, TcpStream};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};

/// Bytes that show where they belong.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes())
        .take(len)
        .collect()
}

fn kind<T: std::fmt::Debug>(result: io::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[tokio::test(start_paused = true)]
async fn megabytes_go_both_ways_at_once() {
    let (client, server) = streams().await.unwrap();
    let exchange = |stream: TcpStream| async move {
        let (mut read, mut write) = stream.into_split();
        let sent = pattern(5_000_000);
        let writer = tokio::spawn(async move {
            write.write_all(&sent).await.unwrap();
        });
        let mut received = Vec::new();
        read.read_to_end(&mut received).await.unwrap();
        writer.await.unwrap();
        assert!(received == pattern(5_000_000));
    };
    tokio::join!(exchange(client), exchange(server));
}

#[tokio::test(start_paused = true)]
async fn each_direction_closes_by_itself() {
    for client_first in [true, false] {
        let (client, server) = streams().await.unwrap();
        let (mut first, mut second) = if client_first {
            (client, server)
        } else {
            (server, client)
        };
        first.write_all(b"question").await.unwrap();
        first.shutdown().await.unwrap();
        assert_eq!(kind(first.write(b"more").await), ErrorKind::BrokenPipe);

        let mut text = String::new();
        second.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "question");
        assert_eq!(second.read(&mut [0; 10]).await.unwrap(), 0);

        second.write_all(b"answer").await.unwrap();
        text.clear();
        let end = first.read_to_string(&mut text);
        let (end, closed) = tokio::join!(end, second.shutdown());
        end.unwrap();
        closed.unwrap();
        assert_eq!(text, "answer");
        first.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_for_the_peer() {
    let (mut client, server) = streams().await.unwrap();
    let start = tokio::time::Instant::now();
    client.shutdown().await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    server.readable().await.unwrap();
    assert_eq!(server.info().await.unwrap().state, State::CloseWait);
}

#[tokio::test(start_paused = true)]
async fn borrowed_halves_work_at_the_same_time() {
    let (mut client, mut server) = streams().await.unwrap();
    let echo = tokio::spawn(async move {
        let (mut read, mut write) = server.split();
        tokio::io::copy(&mut read, &mut write).await.unwrap();
        write.shutdown().await.unwrap();
    });
    let (mut read, mut write) = client.split();
    let sent = pattern(1_000_000);
    let send = async {
        write.write_all(&sent).await.unwrap();
        write.shutdown().await.unwrap();
    };
    let mut received = Vec::new();
    let (_, end) = tokio::join!(send, read.read_to_end(&mut received));
    end.unwrap();
    assert!(received == sent);
    echo.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn owned_halves_reunite_only_with_their_own() {
    let (client, server) = streams().await.unwrap();
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let error = client_read.reunite(server_write).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the halves to be reunited are not of one stream"
    );
    let mut client = error.0.reunite(client_write).unwrap();
    let mut server = error.1.reunite(server_read).unwrap();

    // Neither direction was closed on the way.
    client.write_all(b"ping").await.unwrap();
    let mut buf = [0; 4];
    server.read_exact(&mut buf).await.unwrap();
    server.write_all(&buf).await.unwrap();
    client.read_exact(&mut buf).await.unwrap();
    assert_eq!(&buf, b"ping");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_writing_half_ends_the_stream_and_forgetting_it_does_not() {
    let (client, mut server) = streams().await.unwrap();
    let (mut read, write) = client.into_split();
    drop(write);
    assert_eq!(server.read(&mut [0; 10]).await.unwrap(), 0);
    server.write_all(b"still read").await.unwrap();
    server.shutdown().await.unwrap();
    let mut text = String::new();
    read.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "still read");

    let (client, server) = streams().await.unwrap();
    let (_read, write) = client.into_split();
    write.forget();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(kind(server.try_read(&mut [0; 10])), ErrorKind::WouldBlock);
}

#[tokio::test(start_paused = true)]
async fn peeked_bytes_are_read_again() {
    let (client, mut server) = streams().await.unwrap();
    server.write_all(b"hello ").await.unwrap();
    server.write_all(b"world").await.unwrap();
    let mut buf = [0; 100];
    client.readable().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(client.peek(&mut buf[..3]).await.unwrap(), 3);
    assert_eq!(client.peek(&mut buf).await.unwrap(), 11);
    assert_eq!(client.try_read(&mut buf).unwrap(), 11);
    assert_eq!(&buf[..11], b"hello world");
    drop(server);
    assert_eq!(client.peek(&mut buf).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn vectored_calls_keep_the_order() {
    let (client, mut server) = streams().await.unwrap();
    assert!(client.is_write_vectored());
    let parts = ["one ", "", "two ", "three"];
    let slices = parts.map(|part| IoSlice::new(part.as_bytes()));
    assert_eq!(client.try_write_vectored(&slices).unwrap(), 13);
    let mut text = [0; 13];
    server.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"one two three");

    let big = pattern(50_000);
    let slices = [IoSlice::new(&big[..20_000]), IoSlice::new(&big[20_000..])];
    let written = client.try_write_vectored(&slices).unwrap();
    assert_eq!(written, 50_000);
    let mut received = Vec::<u8>::new();
    while received.len() < written {
        server.readable().await.unwrap();
        let (mut a, mut b) = ([0; 7], [0; 3000]);
        let mut bufs = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
        let n = match server.try_read_vectored(&mut bufs) {
            Ok(n) => n,
            Err(error) => panic!("{error}"),
        };
        received.extend(a.iter().chain(&b).take(n));
    }
    assert!(received == big);
}

#[tokio::test(start_paused = true)]
async fn empty_buffers_are_never_waited_for() {
    let (mut client, _server) = streams().await.unwrap();
    assert_eq!(client.read(&mut []).await.unwrap(), 0);
    assert_eq!(client.write(&[]).await.unwrap(), 0);
    assert_eq!(client.peek(&mut []).await.unwrap(), 0);
    assert_eq!(client.try_read(&mut []).unwrap(), 0);
    assert_eq!(client.try_write(&[]).unwrap(), 0);
    assert_eq!(client.read_chunk(0).await.unwrap(), Some(Bytes::new()));
    client.flush().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_when_the_peer_does_not_read() {
    let (client, mut server) = streams().await.unwrap();
    let block = pattern(64 << 10);
    let mut written = 0;
    let full = loop {
        match client.try_write(&block) {
            Ok(n) => written += n,
            Err(error) => break error,
        }
        assert!(written < 100 << 20, "the send buffer has no end");
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);

    // Let the window fill as well.
    let filled = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            client.writable().await.unwrap();
            if let Ok(n) = client.try_write(&block) {
                written += n;
            }
        }
    });
    assert!(filled.await.is_err());
    let held = server.info().await.unwrap().readable;
    assert!(held > 0 && held < written, "{held} of {written}");

    let mut received = 0;
    let mut buf = vec![0; 1 << 20];
    while received < written {
        received += server.read(&mut buf).await.unwrap();
    }
    assert_eq!(received, written);
}

#[tokio::test(start_paused = true)]
async fn readiness_says_what_is_true() {
    let (client, mut server) = streams().await.unwrap();
    let both = Interest::READABLE | Interest::WRITABLE;
    let ready = client.ready(both).await.unwrap();
    assert!(ready.is_writable() && !ready.is_readable() && !ready.is_write_closed());

    server.write_all(b"x").await.unwrap();
    let ready = client.ready(Interest::READABLE).await.unwrap();
    assert!(ready.is_readable() && !ready.is_read_closed());
    assert_eq!(client.try_read(&mut [0; 10]).unwrap(), 1);
    assert!(!client.ready(both).await.unwrap().is_readable());

    drop(server);
    let ready = client.ready(Interest::READABLE).await.unwrap();
    assert!(ready.is_read_closed());
    assert_eq!(client.try_read(&mut [0; 10]).unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_tasks_may_wait_for_the_same_stream() {
    let (client, mut server) = streams().await.unwrap();
    let client = std::sync::Arc::new(client);
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.readable().await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.write_all(b"x").await.unwrap();
    for task in waiting {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_reset_the_bytes_come_then_the_error_once() {
    let (client, mut server) = streams().await.unwrap();
    server.write_all(b"last words").await.unwrap();
    client.readable().await.unwrap();
    server.set_linger(Some(Duration::ZERO)).unwrap();
    drop(server);
    let error = client.ready(Interest::ERROR).await.unwrap();
    assert!(error.is_error());

    let mut buf = [0; 100];
    assert_eq!(client.try_read(&mut buf[..4]).unwrap(), 4);
    assert_eq!(client.try_read(&mut buf).unwrap(), 6);
    assert_eq!(kind(client.try_read(&mut buf)), ErrorKind::ConnectionReset);
    assert_eq!(client.try_read(&mut buf).unwrap(), 0);
    assert_eq!(kind(client.try_write(b"x")), ErrorKind::ConnectionReset);
    assert_eq!(kind(client.try_write(b"x")), ErrorKind::BrokenPipe);
    assert!(client.take_error().unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closed_and_then_resets_breaks_the_pipe() {
    let (mut client, server) = streams().await.unwrap();
    drop(server);
    assert_eq!(client.read(&mut [0; 10]).await.unwrap(), 0);
    client.write_all(b"nobody reads this").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(kind(client.try_write(b"x")), ErrorKind::BrokenPipe);
    assert_eq!(client.try_read(&mut [0; 10]).unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn take_error_takes_it_from_both_directions() {
    let (client, server) = streams().await.unwrap();
    server.set_zero_linger().unwrap();
    drop(server);
    client.readable().await.unwrap();
    let error = client.take_error().unwrap().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(client.take_error().unwrap().is_none());
    assert_eq!(client.try_read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(kind(client.try_write(b"x")), ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn abort_resets_both_sides() {
    let (mut client, mut server) = streams().await.unwrap();
    server.write_all(b"unread").await.unwrap();
    client.readable().await.unwrap();
    client.abort();
    assert_eq!(
        kind(client.read(&mut [0; 10]).await),
        ErrorKind::ConnectionAborted
    );
    assert_eq!(kind(client.write(b"x").await), ErrorKind::ConnectionAborted);
    assert_eq!(
        kind(server.read(&mut [0; 10]).await),
        ErrorKind::ConnectionReset
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_delivers_what_was_written() {
    let (mut client, mut server) = streams().await.unwrap();
    let sent = pattern(200_000);
    client.write_all(&sent).await.unwrap();
    drop(client);
    let mut received = Vec::new();
    server.read_to_end(&mut received).await.unwrap();
    assert!(received == sent);
}

#[tokio::test(start_paused = true)]
async fn dropping_with_unread_bytes_resets() {
    let (client, mut server) = streams().await.unwrap();
    server.write_all(b"never read").await.unwrap();
    client.readable().await.unwrap();
    drop(client);
    assert_eq!(
        kind(server.read(&mut [0; 10]).await),
        ErrorKind::ConnectionReset
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_connection_both_sides_dropped() {
    let (client_stack, server_stack) = pair().unwrap();
    let listener = server_stack.listen("10.0.0.2:80").await.unwrap();
    for _ in 0..50 {
        let connect = client_stack.connect("10.0.0.2:80");
        let (client, accepted) = tokio::join!(connect, listener.accept());
        let mut client = client.unwrap();
        let (mut server, _) = accepted.unwrap();
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read(&mut [0; 10]).await.unwrap(), 1);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for stack in [&client_stack, &server_stack] {
        let counts = stack.counts().await.unwrap();
        assert_eq!(
            (counts.connections, counts.buffer_bytes),
            (0, 0),
            "{counts:?}"
        );
    }
    // TIME-WAIT is the stack's own affair, and ends.
    tokio::time::sleep(Duration::from_secs(300)).await;
    for stack in [&client_stack, &server_stack] {
        let counts = stack.counts().await.unwrap();
        assert_eq!(
            (counts.time_wait, counts.timers, counts.ports),
            (0, 0, 0),
            "{counts:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn options_reach_the_connection() {
    let (client, _server) = streams().await.unwrap();
    assert!(!client.nodelay().unwrap());
    client.set_nodelay(true).unwrap();
    assert!(client.nodelay().unwrap());
    assert_eq!(client.ttl().unwrap(), 64);
    client.set_ttl(7).unwrap();
    assert_eq!(client.ttl().unwrap(), 7);
    for ttl in [0, 256] {
        assert_eq!(kind(client.set_ttl(ttl)), ErrorKind::InvalidInput);
    }
    client.set_tos(0x20).unwrap();
    assert_eq!(client.tos().unwrap(), 0x20);
    assert_eq!(kind(client.set_tos(256)), ErrorKind::InvalidInput);
    assert_eq!(client.linger().unwrap(), None);
    assert_eq!(client.keepalive().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn keepalive_notices_a_dead_peer() {
    let (client_stack, server_stack) = pair().unwrap();
    let listener = server_stack.listen("10.0.0.2:80").await.unwrap();
    let (client, accepted) = tokio::join!(client_stack.connect("10.0.0.2:80"), listener.accept());
    let (client, accepted) = (client.unwrap(), accepted.unwrap());
    client.set_keepalive(Some(Default::default())).unwrap();
    // The peer's packets go nowhere from now on.
    client_stack
        .remove_addr("10.0.0.1".parse().unwrap())
        .await
        .unwrap();
    let start = tokio::time::Instant::now();
    let error = client.peek(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(start.elapsed() > Duration::from_secs(7200));
    drop(accepted);
}

#[tokio::test(start_paused = true)]
async fn chunks_cross_without_copies_on_either_end() {
    let (client, server) = streams().await.unwrap();
    let sent = Bytes::from(pattern(3_000_000));
    let mut rest = sent.clone();
    let send = async {
        while !rest.is_empty() {
            let before = rest.len();
            let n = client.write_chunk(&mut rest).await.unwrap();
            assert_eq!(rest.len() + n, before);
        }
        drop(client);
    };
    let receive = async {
        let mut received = Vec::new();
        while let Some(chunk) = server.read_chunk(10_000).await.unwrap() {
            assert!((1..=10_000).contains(&chunk.len()));
            received.extend_from_slice(&chunk);
        }
        received
    };
    let ((), received) = tokio::join!(send, receive);
    assert!(received == sent);
}

#[tokio::test(start_paused = true)]
async fn urgent_bytes_are_announced_and_stay_in_line() {
    let (mut client, mut server) = streams().await.unwrap();
    client.write_all(b"calm ").await.unwrap();
    assert_eq!(client.send_urgent(b"!").await.unwrap(), 1);
    assert_eq!(server.urgent().await.unwrap(), Some(6));
    let mut text = [0; 6];
    server.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"calm !");
}

#[tokio::test(start_paused = true)]
async fn info_shows_the_connection() {
    let (mut client, server) = streams().await.unwrap();
    client.write_all(b"hello").await.unwrap();
    server.readable().await.unwrap();
    let info = server.info().await.unwrap();
    assert_eq!(info.state, State::Established);
    assert_eq!((info.readable, info.bytes_received), (5, 5), "{info:?}");
    assert_eq!(info.tuple.remote, client.local_addr().unwrap());
    assert_eq!(
        format!("{client:?}"),
        format!(
            "TcpStream {{ addr: {}, peer: {} }}",
            client.local_addr().unwrap(),
            client.peer_addr().unwrap()
        )
    );
}

#[tokio::test(start_paused = true)]
async fn ipv6_works_alike() {
    let (client, server) = pair().unwrap();
    let listener = server.listen("[fd00::2]:80").await.unwrap();
    let (stream, accepted) = tokio::join!(client.connect("[fd00::2]:80"), listener.accept());
    let (mut stream, (mut accepted, peer)) = (stream.unwrap(), accepted.unwrap());
    assert_eq!(peer.ip(), "fd00::1".parse::<std::net::IpAddr>().unwrap());
    stream.write_all(b"hello").await.unwrap();
    let mut buf = [0; 5];
    accepted.read_exact(&mut buf).await.unwrap();
    assert_eq!(&buf, b"hello");
}

#[tokio::test(start_paused = true)]
async fn a_cork_holds_small_writes_back_for_a_while() {
    let (mut client, server) = streams().await.unwrap();
    let mut buf = [0; 8];
    client.set_cork(true).unwrap();
    client.write_all(b"head").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(kind(server.try_read(&mut buf)), ErrorKind::WouldBlock);
    client.write_all(b"body").await.unwrap();
    client.set_cork(false).unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(server.try_read(&mut buf).unwrap(), 8);

    client.set_cork(true).unwrap();
    client.write_all(b"late").await.unwrap();
    server.readable().await.unwrap();
    assert_eq!(server.try_read(&mut buf).unwrap(), 4, "nobody pulled it");
}
