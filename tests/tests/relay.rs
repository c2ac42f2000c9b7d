//! The kernel's TCP over an emulated path in real time, with itself and with ours.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use estab::Stack;
use estab_netns::{ip, isolated};
use estab_sim::relay::{Relay, stack_port};
use estab_sim::{Bandwidth, Path, PathBuilder};
use estab_tests::kernel::{self, INTERFACE, KERNEL, OURS};
use estab_tests::kernels::{KernelHost, Kernels, MTU};
use estab_tests::transfer::{echo, expect_end, receive, send};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const RTT: Duration = Duration::from_millis(20);

/// Bytes each way.
const LEN: u64 = 1 << 20;

fn path() -> PathBuilder {
    Path::builder()
        .rtt(RTT)
        .rate(Bandwidth::mbit(100))
        .queue_bdp(1.0)
        .loss(0.01)
        .seed(42)
}

#[expect(clippy::disallowed_methods, reason = "real time is measured")]
fn now() -> Instant {
    Instant::now()
}

/// Sends `LEN` bytes to an [`echo`], and checks what comes back. Before, it bounces single bytes;
/// returns the least time that one took.
async fn exchange(stream: impl AsyncRead + AsyncWrite) -> Duration {
    let (mut reader, mut writer) = tokio::io::split(Box::pin(stream));
    let mut least = Duration::MAX;
    for byte in 0..5 {
        let start = now();
        writer.write_u8(byte).await.unwrap();
        assert_eq!(reader.read_u8().await.unwrap(), byte);
        least = least.min(start.elapsed());
    }
    let sending = async {
        let hash = send(&mut writer, 1, LEN).await?;
        writer.shutdown().await?;
        Ok(hash)
    };
    let (sent, received) = tokio::try_join!(sending, receive(&mut reader, LEN)).unwrap();
    assert_eq!(sent, received);
    expect_end(&mut reader).await;
    least
}

/// Echoes one connection on `host`, and tells at which port it listens.
fn serve(host: &KernelHost, addr: IpAddr, ready: &mpsc::Sender<SocketAddr>) {
    host.block_on(async || {
        let (listener, addr) = kernel::listen(addr);
        ready.send(addr).unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_eq!(echo(&mut stream).await.unwrap(), LEN + 5);
    });
}

#[test]
fn two_kernels_talk_over_a_lossy_path() {
    isolated(|| {
        for family in [0, 1] {
            let kernels = Kernels::new(path().build()).unwrap();
            let addr = kernels.second.addrs[family];
            let (ready, listening) = mpsc::channel();
            let rtt = thread::scope(|scope| {
                scope.spawn(|| serve(&kernels.second, addr, &ready));
                let remote = listening.recv().unwrap();
                kernels
                    .first
                    .block_on(async move || exchange(kernel::connect(remote).await.unwrap()).await)
            });
            assert!(rtt >= RTT, "{rtt:?}");
            let report = kernels.report();
            println!(
                "{rtt:?}\n{}\n{}\n{:?}",
                report.there, report.back, report.lateness
            );
            // Packets of the MTU's size, not what the kernel makes of them inside.
            assert!(report.there.pushed > LEN / u64::from(MTU));
            assert!(report.there.dropped().lost > 0 && report.back.dropped().lost > 0);
            assert_eq!(report.refused, 0);
        }
    });
}

#[test]
fn the_kernel_and_our_stack_talk_over_a_lossy_path() {
    isolated(|| {
        let (host, there) = KernelHost::new(KERNEL).unwrap();
        let (ready, listening) = mpsc::channel();
        let runtime = kernel::runtimes().into_iter().next().unwrap().1;
        thread::scope(|scope| {
            scope.spawn(|| serve(&host, KERNEL[0], &ready));
            let remote = listening.recv().unwrap();
            runtime.block_on(async {
                let (device, back) = stack_port(MTU).unwrap();
                let relay = Relay::start(there, back, path().build()).unwrap();
                let stack = Stack::builder().addr((OURS[0], 24)).build(device).unwrap();
                let rtt = exchange(stack.connect(remote).await.unwrap()).await;
                assert!(rtt >= RTT, "{rtt:?}");
                println!("{rtt:?} {:?}", relay.report().lateness);
            });
        });
    });
}

/// An interface that is down only loses packets; one that is deleted ends the path.
#[test]
fn the_path_ends_with_an_interface() {
    isolated(|| {
        let kernels = Kernels::new(path().build()).unwrap();
        let down = || ip(&["link", "set", INTERFACE, "down"]).unwrap();
        kernels.second.run(down);
        let [addr, _] = kernels.second.addrs;
        let socket = kernels
            .first
            .run(|| UdpSocket::bind((KERNEL[0], 0)).unwrap());
        while kernels.report().refused == 0 {
            socket.send_to(b"hello?", (addr, 7)).unwrap();
            thread::sleep(Duration::from_millis(10));
        }
        let delete = || ip(&["link", "delete", INTERFACE]).unwrap();
        kernels.second.run(delete);
        while !kernels.has_ended() {
            thread::sleep(Duration::from_millis(10));
        }
        kernels.stop().unwrap_err();
    });
}
