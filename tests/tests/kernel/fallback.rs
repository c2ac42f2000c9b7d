//! A kernel that does not grant the offload, or not all of it.
//!
//! It is this machine's, with a filter (seccomp) that refuses one request.

use std::fs;
use std::net::IpAddr;

use estab::Stack;
use estab::device::{Caps, Device, TunBuilder, TunDevice};
use estab_netns::isolated;
use estab_tests::kernel::{self, INTERFACE, KERNEL, OURS};
use estab_tests::transfer::{echo, receive, send};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};
use tokio::io::split;

/// Asks what the driver of TUN interfaces can do.
const TUNGETFEATURES: u64 = 0x8004_54cf;

/// Says which super-segments a descriptor takes.
const TUNSETOFFLOAD: u64 = 0x4004_54d0;

/// Makes a descriptor wait for nothing, without which ours cannot take an interface over. `tokio-tun`
/// needs none; netlink does.
const FIONBIO: u64 = 0x5421;

/// Bytes of a transfer.
const LEN: u64 = 4 << 20;

/// From now on the kernel refuses a request of this thread's, and of those it starts.
fn refuse(request: u64) {
    let is_request =
        SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, request).unwrap();
    let rule = SeccompRule::new(vec![is_request]).unwrap();
    let filter = SeccompFilter::new(
        [(libc::SYS_ioctl, vec![rule])].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EINVAL as u32),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    apply_filter(&program).unwrap();
}

/// An interface made without netlink, over which there is IPv4 alone.
fn builder() -> TunBuilder {
    let tun = TunDevice::builder().name(INTERFACE).queue_len(None);
    tun.addr((KERNEL[0], 24))
}

/// Makes a device of `queues` queues, has a stack on its first talk to `kernel` each way, and gives
/// what the device can do, and how many segments and packets were received.
async fn talk(tun: TunBuilder, queues: usize, kernel: &[IpAddr]) -> (Caps, u64, u64) {
    let mut tuns = tun.build_queues(queues).await.unwrap();
    assert_eq!(tuns.len(), queues);
    let caps = tuns[0].caps();
    tuns.truncate(1);
    let stack = Stack::builder().addr((OURS[0], 24)).addr((OURS[1], 64));
    let stack = stack.build(tuns.remove(0)).unwrap();
    for addr in kernel {
        transfer(&stack, *addr).await;
    }
    let stats = stack.stats().await.unwrap();
    assert_eq!(stats.drop_tcp_checksum + stats.drop_tcp_malformed, 0);
    stack.abort();
    stack.closed().await.unwrap();
    (caps, stats.segments_in, stats.packets_in)
}

async fn transfer(stack: &Stack, addr: IpAddr) {
    let (listener, remote) = kernel::listen(addr);
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        echo(&mut stream).await
    });
    let (mut reader, mut writer) = split(stack.connect(remote).await.unwrap());
    let (sent, received) =
        tokio::try_join!(send(&mut writer, 1, LEN), receive(&mut reader, LEN)).unwrap();
    assert_eq!(sent, received);
    drop((reader, writer));
    assert_eq!(serving.await.unwrap().unwrap(), LEN);
}

/// Packets come and go one by one, and the interface goes with the device as ever.
fn is_plain(refused: u64) {
    isolated(|| {
        refuse(refused);
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            for queues in [1, 2] {
                let (caps, ..) = talk(builder(), queues, &KERNEL[..1]).await;
                assert!(!caps.checksum_offload);
                assert_eq!(caps.segmentation, None);
                let interfaces = fs::read_to_string("/proc/net/dev").unwrap();
                assert!(!interfaces.contains(INTERFACE), "{interfaces}");
            }
        });
    });
}

#[test]
fn a_kernel_without_offload_gets_a_plain_device() {
    is_plain(TUNGETFEATURES);
}

#[test]
fn an_interface_that_cannot_be_taken_over_stays_plain() {
    is_plain(FIONBIO);
}

/// What we send is still cut by the kernel; what it sends comes segment by segment, and complete.
#[test]
fn a_kernel_may_give_plain_segments_and_take_super_segments() {
    isolated(|| {
        refuse(TUNSETOFFLOAD);
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            let tun = builder().addr((KERNEL[1], 64));
            let (caps, segments, packets) = talk(tun, 1, &KERNEL).await;
            assert!(caps.checksum_offload);
            assert!(caps.segmentation.is_some());
            assert!(segments <= packets, "{segments} segments in {packets}");
        });
    });
}
