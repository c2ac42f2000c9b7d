//! A thread for each shard.

use std::io;
use std::thread;
use std::time::Duration;

use estab::{Stack, TcpListener};
use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::net::{End, Failure, Network, Steering, builder, network};

fn stacks(settings: Network, queues: [usize; 2]) -> ([End; 2], [Stack; 2]) {
    let [(left, left_queues), (right, right_queues)] = network(settings, queues);
    let stacks = [
        builder(0).build_sharded(left_queues).unwrap(),
        builder(1).build_threads(right_queues).unwrap(),
    ];
    ([left, right], stacks)
}

/// Waits for what happens on another thread.
async fn eventually(what: impl Fn() -> bool) {
    for _ in 0..1000 {
        if what() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen");
}

fn name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn each_thread_accepts_and_serves_its_own_connections() {
    let (ends, [client, server]) = stacks(Network::default(), [2, 4]);
    let listeners = TcpListener::bind_each(&server, "10.0.0.2:80")
        .await
        .unwrap();
    for (shard, listener) in server.shards().zip(listeners) {
        let expected = format!("estab-{}", shard.index());
        shard.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let expected = expected.clone();
                tokio::spawn(async move {
                    assert_eq!(name(), expected);
                    let byte = stream.read_u8().await?;
                    stream.write_all(&[byte; 10_000]).await?;
                    io::Result::Ok(())
                });
            }
        });
    }
    let asks = (0..500_u32).map(|n| {
        let client = client.clone();
        async move {
            let mut stream = client.connect("10.0.0.2:80").await.unwrap();
            stream.write_u8(n as u8).await.unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).await.unwrap();
            assert_eq!(received, [n as u8; 10_000]);
        }
    });
    join_all(asks).await;
    assert!(ends[1].writers().iter().all(|queues| queues.len() == 1));
    server.abort();
    server.closed().await.unwrap();
    eventually(|| ends[1].dropped() == 4).await;
}

#[tokio::test]
async fn what_a_shards_task_connects_is_the_shards() {
    let settings = Network {
        steering: Steering::LastWriter,
        ..Network::default()
    };
    let (ends, [peer, stack]) = stacks(settings, [1, 3]);
    let _listener = peer.listen("10.0.0.1:80").await.unwrap();
    for shard in stack.shards() {
        let before = ends[1].writers().len();
        let stack = stack.clone();
        let connecting = shard
            .spawn(async move { join_all((0..10).map(|_| stack.connect("10.0.0.1:80"))).await });
        let streams = connecting.await.unwrap();
        assert!(streams.iter().all(Result::is_ok));
        let writers = ends[1].writers();
        assert_eq!(writers.len(), before + 10);
        let own = writers
            .iter()
            .filter(|queues| queues.contains(&shard.index()));
        assert_eq!(own.count(), 10);
    }
    // From elsewhere, one after the other.
    let streams = join_all((0..9).map(|_| stack.connect("10.0.0.1:80"))).await;
    assert!(streams.iter().all(Result::is_ok));
    for shard in 0..3 {
        let writers = ends[1].writers();
        let own = writers.iter().filter(|queues| queues.contains(&shard));
        assert_eq!(own.count(), 13);
    }
}

#[tokio::test]
async fn threads_end_when_nobody_holds_the_stack() {
    let (ends, [_peer, stack]) = stacks(Network::default(), [1, 3]);
    let listener = stack.listen("10.0.0.2:80").await.unwrap();
    drop(stack);
    sleep(Duration::from_millis(50)).await;
    assert_eq!(ends[1].dropped(), 0);
    drop(listener);
    eventually(|| ends[1].dropped() == 3).await;
}

#[tokio::test]
async fn one_thread_that_fails_ends_all() {
    for failure in [Failure::Error, Failure::Panic] {
        let (ends, [_peer, stack]) = stacks(Network::default(), [1, 3]);
        let reading = stack.clone();
        let listener = stack.listen("10.0.0.2:80").await.unwrap();
        let accepting = tokio::spawn(async move { listener.accept().await.map(drop) });
        ends[1].fail(1, failure);
        let error = reading.closed().await.unwrap_err();
        let expected = match failure {
            Failure::Error => "device failed",
            Failure::Panic => "panicked",
        };
        assert!(error.to_string().contains(expected), "{error}");
        let error = accepting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NetworkDown);
        eventually(|| ends[1].dropped() == 3).await;
    }
}

/// A stack may be made where there is no runtime, and used from any.
#[test]
fn a_stack_on_threads_needs_no_runtime_to_be_made() {
    let [(_, left), (_, right)] = network(Network::default(), [2, 2]);
    let client = builder(0).build_threads(left).unwrap();
    let server = builder(1).build_threads(right).unwrap();
    let served = futures::executor::block_on(async {
        let listener = server.listen("10.0.0.2:80").await.unwrap();
        let (mut stream, (mut accepted, _)) =
            futures::future::try_join(client.connect("10.0.0.2:80"), listener.accept())
                .await
                .unwrap();
        stream.write_all(b"hello").await.unwrap();
        let mut buf = [0; 5];
        accepted.read_exact(&mut buf).await.unwrap();
        buf
    });
    assert_eq!(&served, b"hello");
    drop((client, server));
}
