//! One flow, as the kernel's end of it has it.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use estab_tests::kernel;
use estab_tests::rng::Rng;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use super::server::Service;

/// What a client does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) service: Service,
    /// Bytes each way that has any.
    pub(crate) len: u64,
    /// How long it does nothing once it is connected.
    late: Duration,
    /// Bytes read or written at once.
    block: usize,
    /// How long it rests after every so many blocks.
    rest: Option<(u64, Duration)>,
    /// The kernel's buffers, if they do not follow use.
    buffer: Option<usize>,
}

impl Plan {
    pub(crate) fn draw(rng: &mut Rng, service: Service) -> Self {
        let millis = |n| Duration::from_millis(n);
        let buffer = rng.pick(&[None, None, Some(4 << 10), Some(64 << 10)]);
        let block = rng.pick(&[256 << 10, 256 << 10, 16 << 10, 1000]);
        let most: u64 = match (buffer, block) {
            (Some(4096), _) => 60_000,
            (_, 1000) => 200_000,
            (Some(_), _) => 2_000_000,
            _ => 8_000_000,
        };
        let late = rng.pick(&[0, 0, 1, 30, 250]);
        let rest = rng.pick(&[0, 0, 0, 1, 20]);
        Self {
            service,
            len: rng.between(1, most),
            late: millis(late),
            block,
            rest: (rest > 0).then(|| (rng.between(1, 16), millis(rest))),
            buffer,
        }
    }

    /// Moves the bytes, and counts them in `moved`.
    pub(crate) async fn carry_out(&self, remote: SocketAddr, moved: &AtomicU64) -> io::Result<()> {
        let mut stream = self.open(remote).await?;
        moved.fetch_add(1, Relaxed);
        sleep(self.late).await;
        stream.write_all(&self.service.request(self.len)).await?;
        let (mut reader, mut writer) = stream.split();
        let up = async {
            if self.service.is_up() {
                let block = vec![7; self.block];
                let mut left = self.len;
                for n in 1.. {
                    let most = left.min(self.block as u64) as usize;
                    let sent = writer.write(&block[..most]).await?;
                    moved.fetch_add(sent as u64, Relaxed);
                    left -= sent as u64;
                    if left == 0 {
                        break;
                    }
                    self.rest(n).await;
                }
            }
            writer.shutdown().await
        };
        let down = async {
            let mut block = vec![0; self.block];
            let mut got = 0;
            for n in 1.. {
                let read = reader.read(&mut block).await?;
                moved.fetch_add(read as u64, Relaxed);
                got += read as u64;
                if read == 0 {
                    break;
                }
                self.rest(n).await;
            }
            assert_eq!(got, if self.service.is_down() { self.len } else { 0 });
            Ok(())
        };
        tokio::try_join!(up, down)?;
        Ok(())
    }

    async fn rest(&self, n: u64) {
        if let Some((every, rest)) = self.rest
            && n.is_multiple_of(every)
        {
            sleep(rest).await;
        }
    }

    async fn open(&self, remote: SocketAddr) -> io::Result<TcpStream> {
        let socket = kernel::socket(remote)?;
        if let Some(bytes) = self.buffer {
            SockRef::from(&socket).set_recv_buffer_size(bytes)?;
            SockRef::from(&socket).set_send_buffer_size(bytes)?;
        }
        TcpSocket::from_std_stream(socket.into())
            .connect(remote)
            .await
    }
}
