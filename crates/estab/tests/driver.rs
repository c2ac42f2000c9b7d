//! The driver: what ends it, and what becomes of everything when it ends.
#![allow(
    clippy::disallowed_methods,
    reason = "a test asks the paused clock how far it went"
)]

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use estab::device::{Caps, Device, Link, LinkConfig, Overflow, Packet, Received};
use estab::testing::pair;
use estab::{IncomingListener, Stack, StackGone, TcpListener, TcpStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A device that can be broken, or made to refuse packets, from outside.
struct Fragile {
    link: Link,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    broken: bool,
    full: bool,
    refused: u32,
    wakers: VecDeque<Waker>,
}

#[derive(Clone)]
struct Remote(Arc<Mutex<State>>);

impl Remote {
    fn set(&self, set: impl FnOnce(&mut State)) {
        let mut state = self.0.lock().unwrap();
        set(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Device for Fragile {
    fn caps(&self) -> Caps {
        self.link.caps()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let mut state = self.state.lock().unwrap();
        if state.broken {
            return Poll::Ready(Err(io::Error::from_raw_os_error(5)));
        }
        state.wakers.push_back(cx.waker().clone());
        drop(state);
        self.link.poll_recv(cx, buf)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state.lock().unwrap();
        if state.full {
            state.refused += 1;
            state.wakers.push_back(cx.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        self.link.poll_send(cx, packet)
    }
}

/// A stack on a fragile device, and its peer.
fn fragile() -> (Stack, Remote, Stack) {
    let (left, right) = Link::pair();
    let state = Arc::default();
    let device = Fragile {
        link: left,
        state: Arc::clone(&state),
    };
    let stack = Stack::builder().addr("10.0.0.1/24").build(device).unwrap();
    let peer = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    (stack, Remote(state), peer)
}

async fn connected(client: &Stack, server: &Stack) -> (TcpStream, TcpStream) {
    let listener = server.listen("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stream, accepted) = tokio::join!(client.connect(("10.0.0.2", port)), listener.accept());
    (stream.unwrap(), accepted.unwrap().0)
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_device_ends_every_future() {
    let (stack, remote, peer) = fragile();
    let (stream, _accepted) = connected(&stack, &peer).await;
    let (mut read, mut write) = stream.into_split();
    let (silent, _accepted) = connected(&stack, &peer).await;
    peer.remove_addr("10.0.0.2".parse().unwrap()).await.unwrap();
    let listener = stack.listen("10.0.0.1:80").await.unwrap();
    let attempts = IncomingListener::bind(&stack, "10.0.0.1:81").await.unwrap();

    let mut failures = Vec::new();
    let mut wait = |name, future: futures::future::BoxFuture<'static, io::Error>| {
        failures.push((name, tokio::spawn(future)));
    };
    wait(
        "read",
        Box::pin(async move { read.read(&mut [0; 10]).await.unwrap_err() }),
    );
    wait(
        "write",
        Box::pin(async move {
            loop {
                if let Err(error) = write.write(&[0; 100_000]).await {
                    break error;
                }
            }
        }),
    );
    wait(
        "accept",
        Box::pin(async move { listener.accept().await.unwrap_err() }),
    );
    wait(
        "attempt",
        Box::pin(async move { attempts.next().await.unwrap_err() }),
    );
    let connecting = stack.clone();
    wait(
        "connect",
        Box::pin(async move { connecting.connect("10.0.0.9:1").await.unwrap_err() }),
    );
    let closed = stack.clone();
    wait(
        "closed",
        Box::pin(async move { closed.closed().await.unwrap_err() }),
    );
    let silent_ready = tokio::spawn(async move { silent.readable().await.map(|()| silent) });
    sleep(100).await;
    assert!(failures.iter().all(|(_, task)| !task.is_finished()));

    let start = tokio::time::Instant::now();
    remote.set(|state| state.broken = true);
    for (name, task) in failures {
        assert_eq!(task.await.unwrap().kind(), ErrorKind::NetworkDown, "{name}");
    }
    let silent = silent_ready.await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);

    // What comes later fails too, and says why.
    let error = stack.stats().await.unwrap_err();
    let gone = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<StackGone>())
        .unwrap();
    assert_eq!(
        gone.device_error().and_then(io::Error::raw_os_error),
        Some(5)
    );
    assert_eq!(
        silent.info().await.unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
    assert_eq!(
        silent.try_read(&mut [0; 1]).unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
    assert_eq!(
        silent.try_write(b"x").unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
    let error = stack.listen("10.0.0.1:82").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkDown);
}

#[tokio::test(start_paused = true)]
async fn bytes_received_before_the_device_was_lost_can_be_read() {
    let (stack, remote, peer) = fragile();
    let (mut stream, mut accepted) = connected(&stack, &peer).await;
    accepted.write_all(b"last words").await.unwrap();
    stream.readable().await.unwrap();
    remote.set(|state| state.broken = true);
    sleep(1).await;
    let mut text = [0; 10];
    stream.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"last words");
    assert_eq!(
        stream.read(&mut text).await.unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_device_is_waited_for_without_spinning() {
    let (stack, remote, peer) = fragile();
    let (mut stream, mut accepted) = connected(&stack, &peer).await;
    remote.set(|state| state.full = true);
    stream.write_all(b"delayed").await.unwrap();
    sleep(100).await;
    assert!(remote.0.lock().unwrap().refused < 10);
    remote.set(|state| state.full = false);
    let mut text = [0; 7];
    accepted.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"delayed");
    assert_eq!(stream.info().await.unwrap().retransmits, 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_driver_ends_every_future() {
    let (left, right) = Link::pair();
    let builder = Stack::builder().addr("10.0.0.1/24");
    let (stack, driver) = builder.build_with_driver(left).unwrap();
    let driver = tokio::spawn(driver);
    let peer = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    let (mut stream, _accepted) = connected(&stack, &peer).await;
    let read = tokio::spawn(async move { stream.read(&mut [0; 10]).await });
    let waiting = stack.clone();
    let closed = tokio::spawn(async move { waiting.closed().await });
    sleep(10).await;
    driver.abort();
    assert_eq!(
        read.await.unwrap().unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
    closed.await.unwrap().unwrap();
    assert_eq!(
        stack.counts().await.unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
}

#[tokio::test(start_paused = true)]
async fn a_device_that_panics_ends_every_future() {
    struct Mine(Link, Arc<Mutex<State>>);

    impl Device for Mine {
        fn caps(&self) -> Caps {
            self.0.caps()
        }

        fn poll_recv(
            &mut self,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<Received>> {
            let received = self.0.poll_recv(cx, buf);
            assert!(
                received.is_pending() || !self.1.lock().unwrap().broken,
                "a bug in a device"
            );
            received
        }

        fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
            self.0.poll_send(cx, packet)
        }
    }

    let (left, right) = Link::pair();
    let state: Arc<Mutex<State>> = Arc::default();
    let device = Mine(left, Arc::clone(&state));
    let stack = Stack::builder().addr("10.0.0.1/24").build(device).unwrap();
    let peer = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    let (mut stream, mut accepted) = connected(&stack, &peer).await;
    Remote(state).set(|state| state.broken = true);
    accepted.write_all(b"x").await.unwrap();
    assert_eq!(
        stream.read(&mut [0; 10]).await.unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
    assert_eq!(
        stack.connect("10.0.0.2:1").await.unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
    let error = stack.closed().await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
}

#[test]
fn handles_outlive_their_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (stack, _peer, stream) = runtime.block_on(async {
        let (client, server) = pair().unwrap();
        let (stream, accepted) = connected(&client, &server).await;
        drop(accepted);
        (client, server, stream)
    });
    drop(runtime);
    assert_eq!(
        stream.try_write(b"x").unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
    drop(stream);
    let error = futures::executor::block_on(stack.connect("10.0.0.2:1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkDown);
}

#[tokio::test(start_paused = true)]
async fn the_driver_ends_with_the_last_handle_and_connection() {
    let (left, right) = Link::pair();
    let builder = Stack::builder().addr("10.0.0.1/24");
    let (stack, driver) = builder.build_with_driver(left).unwrap();
    let driver = tokio::spawn(driver);
    let peer = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    let (mut stream, mut accepted) = connected(&stack, &peer).await;
    drop(stack);
    sleep(1000).await;
    assert!(!driver.is_finished());

    // What was written is delivered by a stack that nobody holds.
    stream.write_all(&[7; 300_000]).await.unwrap();
    drop(stream);
    sleep(1000).await;
    assert!(!driver.is_finished());
    let mut received = Vec::new();
    accepted.read_to_end(&mut received).await.unwrap();
    assert_eq!(received.len(), 300_000);
    drop(accepted);
    driver.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_driver_ends_at_once() {
    let (left, _right) = Link::pair();
    let (stack, driver) = Stack::builder()
        .addr("10.0.0.1/24")
        .build_with_driver(left)
        .unwrap();
    let driver = tokio::spawn(driver);
    sleep(10).await;
    drop(stack.clone());
    sleep(10).await;
    assert!(!driver.is_finished());
    drop(stack);
    driver.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_the_last_connection() {
    let (client, server) = pair().unwrap();
    let (mut stream, mut accepted) = connected(&client, &server).await;
    let listener = client.listen("10.0.0.1:80").await.unwrap();
    let stopping = client.clone();
    let shutdown = tokio::spawn(async move { stopping.shutdown().await });
    assert_eq!(
        listener.accept().await.unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
    let error = client.connect("10.0.0.2:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkDown);

    stream.write_all(b"still works").await.unwrap();
    drop(stream);
    let mut text = String::new();
    accepted.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "still works");
    assert!(!shutdown.is_finished());
    drop(accepted);
    shutdown.await.unwrap().unwrap();
    assert_eq!(
        client.stats().await.unwrap_err().kind(),
        ErrorKind::NetworkDown
    );
}

#[tokio::test(start_paused = true)]
async fn abort_tells_every_peer() {
    let (client, server) = pair().unwrap();
    let (mut stream, mut accepted) = connected(&client, &server).await;
    client.abort();
    client.closed().await.unwrap();
    assert_eq!(
        stream.read(&mut [0; 1]).await.unwrap_err().kind(),
        ErrorKind::ConnectionAborted
    );
    assert_eq!(
        accepted.read(&mut [0; 1]).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
}

#[tokio::test(start_paused = true)]
async fn a_lossy_link_loses_no_byte() {
    let mut config = LinkConfig::default();
    (config.capacity, config.overflow) = (8, Overflow::Drop);
    let (left, right) = Link::pair_with(config);
    let client = Stack::builder().addr("10.0.0.1/24").build(left).unwrap();
    let server = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    let (mut stream, mut accepted) = connected(&client, &server).await;
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 251) as u8).collect();
    let expected = sent.clone();
    let send = tokio::spawn(async move {
        stream.write_all(&sent).await.unwrap();
        stream.shutdown().await.unwrap();
        stream
    });
    let mut received = Vec::new();
    accepted.read_to_end(&mut received).await.unwrap();
    assert!(received == expected);
    let stats = client.device_stats().await.unwrap();
    assert!(stats.dropped > 0 && stats.sent > stats.dropped, "{stats:?}");
    drop(send.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn bad_settings_are_refused() {
    let refused = |builder: estab::StackBuilder| {
        let error = builder.build(Link::pair().0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    };
    refused(Stack::builder().addr("10.0.0.1/33"));
    refused(Stack::builder().addr("10.0.0.1/24").mtu(67));
    refused(Stack::builder().addr("fd00::1/64").mtu(1279));
    Stack::builder()
        .addr("10.0.0.1/24")
        .mtu(576)
        .build(Link::pair().0)
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn addresses_come_and_go() {
    let (client, server) = pair().unwrap();
    let listener = TcpListener::bind(&server, "0.0.0.0:80").await.unwrap();
    server.add_addr("10.0.0.3/24").await.unwrap();
    let (_stream, accepted) = tokio::join!(client.connect("10.0.0.3:80"), listener.accept());
    let accepted = accepted.unwrap().0;
    assert_eq!(
        accepted.local_addr().unwrap(),
        "10.0.0.3:80".parse().unwrap()
    );
    assert!(
        server
            .remove_addr("10.0.0.3".parse().unwrap())
            .await
            .unwrap()
    );
    assert!(
        !server
            .remove_addr("10.0.0.3".parse().unwrap())
            .await
            .unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_stack_is_not_woken() {
    struct Counting(Link, Arc<Mutex<u32>>);

    impl Device for Counting {
        fn caps(&self) -> Caps {
            self.0.caps()
        }

        fn poll_recv(
            &mut self,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<Received>> {
            *self.1.lock().unwrap() += 1;
            self.0.poll_recv(cx, buf)
        }

        fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
            self.0.poll_send(cx, packet)
        }
    }

    let (left, right) = Link::pair();
    let turns: Arc<Mutex<u32>> = Arc::default();
    let device = Counting(left, Arc::clone(&turns));
    let client = Stack::builder().addr("10.0.0.1/24").build(device).unwrap();
    let server = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    let (mut stream, mut accepted) = connected(&client, &server).await;
    stream.write_all(b"x").await.unwrap();
    accepted.read_u8().await.unwrap();
    sleep(60_000).await;
    let before = *turns.lock().unwrap();
    sleep(24 * 3_600_000).await;
    assert_eq!(*turns.lock().unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_came_while_sending_needs_no_wake_up() {
    /// Says nothing and wakes nobody. Knows whether it was asked after the last packet it took.
    struct Silent(Arc<AtomicBool>);

    impl Device for Silent {
        fn caps(&self) -> Caps {
            Caps::new(1500)
        }

        fn poll_recv(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<Received>> {
            self.0.store(true, Ordering::Relaxed);
            Poll::Pending
        }

        fn poll_send(&mut self, _: &mut Context<'_>, _: &Packet<'_>) -> Poll<io::Result<()>> {
            self.0.store(false, Ordering::Relaxed);
            Poll::Ready(Ok(()))
        }
    }

    let asked = Arc::new(AtomicBool::new(false));
    let device = Silent(Arc::clone(&asked));
    let stack = Stack::builder().addr("10.0.0.1/24").build(device).unwrap();
    let open = stack.connect("10.0.0.2:1");
    // Long before the SYN is sent again.
    let open = tokio::time::timeout(Duration::from_millis(1), open);
    assert!(open.await.is_err());
    assert!(asked.load(Ordering::Relaxed));
    assert_eq!(stack.device_stats().await.unwrap().sent, 1);
}
