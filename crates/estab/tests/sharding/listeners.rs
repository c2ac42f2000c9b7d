//! One listener over all shards.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Arc;

use estab::{IncomingListener, ListenConfig, TcpListener, TcpStream};
use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::net::{Network, stacks};

#[tokio::test(start_paused = true)]
async fn every_shard_fills_the_one_accept_queue() {
    let (_ends, [client, server]) = stacks(Network::default(), [2, 4]);
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let streams = join_all((0..400).map(|_| client.connect("10.0.0.2:80"))).await;
    assert_eq!(server.counts().await.unwrap().accept_queued, 400);
    let mut peers = BTreeSet::new();
    for _ in 0..400 {
        let (stream, peer) = listener.accept().await.unwrap();
        assert_eq!(stream.local_addr().unwrap(), "10.0.0.2:80".parse().unwrap());
        peers.insert(peer);
    }
    let locals: BTreeSet<_> = streams
        .iter()
        .map(|stream| stream.as_ref().unwrap().local_addr().unwrap())
        .collect();
    assert_eq!(peers, locals);
    assert!(futures::poll!(std::pin::pin!(listener.accept())).is_pending());
}

/// Whoever comes to a shard with few connections does not wait for those of a shard with many.
#[tokio::test(start_paused = true)]
async fn no_shard_is_starved() {
    let (_ends, [client, server]) = stacks(Network::default(), [1, 4]);
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let mut waiting = BTreeSet::new();
    let mut streams: Vec<TcpStream> = Vec::new();
    for _ in 0..400 {
        let stream = client.connect("10.0.0.2:80").await.unwrap();
        waiting.insert(stream.local_addr().unwrap());
        streams.push(stream);
    }
    // New ones come as fast as old ones are taken, and still the oldest are soon through.
    let mut oldest = waiting.clone();
    let mut taken = 0;
    while !oldest.is_empty() {
        let (_, peer) = listener.accept().await.unwrap();
        oldest.remove(&peer);
        taken += 1;
        assert!(taken < 600, "{} still wait", oldest.len());
        streams.push(client.connect("10.0.0.2:80").await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_who_ask_for_a_place_gets_it() {
    let (_ends, [client, server]) = stacks(Network::default(), [2, 4]);
    for _ in 0..100 {
        let binds = (0..8).map(|n| {
            let server = server.clone();
            tokio::spawn(async move {
                match n % 2 {
                    0 => TcpListener::bind(&server, "10.0.0.2:80")
                        .await
                        .map(|one| vec![one]),
                    _ => TcpListener::bind_each(&server, "10.0.0.2:80").await,
                }
            })
        });
        let mut won = Vec::new();
        for bound in join_all(binds).await {
            match bound.unwrap() {
                Ok(listeners) => won.push(listeners),
                Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse),
            }
        }
        assert_eq!(won.len(), 1);
        // It is there on every shard, and gone from every shard when it is dropped.
        let streams = join_all((0..8).map(|_| client.connect("10.0.0.2:80"))).await;
        assert!(streams.iter().all(Result::is_ok));
        drop(won);
    }
    // Who asked in vain has left nothing behind.
    server.listen("10.0.0.2:80").await.unwrap();
    let error = server.listen("10.0.0.3:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_bind_leaves_nothing_behind() {
    let (_ends, [_client, server]) = stacks(Network::default(), [1, 4]);
    for polls in 0..12 {
        let mut bind = Box::pin(server.listen("10.0.0.2:80"));
        for _ in 0..polls {
            if futures::poll!(&mut bind).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(bind);
        server.listen("10.0.0.2:80").await.unwrap();
    }
    assert_eq!(server.counts().await.unwrap().listeners, 0);
}

#[tokio::test(start_paused = true)]
async fn a_free_port_is_the_same_on_all_shards() {
    let (_ends, [client, server]) = stacks(Network::default(), [2, 4]);
    for each in [false, true] {
        let listeners = match each {
            false => vec![server.listen("10.0.0.2:0").await.unwrap()],
            true => TcpListener::bind_each(&server, "10.0.0.2:0").await.unwrap(),
        };
        let addrs: BTreeSet<_> = listeners
            .iter()
            .map(|listener| listener.local_addr().unwrap())
            .collect();
        let &addr = addrs.first().unwrap();
        assert_eq!(addrs.len(), 1);
        assert_ne!(addr.port(), 0);
        let streams = join_all((0..64).map(|_| client.connect(addr))).await;
        assert!(streams.iter().all(Result::is_ok));
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_for_each_shard_shares_the_connections_out() {
    let (_ends, [client, server]) = stacks(Network::default(), [2, 4]);
    let listeners = TcpListener::bind_each(&server, "10.0.0.2:80")
        .await
        .unwrap();
    let streams = join_all((0..200).map(|_| client.connect("10.0.0.2:80"))).await;
    let mut shares = Vec::new();
    for listener in &listeners {
        let mut share = 0;
        while let Ok(accepted) =
            tokio::time::timeout(std::time::Duration::from_secs(1), listener.accept()).await
        {
            accepted.unwrap();
            share += 1;
        }
        shares.push(share);
    }
    assert_eq!(shares.iter().sum::<i32>(), 200);
    assert!(shares.iter().all(|&share| share > 20), "{shares:?}");
    drop(streams);
    // Without one of them, its share is refused.
    let mut listeners = listeners;
    listeners.remove(0);
    let streams = join_all((0..200).map(|_| client.connect("10.0.0.2:80"))).await;
    let refused = streams.iter().filter(|stream| stream.is_err()).count();
    assert!((20..100).contains(&refused), "{refused}");
    let error = server.listen("10.0.0.2:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_listener_resets_what_any_shard_has_queued() {
    let (_ends, [client, server]) = stacks(Network::default(), [2, 4]);
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    // Some are on their way to a task that then goes away.
    assert!(futures::poll!(std::pin::pin!(listener.accept())).is_pending());
    let streams = join_all((0..100).map(|_| client.connect("10.0.0.2:80"))).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    drop(listener);
    for stream in streams {
        let error = stream.unwrap().read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(server.counts().await.unwrap().connections, 0);
    let error = client.connect("10.0.0.2:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test(start_paused = true)]
async fn attempts_of_all_shards_are_judged_where_they_are() {
    let (_ends, [client, server]) = stacks(Network::default(), [2, 4]);
    let attempts = IncomingListener::bind(&server, "10.0.0.2:80")
        .await
        .unwrap();
    let connects = tokio::spawn({
        let client = client.clone();
        async move { join_all((0..90).map(|_| client.connect("10.0.0.2:80"))).await }
    });
    let mut accepted = Vec::new();
    for n in 0..90 {
        let attempt = attempts.next().await.unwrap();
        match n % 3 {
            0 => attempt.refuse(),
            1 => drop(attempt),
            _ => {
                let mut stream = attempt.accept().await.unwrap();
                stream.write_all(b"hello").await.unwrap();
                accepted.push(stream);
            }
        }
    }
    let mut greeted = 0;
    for stream in connects.await.unwrap() {
        match stream {
            Ok(mut stream) => {
                let mut buf = [0; 5];
                stream.read_exact(&mut buf).await.unwrap();
                assert_eq!(&buf, b"hello");
                greeted += 1;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
        }
    }
    assert_eq!(greeted, 30);
}

#[tokio::test(start_paused = true)]
async fn several_tasks_accept_what_several_shards_have() {
    let (_ends, [client, server]) = stacks(Network::default(), [2, 4]);
    let config = ListenConfig {
        port: Some(80),
        backlog: 500,
        ..ListenConfig::default()
    };
    let listener = Arc::new(TcpListener::bind_with(&server, config).await.unwrap());
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let listener = Arc::clone(&listener);
            tokio::spawn(async move {
                let mut peers = Vec::new();
                for _ in 0..10 {
                    peers.push(listener.accept().await.unwrap().1);
                }
                peers
            })
        })
        .collect();
    let streams = join_all((0..500).map(|_| client.connect("10.0.0.2:80"))).await;
    let peers: BTreeSet<_> = join_all(tasks)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    assert_eq!(peers.len(), 500);
    assert!(streams.iter().all(Result::is_ok));
}
