//! Connections of many shards, in both directions.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use estab::{Stack, TcpSocket, TcpStream};
use futures::future::{join_all, try_join};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::net::{Network, Steering, builder, network, stacks};

/// Answers every connection to a port with what it sends.
async fn serve_echo(stack: &Stack, port: u16) {
    for addr in ["0.0.0.0", "::"] {
        let addr: IpAddr = addr.parse().unwrap();
        // Both stand for any address of either family.
        let Ok(listener) = stack.listen((addr, port)).await else {
            continue;
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.into_split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
    }
}

async fn ask(stack: &Stack, remote: SocketAddr, n: u64, len: usize) -> SocketAddr {
    let stream = stack.connect(remote).await.unwrap();
    let local = stream.local_addr().unwrap();
    let (mut read, mut write) = stream.into_split();
    let text: Vec<u8> = (0..len as u64)
        .flat_map(|at| (n * 31 + at).to_be_bytes())
        .collect();
    let sent = text.clone();
    let writing = async {
        write.write_all(&sent).await?;
        write.shutdown().await
    };
    let mut received = Vec::new();
    try_join(writing, read.read_to_end(&mut received))
        .await
        .unwrap();
    assert!(received == text, "{local} got other bytes than it sent");
    local
}

async fn talk_both_ways(stacks: &[Stack; 2], connections: u64, len: usize) {
    for stack in stacks {
        serve_echo(stack, 7).await;
    }
    let remotes = ["10.0.0.2:7", "10.0.0.1:7", "[fd00::2]:7", "[fd00::1]:7"]
        .map(|remote| remote.parse::<SocketAddr>().unwrap());
    let asks = (0..connections).map(|n| {
        let to = n as usize % remotes.len();
        ask(&stacks[to % 2], remotes[to], n, len)
    });
    let locals: BTreeSet<SocketAddr> = join_all(asks).await.into_iter().collect();
    assert!(locals.len() > connections as usize / 2);
}

#[tokio::test(start_paused = true)]
async fn thousands_of_connections_survive_any_steering() {
    let (ends, stacks) = stacks(Network::default(), [4, 3]);
    talk_both_ways(&stacks, 4000, 40).await;
    for (end, stack) in ends.iter().zip(&stacks) {
        // Every flow stays with one shard, which also answers what no connection has, and every shard
        // has some.
        let writers = end.writers();
        assert!(writers.iter().all(|queues| queues.len() == 1));
        let all: BTreeSet<usize> = writers.into_iter().flatten().collect();
        assert_eq!(all.len(), stack.shards().count());
        let device = stack.device_stats().await.unwrap();
        assert!(device.steered > device.sent / 2, "{device:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_shards_of_a_multi_thread_runtime_work_at_the_same_time() {
    let (ends, stacks) = stacks(Network::default(), [3, 4]);
    talk_both_ways(&stacks, 2000, 400).await;
    for end in &ends {
        assert!(end.writers().iter().all(|queues| queues.len() == 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_learns_steers_the_rest_rightly() {
    let settings = Network {
        steering: Steering::LastWriter,
        ..Network::default()
    };
    let (_ends, stacks) = stacks(settings, [4, 4]);
    talk_both_ways(&stacks, 400, 4000).await;
    for stack in &stacks {
        let device = stack.device_stats().await.unwrap();
        // No more than a first packet of each connection, and of each listener's.
        assert!(device.steered < 600 && device.sent > 4000, "{device:?}");
        assert_eq!(device.steer_dropped, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn fragments_on_different_queues_become_segments() {
    let settings = Network {
        fragment: 576,
        ..Network::default()
    };
    let (_ends, stacks) = stacks(settings, [4, 3]);
    for stack in &stacks {
        serve_echo(stack, 7).await;
    }
    let remote = "10.0.0.2:7".parse().unwrap();
    join_all((0..20).map(|n| ask(&stacks[0], remote, n, 10_000))).await;
    for stack in &stacks {
        let stats = stack.stats().await.unwrap();
        assert!(
            stats.fragments_in > 1000 && stats.reassembled > 500,
            "{stats:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn shards_never_pick_the_same_port() {
    let [(_, left), (_, right)] = network(Network::default(), [4, 1]);
    let client = builder(0).ephemeral_ports(5000, 5199);
    let client = client.build_sharded(left).unwrap();
    let server = builder(1).build_sharded(right).unwrap();
    let _listener = server.listen("10.0.0.2:80").await.unwrap();
    // All ports there are: the shards that run out of theirs leave the rest to others.
    let streams = join_all((0..200).map(|_| client.connect("10.0.0.2:80"))).await;
    let ports: BTreeSet<u16> = streams
        .iter()
        .map(|stream| stream.as_ref().unwrap().local_addr().unwrap().port())
        .collect();
    assert_eq!(ports, (5000..5200).collect());
    assert_eq!(client.counts().await.unwrap().ports, 200);
    let error = client.connect("10.0.0.2:80").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    // To another remote the same ports serve again.
    let _other = server.listen("10.0.0.2:81").await.unwrap();
    client.connect("10.0.0.2:81").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_port_that_is_asked_for_is_had_on_any_shard() {
    let (ends, [client, server]) = stacks(Network::default(), [4, 2]);
    let _listener = server.listen("10.0.0.2:80").await.unwrap();
    let remote: SocketAddr = "10.0.0.2:80".parse().unwrap();
    let connect = async |local: &str| -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4(&client)?;
        socket.bind(local.parse().unwrap())?;
        socket.connect(remote).await
    };
    let mut streams = Vec::new();
    for port in 6000..6064 {
        let local = format!("{}:{port}", ["0.0.0.0", "10.0.0.1"][port % 2]);
        let stream = connect(&local).await.unwrap();
        assert_eq!(stream.local_addr().unwrap().port(), port as u16);
        streams.push(stream);
        let again = connect(&local).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AddrInUse);
    }
    let used: BTreeSet<usize> = ends[0].writers().into_iter().flatten().collect();
    assert_eq!(used.len(), 4);
    let error = connect("10.0.0.77:6000").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
}

#[tokio::test(start_paused = true)]
async fn a_stack_is_counted_as_a_whole() {
    let (_ends, [client, server]) = stacks(Network::default(), [4, 4]);
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let streams = join_all((0..100).map(|_| client.connect("10.0.0.2:80"))).await;
    let mut accepted = Vec::new();
    for _ in 0..100 {
        accepted.push(listener.accept().await.unwrap());
    }
    let counts = server.counts().await.unwrap();
    assert_eq!((counts.connections, counts.listeners), (100, 1));
    let stats = client.stats().await.unwrap();
    assert_eq!(stats.active_opens, 100);
    client.add_addr("10.0.1.1/24").await.unwrap();
    assert!(
        client
            .remove_addr("10.0.1.1".parse().unwrap())
            .await
            .unwrap()
    );
    assert!(
        !client
            .remove_addr("10.0.1.1".parse().unwrap())
            .await
            .unwrap()
    );
    drop((streams, accepted, listener));
    tokio::time::sleep(std::time::Duration::from_secs(300)).await;
    for stack in [&client, &server] {
        let counts = stack.counts().await.unwrap();
        assert_eq!(counts, estab::Counts::default());
    }
}
