//! Our TCP as the client of a server on the kernel's.
//!
//! It runs in a network namespace of its own:
//!
//! ```text
//! cargo run --example connect
//! ```

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use estab_examples::{KERNEL, stack, tun};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn main() -> Result<(), Box<dyn Error>> {
    estab_netns::enter()?;
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let stack = stack(tun().await?)?;
    for addr in KERNEL {
        let server = tokio::net::TcpListener::bind((addr, 0)).await?;
        let addr = server.local_addr()?;
        tokio::spawn(greet(server));

        let mut stream = stack.connect(addr).await?;
        stream.write_all(b"estab").await?;
        stream.shutdown().await?;
        let mut greeting = String::new();
        stream.read_to_string(&mut greeting).await?;
        println!("{} -> {addr}: {greeting}", stream.local_addr()?);
        let info = stream.info().await?;
        println!(
            "  {}, rtt {:?}, cwnd {} bytes",
            info.state, info.rtt, info.cwnd
        );
        if greeting != "hello, estab" {
            return Err("not the greeting expected".into());
        }

        // Nobody listens on port 1.
        match stack.connect(SocketAddr::new(addr.ip(), 1)).await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                println!("  port 1: {error}");
            }
            other => return Err(format!("port 1 answered: {other:?}").into()),
        }
    }
    Ok(())
}

/// Greets one client by the name it sends.
async fn greet(server: tokio::net::TcpListener) -> io::Result<()> {
    let (mut stream, _) = server.accept().await?;
    let mut name = String::new();
    stream.read_to_string(&mut name).await?;
    stream.write_all(format!("hello, {name}").as_bytes()).await
}
