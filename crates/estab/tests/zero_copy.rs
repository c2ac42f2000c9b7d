//! Bytes that are sent and received where they lie.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use estab::device::{Caps, Device, Link, LinkConfig, Packet, Received};
use estab::testing::streams;
use estab::{Stack, TcpStream};
use futures::{SinkExt, StreamExt, TryStreamExt};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes that show where they belong.
fn pattern(len: usize) -> Bytes {
    (0..len).map(|n| (n ^ (n >> 8) ^ (n >> 16)) as u8).collect()
}

/// A link that notes where the payload of what it sends lies.
struct Spy {
    link: Link,
    seen: Arc<Mutex<Vec<Range<usize>>>>,
}

impl Device for Spy {
    fn caps(&self) -> Caps {
        self.link.caps()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        self.link.poll_recv(cx, buf)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        let sent = self.link.poll_send(cx, packet);
        if sent.is_ready() {
            let payload = packet.slices().iter().skip(1);
            let places = payload.map(|slice| place(slice));
            self.seen.lock().unwrap().extend(places);
        }
        sent
    }
}

fn place(slice: &[u8]) -> Range<usize> {
    let range = slice.as_ptr_range();
    range.start as usize..range.end as usize
}

/// A connection whose writing end is watched.
struct Watched {
    stream: TcpStream,
    peer: TcpStream,
    seen: Arc<Mutex<Vec<Range<usize>>>>,
}

impl Watched {
    async fn new() -> Self {
        let mut config = LinkConfig::default();
        config.offload = true;
        let (link, other) = Link::pair_with(config);
        let seen = Arc::default();
        let spy = Spy {
            link,
            seen: Arc::clone(&seen),
        };
        let ours = Stack::builder().addr("10.0.0.1/24").build(spy).unwrap();
        let theirs = Stack::builder().addr("10.0.0.2/24").build(other).unwrap();
        let listener = theirs.listen("10.0.0.2:80").await.unwrap();
        let connect = ours.connect("10.0.0.2:80");
        let (stream, accepted) = tokio::join!(connect, listener.accept());
        Self {
            stream: stream.unwrap(),
            peer: accepted.unwrap().0,
            seen,
        }
    }

    /// How many bytes of payload left from within `body`, and how many from elsewhere.
    fn sent(&self, body: &Bytes) -> (usize, usize) {
        let (body, mut sent) = (place(body), (0, 0));
        for range in self.seen.lock().unwrap().drain(..) {
            if body.start <= range.start && range.end <= body.end {
                sent.0 += range.len();
            } else {
                sent.1 += range.len();
            }
        }
        sent
    }
}

async fn received(peer: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut received = vec![0; len];
    peer.read_exact(&mut received).await.unwrap();
    received
}

#[tokio::test(start_paused = true)]
async fn a_chunk_leaves_from_where_it_lies() {
    let mut watched = Watched::new().await;
    let body = pattern(1_000_000);
    let mut rest = body.clone();
    let write = async {
        while !rest.is_empty() {
            watched.stream.write_chunk(&mut rest).await.unwrap();
        }
    };
    let (_, received) = tokio::join!(write, received(&mut watched.peer, body.len()));
    assert!(received == body);
    assert_eq!(watched.sent(&body), (body.len(), 0));
}

/// Writes like an HTTP server: a head and a body it does not know, in one vectored write.
async fn respond(mut stream: &mut TcpStream, mut head: &[u8], mut body: &[u8]) {
    while !head.is_empty() || !body.is_empty() {
        let bufs = [IoSlice::new(head), IoSlice::new(body)];
        let n = poll_fn(|cx| Pin::new(&mut stream).poll_write_vectored(cx, &bufs)).await;
        let n = n.unwrap();
        let of_head = n.min(head.len());
        head = &head[of_head..];
        body = &body[n - of_head..];
    }
}

#[tokio::test(start_paused = true)]
async fn a_lent_body_leaves_from_where_it_lies_and_its_head_with_it() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
    let mut watched = Watched::new().await;
    let lender = watched.stream.lender();
    for round in 0..3 {
        let body = pattern(1_000_000 - round);
        let lent = lender.lend(body.clone());
        let write = respond(&mut watched.stream, HEAD, &lent);
        let len = HEAD.len() + body.len();
        let (_, received) = tokio::join!(write, received(&mut watched.peer, len));
        assert_eq!(&received[..HEAD.len()], HEAD);
        assert!(received[HEAD.len()..] == body);
        assert_eq!(watched.sent(&body), (body.len(), HEAD.len()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_lent_is_copied_and_arrives_all_the_same() {
    let mut watched = Watched::new().await;
    let lender = watched.stream.lender();
    let lent = lender.lend(pattern(100_000));
    let own = pattern(100_000);
    let write = respond(&mut watched.stream, &own, &lent);
    let (_, received) = tokio::join!(write, received(&mut watched.peer, 200_000));
    assert!(received[..100_000] == own && received[100_000..] == lent);
    let (of_lent, others) = watched.sent(&lent);
    assert_eq!((of_lent, others), (100_000, 100_000));
}

#[tokio::test(start_paused = true)]
async fn a_lent_body_goes_through_the_writing_half_too() {
    let mut watched = Watched::new().await;
    let body = watched.stream.lender().lend(pattern(300_000));
    let (_, mut write) = watched.stream.split();
    let written = write.write_all(&body);
    let (written, received) = tokio::join!(written, received(&mut watched.peer, body.len()));
    written.unwrap();
    assert!(received == body);
    assert_eq!(watched.sent(&body), (body.len(), 0));
}

#[tokio::test(start_paused = true)]
async fn lines_are_read_where_they_lie() {
    let (stream, mut peer) = streams().await.unwrap();
    let text: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    let lines = async {
        let (mut read, _write) = stream.into_split();
        let (mut line, mut n) = (String::new(), 0);
        while read.read_line(&mut line).await.unwrap() > 0 {
            assert_eq!(line, format!("line {n}\n"));
            (line, n) = (String::new(), n + 1);
        }
        n
    };
    let write = async {
        peer.write_all(text.as_bytes()).await.unwrap();
        peer.shutdown().await.unwrap();
    };
    assert_eq!(tokio::join!(lines, write).0, 20_000);
}

#[tokio::test(start_paused = true)]
async fn what_is_looked_at_stays_until_it_is_consumed() {
    let (mut stream, mut peer) = streams().await.unwrap();
    peer.write_all(b"hello world").await.unwrap();
    {
        let (mut read, _) = TcpStream::split(&mut stream);
        assert_eq!(read.fill_buf().await.unwrap(), b"hello world");
        read.consume(6);
        assert_eq!(read.fill_buf().await.unwrap(), b"world");
    }
    // Every other way to read sees the same.
    let mut text = [0; 2];
    assert_eq!(stream.peek(&mut text).await.unwrap(), 2);
    let (mut read, _write) = stream.into_split();
    assert_eq!(read.fill_buf().await.unwrap(), b"world");
    read.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"wo");
    assert_eq!(read.fill_buf().await.unwrap(), b"rld");
    read.consume(3);
    peer.abort();
    assert!(read.fill_buf().await.is_err());
    assert_eq!(read.fill_buf().await.unwrap(), b"", "then the end");
    read.consume(0);
}

#[tokio::test(start_paused = true)]
async fn chunks_are_a_stream_and_a_sink() {
    let (stream, peer) = streams().await.unwrap();
    let (sink, stream) = stream.into_chunks().split();
    let echo = tokio::spawn(stream.forward(sink));
    let (mut sink, stream) = peer.into_chunks().split();
    let body = pattern(3_000_000);
    let send = async {
        for start in (0..body.len()).step_by(100_000) {
            let chunk = body.slice(start..start + 100_000);
            sink.feed(chunk).await.unwrap();
        }
        sink.close().await.unwrap();
        assert!(sink.send(Bytes::from_static(b"late")).await.is_err());
    };
    let (_, answer) = tokio::join!(send, stream.try_collect::<Vec<_>>());
    assert!(answer.unwrap().concat() == body);
    echo.await.unwrap().unwrap();
}
