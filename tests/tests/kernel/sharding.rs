//! One stack over several queues of a TUN.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use estab::device::{Caps, Device, Packet, Received, TunBuilder, TunDevice};
use estab::{Stack, TcpListener};
use estab_netns::isolated;
use estab_tests::kernel::{self, INTERFACE, KERNEL, OURS};
use estab_tests::transfer::{echo, expect_end, receive, send};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, split};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections each way, over each family.
const CONNECTIONS: u64 = 60;

/// Bytes each of them has echoed.
const LEN: u64 = 300_000;

fn builder() -> TunBuilder {
    TunDevice::builder()
        .name(INTERFACE)
        .addr((KERNEL[0], 24))
        .addr((KERNEL[1], 64))
}

async fn serve(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move { echo(&mut stream).await.unwrap() });
    }
}

async fn client<S: AsyncRead + AsyncWrite>(stream: S, seed: u64) {
    let (mut reader, mut writer) = split(stream);
    let (sent, received) =
        tokio::try_join!(send(&mut writer, seed, LEN), receive(&mut reader, LEN)).unwrap();
    assert_eq!(sent, received);
    writer.shutdown().await.unwrap();
    expect_end(&mut reader).await;
}

/// The kernel connects to us, and we to the kernel, all at once.
async fn talk(stack: &Stack) {
    let mut clients = JoinSet::new();
    for addr in KERNEL {
        let (listener, remote) = kernel::listen(addr);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move { echo(&mut stream).await.unwrap() });
            }
        });
        for n in 0..CONNECTIONS {
            let stack = stack.clone();
            clients.spawn(async move { client(stack.connect(remote).await.unwrap(), n).await });
        }
    }
    for addr in OURS {
        for n in 0..CONNECTIONS {
            let remote = SocketAddr::new(addr, 7);
            clients.spawn(
                async move { client(kernel::connect(remote).await.unwrap(), 1000 + n).await },
            );
        }
    }
    clients.join_all().await;
}

/// What the kernel knew of the flows, and what the stack made of it.
async fn judge(stack: &Stack) {
    let stats = stack.stats().await.unwrap();
    assert_eq!(stats.drop_tcp_checksum + stats.drop_tcp_malformed, 0);
    assert_eq!(stats.active_opens, 2 * CONNECTIONS);
    let device = stack.device_stats().await.unwrap();
    assert_eq!((device.malformed, device.steer_dropped), (0, 0));
    // A flow follows its shard once that has written: what is handed over are first packets.
    assert!(device.steered < stats.packets_in / 4, "{device:?}");
    let mut error = stack.listen((OURS[0], 7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    stack.abort();
    stack.closed().await.unwrap();
    error = stack.connect((KERNEL[0], 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkDown);
}

#[test]
fn queues_share_a_multi_thread_runtime() {
    isolated(|| {
        for (queues, offload) in [(2, true), (4, true), (4, false)] {
            let [_, (_, two)] = kernel::runtimes();
            two.block_on(async {
                let tuns = builder()
                    .offload(offload)
                    .build_queues(queues)
                    .await
                    .unwrap();
                let stack = Stack::builder().addr((OURS[0], 24)).addr((OURS[1], 64));
                let stack = stack.build_sharded(tuns).unwrap();
                for addr in OURS {
                    let listener = stack.listen((addr, 7)).await.unwrap();
                    tokio::spawn(serve(listener));
                }
                talk(&stack).await;
                judge(&stack).await;
            });
        }
    });
}

#[test]
fn queues_have_threads_that_serve_their_own_connections() {
    isolated(|| {
        for (queues, offload) in [(2, true), (4, true), (4, false)] {
            let [(_, one), _] = kernel::runtimes();
            one.block_on(async {
                let tuns = builder()
                    .offload(offload)
                    .build_queues(queues)
                    .await
                    .unwrap();
                let stack = Stack::builder().addr((OURS[0], 24)).addr((OURS[1], 64));
                let stack = stack.build_threads(tuns).unwrap();
                for addr in OURS {
                    let listeners = TcpListener::bind_each(&stack, (addr, 7)).await.unwrap();
                    for (shard, listener) in stack.shards().zip(listeners) {
                        shard.spawn(serve(listener));
                    }
                }
                talk(&stack).await;
                judge(&stack).await;
            });
        }
    });
}

/// A queue that sends over its neighbour. The kernel steers a flow to where it was last written to, and so
/// always wrongly.
struct Crossed {
    queues: Arc<[Mutex<TunDevice>]>,
    own: usize,
}

impl Crossed {
    fn queue(&self, index: usize) -> MutexGuard<'_, TunDevice> {
        self.queues[index % self.queues.len()].lock().unwrap()
    }
}

impl Device for Crossed {
    fn caps(&self) -> Caps {
        self.queue(self.own).caps()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        self.queue(self.own).poll_recv(cx, buf)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        self.queue(self.own + 1).poll_send(cx, packet)
    }
}

#[test]
fn what_a_kernel_steers_wrongly_is_handed_over() {
    isolated(|| {
        for (count, offload) in [(2, true), (3, false)] {
            let [_, (_, two)] = kernel::runtimes();
            two.block_on(async {
                let tuns = builder().offload(offload).build_queues(count).await;
                let queues: Arc<[_]> = tuns.unwrap().into_iter().map(Mutex::new).collect();
                let crossed = (0..count).map(|own| Crossed {
                    queues: Arc::clone(&queues),
                    own,
                });
                let stack = Stack::builder().addr((OURS[0], 24)).addr((OURS[1], 64));
                let stack = stack.build_sharded(crossed.collect::<Vec<_>>()).unwrap();
                for addr in OURS {
                    let listener = stack.listen((addr, 7)).await.unwrap();
                    tokio::spawn(serve(listener));
                }
                talk(&stack).await;
                let (device, stats) = (stack.device_stats().await.unwrap(), stack.stats().await);
                assert!(device.steered > stats.unwrap().packets_in / 2, "{device:?}");
                stack.abort();
                stack.closed().await.unwrap();
            });
        }
    });
}

/// Every driver notices that the interface is gone, though it has nothing to send, and wherever the
/// queues were made.
#[test]
fn a_deleted_interface_ends_an_idle_stack() {
    isolated(|| {
        for (queues, offload) in [(1, true), (1, false), (3, true), (3, false)] {
            let [(_, one), _] = kernel::runtimes();
            one.block_on(async {
                for threads in [false, true] {
                    let tuns = builder().offload(offload).build_queues(queues);
                    let tuns = tuns.await.unwrap();
                    let stack = Stack::builder().addr((OURS[0], 24));
                    let stack = match threads {
                        true => stack.build_threads(tuns).unwrap(),
                        false => stack.build_sharded(tuns).unwrap(),
                    };
                    let listener = stack.listen((OURS[0], 7)).await.unwrap();
                    sleep(Duration::from_millis(100)).await;
                    estab_netns::ip(&["link", "del", INTERFACE]).unwrap();
                    let accepted = timeout(Duration::from_secs(5), listener.accept()).await;
                    let error = accepted.expect("it notices").map(drop).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::NetworkDown);
                    assert!(stack.closed().await.is_err());
                }
            });
        }
    });
}
