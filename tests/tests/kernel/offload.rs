//! A TUN that leaves checksums and the cutting of segments to the kernel.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use estab::Stack;
use estab::device::{Caps, Device, Packet, Received, TunBuilder, TunDevice};
use estab_netns::{ip, isolated};
use estab_tests::kernel::{self, INTERFACE, KERNEL, OURS};
use estab_tests::transfer::{echo, receive, send};
use tokio::io::split;

/// Bytes of a transfer.
const LEN: u64 = 16 << 20;

fn builder() -> TunBuilder {
    TunDevice::builder()
        .name(INTERFACE)
        .addr((KERNEL[0], 24))
        .addr((KERNEL[1], 64))
}

/// `stack` connects to a server of the kernel's, which echoes.
async fn talk(stack: &Stack, kernel: IpAddr) {
    let (listener, remote) = kernel::listen(kernel);
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        echo(&mut stream).await
    });
    let stream = stack.connect(remote).await.unwrap();
    let (mut reader, mut writer) = split(stream);
    let (sent, received) =
        tokio::try_join!(send(&mut writer, 1, LEN), receive(&mut reader, LEN)).unwrap();
    assert_eq!(sent, received);
    drop((reader, writer));
    assert_eq!(serving.await.unwrap().unwrap(), LEN);
}

#[test]
fn caps_tell_whether_the_kernel_grants_it() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            let caps = builder().build().await.unwrap().caps();
            assert!(caps.checksum_offload);
            assert_eq!(caps.segmentation, Some(65_535));
            assert!(
                caps.link_segmentation
                    .is_none_or(|longest| longest > 65_535)
            );
            let caps = builder().offload(false).build().await.unwrap().caps();
            assert!(!caps.checksum_offload);
            assert_eq!((caps.segmentation, caps.mtu), (None, 1500));
        });
    });
}

/// Segments of the network, and packets that carried them: fewer by far.
#[test]
fn a_packet_carries_many_segments() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            let tun = builder().build().await.unwrap();
            let stack = Stack::builder().addr((OURS[0], 24)).addr((OURS[1], 64));
            let stack = stack.build(tun).unwrap();
            for kernel in KERNEL {
                let before = stack.stats().await.unwrap();
                talk(&stack, kernel).await;
                let after = stack.stats().await.unwrap();
                let packets_out = after.packets_out - before.packets_out;
                let packets_in = after.packets_in - before.packets_in;
                let (out, came) = (
                    after.segments_out - before.segments_out,
                    after.segments_in - before.segments_in,
                );
                assert!(out > LEN / 1460 && came > LEN / 1460);
                assert!(out > 4 * packets_out, "{out} segments in {packets_out}");
                assert!(came > 4 * packets_in, "{came} segments in {packets_in}");
                assert_eq!(after.drop_tcp_checksum + after.drop_tcp_malformed, 0);
            }
            let device = stack.device_stats().await.unwrap();
            assert_eq!((device.dropped, device.malformed), (0, 0));
        });
    });
}

/// Remembers the longest packet it has sent.
struct Longest(TunDevice, Arc<AtomicUsize>);

impl Device for Longest {
    fn caps(&self) -> Caps {
        self.0.caps()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        self.0.poll_recv(cx, buf)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        self.1.fetch_max(packet.len(), Ordering::Relaxed);
        self.0.poll_send(cx, packet)
    }
}

/// To the kernel itself go packets that are longer than a header can say, if it takes them.
#[test]
fn a_neighbour_gets_longer_packets() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            for neighbours in [true, false] {
                for (at, kernel) in KERNEL.into_iter().enumerate() {
                    let tun = builder().build().await.unwrap();
                    let promised = tun.caps().link_segmentation.filter(|_| neighbours);
                    let promised = promised.unwrap_or(65_535) as usize;
                    let longest = Arc::new(AtomicUsize::new(0));
                    let prefix = match neighbours {
                        true => [24, 64][at],
                        false => [32, 128][at],
                    };
                    let stack = Stack::builder().addr((OURS[at], prefix));
                    let stack = stack.build(Longest(tun, Arc::clone(&longest))).unwrap();
                    talk(&stack, kernel).await;
                    let stats = stack.stats().await.unwrap();
                    // An interface just made may lose a SYN.
                    assert!(stats.retransmits <= 1, "{}", stats.retransmits);
                    assert_eq!(stack.device_stats().await.unwrap().dropped, 0);
                    let longest = longest.load(Ordering::Relaxed);
                    assert!((promised / 2..=promised).contains(&longest), "{longest}");
                    stack.abort();
                    stack.closed().await.unwrap();
                }
            }
        });
    });
}

/// Drops packets longer than a header can say, as a kernel that lacks memory for them does.
struct Refusing(TunDevice, u64);

impl Device for Refusing {
    fn caps(&self) -> Caps {
        self.0.caps()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        self.0.poll_recv(cx, buf)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        if packet.len() > 65_535 {
            self.1 += 1;
            return Poll::Ready(Ok(()));
        }
        self.0.poll_send(cx, packet)
    }

    fn dropped(&self) -> u64 {
        self.1
    }
}

#[test]
fn a_longer_packet_is_refused_once() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            let long = builder().long_packets(false).build().await.unwrap();
            assert_eq!(long.caps().link_segmentation, None);
            drop(long);
            let tun = builder().build().await.unwrap();
            let takes_long = tun.caps().link_segmentation.is_some();
            let stack = Stack::builder().addr((OURS[0], 24));
            let stack = stack.build(Refusing(tun, 0)).unwrap();
            for _ in 0..2 {
                talk(&stack, KERNEL[0]).await;
            }
            let dropped = stack.device_stats().await.unwrap().dropped;
            assert_eq!(dropped, u64::from(takes_long));
        });
    });
}

/// Each queue has a stack of its own, with an address of its own; the kernel keeps a connection on
/// the queue it was last written to on.
#[test]
fn every_queue_has_its_stack() {
    isolated(|| {
        for offload in [true, false] {
            let [_, (_, two)] = kernel::runtimes();
            two.block_on(async {
                let devices = builder().offload(offload).build_queues(2).await.unwrap();
                assert_eq!(devices.len(), 2);
                let stacks: Vec<_> = devices
                    .into_iter()
                    .zip(["10.88.0.2/24", "10.88.0.3/24"])
                    .map(|(tun, addr)| Stack::builder().addr(addr).build(tun).unwrap())
                    .collect();
                for _ in 0..4 {
                    tokio::join!(talk(&stacks[0], KERNEL[0]), talk(&stacks[1], KERNEL[0]));
                }
                for stack in &stacks {
                    stack.abort();
                    let _ = stack.closed().await;
                }
            });
        }
    });
}

/// An interface that gets other addresses, and another MTU, while a connection is up.
#[test]
fn an_interface_may_be_readdressed() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            let stack = kernel::stack().await;
            let listener = stack.listen((OURS[0], 7)).await.unwrap();
            let remote = SocketAddr::new(OURS[0], 7);
            let (mut theirs, (mut ours, _)) =
                tokio::try_join!(kernel::connect(remote), listener.accept()).unwrap();
            ip(&["addr", "del", "10.88.0.1/24", "dev", INTERFACE]).unwrap();
            ip(&["addr", "add", "10.88.0.9/24", "dev", INTERFACE]).unwrap();
            talk(&stack, "10.88.0.9".parse().unwrap()).await;
            ip(&["addr", "add", "10.88.0.1/24", "dev", INTERFACE]).unwrap();
            for mtu in ["9000", "1400"] {
                ip(&["link", "set", INTERFACE, "mtu", mtu]).unwrap();
                let (sent, received) =
                    tokio::try_join!(send(&mut ours, 1, LEN), receive(&mut theirs, LEN)).unwrap();
                assert_eq!(sent, received);
                let (sent, received) =
                    tokio::try_join!(send(&mut theirs, 2, LEN), receive(&mut ours, LEN)).unwrap();
                assert_eq!(sent, received);
            }
        });
    });
}

/// Who takes an interface over gets nothing that whoever held it before was ready for.
#[test]
fn an_interface_forgets_who_held_it() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            for offload in [true, false, true, false] {
                let tun = builder().offload(offload).persist(true).build().await;
                let stack = Stack::builder().addr((OURS[0], 24));
                let stack = stack.build(tun.unwrap()).unwrap();
                talk(&stack, KERNEL[0]).await;
                let stats = stack.stats().await.unwrap();
                assert_eq!(stats.drop_tcp_checksum, 0, "{offload}");
                stack.abort();
                stack.closed().await.unwrap();
            }
        });
    });
}

/// An interface that was there before stays when the device is dropped; one made for it goes.
#[test]
fn an_interface_of_somebody_elses_stays() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            let exists = || ip(&["link", "show", "dev", INTERFACE]).is_ok();
            for offload in [true, false] {
                drop(builder().offload(offload).build().await.unwrap());
                assert!(!exists());
                drop(
                    builder()
                        .offload(offload)
                        .persist(true)
                        .build()
                        .await
                        .unwrap(),
                );
                assert!(exists());
                drop(builder().offload(offload).build().await.unwrap());
                assert!(exists());
                ip(&["link", "del", INTERFACE]).unwrap();
            }
        });
    });
}
