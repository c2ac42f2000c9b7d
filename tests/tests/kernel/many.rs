//! Many connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use estab::Stack;
use estab_netns::isolated_for;
use estab_tests::kernel::{self, KERNEL, OURS};
use estab_tests::transfer::{echo, expect_end, receive, send};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const CONNECTIONS: usize = 1_000;

const LIMIT: Duration = Duration::from_secs(300);

/// Bytes each connection has echoed.
const LEN: u64 = 20_000;

/// All are open at once before any sends.
async fn client<S: AsyncRead + AsyncWrite>(stream: S, barrier: &Barrier, seed: u64) {
    barrier.wait().await;
    let (mut reader, mut writer) = split(stream);
    let (sent, received) =
        tokio::try_join!(send(&mut writer, seed, LEN), receive(&mut reader, LEN)).unwrap();
    assert_eq!(sent, received);
    writer.shutdown().await.unwrap();
    expect_end(&mut reader).await;
}

async fn they_connect(stack: &Stack) {
    for addr in OURS {
        let listener = stack.listen((addr, 7)).await.unwrap();
        let serving = tokio::spawn(async move {
            let mut servers = JoinSet::new();
            for _ in 0..CONNECTIONS {
                let (mut stream, _) = listener.accept().await.unwrap();
                servers.spawn(async move { echo(&mut stream).await.unwrap() });
            }
            servers.join_all().await.iter().sum::<u64>()
        });
        let barrier = Arc::new(Barrier::new(CONNECTIONS));
        let mut clients = JoinSet::new();
        for n in 0..CONNECTIONS as u64 {
            let barrier = barrier.clone();
            clients.spawn(async move {
                let stream = kernel::connect(SocketAddr::new(addr, 7)).await.unwrap();
                client(stream, &barrier, n).await;
            });
        }
        clients.join_all().await;
        assert_eq!(serving.await.unwrap(), CONNECTIONS as u64 * LEN);
    }
}

async fn we_connect(stack: &Stack) {
    for addr in KERNEL {
        let (listener, remote) = kernel::listen(addr);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move { echo(&mut stream).await.unwrap() });
            }
        });
        let barrier = Arc::new(Barrier::new(CONNECTIONS));
        let mut clients = JoinSet::new();
        for n in 0..CONNECTIONS as u64 {
            let (stack, barrier) = (stack.clone(), barrier.clone());
            clients.spawn(async move {
                let stream = stack.connect(remote).await.unwrap();
                client(stream, &barrier, n).await;
            });
        }
        clients.join_all().await;
    }
}

#[test]
fn a_thousand_connections_echo() {
    isolated_for(LIMIT, || {
        kernel::raise_file_limit();
        for (name, runtime) in kernel::runtimes() {
            runtime.block_on(async {
                let stack = kernel::stack_with(|builder| {
                    let mut tcp = estab::config::TcpConfig::modern();
                    tcp.time_wait.msl = Duration::from_millis(200);
                    builder.tcp(tcp)
                })
                .await;
                they_connect(&stack).await;
                we_connect(&stack).await;
                // Nothing is left: not a connection, a timer, a byte.
                let done = timeout(Duration::from_secs(10), async {
                    while stack.counts().await.unwrap() != Default::default() {
                        sleep(Duration::from_millis(50)).await;
                    }
                });
                if done.await.is_err() {
                    panic!("{name}: {:?}", stack.counts().await);
                }
                stack.abort();
            });
        }
    });
}

/// A listener whose application never accepts: what is beyond the backlog waits, nobody is reset,
/// and memory stays bounded.
#[test]
fn an_application_that_never_accepts() {
    isolated_for(LIMIT, || {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            let stack = kernel::stack().await;
            let config = estab::ListenConfig {
                port: Some(7),
                backlog: 10,
                ..Default::default()
            };
            let listener = estab::TcpListener::bind_with(&stack, config).await.unwrap();
            let mut clients = JoinSet::new();
            for n in 0..30 {
                clients.spawn(async move {
                    let remote = SocketAddr::new(OURS[n % 2], 7);
                    let mut stream = kernel::connect(remote).await?;
                    stream.write_all(&[1; 1000]).await?;
                    std::io::Result::Ok(stream)
                });
            }
            let mut streams = Vec::new();
            let collect = async {
                while let Some(stream) = clients.join_next().await {
                    streams.push(stream.unwrap().expect("nobody is refused"));
                }
            };
            let _ = timeout(Duration::from_secs(3), collect).await;
            let counts = stack.counts().await.unwrap();
            assert_eq!(counts.accept_queued, 10);
            assert_eq!(counts.connections, 10);
            assert!(counts.buffer_bytes < 10 * 8192, "{counts:?}");
            assert!(streams.len() >= 10);
            assert_eq!(stack.stats().await.unwrap().resets_out, 0);
            // When it does accept after all, everyone's turn comes.
            for _ in 0..streams.len() {
                let accepted = timeout(Duration::from_secs(30), listener.accept()).await;
                let (mut stream, _) = accepted.expect("in time").unwrap();
                assert!(receive(&mut stream, 1000).await.is_ok());
            }
        });
    });
}
