//! Two stacks over a bad path, in tokio's virtual time.

use std::time::Duration;

use estab::Stack;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;
use crate::{Bandwidth, Loss, PathBuilder, Queue};

const MTU: u32 = 1500;

fn stacks(path: &PathBuilder) -> (Stack, Stack, LinkMonitor) {
    let (left, right) = join(path.build(), MTU);
    let monitor = left.monitor();
    let build = |addr: &str, device| Stack::builder().addr(addr).build(device).unwrap();
    (
        build("10.0.0.1/24", left),
        build("10.0.0.2/24", right),
        monitor,
    )
}

/// Sends `len` bytes from left to right, and returns how long that took, opening included.
async fn transfer(left: &Stack, right: &Stack, len: usize) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "virtual time is measured")]
    let start = Instant::now();
    let listener = right.listen("10.0.0.2:80").await.unwrap();
    let mut stream = left.connect("10.0.0.2:80").await.unwrap();
    let bytes: Vec<u8> = (0..len).map(|i| (i * 7 / 5) as u8).collect();
    let sent = bytes.clone();
    tokio::spawn(async move {
        stream.write_all(&sent).await.unwrap();
        stream.shutdown().await.unwrap();
        stream
    });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert!(received == bytes);
    start.elapsed()
}

/// Polls a device once.
fn recv(device: &mut LinkDevice, buf: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut cx = Context::from_waker(Waker::noop());
    let received = device.poll_recv(&mut cx, buf);
    received.map(|received| received.map(|received| received.len()))
}

fn send(device: &mut LinkDevice, bytes: &[u8]) {
    let mut cx = Context::from_waker(Waker::noop());
    let slices = [io::IoSlice::new(bytes)];
    assert!(matches!(
        device.poll_send(&mut cx, &Packet::new(&slices)),
        Poll::Ready(Ok(()))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_round_trip_takes_its_time_and_a_millisecond_each_way_at_most() {
    let path = Path::builder().rtt(Duration::from_millis(100));
    let (left, right, _) = stacks(&path);
    let _listener = right.listen("10.0.0.2:80").await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "virtual time is measured")]
    let start = Instant::now();
    let _stream = left.connect("10.0.0.2:80").await.unwrap();
    let took = start.elapsed();
    assert!((100..=102).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn rates_are_exact_though_timers_are_coarse() {
    // Ten packets to a millisecond.
    let path = Path::builder().rate(Bandwidth::mbit(120));
    let (mut left, mut right) = join(path.build(), MTU);
    let total = 10_000;
    for _ in 0..total {
        send(&mut left, &[0x45; 1500]);
    }
    let mut buf = [0; 2000];
    let mut received = 0;
    #[expect(clippy::disallowed_methods, reason = "virtual time is measured")]
    let start = Instant::now();
    while received < total {
        std::future::poll_fn(|cx| right.poll_recv(cx, &mut buf))
            .await
            .unwrap();
        received += 1;
        let exact = Duration::from_micros(100) * received;
        let late = start.elapsed().checked_sub(exact).expect("not early");
        assert!(late <= Duration::from_millis(1), "{received}: {late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_lossy_path_carries_every_byte() {
    let path = Path::builder()
        .rtt(Duration::from_millis(300))
        .rate(Bandwidth::mbit(20))
        .queue_bdp(1.0)
        .lose(Loss::bursts(0.01, 2.0))
        .reorder(0.01, Duration::from_millis(5))
        .seed(3);
    let (left, right, monitor) = stacks(&path);
    let took = transfer(&left, &right, 2_000_000).await;
    assert!(took > Duration::from_millis(900), "{took:?}");
    let there = monitor.there();
    assert!(there.dropped().lost > 5, "{there:?}");
    assert!(there.node("reorder").unwrap().reordered > 5);
    assert!(monitor.back().pushed > 100);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_run() {
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let path = Path::builder()
            .rtt(Duration::from_millis(50))
            .rate(Bandwidth::mbit(10))
            .queue(Queue::codel(100_000, true))
            .loss(0.02)
            .seed(seed);
        let (left, right, monitor) = stacks(&path);
        let took = transfer(&left, &right, 500_000).await;
        runs.push((took, monitor.there().dropped()));
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_arrives_before_the_cut_is_noticed() {
    let path = Path::builder().rtt(Duration::from_millis(20));
    let (mut left, mut right) = join(path.build(), MTU);
    send(&mut left, b"one");
    drop(left);
    let mut buf = [0; 100];
    assert!(recv(&mut right, &mut buf).is_pending());
    let len = std::future::poll_fn(|cx| right.poll_recv(cx, &mut buf))
        .await
        .unwrap()
        .len();
    assert_eq!(&buf[..len], b"one");
    let Poll::Ready(Err(error)) = recv(&mut right, &mut buf) else {
        panic!("the other end is gone")
    };
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let slices = [io::IoSlice::new(b"two")];
    let sent = right.poll_send(
        &mut Context::from_waker(Waker::noop()),
        &Packet::new(&slices),
    );
    assert!(matches!(sent, Poll::Ready(Err(_))));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_receiver_hears_of_a_packet_sent_later() {
    let path = Path::builder().rtt(Duration::from_millis(20));
    let (mut left, mut right) = join(path.build(), MTU);
    let receiving = tokio::spawn(async move {
        let mut buf = [0; 100];
        let received = std::future::poll_fn(|cx| right.poll_recv(cx, &mut buf)).await;
        received.unwrap().len()
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    send(&mut left, b"late");
    assert_eq!(receiving.await.unwrap(), 4);
}
