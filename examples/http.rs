//! An axum application served on our TCP, and fetched by the kernel's.
//!
//! It runs in a network namespace of its own:
//!
//! ```text
//! cargo run --example http
//! ```

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use axum::serve::Listener;
use estab_examples::{ESTAB, stack, tun};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Our listener as axum wants it.
struct Estab(estab::TcpListener);

impl Listener for Estab {
    type Io = estab::TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.0.accept().await {
            Ok(accepted) => accepted,
            // The stack has ended: there will never be another.
            Err(_) => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    estab_netns::enter()?;
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let stack = stack(tun().await?)?;
    let application = Router::new().route("/", get(|| async { "served by estab\n" }));
    for addr in ESTAB {
        let addr = SocketAddr::new(addr, 80);
        let listener = Estab(stack.listen(addr).await?);
        tokio::spawn(axum::serve(listener, application.clone()).into_future());
        let answer = fetch(addr).await?;
        println!("GET http://{addr}/\n\n{answer}");
        if !answer.starts_with("HTTP/1.1 200") || !answer.ends_with("served by estab\n") {
            return Err("not the answer expected".into());
        }
    }
    Ok(())
}

/// Fetches `/` over a socket of the kernel.
async fn fetch(addr: SocketAddr) -> Result<String, Box<dyn Error>> {
    let mut stream = tokio::net::TcpStream::connect(addr).await?;
    let request = format!("GET / HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
