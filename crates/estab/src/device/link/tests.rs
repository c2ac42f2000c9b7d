use std::io::IoSlice;

use futures::task::noop_waker;

use super::*;

fn send(link: &mut Link, text: &str) -> Poll<io::Result<()>> {
    let (a, b) = text.as_bytes().split_at(text.len() / 2);
    let slices = [IoSlice::new(a), IoSlice::new(b)];
    link.poll_send(
        &mut Context::from_waker(&noop_waker()),
        &Packet::new(&slices),
    )
}

fn recv(link: &mut Link) -> Poll<io::Result<Vec<u8>>> {
    let mut buf = [0; 100];
    let received = link.poll_recv(&mut Context::from_waker(&noop_waker()), &mut buf);
    received.map_ok(|received| buf[..received.len()].to_vec())
}

fn config(overflow: Overflow) -> LinkConfig {
    LinkConfig {
        capacity: 2,
        overflow,
        ..LinkConfig::default()
    }
}

#[test]
fn packets_cross_in_order_both_ways() {
    let (mut left, mut right) = Link::pair();
    for text in ["one", "two"] {
        assert!(send(&mut left, text).is_ready());
        assert!(send(&mut right, text).is_ready());
    }
    for text in ["one", "two"] {
        assert!(matches!(recv(&mut left), Poll::Ready(Ok(packet)) if packet == text.as_bytes()));
        assert!(matches!(recv(&mut right), Poll::Ready(Ok(packet)) if packet == text.as_bytes()));
    }
    assert!(recv(&mut left).is_pending());
}

#[test]
fn a_full_link_makes_the_sender_wait() {
    let (mut left, mut right) = Link::pair_with(config(Overflow::Wait));
    assert!(send(&mut left, "one").is_ready());
    assert!(send(&mut left, "two").is_ready());
    assert!(send(&mut left, "three").is_pending());
    assert!(recv(&mut right).is_ready());
    assert!(send(&mut left, "three").is_ready());
    assert_eq!(
        left.stats(),
        LinkStats {
            sent: 3,
            dropped: 0
        }
    );
}

#[test]
fn or_drops_and_counts() {
    let (mut left, mut right) = Link::pair_with(config(Overflow::Drop));
    for text in ["one", "two", "three"] {
        assert!(send(&mut left, text).is_ready());
    }
    assert_eq!(
        left.stats(),
        LinkStats {
            sent: 2,
            dropped: 1
        }
    );
    assert_eq!(left.dropped(), 1);
    assert!(recv(&mut right).is_ready());
    assert!(recv(&mut right).is_ready());
    assert!(recv(&mut right).is_pending());
}

#[test]
fn a_cut_link_delivers_what_is_on_it_and_then_fails() {
    let (mut left, mut right) = Link::pair();
    assert!(send(&mut left, "last words").is_ready());
    drop(left);
    assert!(matches!(recv(&mut right), Poll::Ready(Ok(packet)) if packet == b"last words"));
    assert!(matches!(recv(&mut right), Poll::Ready(Err(_))));
    assert!(matches!(send(&mut right, "hello?"), Poll::Ready(Err(_))));
}

/// One transfer over a link; returns the packets and the segments of the network that it took.
async fn transfer(offload: bool) -> [u64; 3] {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (left, right) = Link::pair_with(LinkConfig {
        offload,
        ..LinkConfig::default()
    });
    let stack = |addr: &str, link| crate::Stack::builder().addr(addr).build(link).unwrap();
    let (left, right) = (stack("10.0.0.1/24", left), stack("10.0.0.2/24", right));
    let listener = right.listen("10.0.0.2:80").await.unwrap();
    let connect = left.connect("10.0.0.2:80");
    let (mut out, (mut into, _)) = tokio::try_join!(connect, listener.accept()).unwrap();
    let text: Vec<u8> = (0..1_000_000_u32).map(|i| (i / 7) as u8).collect();
    let expected = text.clone();
    let writing = tokio::spawn(async move {
        out.write_all(&text).await.unwrap();
        out.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    into.read_to_end(&mut received).await.unwrap();
    assert!(received == expected);
    writing.await.unwrap();
    let stats = left.stats().await.unwrap();
    let theirs = right.stats().await.unwrap();
    assert_eq!(stats.segments_out, theirs.segments_in);
    assert_eq!(theirs.drop_tcp_checksum, 0);
    let sent = left.device_stats().await.unwrap().sent;
    [stats.packets_out, stats.segments_out, sent]
}

#[tokio::test(start_paused = true)]
async fn a_link_may_carry_super_segments() {
    let [packets, segments, sent] = transfer(false).await;
    assert_eq!(sent, segments, "cut before they are sent");
    assert!(segments > 10 * packets, "{segments} in {packets}");
    let [packets, segments, sent] = transfer(true).await;
    assert_eq!(sent, packets);
    assert!(segments > 10 * packets, "{segments} in {packets}");
}
