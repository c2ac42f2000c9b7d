//! What an application answers at once goes along with the acknowledgement.

use std::time::Duration;

use estab::Stack;
use estab::device::Link;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::yield_now;
use tokio::time::timeout;

#[tokio::test(start_paused = true)]
async fn a_request_its_answer_and_the_end_take_three_packets() {
    let (left, right) = Link::pair();
    let client = Stack::builder().addr("10.0.0.1/24").build(left).unwrap();
    let server = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    let listener = server.listen("10.0.0.2:7").await.unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut byte = [0];
                while let Ok(1) = stream.read(&mut byte).await {
                    stream.write_all(&byte).await.unwrap();
                }
            });
        }
    });
    for i in 1..=5 {
        let mut stream = client.connect("10.0.0.2:7").await.unwrap();
        stream.write_all(&[7]).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 7);
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        // A SYN-ACK, the answer, a FIN: each acknowledges what came before.
        let sent = server.device_stats().await.unwrap().sent;
        assert_eq!(sent, 3 * i);
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_is_not_waited_for() {
    let (left, right) = Link::pair();
    let client = Stack::builder().addr("10.0.0.1/24").build(left).unwrap();
    let server = Stack::builder().addr("10.0.0.2/24").build(right).unwrap();
    let listener = server.listen("10.0.0.2:7").await.unwrap();
    let mut stream = client.connect("10.0.0.2:7").await.unwrap();
    let (mut peer, _) = listener.accept().await.unwrap();
    let before = server.device_stats().await.unwrap().sent;
    stream.write_all(&[7]).await.unwrap();
    assert_eq!(peer.read_u8().await.unwrap(), 7);
    // Acknowledgements are quick at first: no time passes.
    let acknowledged = async {
        while server.device_stats().await.unwrap().sent == before {
            yield_now().await;
        }
    };
    timeout(Duration::from_millis(1), acknowledged)
        .await
        .unwrap();
}
