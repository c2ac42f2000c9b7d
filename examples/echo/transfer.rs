//! Moving bytes and checking them.

use std::error::Error;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BLOCK: usize = 256 << 10;

/// Sends `size` bytes that do not repeat, reads them back and compares the hashes.
///
/// The writing direction stays open.
pub(crate) async fn echo(
    stream: &mut TcpStream,
    size: u64,
    name: &str,
) -> Result<(), Box<dyn Error>> {
    let bar = ProgressBar::new(size).with_message(name.to_owned());
    bar.set_style(ProgressStyle::with_template(
        "  {msg} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec}",
    )?);
    let start = clock();
    let (mut reader, mut writer) = stream.split();
    let send = async {
        let (mut source, mut hash) = (source(), blake3::Hasher::new());
        let (mut block, mut left) = (vec![0; BLOCK], size);
        while left > 0 {
            let part = &mut block[..left.min(BLOCK as u64) as usize];
            source.fill(part);
            hash.update(part);
            writer.write_all(part).await?;
            left -= part.len() as u64;
        }
        std::io::Result::Ok(hash.finalize())
    };
    let receive = async {
        let (mut hash, mut block, mut left) = (blake3::Hasher::new(), vec![0; BLOCK], size);
        while left > 0 {
            let n = (&mut reader).take(left).read(&mut block).await?;
            if n == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            hash.update(&block[..n]);
            bar.inc(n as u64);
            left -= n as u64;
        }
        std::io::Result::Ok(hash.finalize())
    };
    let (sent, received) = tokio::try_join!(send, receive)?;
    bar.finish_and_clear();
    if sent != received {
        return Err(format!("{name}: sent {sent}, received {received}").into());
    }
    println!(
        "  {name}: {} there and back, {}",
        HumanBytes(size),
        rate(size, start.elapsed())
    );
    println!("  {name}: blake3 {received}, equal");
    Ok(())
}

/// The kernel sends, we receive; it is over when we have counted every byte.
pub(crate) async fn upload(mut stream: TcpStream, size: u64) -> Result<(), Box<dyn Error>> {
    let block = vec![0x55; BLOCK];
    let (start, mut left) = (clock(), size);
    while left > 0 {
        let n = left.min(BLOCK as u64) as usize;
        stream.write_all(&block[..n]).await?;
        left -= n as u64;
    }
    stream.shutdown().await?;
    let counted = stream.read_u64().await?;
    if counted != size {
        return Err(format!("sent {size} bytes, estab received {counted}").into());
    }
    println!(
        "  kernel -> estab  {:>9}  {}",
        HumanBytes(size),
        rate(size, start.elapsed())
    );
    Ok(())
}

/// We send, the kernel receives.
pub(crate) async fn download(mut stream: TcpStream, size: u64) -> Result<(), Box<dyn Error>> {
    let (start, mut block, mut counted) = (clock(), vec![0; BLOCK], 0);
    stream.write_u64(size).await?;
    loop {
        match stream.read(&mut block).await? {
            0 => break,
            n => counted += n as u64,
        }
    }
    if counted != size {
        return Err(format!("estab sent {size} bytes, the kernel received {counted}").into());
    }
    println!(
        "  estab -> kernel  {:>9}  {}",
        HumanBytes(size),
        rate(size, start.elapsed())
    );
    Ok(())
}

/// Bytes that do not repeat, the same in each run.
fn source() -> blake3::OutputReader {
    blake3::Hasher::new().update(b"estab").finalize_xof()
}

fn rate(bytes: u64, time: Duration) -> String {
    format!(
        "{:.2} Gbit/s",
        bytes as f64 * 8.0 / time.as_secs_f64() / 1e9
    )
}

#[expect(clippy::disallowed_methods, reason = "a rate is bytes by real time")]
pub(crate) fn clock() -> std::time::Instant {
    std::time::Instant::now()
}
