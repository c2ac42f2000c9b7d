//! A burst of packets is answered once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use estab::Stack;
use estab::device::{Caps, Device, Link, Packet, Received};
use tokio::io::AsyncWriteExt;

/// What passed a device.
#[derive(Default)]
struct Counts {
    received: AtomicU64,
    /// How often packets had come and there were no more.
    bursts: AtomicU64,
    sent: AtomicU64,
    flushes: AtomicU64,
}

impl Counts {
    fn now(&self) -> [u64; 4] {
        [&self.received, &self.bursts, &self.sent, &self.flushes].map(|count| count.load(Relaxed))
    }
}

struct Counting {
    link: Link,
    counts: Arc<Counts>,
    in_burst: bool,
}

impl Device for Counting {
    fn caps(&self) -> Caps {
        self.link.caps()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let polled = self.link.poll_recv(cx, buf);
        let came = polled.is_ready();
        self.counts.received.fetch_add(came.into(), Relaxed);
        let ended = self.in_burst && !came;
        self.counts.bursts.fetch_add(ended.into(), Relaxed);
        self.in_burst = came;
        polled
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        self.counts.sent.fetch_add(1, Relaxed);
        self.link.poll_send(cx, packet)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.counts.flushes.fetch_add(1, Relaxed);
        self.link.poll_flush(cx)
    }
}

/// Nobody reads, so that acknowledgements are all there is to send.
#[tokio::test(start_paused = true)]
async fn a_burst_has_one_acknowledgement_and_one_flush() {
    let (left, link) = Link::pair();
    let counts = Arc::new(Counts::default());
    let right = Counting {
        link,
        counts: Arc::clone(&counts),
        in_burst: false,
    };
    let left = Stack::builder().addr("10.0.0.1/24").build(left).unwrap();
    let right = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    let listener = right.listen("10.0.0.2:80").await.unwrap();
    let mut stream = left.connect("10.0.0.2:80").await.unwrap();
    let _accepted = listener.accept().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = counts.now();
    stream.write_all(&[7; 60_000]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = counts.now();
    let [received, bursts, sent, flushes] = std::array::from_fn(|n| after[n] - before[n]);
    assert!(received >= 42, "{received} segments");
    assert!(bursts <= 6, "{bursts} bursts for {received} segments");
    assert!(
        sent <= bursts,
        "{sent} packets in answer to {bursts} bursts"
    );
    assert!(flushes <= sent, "{flushes} flushes of {sent} packets");
    assert_eq!(stream.info().await.unwrap().bytes_acked, 60_000);
}
