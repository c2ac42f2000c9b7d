//! One stack over one queue of a TUN, and over several with a thread each: what the kernel's clients
//! get out of it.
//!
//! ```text
//! cargo bench -p estab-benches --bench shards
//! ```
//!
//! The two take turns, and the medians of the ratios are printed. More queues need processors of their
//! own: where the clients take all there are, the ratio is 1 at best.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use estab::device::TunDevice;
use estab::{Stack, TcpListener};
use estab_tests::kernel::{self, INTERFACE, KERNEL, OURS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Clients at the same time.
const CLIENTS: usize = 8;

/// How long they load the stack.
const TIME: Duration = Duration::from_millis(500);

const ROUNDS: usize = 7;

const QUEUES: [usize; 2] = [1, 2];

/// What a client does over and over; returns what it has got done.
type Client = fn(SocketAddr, &AtomicBool, &AtomicU64) -> io::Result<()>;

const ROWS: [(&str, u16, Client); 3] = [
    ("bulk into the stack", 1, sink),
    ("bulk out of the stack", 2, source),
    ("connect, a byte each way, close", 3, exchange),
];

fn sink(remote: SocketAddr, stop: &AtomicBool, done: &AtomicU64) -> io::Result<()> {
    let mut stream = connect(remote)?;
    let block = vec![1; 256 << 10];
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(&block)?;
        done.fetch_add(block.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}

fn source(remote: SocketAddr, stop: &AtomicBool, done: &AtomicU64) -> io::Result<()> {
    let mut stream = connect(remote)?;
    let mut block = vec![0; 256 << 10];
    while !stop.load(Ordering::Relaxed) {
        done.fetch_add(stream.read(&mut block)? as u64, Ordering::Relaxed);
    }
    Ok(())
}

fn exchange(remote: SocketAddr, stop: &AtomicBool, done: &AtomicU64) -> io::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let mut stream = connect(remote)?;
        stream.write_all(b"x")?;
        stream.read_exact(&mut [0])?;
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn connect(remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = kernel::socket(remote)?;
    socket.set_nonblocking(false)?;
    // So that a port is free again at once.
    socket.set_linger(Some(Duration::ZERO))?;
    socket.connect(&remote.into())?;
    Ok(socket.into())
}

async fn serve(port: u16, listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut block = vec![0; 256 << 10];
            match port {
                1 => while stream.read(&mut block).await? > 0 {},
                2 => loop {
                    stream.write_all(&block).await?;
                },
                _ => {
                    let byte = stream.read_u8().await?;
                    stream.write_u8(byte).await?;
                    let _ = stream.read(&mut block).await?;
                }
            }
            io::Result::Ok(())
        });
    }
}

/// What all clients got done in a second.
async fn measure(queues: usize, port: u16, client: Client) -> Result<f64, Box<dyn Error>> {
    let tuns = TunDevice::builder().name(INTERFACE).addr((KERNEL[0], 24));
    let tuns = tuns.build_queues(queues).await?;
    let stack = Stack::builder().addr((OURS[0], 24)).build_threads(tuns)?;
    let remote = SocketAddr::new(OURS[0], port);
    let listeners = TcpListener::bind_each(&stack, remote).await?;
    for (shard, listener) in stack.shards().zip(listeners) {
        shard.spawn(serve(port, listener));
    }
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let done = thread::scope(|scope| {
        for _ in 0..CLIENTS {
            // One that fails shows in the sum.
            scope.spawn(|| client(remote, &stop, &done));
        }
        // A fifth of the time to get going.
        thread::sleep(TIME / 5);
        let before = done.load(Ordering::Relaxed);
        thread::sleep(TIME);
        let after = done.load(Ordering::Relaxed);
        stop.store(true, Ordering::Relaxed);
        after - before
    });
    stack.abort();
    stack.closed().await?;
    Ok(done as f64 / TIME.as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Box<dyn Error>> {
    estab_netns::enter()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    println!(
        "{:34} {:>14} {:>14} {:>8}",
        "each second", "1 queue", "2 queues", "ratio"
    );
    for (name, port, client) in ROWS {
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (rates, queues) in rates.iter_mut().zip(QUEUES) {
                rates.push(runtime.block_on(measure(queues, port, client))?);
            }
        }
        let [one, two] = &rates;
        let ratio = median(one.iter().zip(two).map(|(one, two)| two / one).collect());
        let (one, two) = (median(one.clone()), median(two.clone()));
        println!("{name:34} {one:14.0} {two:14.0} {ratio:8.2}");
    }
    Ok(())
}
