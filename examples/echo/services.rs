//! What the server does with a connection.

use std::error::Error;

use estab::TcpStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const BLOCK: usize = 256 << 10;

/// Sends back what comes, until the peer has sent its last byte. Our direction stays open.
pub(crate) async fn echo(stream: &mut TcpStream) -> Result<(), Box<dyn Error>> {
    let mut block = vec![0; BLOCK];
    loop {
        match stream.read(&mut block).await? {
            0 => return Ok(()),
            n => stream.write_all(&block[..n]).await?,
        }
    }
}

/// Counts what comes and tells the number.
pub(crate) async fn count(mut stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let (mut block, mut count) = (vec![0; BLOCK], 0);
    loop {
        match stream.read(&mut block).await? {
            0 => break,
            n => count += n as u64,
        }
    }
    stream.write_u64(count).await?;
    Ok(stream.shutdown().await?)
}

/// Sends as many bytes as it is asked for.
pub(crate) async fn generate(mut stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let mut left = stream.read_u64().await?;
    let block = vec![0x55; BLOCK];
    while left > 0 {
        let n = left.min(BLOCK as u64) as usize;
        stream.write_all(&block[..n]).await?;
        left -= n as u64;
    }
    Ok(stream.shutdown().await?)
}
