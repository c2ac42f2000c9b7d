//! All shards end together.

use std::io::ErrorKind;
use std::time::Duration;

use estab::StackGone;
use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use crate::net::{Failure, Network, builder, network, stacks};

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_the_connections_of_every_shard() {
    let ([_, end], [client, server]) = stacks(Network::default(), [2, 4]);
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let streams = join_all((0..40).map(|_| client.connect("10.0.0.2:80"))).await;
    let mut accepted = Vec::new();
    for _ in 0..40 {
        accepted.push(listener.accept().await.unwrap().0);
    }
    let stack = server.clone();
    let ending = tokio::spawn(async move { stack.shutdown().await });
    sleep(Duration::from_secs(5)).await;
    assert!(!ending.is_finished());
    assert_eq!(end.dropped(), 0);
    // Nothing new, but what is there goes on.
    let error = server.connect("10.0.0.1:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkDown);
    let error = listener.accept().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkDown);
    for (mut ours, theirs) in accepted.into_iter().zip(streams) {
        assert_eq!(end.dropped(), 0);
        ours.write_all(b"bye").await.unwrap();
        drop((ours, theirs));
    }
    timeout(Duration::from_secs(300), ending)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(end.dropped(), 4);
    let error = server.stats().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkDown);
}

#[tokio::test(start_paused = true)]
async fn a_stack_nobody_holds_ends_with_its_last_connection() {
    let ([end, _], [client, server]) = stacks(Network::default(), [4, 1]);
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let (stream, _) = tokio::try_join!(client.connect("10.0.0.2:80"), listener.accept()).unwrap();
    drop(client);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(end.dropped(), 0);
    drop(stream);
    drop(listener);
    sleep(Duration::from_secs(300)).await;
    assert_eq!(end.dropped(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_abort_resets_every_connection_of_every_shard() {
    let ([end, _], [client, server]) = stacks(Network::default(), [4, 2]);
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let streams = join_all((0..50).map(|_| client.connect("10.0.0.2:80"))).await;
    let mut accepted = Vec::new();
    for _ in 0..50 {
        accepted.push(listener.accept().await.unwrap().0);
    }
    client.abort();
    client.closed().await.unwrap();
    assert_eq!(end.dropped(), 4);
    for stream in streams {
        let error = stream.unwrap().read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    }
    for mut stream in accepted {
        let error = stream.read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test(start_paused = true)]
async fn one_queue_that_fails_ends_all_with_its_error() {
    let ([end, _], [client, server]) = stacks(Network::default(), [4, 2]);
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let streams = join_all((0..50).map(|_| client.connect("10.0.0.2:80"))).await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move {
            let listener = client.listen("10.0.0.1:80").await.unwrap();
            listener.accept().await.map(drop).unwrap_err()
        }
    });
    sleep(Duration::from_secs(1)).await;
    end.fail(2, Failure::Error);
    let error = client.closed().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkDown);
    let gone: &StackGone = error.get_ref().unwrap().downcast_ref().unwrap();
    assert_eq!(gone.device_error().unwrap().raw_os_error(), Some(5));
    assert_eq!(end.dropped(), 4);
    for stream in streams {
        let error = stream.unwrap().read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkDown);
    }
    let error = waiting.await.unwrap();
    assert!(error.to_string().contains("device failed"), "{error}");
    let error = client.connect("10.0.0.2:80").await.unwrap_err();
    assert!(error.to_string().contains("device failed"), "{error}");
    drop(listener);
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_panics_ends_the_stack_with_an_error() {
    let ([end, _], [client, _server]) = stacks(Network::default(), [4, 1]);
    client.stats().await.unwrap();
    end.fail(1, Failure::Panic);
    let error = client.closed().await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert_eq!(end.dropped(), 4);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_stack_without_a_queue() {
    let [(_, _), (_, queues)] = network(Network::default(), [1, 0]);
    let error = builder(1).build_sharded(queues).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
