//! Many bytes.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use estab_netns::isolated_for;
use estab_tests::kernel::{self, OURS};
use estab_tests::transfer::{echo, expect_end, receive, send};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};

/// Each way, and echoed.
const GIBIBYTE: u64 = 1 << 30;

/// What a loaded machine may take for one test.
const LIMIT: Duration = Duration::from_secs(400);

/// `writer` sends, `reader` receives, and both have the same.
async fn transfer<W, R>(mut writer: W, mut reader: R, len: u64)
where
    W: AsyncWrite + Unpin,
    R: AsyncRead + Unpin,
{
    let sending = async {
        let hash = send(&mut writer, len, len).await?;
        writer.shutdown().await?;
        Ok(hash)
    };
    let (sent, received) = tokio::try_join!(sending, receive(&mut reader, len)).unwrap();
    assert_eq!(sent, received);
    expect_end(&mut reader).await;
}

async fn up_and_down_and_back(addr: IpAddr) {
    let stack = kernel::stack().await;
    let listener = stack.listen((addr, 7)).await.unwrap();
    let remote = SocketAddr::new(addr, 7);
    let pair = async || {
        let (client, (server, _)) =
            tokio::try_join!(kernel::connect(remote), listener.accept()).unwrap();
        (client, server)
    };

    let (client, server) = pair().await;
    transfer(client, server, GIBIBYTE).await;
    let (client, server) = pair().await;
    transfer(server, client, GIBIBYTE).await;

    let (client, mut server) = pair().await;
    let serving = tokio::spawn(async move { echo(&mut server).await });
    let (reader, writer) = client.into_split();
    transfer(writer, reader, GIBIBYTE).await;
    assert_eq!(serving.await.unwrap().unwrap(), GIBIBYTE);
    let stats = stack.stats().await.unwrap();
    assert_eq!(stats.drop_tcp_checksum + stats.drop_tcp_malformed, 0);
}

#[test]
fn a_gibibyte_each_way_and_echoed_over_ipv4() {
    isolated_for(LIMIT, || {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(up_and_down_and_back(OURS[0]));
    });
}

#[test]
fn a_gibibyte_each_way_and_echoed_over_ipv6() {
    isolated_for(LIMIT, || {
        let [_, (_, two)] = kernel::runtimes();
        two.block_on(up_and_down_and_back(OURS[1]));
    });
}

/// We are the client, on either runtime.
#[test]
fn we_connect_and_the_kernel_echoes() {
    isolated_for(LIMIT, || {
        for (_, runtime) in kernel::runtimes() {
            runtime.block_on(async {
                let stack = kernel::stack().await;
                for addr in kernel::KERNEL {
                    let (listener, remote) = kernel::listen(addr);
                    let serving = tokio::spawn(async move {
                        let (mut stream, _) = listener.accept().await?;
                        echo(&mut stream).await
                    });
                    let stream = stack.connect(remote).await.unwrap();
                    assert_eq!(stream.peer_addr().unwrap(), remote);
                    let (reader, writer) = stream.into_split();
                    transfer(writer, reader, 64 << 20).await;
                    assert_eq!(serving.await.unwrap().unwrap(), 64 << 20);
                }
                stack.abort();
                stack.closed().await.unwrap();
            });
        }
    });
}

/// Reads a little, waits a little: the writer is held back and nothing is lost.
async fn crawl<R: AsyncRead + Unpin>(mut reader: R, len: u64) -> blake3::Hash {
    let (mut hasher, mut block, mut left) = (blake3::Hasher::new(), vec![0; 48 << 10], len);
    while left > 0 {
        let n = reader.read(&mut block).await.unwrap();
        assert_ne!(n, 0);
        hasher.update(&block[..n]);
        left -= n as u64;
        sleep(Duration::from_millis(1)).await;
    }
    hasher.finalize()
}

#[test]
fn a_slow_reader_holds_a_large_write_back() {
    isolated_for(LIMIT, || {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            const LEN: u64 = 32 << 20;
            let stack = kernel::stack().await;
            let listener = stack.listen((OURS[0], 7)).await.unwrap();
            let remote = SocketAddr::new(OURS[0], 7);
            for we_write in [true, false] {
                let (client, (server, _)) =
                    tokio::try_join!(kernel::connect(remote), listener.accept()).unwrap();
                let (sent, received) = if we_write {
                    let mut server = server;
                    tokio::join!(send(&mut server, 1, LEN), crawl(client, LEN))
                } else {
                    let mut client = client;
                    tokio::join!(send(&mut client, 2, LEN), crawl(server, LEN))
                };
                assert_eq!(sent.unwrap(), received);
            }
        });
    });
}

/// A reader that stops for good stops the writer, within the buffers' bounds.
#[test]
fn a_reader_that_stops_stops_the_writer() {
    isolated_for(LIMIT, || {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            let stack = kernel::stack().await;
            let listener = stack.listen((OURS[0], 7)).await.unwrap();
            let remote = SocketAddr::new(OURS[0], 7);
            let (mut client, (mut server, _)) =
                tokio::try_join!(kernel::connect(remote), listener.accept()).unwrap();
            let second = Duration::from_secs(2);
            assert!(
                timeout(second, send(&mut client, 1, 1 << 30))
                    .await
                    .is_err()
            );
            let info = server.info().await.unwrap();
            assert!(info.memory < 40 << 20, "{info:?}");
            assert!(
                timeout(second, send(&mut server, 1, 1 << 30))
                    .await
                    .is_err()
            );
            let info = server.info().await.unwrap();
            assert!(info.memory < 80 << 20, "{info:?}");
        });
    });
}
