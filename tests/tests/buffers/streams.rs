//! The same through streams and drivers, on tokio's paused clock.
#![expect(
    clippy::disallowed_methods,
    reason = "a test asks the paused clock how far it went"
)]

use std::time::Duration;

use bytes::Bytes;
use estab::config::Limits;
use estab::device::Link;
use estab::{Stack, TcpStream};
use estab_sim::{Bandwidth, Path, device};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

/// Two stacks a gigabit and a tenth of a second apart, and a connection.
async fn connected() -> ([Stack; 2], TcpStream, TcpStream) {
    let path = Path::builder()
        .rtt(100 * MS)
        .rate(Bandwidth::gbit(1))
        .queue_bdp(1.0);
    let (left, right) = device::join(path.build(), 1500);
    let left = Stack::builder().addr("10.0.0.1/24").build(left).unwrap();
    let right = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    let listener = right.listen("10.0.0.2:80").await.unwrap();
    let (stream, accepted) = tokio::join!(left.connect("10.0.0.2:80"), listener.accept());
    ([left, right], stream.unwrap(), accepted.unwrap().0)
}

/// Bits per second from the end of slow start on, of what `read` counts.
async fn rate(mut read: impl AsyncFnMut() -> usize) -> f64 {
    let end = Instant::now() + 2 * Duration::from_secs(1);
    while Instant::now() < end {
        read().await;
    }
    let (start, mut bytes) = (Instant::now(), 0);
    while bytes < 100_000_000 {
        bytes += read().await;
    }
    bytes as f64 * 8.0 / start.elapsed().as_secs_f64()
}

async fn rests(stacks: &[Stack]) {
    sleep(Duration::from_secs(5)).await;
    for stack in stacks {
        let counts = stack.counts().await.unwrap();
        assert!(counts.buffer_bytes < 1000, "{counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn streams_fill_the_path_too() {
    let (stacks, mut stream, mut peer) = connected().await;
    let writer = tokio::spawn(async move {
        let text = vec![7; 256 << 10];
        loop {
            let write = timeout(Duration::from_secs(10), stream.write_all(&text));
            if !matches!(write.await, Ok(Ok(()))) {
                return stream;
            }
        }
    });
    let mut buf = vec![0; 1 << 20];
    let rate = rate(async || peer.read(&mut buf).await.unwrap()).await;
    assert!(rate > 0.9e9, "{rate:.3e}");
    writer.abort();
    while timeout(Duration::from_secs(2), peer.read(&mut buf))
        .await
        .is_ok_and(|read| read.is_ok_and(|n| n > 0))
    {}
    rests(&stacks).await;
}

#[tokio::test(start_paused = true)]
async fn chunks_fill_the_path_too() {
    let (stacks, stream, peer) = connected().await;
    let writer = tokio::spawn(async move {
        let text = Bytes::from(vec![7; 1 << 20]);
        let mut rest = text.clone();
        while stream.write_chunk(&mut rest).await.is_ok() {
            if rest.is_empty() {
                rest = text.clone();
            }
        }
    });
    let read = async || peer.read_chunk(usize::MAX).await.unwrap().unwrap().len();
    let rate = rate(read).await;
    assert!(rate > 0.9e9, "{rate:.3e}");
    writer.abort();
    while timeout(Duration::from_secs(2), peer.read_chunk(usize::MAX))
        .await
        .is_ok_and(|read| read.is_ok_and(|chunk| chunk.is_some()))
    {}
    rests(&stacks).await;
}

#[tokio::test(start_paused = true)]
async fn echoes_get_on_within_a_tight_budget() {
    let mut limits = Limits::default();
    limits.buffer_bytes = 256 << 10;
    let (left, right) = Link::pair();
    let stack = |addr: &str, link| {
        let builder = Stack::builder().addr(addr).limits(limits.clone());
        builder.build(link).unwrap()
    };
    let (left, right) = (stack("10.0.0.1/24", left), stack("10.0.0.2/24", right));
    let listener = right.listen("10.0.0.2:80").await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    let mut echoes = JoinSet::new();
    for n in 0..40_u8 {
        let left = left.clone();
        echoes.spawn(async move {
            let mut stream = left.connect("10.0.0.2:80").await.unwrap();
            let (mut read, mut write) = stream.split();
            let send = async {
                write.write_all(&vec![n; 500_000]).await.unwrap();
                write.shutdown().await.unwrap();
            };
            let mut echo = Vec::new();
            let (_, received) = tokio::join!(send, read.read_to_end(&mut echo));
            received.unwrap();
            assert!(echo.len() == 500_000 && echo.iter().all(|&byte| byte == n));
        });
    }
    // At the limit text is dropped, and sent again after a timeout.
    let all = timeout(Duration::from_secs(600), echoes.join_all());
    all.await.expect("in time");
    let stats = [left.stats().await.unwrap(), right.stats().await.unwrap()];
    let refused = stats.map(|stats| stats.refused_memory_bytes);
    assert!(refused.iter().any(|&bytes| bytes > 0), "no pressure");
    rests(&[left, right]).await;
}
