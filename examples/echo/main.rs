//! The Linux kernel talks to an echo server on our own TCP, over a TUN.
//!
//! In a network namespace of its own it shows the handshake, an echo with a hash check, the
//! four-way close and TIME-WAIT, then the throughput both ways and the counters. The exit code is 0
//! only if every byte came back.
//!
//! ```text
//! cargo run --release --example echo -- [--size 256M] [--serve]
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use console::style;
use estab::config::TcpConfig;
use estab::{Stack, State, TcpListener, TcpStream};
use estab_examples::{ESTAB, cidrs, tun};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

mod kernel;
mod serve;
mod services;
mod show;
mod transfer;

use show::{Show, Switch};

/// An echo server on estab, with the Linux kernel as its client.
#[derive(Parser)]
struct Options {
    /// Bytes to move each time, with K, M or G for KiB, MiB or GiB.
    #[arg(long, default_value = "256M", value_parser = size)]
    size: u64,
    /// Keep an echo server on a TUN of this host, for nc and ping from another shell.
    #[arg(long)]
    serve: bool,
}

fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.char_indices().last() {
        Some((end, 'K')) => (&text[..end], 10),
        Some((end, 'M')) => (&text[..end], 20),
        Some((end, 'G')) => (&text[..end], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "not a size: 64K, 256M, 1G")?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "too large".to_owned())
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {error}", style("failed:").red().bold());
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if !options.serve {
        estab_netns::enter()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if options.serve {
        runtime.block_on(serve::serve())
    } else {
        runtime.block_on(demo(options.size))
    }
}

/// MSL for this demonstration, so that the end of TIME-WAIT can be watched.
const MSL: Duration = Duration::from_secs(1);

async fn demo(size: u64) -> Result<(), Box<dyn Error>> {
    let switch = Arc::new(Switch::default());
    let mut tcp = TcpConfig::modern();
    tcp.time_wait.msl = MSL;
    let [v4, v6] = cidrs(ESTAB);
    let stack = Stack::builder()
        .addr(v4)
        .addr(v6)
        .tcp(tcp)
        .build(Show::new(tun().await?, switch.clone()))?;
    for addr in ESTAB {
        let listener = stack.listen((addr, 7)).await?;
        let addr = SocketAddr::new(addr, 7);
        heading(&format!("The kernel connects to estab at {addr}"));
        echo(addr, &listener, size, &switch).await?;
        heading(&format!("Throughput, {addr}"));
        let (client, server) = connect(addr, &listener).await?;
        tokio::try_join!(transfer::upload(client, size), services::count(server))?;
        let (client, server) = connect(addr, &listener).await?;
        tokio::try_join!(transfer::download(client, size), services::generate(server))?;
        heading(&format!("estab closes first, {addr}"));
        time_wait(addr, &listener, &stack, &switch).await?;
    }
    heading("Counters, those that are not 0");
    for (name, count) in stack.stats().await?.iter().filter(|(_, count)| *count > 0) {
        println!("  {name:<24}{count:>16}");
    }
    Ok(())
}

fn heading(text: &str) {
    println!("\n{}", style(text).bold());
}

async fn connect(
    addr: SocketAddr,
    listener: &TcpListener,
) -> Result<(tokio::net::TcpStream, TcpStream), Box<dyn Error>> {
    let (client, (server, _)) = tokio::try_join!(kernel::connect(addr), listener.accept())?;
    Ok((client, server))
}

/// Handshake, echo, and a four-way close that the kernel begins.
async fn echo(
    addr: SocketAddr,
    listener: &TcpListener,
    size: u64,
    switch: &Switch,
) -> Result<(), Box<dyn Error>> {
    switch.on();
    let (mut client, mut server) = connect(addr, listener).await?;
    expect(&client, &server, "ESTABLISHED", State::Established).await?;
    switch.off();

    let client_part = async {
        transfer::echo(&mut client, size, "echo").await?;
        heading("Half-close: the kernel has sent its last byte");
        switch.on();
        client.shutdown().await?;
        Ok::<_, Box<dyn Error>>(())
    };
    // Returns at the end of the stream, the kernel's FIN.
    tokio::try_join!(client_part, services::echo(&mut server))?;
    expect(&client, &server, "FIN-WAIT-2", State::CloseWait).await?;

    heading("estab still sends, then closes too");
    server.write_all(b"one more thing").await?;
    server.shutdown().await?;
    let mut rest = String::new();
    client.read_to_string(&mut rest).await?;
    if rest != "one more thing" {
        return Err(format!("the half-closed direction delivered {rest:?}").into());
    }
    expect(&client, &server, "TIME-WAIT", State::Closed).await?;
    switch.off();
    Ok(())
}

/// A close that estab begins, up to the end of its TIME-WAIT.
async fn time_wait(
    addr: SocketAddr,
    listener: &TcpListener,
    stack: &Stack,
    switch: &Switch,
) -> Result<(), Box<dyn Error>> {
    let (mut client, mut server) = connect(addr, listener).await?;
    switch.on();
    server.shutdown().await?;
    expect(&client, &server, "CLOSE-WAIT", State::FinWait2).await?;
    client.shutdown().await?;
    expect(&client, &server, "CLOSED", State::TimeWait).await?;
    drop((client, server));
    let start = transfer::clock();
    while stack.counts().await?.time_wait > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    println!(
        "  TIME-WAIT is over after {:.1} s (2MSL = {:?})",
        start.elapsed().as_secs_f64(),
        2 * MSL
    );
    switch.off();
    Ok(())
}

/// Waits until both ends are in the states they must reach, and says so.
async fn expect(
    client: &tokio::net::TcpStream,
    server: &TcpStream,
    theirs: &str,
    ours: State,
) -> Result<(), Box<dyn Error>> {
    let (local, remote) = (
        client.local_addr()?,
        SocketAddr::new(server.local_addr()?.ip(), 7),
    );
    let mut seen = (kernel::state(local, remote), server.info().await?.state);
    let reached = timeout(Duration::from_secs(10), async {
        while seen != (theirs, ours) {
            sleep(Duration::from_millis(1)).await;
            seen = (kernel::state(local, remote), server.info().await?.state);
        }
        std::io::Result::Ok(())
    });
    match reached.await {
        Ok(outcome) => outcome?,
        Err(_) => return Err(format!("states are {seen:?}, not {:?}", (theirs, ours)).into()),
    }
    println!(
        "  kernel {}   estab {}",
        style(theirs).green(),
        style(ours).green()
    );
    Ok(())
}
