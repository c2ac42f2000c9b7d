//! Our stack against the kernel's over a TUN.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;
use estab::Stack;
use estab::device::TunDevice;
use futures::future::try_join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

use crate::kernel::{CLIENTS, Wish, serve};
use crate::memory::clock;
use crate::{CHUNK, measure};

const BLOCK: usize = 256 << 10;

pub(crate) fn bench(group: &mut BenchmarkGroup<'_, WallTime>) {
    estab_netns::loopback_up().expect("a namespace");
    estab_netns::disable_dad().expect("a namespace");
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for (offload, how) in [(true, "offload"), (false, "plain")] {
        let stack = runtime.block_on(stack(offload)).expect("a TUN");
        for (family, kernel) in [("IPv4", "10.99.0.1:0"), ("IPv6", "[fd99::1]:0")] {
            let server = serve(kernel.parse().expect("an address")).expect("a server");
            let run = |wish, chunks| {
                let transfer = transfer(&stack, server, wish, chunks * CHUNK);
                wait(&runtime, transfer)
            };
            for (wish, way) in [
                (Wish::Take, "estab to kernel"),
                (Wish::Give, "kernel to estab"),
            ] {
                let name = format!("tun/{how}/{family}/{way}");
                measure(group, &name, None, |chunks| run(wish, chunks));
            }
            if (how, family) != ("offload", "IPv4") {
                continue;
            }
            for (wish, way) in [
                (Wish::Take, "estab to kernel"),
                (Wish::Give, "kernel to estab"),
            ] {
                let name = format!("tun/{how}/{CLIENTS} flows/{way}");
                let mut fairness = Vec::new();
                measure(group, &name, None, |chunks| {
                    let (time, index) = runtime.block_on(flows(&stack, server, wish, chunks));
                    fairness.push(index);
                    time
                });
                fairness.sort_by(f64::total_cmp);
                if let Some(median) = fairness.get(fairness.len() / 2) {
                    println!("{name}: Jain's index of their rates {median:.3}");
                }
            }
        }
        wait(&runtime, async move {
            let driver = stack.clone();
            stack.shutdown().await?;
            driver.closed().await?;
            Ok(Duration::ZERO)
        });
    }
}

fn wait(runtime: &Runtime, transfer: impl Future<Output = io::Result<Duration>>) -> Duration {
    runtime.block_on(transfer).expect("a transfer")
}

/// Moves that many chunks by as many connections as the server takes at once. Tells how long that
/// took, and how alike their rates were: 1 if all had the same, 1/n if one of n had all.
async fn flows(stack: &Stack, server: SocketAddr, wish: Wish, chunks: u64) -> (Duration, f64) {
    let bytes = chunks * CHUNK / CLIENTS as u64 / BLOCK as u64 * BLOCK as u64;
    let start = clock();
    let all = (0..CLIENTS).map(|_| transfer(stack, server, wish, bytes.max(BLOCK as u64)));
    let times = try_join_all(all).await.expect("transfers");
    let rates: Vec<f64> = times.iter().map(|time| 1.0 / time.as_secs_f64()).collect();
    let sum: f64 = rates.iter().sum();
    let squares: f64 = rates.iter().map(|rate| rate * rate).sum();
    (start.elapsed(), sum * sum / (CLIENTS as f64 * squares))
}

async fn stack(offload: bool) -> io::Result<Stack> {
    let tun = TunDevice::builder()
        .addr("10.99.0.1/24")
        .addr("fd99::1/64")
        .offload(offload)
        .build()
        .await?;
    Stack::builder()
        .addr("10.99.0.2/24")
        .addr("fd99::2/64")
        .build(tun)
}

/// Moves `bytes` as the kernel's server is asked to.
async fn transfer(
    stack: &Stack,
    server: SocketAddr,
    wish: Wish,
    bytes: u64,
) -> io::Result<Duration> {
    let mut stream = stack.connect(server).await?;
    let mut block = vec![7; BLOCK];
    let start = clock();
    stream.write_all(&wish.encode(bytes)).await?;
    if let Wish::Take = wish {
        for _ in 0..bytes / BLOCK as u64 {
            stream.write_all(&block).await?;
        }
        stream.read_exact(&mut [0]).await?;
    } else {
        let mut left = bytes;
        while left > 0 {
            left -= match stream.read(&mut block).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => n as u64,
            };
        }
    }
    Ok(start.elapsed())
}
