//! The same program on every kind of runtime, under load, with futures cancelled at any point: no
//! byte and no wake-up is lost.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use estab::TcpStream;
use estab::testing::{pair, streams};
use futures::future::{join_all, try_join};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

/// Far longer than any run takes: only a lost wake-up gets there.
const PATIENCE: Duration = Duration::from_secs(300);

fn runtimes() -> impl Iterator<Item = Runtime> {
    [0, 1, 4].into_iter().map(|threads| {
        let mut builder = match threads {
            0 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        builder
            .worker_threads(threads.max(1))
            .enable_all()
            .build()
            .unwrap()
    })
}

fn on_each_runtime<F: Future<Output = ()>>(program: impl Fn() -> F) {
    for runtime in runtimes() {
        runtime.block_on(async {
            tokio::time::timeout(PATIENCE, program())
                .await
                .expect("somebody waits for ever");
        });
    }
}

/// Byte `n` of a stream.
fn byte(n: usize) -> u8 {
    (n.wrapping_mul(2_654_435_761) >> 16) as u8
}

fn bytes(range: std::ops::Range<usize>) -> Vec<u8> {
    range.map(byte).collect()
}

async fn echo(mut stream: TcpStream) {
    let (mut read, mut write) = stream.split();
    tokio::io::copy(&mut read, &mut write).await.unwrap();
    write.shutdown().await.unwrap();
}

#[test]
fn many_connections_at_once() {
    const CONNECTIONS: usize = 64;
    const LEN: usize = 100_000;

    on_each_runtime(async || {
        let (client, server) = pair().unwrap();
        let listener = server.listen("10.0.0.2:7").await.unwrap();
        let accepting = tokio::spawn(async move {
            for _ in 0..CONNECTIONS {
                tokio::spawn(echo(listener.accept().await.unwrap().0));
            }
        });
        let tasks = (0..CONNECTIONS).map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                let stream = client.connect("10.0.0.2:7").await.unwrap();
                let (mut read, mut write) = stream.into_split();
                let sent = bytes(n..n + LEN);
                let expected = sent.clone();
                tokio::spawn(async move { write.write_all(&sent).await.unwrap() });
                let mut received = Vec::new();
                read.read_to_end(&mut received).await.unwrap();
                assert!(received == expected);
            })
        });
        for task in join_all(tasks).await {
            task.unwrap();
        }
        accepting.await.unwrap();
    });
}

#[test]
fn every_ping_is_answered() {
    on_each_runtime(async || {
        let pairs = (0..4).map(|_| {
            tokio::spawn(async {
                let (mut client, server) = streams().await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                tokio::spawn(echo(server));
                for n in 0..2000 {
                    client.write_u8(byte(n)).await.unwrap();
                    assert_eq!(client.read_u8().await.unwrap(), byte(n));
                }
            })
        });
        for pair in join_all(pairs).await {
            pair.unwrap();
        }
    });
}

/// Polls the future once and drops it if it waits, again and again until one is ready at once.
macro_rules! impatient {
    ($future:expr) => {
        loop {
            let polled = {
                let mut future = std::pin::pin!($future);
                futures::poll!(&mut future)
            };
            match polled {
                std::task::Poll::Ready(done) => break done,
                std::task::Poll::Pending => tokio::task::yield_now().await,
            }
        }
    };
}

#[test]
fn cancelled_futures_lose_and_double_no_byte() {
    const LEN: usize = 1_000_000;

    on_each_runtime(async || {
        let (client, server) = streams().await.unwrap();
        let (_, mut write) = client.into_split();
        let (mut read, _answer) = server.into_split();
        let sender = tokio::spawn(async move {
            let mut sent = 0;
            while sent < LEN {
                let block = bytes(sent..(sent + 1 + sent % 10_007).min(LEN));
                sent += match sent % 3 {
                    0 => impatient!(write.write(&block)).unwrap(),
                    1 => {
                        let mut block = Bytes::from(block);
                        impatient!(write.as_ref().write_chunk(&mut block)).unwrap()
                    }
                    _ => {
                        impatient!(write.writable()).unwrap();
                        write.try_write(&block).unwrap()
                    }
                };
            }
        });
        let mut received = 0;
        let mut buf = vec![0; 10_000];
        loop {
            let room = 1 + received % 9_973;
            let n = match received % 4 {
                0 => impatient!(read.read(&mut buf[..room])).unwrap(),
                1 => {
                    let chunk = impatient!(read.as_ref().read_chunk(room)).unwrap();
                    let chunk = chunk.unwrap_or_default();
                    buf[..chunk.len()].copy_from_slice(&chunk);
                    chunk.len()
                }
                2 => {
                    let n = impatient!(read.peek(&mut buf[..room])).unwrap();
                    let m = read.read(&mut buf[..n]).await.unwrap();
                    assert_eq!(m, n);
                    n
                }
                _ => {
                    impatient!(read.readable()).unwrap();
                    read.try_read(&mut buf[..room]).unwrap()
                }
            };
            if n == 0 {
                break;
            }
            assert!(buf[..n] == bytes(received..received + n));
            received += n;
        }
        assert_eq!(received, LEN);
        sender.await.unwrap();
    });
}

#[test]
fn cancelled_accepts_and_connects_leave_the_stack_whole() {
    on_each_runtime(async || {
        let (client, server) = pair().unwrap();
        let listener = Arc::new(server.listen("10.0.0.2:7").await.unwrap());
        let accepting = {
            let listener = listener.clone();
            tokio::spawn(async move {
                loop {
                    let accepted: std::io::Result<_> = impatient!(listener.accept());
                    let Ok((stream, _)) = accepted else { return };
                    tokio::spawn(echo_or_reset(stream));
                }
            })
        };
        let tasks = (0..8).map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    // Given up after a number of turns that leads to every state.
                    let connect = client.connect("10.0.0.2:7");
                    let patience = async {
                        for _ in 0..(n * 7 + task) % 12 {
                            tokio::task::yield_now().await;
                        }
                    };
                    tokio::select! {
                        biased;
                        stream = connect => drop(stream.unwrap()),
                        () = patience => {}
                    }
                }
            })
        });
        for task in join_all(tasks).await {
            task.unwrap();
        }
        // Everything still works.
        let mut stream = client.connect("10.0.0.2:7").await.unwrap();
        stream.write_u8(7).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 7);
        drop(stream);
        server.abort();
        accepting.await.unwrap();
        while client
            .counts()
            .await
            .is_ok_and(|counts| counts.connections > 0)
        {
            tokio::task::yield_now().await;
        }
    });
}

async fn echo_or_reset(mut stream: TcpStream) {
    let (mut read, mut write) = stream.split();
    let _ = tokio::io::copy(&mut read, &mut write).await;
}

#[test]
fn both_halves_move_between_threads() {
    on_each_runtime(async || {
        let (client, server) = streams().await.unwrap();
        tokio::spawn(echo(server));
        let (mut read, mut write) = client.into_split();
        for round in 0..50 {
            let sent = bytes(round..round + 5_000);
            let expected = sent.clone();
            let writing = tokio::spawn(async move {
                write.write_all(&sent).await.unwrap();
                write
            });
            let reading = tokio::spawn(async move {
                let mut received = vec![0; expected.len()];
                read.read_exact(&mut received).await.unwrap();
                assert!(received == expected);
                read
            });
            (read, write) = try_join(reading, writing).await.unwrap();
        }
    });
}
