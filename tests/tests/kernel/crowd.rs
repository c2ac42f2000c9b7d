//! Ten thousand connections through one TUN.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use estab::device::TunDevice;
use estab::{Counts, ListenConfig, Stack, TcpListener, TcpStream};
use estab_netns::{isolated_for, sysctl};
use estab_tests::kernel::{self, INTERFACE, KERNEL, OURS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::sleep;

const CONNECTIONS: usize = 10_000;

/// How many open at a time.
const AT_ONCE: usize = 256;

/// One connection of so many is used.
const SAMPLE: usize = 50;

/// What a loaded machine may take for it.
const LIMIT: Duration = Duration::from_secs(120);

/// How long the idle connections are watched.
const WATCHED: Duration = Duration::from_secs(2);

#[test]
fn ten_thousand_connections() {
    isolated_for(LIMIT, || {
        kernel::raise_file_limit();
        // Whoever solicits routers wakes the driver too.
        sysctl("ipv6/conf/all/disable_ipv6", "1").unwrap();
        sysctl("ipv4/ip_local_port_range", "1024 65535").unwrap();
        let [(_, ours), _] = kernel::runtimes();
        let [(_, theirs), _] = kernel::runtimes();
        let (use_some, told) = oneshot::channel();
        let (all_open, opened) = oneshot::channel();
        let clients = thread::spawn(move || {
            theirs.block_on(async {
                // Not before the stack listens.
                let remote = told.await.unwrap();
                let mut sockets = connect_all(remote).await.unwrap();
                let (go_on, used) = oneshot::channel::<()>();
                all_open.send(go_on).unwrap();
                let _ = used.await;
                for socket in sockets.iter_mut().step_by(SAMPLE) {
                    socket.write_all(&[7]).await.unwrap();
                    assert_eq!(socket.read_u8().await.unwrap(), 7);
                }
            });
        });
        ours.block_on(async {
            let polls = Arc::default();
            let (stack, listener) = listen(&polls).await;
            use_some.send(listener.local_addr().unwrap()).unwrap();
            let mut streams = Vec::new();
            while streams.len() < CONNECTIONS {
                streams.push(listener.accept().await.unwrap().0);
            }
            let go_on = opened.await.unwrap();
            stay_idle(&stack, &polls).await;
            streams
                .into_iter()
                .for_each(|stream| drop(tokio::spawn(echo(stream))));
            drop(go_on);
            until(&stack, |counts| counts.connections == 0).await;
            let stats = stack.stats().await.unwrap();
            assert_eq!(stats.passive_opens, CONNECTIONS as u64);
            drop(listener);
            // Not a record, a timer, a byte.
            until(&stack, |counts| *counts == Default::default()).await;
        });
        clients.join().unwrap();
    });
}

/// A stack whose driver counts how often it is woken.
async fn listen(polls: &Arc<AtomicUsize>) -> (Stack, TcpListener) {
    let tun = TunDevice::builder()
        .name(INTERFACE)
        .addr((KERNEL[0], 24))
        .build()
        .await
        .unwrap();
    let stack = Stack::builder().addr((OURS[0], 24));
    let (stack, driver) = stack.build_with_driver(tun).unwrap();
    let polls = Arc::clone(polls);
    tokio::spawn(async move {
        let mut driver = pin!(driver);
        let counted = poll_fn(|cx| {
            polls.fetch_add(1, Relaxed);
            driver.as_mut().poll(cx)
        });
        counted.await
    });
    let config = ListenConfig {
        addr: Some(OURS[0]),
        port: Some(7),
        // Nobody is turned away, however slow this is: the clients would never know.
        backlog: CONNECTIONS,
        ..ListenConfig::default()
    };
    let listener = TcpListener::bind_with(&stack, config).await.unwrap();
    (stack, listener)
}

async fn connect_all(remote: SocketAddr) -> io::Result<Vec<tokio::net::TcpStream>> {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut opening = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let permits = Arc::clone(&permits);
        opening.spawn(async move {
            let _permit = permits.acquire().await;
            kernel::connect(remote).await
        });
    }
    opening.join_all().await.into_iter().collect()
}

/// Once everything has come to rest, nothing happens at all.
async fn stay_idle(stack: &Stack, polls: &AtomicUsize) {
    until(stack, |counts| counts.dormant == CONNECTIONS).await;
    let counts = stack.counts().await.unwrap();
    assert_eq!((counts.connections, counts.half_open), (CONNECTIONS, 0));
    assert_eq!((counts.timers, counts.buffer_bytes), (0, 0));
    let before = polls.load(Relaxed);
    sleep(WATCHED).await;
    assert_eq!(polls.load(Relaxed), before);
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = stream.split();
    tokio::io::copy(&mut reader, &mut writer).await?;
    writer.shutdown().await
}

/// Waits until the stack holds what it should.
async fn until(stack: &Stack, is_so: impl Fn(&Counts) -> bool) {
    loop {
        let counts = stack.counts().await.unwrap();
        if is_so(&counts) {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}
