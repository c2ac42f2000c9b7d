//! The ways a connection ends.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use estab_netns::isolated;
use estab_tests::kernel::{self, KERNEL, OURS};
use estab_tests::transfer::{expect_end, receive, send};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

const LEN: u64 = 4 << 20;

/// Runs `test` on either runtime with either IP.
macro_rules! each {
    ($test:expr) => {
        for (_, runtime) in kernel::runtimes() {
            runtime.block_on(async {
                let stack = kernel::stack().await;
                for ip in 0..2 {
                    $test(&stack, ip).await;
                }
                stack.abort();
            });
        }
    };
}

/// A stream of the kernel's and the other end of ours; `we_connect` says who opened.
async fn pair(
    stack: &estab::Stack,
    ip: usize,
    we_connect: bool,
) -> (tokio::net::TcpStream, estab::TcpStream) {
    if we_connect {
        let (listener, remote) = kernel::listen(KERNEL[ip]);
        let (ours, theirs) = tokio::join!(stack.connect(remote), listener.accept());
        (theirs.unwrap().0, ours.unwrap())
    } else {
        let listener = stack.listen((OURS[ip], 0)).await.unwrap();
        let remote = SocketAddr::new(OURS[ip], listener.local_addr().unwrap().port());
        let (theirs, ours) = tokio::join!(kernel::connect(remote), listener.accept());
        (theirs.unwrap(), ours.unwrap().0)
    }
}

/// `first` ends its direction; data still flows the other way, then that ends too.
async fn half_close<F, S>(mut first: F, mut second: S)
where
    F: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    first.write_all(b"the last word").await.unwrap();
    first.shutdown().await.unwrap();
    let mut heard = Vec::new();
    second.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"the last word");
    let (sent, received) =
        tokio::try_join!(send(&mut second, 3, LEN), receive(&mut first, LEN)).unwrap();
    assert_eq!(sent, received);
    second.shutdown().await.unwrap();
    expect_end(&mut first).await;
}

#[test]
fn either_end_may_close_half_and_hear_the_rest() {
    isolated(|| {
        each!(async |stack, ip| {
            for we_connect in [true, false] {
                let (theirs, ours) = pair(stack, ip, we_connect).await;
                half_close(theirs, ours).await;
                let (theirs, ours) = pair(stack, ip, we_connect).await;
                half_close(ours, theirs).await;
            }
        });
    });
}

#[test]
fn a_closed_port_refuses_either_way() {
    isolated(|| {
        each!(async |stack: &estab::Stack, ip: usize| {
            let refused = kernel::connect(SocketAddr::new(OURS[ip], 9)).await;
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
            let refused = stack.connect((KERNEL[ip], 9)).await;
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        });
    });
}

fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}

/// A reset in the middle of both streams ends what waits for them, with the right error.
#[test]
fn the_peer_resets_mid_stream() {
    isolated(|| {
        each!(async |stack, ip| {
            let (theirs, ours) = pair(stack, ip, ip == 0).await;
            let (mut reader, mut writer) = ours.into_split();
            let writing = tokio::spawn(async move { send(&mut writer, 1, 1 << 30).await });
            let reading = tokio::spawn(async move { receive(&mut reader, 1 << 30).await });
            let mut theirs = theirs;
            receive(&mut theirs, 1 << 20).await.unwrap();
            send(&mut theirs, 2, 1 << 20).await.unwrap();
            kernel::reset_on_close(&theirs);
            drop(theirs);
            let limit = Duration::from_secs(10);
            let error = timeout(limit, reading).await.unwrap().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            let error = timeout(limit, writing).await.unwrap().unwrap().unwrap_err();
            assert!(is_reset(&error), "{error:?}");
        });
    });
}

#[test]
fn we_reset_mid_stream() {
    isolated(|| {
        each!(async |stack, ip| {
            let (mut theirs, ours) = pair(stack, ip, ip == 0).await;
            theirs.write_all(&[1; 100_000]).await.unwrap();
            ours.abort();
            drop(ours);
            let error = receive(&mut theirs, 1).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            // Dropping with unread bytes says so too.
            let (mut theirs, ours) = pair(stack, ip, ip == 0).await;
            theirs.write_all(&[1; 1000]).await.unwrap();
            ours.readable().await.unwrap();
            drop(ours);
            let error = receive(&mut theirs, 1).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        });
    });
}

#[test]
fn both_close_at_once() {
    isolated(|| {
        each!(async |stack: &estab::Stack, ip| {
            for round in 0..20 {
                let (mut theirs, mut ours) = pair(stack, ip, round % 2 == 0).await;
                let (one, other) = tokio::join!(ours.shutdown(), theirs.shutdown());
                one.unwrap();
                other.unwrap();
                expect_end(&mut ours).await;
                expect_end(&mut theirs).await;
            }
            let stats = stack.stats().await.unwrap();
            assert_eq!((stats.resets_in, stats.resets_out), (0, 0));
        });
    });
}

/// What is written before a stream is dropped arrives.
#[test]
fn dropping_a_stream_loses_nothing() {
    isolated(|| {
        each!(async |stack, ip| {
            for _ in 0..10 {
                let (mut theirs, mut ours) = pair(stack, ip, true).await;
                let reading = tokio::spawn(async move {
                    let hash = receive(&mut theirs, LEN).await;
                    expect_end(&mut theirs).await;
                    hash
                });
                let sent = send(&mut ours, 5, LEN).await.unwrap();
                drop(ours);
                assert_eq!(reading.await.unwrap().unwrap(), sent);
            }
        });
    });
}
